"""Finds tickets whose clocks do not go as their state says, and sets them right: the sweep behind clocks/moves.py."""

from typing import Any

from sqlalchemy import Select, and_, exists, or_, select

from services.tickets.clocks import moves
from services.tickets.clocks.clocks import RESPONSES
from shared.database import Database
from shared.models import UNOFFERED, ClockKind, Delivery, DeliveryKind, SlaClock, Ticket, TicketState
from shared.settings import Settings

BATCH = 500


async def settle(database: Database, settings: Settings) -> int:
    """How many tickets were set right. Each is a transaction of its own."""
    found = await _some(database, _astray())
    for ticket_id in found:
        async with database.transaction() as session:
            ticket = await session.scalar(_locked(ticket_id))
            if ticket is not None:
                # The ticket knows when it changed; that somebody looks at it now says nothing.
                await moves.follow(session, settings, ticket, ticket.closed_at or ticket.updated_at)
    return len(found)


async def begin_old(database: Database, settings: Settings) -> int:
    """Clocks of tickets that are older than clocks, from when their customers' wait began; returns how many."""
    total, last = 0, 0
    while found := await _some(database, _without().where(Ticket.id > last)):
        for ticket_id in found:
            async with database.transaction() as session:
                ticket = await session.scalar(_locked(ticket_id))
                if ticket is not None:
                    await moves.begin_again(session, settings, ticket, ticket.queued_at)
                    await moves.follow(session, settings, ticket, ticket.updated_at)
        total, last = total + len(found), found[-1]
    return total


async def _some(database: Database, statement: Select[Any]) -> list[int]:
    async with database.transaction() as session:
        return list(await session.scalars(statement.order_by(Ticket.id).limit(BATCH)))


def _locked(ticket_id: int) -> Select[Any]:
    """None when somebody works on it at this moment: they leave it right, or it is found again."""
    return select(Ticket).where(Ticket.id == ticket_id).with_for_update(skip_locked=True)


def _without() -> Select[Any]:
    return select(Ticket.id).where(
        Ticket.state != TicketState.CLOSED,
        Ticket.kind.not_in(UNOFFERED),
        ~exists().where(SlaClock.ticket_id == Ticket.id),
    )


def _astray() -> Select[Any]:
    """Resolution runs though the ticket waits, something stands still though it does not, or it is closed."""
    answer_leaves = exists().where(
        Delivery.ticket_id == Ticket.id, Delivery.kind == DeliveryKind.REPLY, Delivery.state.in_(moves.ON_ITS_WAY)
    )
    closed, waits = Ticket.state == TicketState.CLOSED, Ticket.state == TicketState.WAITING
    resolution = SlaClock.kind == ClockKind.RESOLUTION
    wrong = or_(
        and_(waits, resolution, SlaClock.running_since.is_not(None)),
        and_(~waits, ~closed, SlaClock.running_since.is_(None)),
        and_(closed, or_(resolution, and_(SlaClock.kind.in_(RESPONSES), ~answer_leaves))),
    )
    clocks = exists().where(SlaClock.ticket_id == Ticket.id, SlaClock.ended_at.is_(None), wrong)
    return select(Ticket.id).where(clocks)
