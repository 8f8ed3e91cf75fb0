"""Calls that are scheduled: the ticket waits for its customer, and when it is time it returns.

After attempts without an answer the clocks of its answers stand still meanwhile (clocks/moves.py). `queued_at` never
changes, so that the ticket has waited as long as its customer has.
"""

from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import presence
from services.tickets.clocks import moves as clocks
from services.tickets.locks import lock_ticket, open_assignment
from services.tickets.routing.handover import take_back
from shared import audit, clock
from shared.database import Database, ring
from shared.errors import Conflict, Invalid
from shared.events import Event, publish
from shared.jobs import Job
from shared.models import (
    AssignmentState,
    Entry,
    EntryKind,
    Person,
    Presence,
    ScheduledCall,
    ScheduledEnd,
    Ticket,
    TicketState,
)
from shared.people import Actor
from shared.settings import Settings

BATCH = 200
LATEST = timedelta(days=60)  # further ahead a date is a mistake of typing


async def open_call(session: AsyncSession, ticket_id: int) -> ScheduledCall | None:
    """The call that is scheduled on a locked ticket."""
    found: ScheduledCall | None = await session.scalar(
        select(ScheduledCall).where(ScheduledCall.ticket_id == ticket_id, ScheduledCall.ended_at.is_(None))
    )
    return found


async def wait_until(
    session: AsyncSession,
    settings: Settings,
    ticket: Ticket,
    call_at: datetime,
    *,
    actor: Actor | None,
    detail: dict[str, object] | None = None,
) -> ScheduledCall:
    """Let a locked ticket that somebody works on wait until `call_at`; another time replaces the one that was set."""
    if ticket.state not in (TicketState.ASSIGNED, TicketState.WAITING):
        raise Conflict("Take ticket {number} first: a call is scheduled by who works on it.", number=ticket.id)
    await end(session, ticket, ScheduledEnd.CHANGED)
    now = clock.now()
    scheduled = ScheduledCall(
        ticket_id=ticket.id,
        call_at=call_at,
        by_id=actor.id if actor else None,
        created_at=now,
    )
    session.add(scheduled)
    if ticket.state is TicketState.ASSIGNED:
        ticket.state = TicketState.WAITING
        ring(session, Job.ROUTE, 0)  # somebody has room again
    _changed(ticket, now)
    session.add(
        Entry(
            ticket_id=ticket.id,
            kind=EntryKind.CALL,
            actor_id=actor.id if actor else None,
            detail={"what": "scheduled", "call_at": call_at.isoformat(), **(detail or {})},
        )
    )
    await clocks.follow(session, settings, ticket, now)
    await publish(session, Event("ticket", ticket.id, _people(ticket), "call"))
    return scheduled


async def end(session: AsyncSession, ticket: Ticket, how: ScheduledEnd) -> bool:
    """The ticket, which is locked, waits for no call any more. False: it did not wait for one."""
    scheduled = await open_call(session, ticket.id)
    if scheduled is None:
        return False
    scheduled.ended_at, scheduled.ended_how = clock.now(), how
    await session.flush()
    return True


async def set_time(session: AsyncSession, settings: Settings, me: Actor, ticket: Ticket, call_at: datetime) -> None:
    """A representative says when to call. Raises Invalid for a time that is past or far off."""
    now = clock.now()
    if call_at <= now:
        raise Invalid("This time is past. Choose a later one.", field="at")
    if call_at > now + LATEST:
        raise Invalid("Choose a time in the next {days} days.", field="at", days=LATEST.days)
    scheduled = await wait_until(session, settings, ticket, call_at, actor=me)
    audit.record(
        session, me.id, "call.schedule", object_type="scheduled_call", object_id=scheduled.id, ticket_id=ticket.id,
        detail={"at": call_at.isoformat()}, ip=me.ip,
    )  # fmt: skip


async def come_due(database: Database, settings: Settings) -> int:
    """Bring back what is to be called now; returns how many tickets. Each is a transaction of its own."""
    async with database.transaction() as session:
        due = list(
            await session.scalars(
                select(ScheduledCall.ticket_id)
                .join(Ticket, Ticket.id == ScheduledCall.ticket_id)
                .where(
                    ScheduledCall.ended_at.is_(None),
                    or_(ScheduledCall.call_at <= clock.now(), Ticket.state != TicketState.WAITING),
                )
                .order_by(ScheduledCall.call_at)
                .limit(BATCH)
            )
        )
    failures: list[Exception] = []
    for ticket_id in due:
        try:
            async with database.transaction() as session:
                await _bring_back(session, settings, ticket_id)
        except Exception as error:  # one that fails keeps no other from coming back; the sweep reports it
            failures.append(error)
    if failures:
        raise failures[0]
    return len(due)


async def _bring_back(session: AsyncSession, settings: Settings, ticket_id: int) -> None:
    """To its person if they are there, else to the queue."""
    ticket = await lock_ticket(session, ticket_id)
    scheduled = await open_call(session, ticket_id)
    waits = ticket.state is TicketState.WAITING
    if scheduled is None or (waits and scheduled.call_at > clock.now()):
        return
    await end(session, ticket, ScheduledEnd.DUE if waits else ScheduledEnd.MOVED_ON)
    if not waits:  # somebody went on with it, or closed it
        await clocks.follow(session, settings, ticket)
        return
    holder = ticket.assignee_id
    assignment = await open_assignment(session, ticket_id)
    there = holder is not None and await _is_there(session, holder)
    if there or assignment is None or assignment.pinned:
        ticket.state = TicketState.ASSIGNED
        _changed(ticket, clock.now())
    else:
        await take_back(
            session, ticket, assignment, state=AssignmentState.WITHDRAWN, kind=EntryKind.RELEASED, cause="call_due"
        )
        ring(session, Job.ROUTE, ticket.id)
    session.add(Entry(ticket_id=ticket_id, kind=EntryKind.CALL, detail={"what": "due"}))
    await clocks.follow(session, settings, ticket)
    await publish(session, Event("ticket", ticket_id, (holder,) if holder is not None else (), "call_due"))


async def _is_there(session: AsyncSession, person_id: int) -> bool:
    person = await session.get_one(Person, person_id)
    state = await session.get(Presence, person_id)
    at_work = person.active and state is not None and state.intent in presence.AT_WORK
    return at_work and await presence.is_live(session, person_id, clock.now())


def _changed(ticket: Ticket, now: datetime) -> None:
    ticket.rev += 1
    ticket.updated_at = now


def _people(ticket: Ticket) -> tuple[int, ...]:
    return (ticket.assignee_id,) if ticket.assignee_id is not None else ()
