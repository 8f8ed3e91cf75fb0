"""Tickets as lists show them: one statement, whatever the list."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.locks import OPEN
from services.tickets.views.models import LanguageCount, PersonRef, TextPiece, TicketRow
from services.tickets.views.urgency_models import urgent
from shared import clock
from shared.models import (
    UNOFFERED,
    Assignment,
    Customer,
    CustomerIdentity,
    Person,
    Promise,
    ScheduledCall,
    SlaClock,
    Ticket,
    TicketState,
)

_address = (
    select(CustomerIdentity.value)
    .where(CustomerIdentity.customer_id == Ticket.customer_id)
    .order_by(CustomerIdentity.kind, CustomerIdentity.value)
    .limit(1)
    .correlate(Ticket)
    .scalar_subquery()
)

_next_call = (
    select(ScheduledCall.call_at)
    .where(ScheduledCall.ticket_id == Ticket.id, ScheduledCall.ended_at.is_(None))
    .correlate(Ticket)
    .scalar_subquery()
)


def _promise_due() -> ColumnElement[bool]:
    return (
        exists()
        .where(Promise.ticket_id == Ticket.id, Promise.kept_at.is_(None), Promise.remind_at <= clock.now())
        .correlate(Ticket)
    )


_pinned = (
    exists().where(Assignment.ticket_id == Ticket.id, Assignment.state.in_(OPEN), Assignment.pinned).correlate(Ticket)
)


def _nearly_due() -> ColumnElement[bool]:
    return (
        exists()
        .where(
            SlaClock.ticket_id == Ticket.id,
            SlaClock.kind == Ticket.due_kind,
            SlaClock.ended_at.is_(None),
            SlaClock.warn_at <= clock.now(),
        )
        .correlate(Ticket)
    )


def select_rows(*extra: Any) -> Select[Any]:
    """Columns of a TicketRow, then `extra`; add conditions and an order."""
    return (
        select(
            Ticket,
            func.coalesce(Customer.name, "").label("customer_name"),
            func.coalesce(_address, "").label("customer_address"),
            Person.name.label("assignee_name"),
            _next_call.label("next_call_at"),
            _promise_due().label("promise_due"),
            _pinned.label("pinned"),
            _nearly_due().label("nearly_due"),
            *extra,
        )
        .outerjoin(Customer, Customer.id == Ticket.customer_id)
        .outerjoin(Person, Person.id == Ticket.assignee_id)
    )


def ticket_row(row: Row[Any], excerpt: Sequence[TextPiece] = ()) -> TicketRow:
    ticket: Ticket = row[0]
    assignee = None
    if ticket.assignee_id is not None:
        assignee = PersonRef(id=ticket.assignee_id, name=row.assignee_name)
    return TicketRow(
        id=ticket.id,
        channel=ticket.channel,
        kind=ticket.kind,
        state=ticket.state,
        subject=ticket.subject,
        customer_name=row.customer_name,
        customer_address=row.customer_address,
        language=ticket.language,
        language_confidence=ticket.language_confidence,
        topic=ticket.topic,
        also_topics=ticket.also_topics,
        level=ticket.level,
        priority=ticket.priority,
        assignee=assignee,
        queued_at=ticket.queued_at,
        due_at=ticket.due_at,
        due_kind=ticket.due_kind,
        nearly_due=row.nearly_due,
        first_responded_at=ticket.first_responded_at,
        updated_at=ticket.updated_at,
        next_call_at=row.next_call_at if ticket.state is TicketState.WAITING else None,
        promise_due=row.promise_due,
        pinned=row.pinned,
        urgent=urgent(ticket.urgency),
        excerpt=list(excerpt),
    )


async def rows(session: AsyncSession, statement: Select[Any]) -> list[TicketRow]:
    return [ticket_row(row) for row in await session.execute(statement)]


async def language_counts(session: AsyncSession) -> list[LanguageCount]:
    """How much waits in each language, what waits longest first."""
    statement = (
        select(
            Ticket.language,
            func.count().filter(Ticket.state == TicketState.QUEUED).label("queued"),
            func.count().filter(Ticket.state == TicketState.OFFERED).label("offered"),
            func.count().filter(Ticket.due_at < clock.now()).label("overdue"),
            func.min(Ticket.queued_at).label("oldest"),
        )
        .where(Ticket.state.in_([TicketState.QUEUED, TicketState.OFFERED]), Ticket.kind.not_in(UNOFFERED))
        .group_by(Ticket.language)
        .order_by(func.min(Ticket.queued_at))
    )
    return [
        LanguageCount(
            language=row.language,
            queued=row.queued,
            offered=row.offered,
            overdue=row.overdue,
            oldest_queued_at=row.oldest,
        )
        for row in await session.execute(statement)
    ]
