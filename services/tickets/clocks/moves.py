"""What happens to a ticket moves its clocks: it begins, the customer writes, somebody answers, it waits, it closes.

Every caller holds the lock on the ticket. Whatever moves a ticket and does not come here is found by the sweep
(settle.py), which needs nothing but the store.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.clocks.clocks import RESPONSES, Clocks, as_row, mirror, new_clock, place
from services.tickets.clocks.rules import Rules, rules
from shared import clock
from shared.models import (
    UNOFFERED,
    CallAttempt,
    CallOutcome,
    ClockEnd,
    ClockKind,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Entry,
    EntryKind,
    Message,
    PauseCause,
    Priority,
    ScheduledCall,
    SlaClock,
    Ticket,
    TicketState,
)
from shared.rows import insert_into, write
from shared.settings import Settings

FIRST, NEXT, RESOLUTION = ClockKind.FIRST_RESPONSE, ClockKind.NEXT_RESPONSE, ClockKind.RESOLUTION
UNANSWERED = (CallOutcome.NO_ANSWER, CallOutcome.LEFT_MESSAGE)
ON_ITS_WAY = (DeliveryState.QUEUED, DeliveryState.SENDING)


def opening(rules: Rules, ticket: Ticket) -> list[SlaClock]:
    """The clocks of a ticket that is about to begin, from `queued_at` on; the ticket shows what is due next."""
    clocks = [new_clock(rules, ticket, kind, ticket.queued_at) for kind in (FIRST, RESOLUTION)]
    found = [each for each in clocks if each is not None]
    mirror(ticket, found)
    return found


async def begin(session: AsyncSession, settings: Settings, tickets: Sequence[Ticket]) -> None:
    """Store new tickets and start their clocks, many in one statement."""
    known = await rules(session, settings)
    clocks = [(ticket, opening(known, ticket)) for ticket in tickets if ticket.kind not in UNOFFERED]
    session.add_all(tickets)
    await session.flush()
    await write(
        session,
        insert_into(SlaClock),
        [as_row(each, ticket.id) for ticket, begun in clocks for each in begun],
    )


async def begin_again(session: AsyncSession, settings: Settings, ticket: Ticket, at: datetime) -> None:
    """A ticket that had none has clocks from `at` on: there are words after all, or it stands alone again."""
    clocks = await Clocks.of(session, settings, ticket)
    if ticket.first_responded_at is None:
        await clocks.start(FIRST, at)
    elif at > ticket.first_responded_at:
        await clocks.start(NEXT, at)
    await clocks.start(RESOLUTION, at)
    clocks.done()


async def customer_wrote(session: AsyncSession, settings: Settings, ticket: Ticket, at: datetime) -> None:
    """A message that came in at `at`: what waited for the customer goes on, and they wait for an answer."""
    clocks = await Clocks.of(session, settings, ticket)
    for each in list(clocks.open.values()):
        clocks.go_on(each, at)
    if FIRST not in clocks.open:
        await clocks.start(NEXT if ticket.first_responded_at is not None else FIRST, at)
    await clocks.start(RESOLUTION, at)
    clocks.done()


async def began(session: AsyncSession, settings: Settings, ticket: Ticket, at: datetime, *, urgent: bool) -> None:
    """A message of `at` came to light after later ones: the customer waits since then. `urgent`: it was an emergency;
    where nights count, they count from the first message that was."""
    clocks = await Clocks.of(session, settings, ticket)
    for each in list(clocks.open.values()):
        if at < each.started_at:
            if each.running_since == each.started_at and (urgent or not each.around_clock):
                each.running_since = at
            each.started_at = at
            clocks.retarget(each)
    clocks.done()


async def answered(session: AsyncSession, settings: Settings, ticket: Ticket, at: datetime) -> None:
    """The customer heard from a person at `at`: by mail, by telephone, at the counter."""
    clocks = await Clocks.of(session, settings, ticket)
    for kind in RESPONSES:
        if kind in clocks.open and clocks.open[kind].started_at <= at:
            clocks.end(kind, at, ClockEnd.MET)
    ticket.first_responded_at = ticket.first_responded_at or at
    later = await _unanswered_since(session, ticket.id, at)
    if later is not None and ticket.state is not TicketState.CLOSED:  # it crossed our answer on its way
        await clocks.start(NEXT, later)
    clocks.done()


async def follow(session: AsyncSession, settings: Settings, ticket: Ticket, at: datetime | None = None) -> None:
    """The ticket's state changed at `at`: it waits for its customer, somebody goes on with it, or it is closed."""
    clocks = await Clocks.of(session, settings, ticket)
    at = at or clock.now()
    if ticket.state is TicketState.CLOSED:
        clocks.end(RESOLUTION, at, ClockEnd.MET)
        if not await _answer_leaves(session, ticket.id):
            for kind in RESPONSES:
                clocks.end(kind, at, ClockEnd.DROPPED)
    else:
        waits = ticket.state is TicketState.WAITING
        called_later = waits and await cannot_be_reached(session, settings, ticket)
        for kind, each in list(clocks.open.items()):
            if waits and kind is RESOLUTION:
                clocks.stop(each, at, PauseCause.CUSTOMER)
            elif called_later and kind is not RESOLUTION:
                clocks.stop(each, at, PauseCause.CALL)
            else:
                clocks.go_on(each, at)
    clocks.done()


