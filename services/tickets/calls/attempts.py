"""A call to a customer, from «I am calling» to how it ended."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import presence
from services.tickets.caller_actions import reject
from services.tickets.calls import promises, schedule
from services.tickets.calls.numbers import NumberSource, as_tel, callbacks_of, numbers_of
from services.tickets.calls.when import next_call
from services.tickets.clocks import moves as clocks
from services.tickets.desk import move
from services.tickets.locks import lock_ticket
from services.tickets.new_ticket import storable
from services.tickets.rights import require_mine, require_not_merged
from shared import audit, clock
from shared.calendar import load_open_time
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.events import Event, publish
from shared.models import (
    CallAttempt,
    CallOutcome,
    Entry,
    EntryKind,
    Person,
    Priority,
    ScheduledCall,
    ScheduledEnd,
    Ticket,
    TicketState,
)
from shared.people import Actor, Permission
from shared.settings import Settings

MAX_NOTE = 4_000
FORGOTTEN = timedelta(hours=1)  # nobody said how the call ended: others may call
UNANSWERED = (CallOutcome.NO_ANSWER, CallOutcome.LEFT_MESSAGE)
LOGGED = (CallOutcome.REACHED, *UNANSWERED, CallOutcome.WRONG_NUMBER)


@dataclass(frozen=True)
class Told:
    """How a call ended, as its caller says it."""

    outcome: CallOutcome
    note: str = ""
    promise: str = ""
    promise_by: date | None = None
    then: TicketState | None = None  # of a customer who was reached: let the ticket wait, or close it


async def start(
    session: AsyncSession, settings: Settings, me: Actor, ticket_id: int, number: str | None = None
) -> CallAttempt:
    """«I am calling»: others see it, and nobody else can begin. Without `number`, the likeliest one.

    Raises Conflict when somebody is calling already, Invalid without a number.
    """
    me.require(Permission.TICKET_WORK)
    ticket = await lock_ticket(session, ticket_id)
    require_not_merged(ticket)
    if ticket.state is TicketState.CLOSED:
        raise Conflict("Ticket {number} is closed. Reopen it first.", number=ticket_id)
    require_mine(me, ticket)
    current = await _open_on(session, ticket_id)
    if current is not None and current.person_id == me.id:
        return current
    if current is not None:
        await _refuse_or_forget(session, current)
    await _not_elsewhere(session, me)
    if number is None or not number.strip():
        offered = await numbers_of(session, ticket)
        chosen = offered[0].number if offered else None
        if chosen is None:
            raise Invalid("There is no telephone number. Write one down.", field="number")
    else:
        chosen = as_tel(number)
        if chosen is None:
            raise Invalid("{phone} is not a telephone number.", field="number", phone=number[:40])
    if await schedule.end(session, ticket, ScheduledEnd.CALLED) and ticket.state is TicketState.WAITING:
        await move(session, settings, me, ticket, TicketState.ASSIGNED)
    attempt = CallAttempt(ticket_id=ticket_id, person_id=me.id, number=chosen, started_at=clock.now())
    session.add(attempt)
    await session.flush()
    audit.record(
        session, me.id, "call.start", object_type="call_attempt", object_id=attempt.id, ticket_id=ticket_id,
        detail={"number": chosen}, ip=me.ip,
    )  # fmt: skip
    await presence.acted(session, me.id)
    await _tell(session, ticket, me, "calling")
    return attempt


async def log(
    session: AsyncSession, settings: Settings, me: Actor, ticket_id: int, attempt_id: int, told: Told
) -> CallAttempt:
    """How the call ended, and all that follows: the clock, the wait for the next call, the promise."""
    me.require(Permission.TICKET_WORK)
    if told.outcome not in LOGGED:
        raise Invalid("Say how the call ended.", field="outcome")
    note = storable(told.note).strip()
    if len(note) > MAX_NOTE:
        raise Invalid("Please keep the text under {limit} characters.", field="note", limit=MAX_NOTE)
    if told.promise_by is not None and not told.promise.strip():
        raise Invalid("Say what was promised.", field="promise")
    ticket = await lock_ticket(session, ticket_id)
    attempt = await _mine(session, me, ticket_id, attempt_id)
    _end(attempt, told.outcome, note)
    detail: dict[str, object] = {}
    if told.outcome is CallOutcome.WRONG_NUMBER:
        detail["cleared"] = await _forget_number(session, me, ticket, attempt.number)
    await session.flush()
    _write(session, attempt, me.id, detail)
    if told.promise.strip():
        await promises.make(
            session, settings, me, ticket_id, text=told.promise, due_on=told.promise_by, attempt_id=attempt.id
        )
    if told.outcome is CallOutcome.REACHED:
        await _reached(session, settings, me, ticket, told.then)
    elif told.outcome in UNANSWERED:
        await _unanswered(session, settings, ticket)
    ticket.updated_at = clock.now()
    audit.record(
        session, me.id, "call.log", object_type="call_attempt", object_id=attempt.id, ticket_id=ticket_id,
        detail={"outcome": told.outcome.value, "number": attempt.number}, ip=me.ip,
    )  # fmt: skip
    await presence.acted(session, me.id)
    await _tell(session, ticket, me, "called")
    return attempt


async def drop(session: AsyncSession, me: Actor, ticket_id: int, attempt_id: int) -> CallAttempt:
    """No call was made after all. Those who assign work may end anybody's."""
    me.require(Permission.TICKET_WORK)
    ticket = await lock_ticket(session, ticket_id)
    attempt = await _mine(session, me, ticket_id, attempt_id)
    _end(attempt, CallOutcome.NOT_MADE)
    _write(session, attempt, me.id)
    audit.record(
        session, me.id, "call.drop", object_type="call_attempt", object_id=attempt.id, ticket_id=ticket_id, ip=me.ip
    )
    await _tell(session, ticket, me, "called")
    return attempt


