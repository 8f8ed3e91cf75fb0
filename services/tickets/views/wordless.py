"""Hang-ups and silence as a supervisor looks through them: each matter with its calls."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.tickets.views.caller_models import SilentCalls
from services.tickets.views.models import TicketRow
from services.tickets.views.rows import select_rows, ticket_row
from shared.models import Intake, Recording, Ticket, TicketKind, TicketState

MOST = 200


async def silent_of(session: AsyncSession, ticket: TicketRow) -> SilentCalls | None:
    """The calls of one ticket; none for an ordinary one."""
    if ticket.kind is TicketKind.CONTACT:
        return None
    return next(iter(await silent_calls(session, ticket.id)), None)


async def silent_calls(session: AsyncSession, ticket_id: int | None = None) -> list[SilentCalls]:
    """Open tickets of calls without words, the last call first; of one ticket, whatever its state."""
    part = aliased(Ticket)
    calls = (
        select(
            func.coalesce(part.merged_into_id, part.id).label("ticket_id"),
            func.count().label("calls"),
            func.min(Recording.called_at).label("first"),
            func.max(Recording.called_at).label("last"),
            func.max(Recording.caller_id).label("caller_id"),
            func.sum(Recording.duration_s).label("seconds"),
        )
        .join(Intake, Intake.ticket_id == part.id)
        .join(Recording, Recording.id == Intake.recording_id)
        .where(part.kind != TicketKind.CONTACT)
        .group_by(func.coalesce(part.merged_into_id, part.id))
        .subquery()
    )
    statement = select_rows(calls.c.calls, calls.c.first, calls.c.last, calls.c.caller_id, calls.c.seconds).join(
        calls, calls.c.ticket_id == Ticket.id
    )
    if ticket_id is not None:
        statement = statement.where(Ticket.id == ticket_id)
    else:
        statement = statement.where(Ticket.kind != TicketKind.CONTACT, Ticket.state != TicketState.CLOSED)
    found = await session.execute(statement.order_by(calls.c.last.desc(), Ticket.id.desc()).limit(MOST))
    return [
        SilentCalls(
            ticket=ticket_row(row),
            caller_id=row.caller_id,
            calls=row.calls,
            first_at=row.first,
            last_at=row.last,
            minutes=(row.last - row.first) / timedelta(minutes=1),
            seconds=row.seconds,
        )
        for row in found
    ]