async def reopened(session: AsyncSession, settings: Settings, ticket: Ticket, at: datetime) -> None:
    """A person opened it again: somebody waits for an answer and for an end."""
    clocks = await Clocks.of(session, settings, ticket)
    await clocks.start(FIRST if ticket.first_responded_at is None else NEXT, at)
    await clocks.start(RESOLUTION, at)
    clocks.done()


async def unclosed(session: AsyncSession, settings: Settings, ticket: Ticket) -> None:
    """The reply that closed it was taken back: its clocks go on as if they had never ended."""
    closed = await session.scalar(
        select(func.max(SlaClock.ended_at)).where(SlaClock.ticket_id == ticket.id, SlaClock.kind == RESOLUTION)
    )
    ended = list(
        await session.scalars(select(SlaClock).where(SlaClock.ticket_id == ticket.id, SlaClock.ended_at == closed))
    )
    running = set((await Clocks.of(session, settings, ticket)).open)
    for each in ended:
        if each.kind not in running:
            each.running_since, each.ended_at, each.ended_how, each.late_s = each.ended_at, None, None, None
    await session.flush()
    clocks = await Clocks.of(session, settings, ticket)
    for each in clocks.open.values():
        place(clocks.rules, each, clocks.ran(each))
    clocks.done()
    await follow(session, settings, ticket)


async def retarget(session: AsyncSession, settings: Settings, ticket: Ticket, since: datetime | None = None) -> None:
    """Its priority or language is another. `since`: the message that made it an emergency; nights count from there."""
    clocks = await Clocks.of(session, settings, ticket)
    for each in list(clocks.open.values()):
        clocks.retarget(each, since)
    clocks.done()


async def drop(session: AsyncSession, settings: Settings, ticket: Ticket) -> None:
    """Nobody waits for anything here any more."""
    clocks = await Clocks.of(session, settings, ticket)
    for kind in list(clocks.open):
        clocks.end(kind, clock.now(), ClockEnd.DROPPED)
    clocks.done()


async def take_over(session: AsyncSession, settings: Settings, ticket: Ticket, into: Ticket) -> None:
    """Both are one matter from now on, in `into`: each promise counts from whichever customer waited first."""
    theirs = await Clocks.of(session, settings, ticket)
    ours = await Clocks.of(session, settings, into)
    for kind, each in list(theirs.open.items()):
        wanted = NEXT if kind is FIRST and into.first_responded_at is not None else kind
        mine = ours.open.get(wanted)
        if mine is None:
            await ours.start(wanted, each.started_at)
        elif each.started_at < mine.started_at:
            mine.started_at, mine.used_s = each.started_at, each.used_s
            if mine.running_since is not None:
                mine.running_since = each.running_since or mine.running_since
            ours.retarget(mine)
        theirs.end(kind, clock.now(), ClockEnd.DROPPED)
    theirs.done()
    ours.done()


async def cannot_be_reached(session: AsyncSession, settings: Settings, ticket: Ticket) -> bool:
    """A call is scheduled after as many attempts without an answer as it takes; an emergency never waits for one."""
    if ticket.priority is Priority.EMERGENCY:
        return False
    scheduled = await session.scalar(
        select(ScheduledCall.id).where(ScheduledCall.ticket_id == ticket.id, ScheduledCall.ended_at.is_(None))
    )
    if scheduled is None:
        return False
    reached = (
        select(func.coalesce(func.max(CallAttempt.id), 0))
        .where(CallAttempt.ticket_id == ticket.id, CallAttempt.outcome == CallOutcome.REACHED)
        .scalar_subquery()
    )
    tried = await session.scalar(
        select(func.count()).where(
            CallAttempt.ticket_id == ticket.id, CallAttempt.id > reached, CallAttempt.outcome.in_(UNANSWERED)
        )
    )
    return int(tried or 0) >= settings.call_attempts


async def _answer_leaves(session: AsyncSession, ticket_id: int) -> bool:
    found = await session.scalar(
        select(Delivery.id)
        .where(Delivery.ticket_id == ticket_id, Delivery.kind == DeliveryKind.REPLY, Delivery.state.in_(ON_ITS_WAY))
        .limit(1)
    )
    return found is not None


async def _unanswered_since(session: AsyncSession, ticket_id: int, at: datetime) -> datetime | None:
    """When the customer wrote first after our newest answer, which is that of `at` or one that was taken in before."""
    newest = await session.scalar(
        select(func.max(Delivery.sent_at)).where(
            Delivery.ticket_id == ticket_id, Delivery.kind == DeliveryKind.REPLY, Delivery.state == DeliveryState.SENT
        )
    )
    found: datetime | None = await session.scalar(
        select(func.min(Message.received_at))
        .join(Entry, Entry.message_id == Message.id)
        .where(
            Entry.ticket_id == ticket_id,
            Entry.kind == EntryKind.MAIL_IN,
            Message.received_at > (at if newest is None else max(at, newest)),
        )
    )
    return found