async def _open_on(session: AsyncSession, ticket_id: int) -> CallAttempt | None:
    found: CallAttempt | None = await session.scalar(
        select(CallAttempt).where(CallAttempt.ticket_id == ticket_id, CallAttempt.ended_at.is_(None))
    )
    return found


async def _refuse_or_forget(session: AsyncSession, current: CallAttempt) -> None:
    if clock.now() - current.started_at < FORGOTTEN:
        name = await session.scalar(select(Person.name).where(Person.id == current.person_id))
        raise Conflict("{name} is calling this customer right now.", name=name or "?")
    _end(current, CallOutcome.NOT_LOGGED)
    _write(session, current, None)
    await session.flush()


async def _not_elsewhere(session: AsyncSession, me: Actor) -> None:
    """One telephone, one call: what one forgot to log is asked for first, while it is fresh."""
    elsewhere = await session.scalar(
        select(CallAttempt.ticket_id)
        .where(
            CallAttempt.person_id == me.id,
            CallAttempt.ended_at.is_(None),
            CallAttempt.started_at > clock.now() - FORGOTTEN,
        )
        .limit(1)
    )
    if elsewhere is not None:
        raise Conflict("Say first how your call on ticket {number} ended.", number=elsewhere)


async def _mine(session: AsyncSession, me: Actor, ticket_id: int, attempt_id: int) -> CallAttempt:
    attempt = await session.get(CallAttempt, attempt_id, populate_existing=True)
    if attempt is None or attempt.ticket_id != ticket_id:
        raise NotFound("There is no call {number} on this ticket.", number=attempt_id)
    if attempt.person_id != me.id and not me.may(Permission.TICKET_ASSIGN):
        raise Forbidden("Somebody else made this call.")
    if attempt.ended_at is not None:
        raise Conflict("How this call ended is written down already.")
    return attempt


def _end(attempt: CallAttempt, outcome: CallOutcome, note: str = "") -> None:
    attempt.ended_at, attempt.outcome, attempt.note = clock.now(), outcome, note


