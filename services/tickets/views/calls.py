"""A ticket's calls and promises, and the promises that are due everywhere."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.calls.attempts import scheduled_on
from services.tickets.calls.numbers import numbers_of
from services.tickets.thread_repository import family
from services.tickets.views.call_models import CallNumberView, CallsView, CallView, PromiseView
from services.tickets.views.shapes import PersonRef
from shared import clock
from shared.models import CallAttempt, Person, Promise, Ticket
from shared.settings import Settings

DUE = 50  # promises that a list shows
ATTEMPTS = 20


async def calls_view(session: AsyncSession, settings: Settings, ticket: Ticket) -> CallsView:
    found = await session.execute(
        select(CallAttempt, Person.name)
        .join(Person, Person.id == CallAttempt.person_id)
        .where(CallAttempt.ticket_id.in_(family(ticket.id)))
        .order_by(CallAttempt.id.desc())
        .limit(ATTEMPTS)
    )
    attempts = [call_view(attempt, name) for attempt, name in found]
    scheduled = await scheduled_on(session, ticket.id)
    return CallsView(
        numbers=[
            CallNumberView(number=each.number, source=each.source, wrong=each.wrong)
            for each in await numbers_of(session, ticket)
        ],
        calling=next((each for each in attempts if each.outcome is None), None),
        attempts=[each for each in attempts if each.outcome is not None],
        next_call_at=scheduled.call_at if scheduled else None,
        promises=await _promises(
            session,
            settings,
            _select()
            .where(Promise.ticket_id.in_(family(ticket.id)))
            .order_by(Promise.kept_at.is_not(None), Promise.due_on.nulls_last(), Promise.id),
        ),
    )


def call_view(attempt: CallAttempt, name: str) -> CallView:
    return CallView(
        id=attempt.id,
        ticket_id=attempt.ticket_id,
        person=PersonRef(id=attempt.person_id, name=name),
        number=attempt.number,
        started_at=attempt.started_at,
        ended_at=attempt.ended_at,
        outcome=attempt.outcome,
        note=attempt.note,
    )


async def due_promises(session: AsyncSession, settings: Settings, person_id: int | None = None) -> list[PromiseView]:
    """What must be looked at today, what is latest first; of one person, or of everybody.

    A person's are those they made and those on tickets that are theirs now.
    """
    statement = (
        _select()
        .join(Ticket, Ticket.id == Promise.ticket_id)
        .where(Promise.kept_at.is_(None), Promise.remind_at <= clock.now())
        .order_by(Promise.due_on, Promise.id)
        .limit(DUE)
    )
    if person_id is not None:
        statement = statement.where(func.coalesce(Ticket.assignee_id, Promise.person_id) == person_id)
    return await _promises(session, settings, statement)


async def promise_view(session: AsyncSession, settings: Settings, promise_id: int) -> PromiseView:
    (found,) = await _promises(session, settings, _select().where(Promise.id == promise_id))
    return found


def _select() -> Select[*tuple[Any, ...]]:
    return select(Promise, Person.name).join(Person, Person.id == Promise.person_id)


async def _promises(
    session: AsyncSession, settings: Settings, statement: Select[*tuple[Any, ...]]
) -> list[PromiseView]:
    now = clock.now()
    today = now.astimezone(ZoneInfo(settings.timezone)).date()
    return [_view(promise, name, today) for promise, name in await session.execute(statement)]


def _view(promise: Promise, name: str, today: date) -> PromiseView:
    waits = promise.kept_at is None
    return PromiseView(
        id=promise.id,
        ticket_id=promise.ticket_id,
        text=promise.text,
        due_on=promise.due_on,
        by=PersonRef(id=promise.person_id, name=name),
        made_at=promise.created_at,
        due=waits and promise.remind_at is not None and promise.remind_at <= clock.now(),
        late=waits and promise.due_on is not None and promise.due_on < today,
        kept_at=promise.kept_at,
    )
