"""What people do about a ticket that nobody there may answer: take care of it, and note the interpreter line."""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.alerts import take_alert
from services.tickets.locks import lock_ticket
from services.tickets.rights import require_mine
from shared import audit, clock
from shared.errors import Conflict, Invalid
from shared.events import Event, publish
from shared.models import Alert, AlertKind, Entry, EntryKind, LadderStep, Ticket, TicketState
from shared.people import Actor, Permission
from shared.settings import Settings

MAX_LINE = 200


async def take_care(session: AsyncSession, me: Actor, ticket_id: int) -> int:
    """Say «I take care of it» of all that was done so far, and of the alert that names this ticket.

    Returns how many steps that were. Conflict: nothing waits for anybody. The ticket stays in the queue as it was.
    """
    me.require(Permission.ALERT_TAKE)
    ticket = await lock_ticket(session, ticket_id)
    steps = list(
        await session.scalars(
            update(LadderStep)
            .where(
                LadderStep.ticket_id == ticket_id,
                LadderStep.wait_began_at == ticket.queued_at,
                LadderStep.acknowledged_at.is_(None),
            )
            .values(acknowledged_at=clock.now(), acknowledged_by_id=me.id)
            .returning(LadderStep.rung)
        )
    )
    if not steps:
        raise Conflict("Nothing about ticket {number} waits for you: somebody takes care of it.", number=ticket_id)
    rungs = sorted(rung.value for rung in steps)
    session.add(
        Entry(
            ticket_id=ticket_id, kind=EntryKind.LADDER, actor_id=me.id, detail={"what": "acknowledged", "rungs": rungs}
        )
    )
    audit.record(
        session, me.id, "ladder.acknowledge", object_type="ticket", object_id=ticket_id, ticket_id=ticket_id,
        detail={"rungs": rungs}, ip=me.ip,
    )  # fmt: skip
    alerts = await session.scalars(
        select(Alert.id).where(
            Alert.ticket_id == ticket_id,
            Alert.kind.in_([AlertKind.NO_BILINGUAL, AlertKind.NO_CSR2]),
            Alert.taken_at.is_(None),
        )
    )
    for alert_id in alerts:
        await take_alert(session, me, alert_id)
    await publish(session, Event("ticket", ticket_id, what="ladder"))
    return len(steps)


async def use_interpreter(
    session: AsyncSession, settings: Settings, me: Actor, ticket_id: int, line: str = ""
) -> Entry:
    """Note that the customer is spoken to through the interpreter line; `line`: another one than the settings name."""
    me.require(Permission.TICKET_WORK)
    line = line.strip() or settings.interpreter_line.strip()
    if not line:
        raise Invalid("Write which interpreter line you use: none is entered in the settings.", field="line")
    if len(line) > MAX_LINE:
        raise Invalid("Please keep it under {limit} characters.", field="line", limit=MAX_LINE)
    ticket = await lock_ticket(session, ticket_id)
    if ticket.state is TicketState.CLOSED:
        raise Conflict("Ticket {number} is closed. Reopen it first.", number=ticket_id)
    require_mine(me, ticket)
    entry = Entry(ticket_id=ticket_id, kind=EntryKind.LADDER, actor_id=me.id, detail={"what": "used", "line": line})
    session.add(entry)
    await session.flush()
    audit.record(
        session, me.id, "ladder.interpreter", object_type="entry", object_id=entry.id, ticket_id=ticket_id,
        detail={"line": line}, ip=me.ip,
    )  # fmt: skip
    await publish(session, Event("ticket", ticket_id, what="ladder"))
    return entry


def given_without_language(settings: Settings, me: Actor, ticket: Ticket, person_id: int, person: str) -> Entry:
    """The line on the timeline of a ticket that a supervisor gave to somebody who is not verified in its language."""
    return Entry(
        ticket_id=ticket.id,
        kind=EntryKind.LADDER,
        actor_id=me.id,
        detail={
            "what": "given",
            "person_id": person_id,
            "person": person,
            "language": ticket.language,
            "line": settings.interpreter_line.strip(),
        },
    )