def _write(
    session: AsyncSession, attempt: CallAttempt, actor_id: int | None, detail: dict[str, object] | None = None
) -> None:
    assert attempt.outcome is not None
    session.add(
        Entry(
            ticket_id=attempt.ticket_id,
            kind=EntryKind.CALL,
            actor_id=actor_id,
            text=attempt.note,
            detail={
                "what": attempt.outcome.value,
                "attempt_id": attempt.id,
                "number": attempt.number,
                "started_at": attempt.started_at.isoformat(),
                **(detail or {}),
            },
        )
    )


async def _forget_number(session: AsyncSession, me: Actor, ticket: Ticket, number: str) -> bool:
    """Whether it was the ticket's own number. It is no longer; another one is offered first. Where it was heard in a
    recording, it is refused there, also when somebody had confirmed it."""
    own = as_tel(ticket.callback_number or "") == number
    for fact in await callbacks_of(session, ticket.id):
        if fact.number == number:
            await reject(session, me, ticket.id, fact.fact_id)
    if own:
        others = [each for each in await numbers_of(session, ticket) if each.number != number and not each.wrong]
        said = [each for each in others if each.source is not NumberSource.CUSTOMER]
        ticket.callback_number = said[0].number if said else None
    return own


async def _reached(
    session: AsyncSession, settings: Settings, me: Actor, ticket: Ticket, then: TicketState | None
) -> None:
    """The customer heard from a person: that is the answer they waited for."""
    await clocks.answered(session, settings, ticket, clock.now())
    if then is not None and then is not ticket.state:
        await move(session, settings, me, ticket, then)


async def _unanswered(session: AsyncSession, settings: Settings, ticket: Ticket) -> None:
    """After as many attempts as the settings say, the next one is scheduled. An emergency stays on the desk."""
    tried = await _unanswered_since(session, ticket.id)
    if ticket.priority is Priority.EMERGENCY or ticket.state is not TicketState.ASSIGNED:
        return
    if len(tried) < settings.call_attempts:
        return
    open_time = await load_open_time(session, settings)
    apart = timedelta(minutes=settings.call_again_minutes)
    at = next_call(open_time, settings.call_day_parts, [each.started_at for each in tried], clock.now(), apart)
    if at is not None:
        await schedule.wait_until(session, settings, ticket, at, actor=None, detail={"attempts": len(tried)})


async def _unanswered_since(session: AsyncSession, ticket_id: int) -> list[CallAttempt]:
    """Attempts without an answer since the customer was last reached. Once a call was scheduled, each one more
    schedules the next."""
    last = await session.scalar(
        select(func.max(CallAttempt.id)).where(
            CallAttempt.ticket_id == ticket_id, CallAttempt.outcome == CallOutcome.REACHED
        )
    )
    found = await session.scalars(
        select(CallAttempt)
        .where(CallAttempt.ticket_id == ticket_id, CallAttempt.id > (last or 0), CallAttempt.outcome.in_(UNANSWERED))
        .order_by(CallAttempt.id)
    )
    return list(found)


async def scheduled_on(session: AsyncSession, ticket_id: int) -> ScheduledCall | None:
    """The call a ticket waits for now; a ticket that was taken up again waits for none."""
    found: ScheduledCall | None = await session.scalar(
        select(ScheduledCall)
        .join(Ticket, Ticket.id == ScheduledCall.ticket_id)
        .where(
            ScheduledCall.ticket_id == ticket_id,
            ScheduledCall.ended_at.is_(None),
            Ticket.state == TicketState.WAITING,
        )
    )
    return found


async def _tell(session: AsyncSession, ticket: Ticket, me: Actor, what: str) -> None:
    people = {me.id, *([ticket.assignee_id] if ticket.assignee_id is not None else [])}
    await publish(session, Event("ticket", ticket.id, tuple(sorted(people)), what))
