"""Calls in which nobody spoke: tickets that are offered to nobody, and one matter when the same number calls on.

A recording is taken for one only when a transcript has no words and no voice was found, or when it is too short to hold
any. Nothing is thrown away, and words that are found later make it an ordinary ticket again.
"""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import merge, reroute
from services.tickets.caller_facts import recordings_on
from services.tickets.clocks import moves as clocks
from services.tickets.facts import as_e164
from services.tickets.locks import lock_ticket, lock_together, open_assignment
from shared import audit, clock
from shared.database import ring
from shared.errors import Conflict
from shared.events import Event, publish
from shared.jobs import Job
from shared.models import (
    UNOFFERED,
    Entry,
    EntryKind,
    Intake,
    Priority,
    Recording,
    Ticket,
    TicketKind,
    TicketState,
    Transcript,
)
from shared.people import Actor, Permission
from shared.settings import Settings

_WAITS = (TicketState.QUEUED, TicketState.OFFERED)
_WORDS = (EntryKind.MAIL_IN, EntryKind.CONTACT, EntryKind.MAIL_OUT, EntryKind.NOTE)


def too_short(settings: Settings, recording: Recording) -> bool:
    """Whether nobody can have said anything in it."""
    return recording.duration_s is not None and recording.duration_s <= settings.hang_up_s


def is_voice_without_words(transcript: Transcript) -> bool:
    """Somebody spoke, and the recogniser could write none of it: a person has to listen, as to any message."""
    return "unheard" in transcript.flags


async def nobody_spoke(session: AsyncSession, settings: Settings, ticket: Ticket, recording: Recording) -> bool:
    """The ticket, locked, is one of a call without words. False: it stays as it is, because there is more to it.

    Who marked the message urgent did something on purpose, whatever is to be heard; what a person works on is theirs.
    """
    if ticket.kind is not TicketKind.CONTACT or ticket.state not in _WAITS or recording.urgent:
        return False
    if ticket.priority is Priority.EMERGENCY or await _says_more(session, ticket, recording):
        return False
    await clocks.drop(session, settings, ticket)
    _become(session, ticket, TicketKind.HANG_UP if too_short(settings, recording) else TicketKind.SILENCE)
    assignment = await open_assignment(session, ticket.id)
    if assignment is not None:
        await reroute.withdraw(session, ticket, assignment, "no_words")
    await _together(session, settings, ticket, recording)
    return True


async def somebody_spoke(session: AsyncSession, settings: Settings, ticket: Ticket, recording: Recording) -> bool:
    """There are words after all: an ordinary ticket, due from the call on. False: it was one."""
    if ticket.kind is TicketKind.CONTACT:
        return False
    _become(session, ticket, TicketKind.CONTACT)
    await clocks.begin_again(session, settings, ticket, recording.called_at)
    return True


async def make_ordinary(session: AsyncSession, settings: Settings, me: Actor, ticket_id: int) -> Ticket:
    """A person says that it is worth somebody's turn."""
    me.require(Permission.TICKET_WORK)
    ticket = await lock_ticket(session, ticket_id)
    if ticket.kind is TicketKind.CONTACT:
        return ticket
    if ticket.merged_into_id is not None:
        raise Conflict("Ticket {number} goes on in ticket {other}. Work there, or take them apart first.",
                       number=ticket.id, other=ticket.merged_into_id)  # fmt: skip
    before = ticket.kind
    _become(session, ticket, TicketKind.CONTACT, actor_id=me.id)
    recordings = await recordings_on(session, ticket.id)
    if ticket.first_responded_at is None and recordings:
        await clocks.begin_again(session, settings, ticket, recordings[-1].called_at)
    ring(session, Job.ROUTE, ticket.id)
    audit.record(
        session, me.id, "ticket.set_kind", object_type="ticket", object_id=ticket.id, ticket_id=ticket.id,
        detail={"from": before.value, "to": TicketKind.CONTACT.value}, ip=me.ip,
    )  # fmt: skip
    await publish(session, Event("ticket", ticket.id, what="kind"))
    return ticket


def _become(session: AsyncSession, ticket: Ticket, kind: TicketKind, *, actor_id: int | None = None) -> None:
    session.add(
        Entry(
            ticket_id=ticket.id,
            kind=EntryKind.KIND,
            actor_id=actor_id,
            detail={"from": ticket.kind.value, "to": kind.value},
        )
    )
    ticket.kind = kind
    ticket.rev += 1
    ticket.updated_at = clock.now()


async def _says_more(session: AsyncSession, ticket: Ticket, recording: Recording) -> bool:
    """Whether there is anything on the ticket besides this recording."""
    words = await session.scalar(select(Entry.id).where(Entry.ticket_id == ticket.id, Entry.kind.in_(_WORDS)).limit(1))
    others = await session.scalar(
        select(Intake.id)
        .where(Intake.ticket_id == ticket.id, Intake.recording_id.is_distinct_from(recording.id))
        .limit(1)
    )
    return words is not None or others is not None


async def _together(session: AsyncSession, settings: Settings, ticket: Ticket, recording: Recording) -> None:
    """Join it to the calls without words that the same number made shortly before; enough of them want a callback.

    The caller of `take_in` holds the lock on the number, so that two calls at once are told one after the other.
    """
    number = as_e164(recording.caller_id) if recording.caller_id else None
    if number is None or ticket.customer_id is None:
        return
    window = timedelta(minutes=settings.repeated_calls_minutes)
    first_id = await session.scalar(
        select(Ticket.id)
        .join(Intake, Intake.ticket_id == Ticket.id)
        .join(Recording, Recording.id == Intake.recording_id)
        .where(
            Ticket.id != ticket.id,
            Ticket.customer_id == ticket.customer_id,
            Ticket.kind != TicketKind.CONTACT,
            Ticket.state != TicketState.CLOSED,
            Recording.caller_id == recording.caller_id,
            Recording.called_at.between(recording.called_at - window, recording.called_at + window),
        )
        .order_by(Ticket.id)
        .limit(1)
    )
    if first_id is None:
        return
    first = (await lock_together(session, [first_id, ticket.id]))[first_id]
    if first.kind is TicketKind.CONTACT or first.state is TicketState.CLOSED:  # meanwhile
        return
    await merge.let_go_on(session, ticket, first, actor_id=None)
    await session.flush()
    if first.kind in UNOFFERED and await _calls_on(session, first, recording, window) >= settings.repeated_calls:
        _become(session, first, TicketKind.REPEATED_CALLS)
        await clocks.begin_again(session, settings, first, recording.called_at)
        ring(session, Job.ROUTE, first.id)
    await publish(session, Event("ticket", first.id, what="merged"))


async def _calls_on(session: AsyncSession, first: Ticket, recording: Recording, window: timedelta) -> int:
    recordings = await recordings_on(session, first.id)
    return sum(recording.called_at - window <= each.called_at <= recording.called_at + window for each in recordings)


async def waiting(session: AsyncSession) -> int:
    """How many calls without words nobody has closed or made ordinary."""
    count = await session.scalar(
        select(func.count()).where(Ticket.kind.in_(UNOFFERED), Ticket.state != TicketState.CLOSED)
    )
    return int(count or 0)
