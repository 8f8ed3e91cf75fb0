"""What a person does with what a caller wants: confirm, correct, add, refuse. Audited, and on the timeline."""

import re

import phonenumbers
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.caller_facts import of_recordings, recordings_on
from services.tickets.facts import as_e164, masked
from services.tickets.locks import lock_ticket
from services.tickets.new_ticket import clean_line
from shared import audit, clock
from shared.errors import Conflict, Invalid, NotFound
from shared.events import Event, publish
from shared.models import (
    CallerFact,
    CallerFactKind,
    CallerFactState,
    Customer,
    Entry,
    EntryKind,
    Recording,
    Ticket,
)
from shared.people import Actor, Permission

MAX_NAME = 120
HIDDEN_FROM_SIGHT = (CallerFactKind.ACCOUNT, CallerFactKind.AGREEMENT)
_ACCOUNT = re.compile(r"(\d{10})-?(\d)?")
_E164 = re.compile(r"\+\d{8,15}")


def tel(value: str, extension: str = "") -> str:
    """A number as tickets keep it and telephones dial it (RFC 3966)."""
    return f"{value};ext={extension}" if extension else value


async def confirm(session: AsyncSession, me: Actor, ticket_id: int, fact_id: int) -> CallerFact:
    """It is right: a callback number is the ticket's from now on, a name its customer's. Twice is once."""
    ticket, fact = await _mine(session, me, ticket_id, fact_id)
    if fact.kind is CallerFactKind.CALLBACK and not _E164.fullmatch(fact.value):
        raise Conflict("This number is not whole. Listen to it and correct it first.")
    await _use(session, ticket, fact)
    if fact.state is not CallerFactState.CONFIRMED:
        await _decide(session, me, ticket, fact, CallerFactState.CONFIRMED, "confirmed")
    return fact


async def reject(session: AsyncSession, me: Actor, ticket_id: int, fact_id: int) -> CallerFact:
    """It was not said, or is not what it seems: it is not proposed again. In use, the caller id takes its place."""
    ticket, fact = await _mine(session, me, ticket_id, fact_id)
    if fact.state is CallerFactState.REJECTED:
        return fact
    if fact.kind is CallerFactKind.CALLBACK and ticket.callback_number == tel(fact.value, fact.extension):
        recording = await session.get_one(Recording, fact.recording_id)
        ticket.callback_number = as_e164(recording.caller_id) if recording.caller_id else None
    await _decide(session, me, ticket, fact, CallerFactState.REJECTED, "rejected")
    return fact


async def correct(session: AsyncSession, me: Actor, ticket_id: int, fact_id: int, value: str) -> CallerFact:
    """What was heard, put right by a person: a value of its own, confirmed, at the same place in the audio."""
    ticket, heard = await _mine(session, me, ticket_id, fact_id)
    wanted, extension = _read(heard.kind, value)
    if (wanted, extension) == (heard.value, heard.extension):
        return await confirm(session, me, ticket_id, fact_id)
    fact = await _written(session, me, heard.recording_id, heard.kind, wanted, extension)
    fact.places, fact.replaces_id, fact.for_other = fact.places or heard.places, heard.id, heard.for_other
    if fact.id != heard.id and heard.state is not CallerFactState.REJECTED:
        heard.state = CallerFactState.REJECTED
        heard.decided_by_id, heard.decided_at = me.id, clock.now()
    await _use(session, ticket, fact)
    await _decide(session, me, ticket, fact, CallerFactState.CONFIRMED, "corrected")
    return fact


async def add(session: AsyncSession, me: Actor, ticket_id: int, kind: CallerFactKind, value: str) -> CallerFact:
    """What a person heard and the machine did not."""
    me.require(Permission.TICKET_WORK)
    ticket = await lock_ticket(session, ticket_id)
    recordings = await recordings_on(session, ticket.id)
    if not recordings:
        raise Conflict("This ticket has no recording.")
    wanted, extension = _read(kind, value)
    fact = await _written(session, me, recordings[-1].id, kind, wanted, extension)
    await _use(session, ticket, fact)
    await _decide(session, me, ticket, fact, CallerFactState.CONFIRMED, "added")
    return fact


async def _mine(session: AsyncSession, me: Actor, ticket_id: int, fact_id: int) -> tuple[Ticket, CallerFact]:
    me.require(Permission.TICKET_WORK)
    ticket = await lock_ticket(session, ticket_id)
    ids = [recording.id for recording in await recordings_on(session, ticket.id)]
    fact = await session.scalar(
        select(CallerFact)
        .where(CallerFact.id == fact_id, CallerFact.recording_id.in_(ids), CallerFact.state != CallerFactState.GONE)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if fact is None:
        raise NotFound("There is no such entry on this ticket.")
    return ticket, fact


async def _written(
    session: AsyncSession, me: Actor, recording_id: int, kind: CallerFactKind, value: str, extension: str
) -> CallerFact:
    """The row of this value, made by hand unless it was heard."""
    rows = await of_recordings(session, [recording_id])
    fact = next((row for row in rows if (row.kind, row.value) == (kind, value)), None)
    if fact is None:
        recording = await session.get_one(Recording, recording_id)
        caller_id = as_e164(recording.caller_id) if recording.caller_id else None
        fact = CallerFact(
            recording_id=recording_id,
            kind=kind,
            value=value,
            by_hand_id=me.id,
            position=len(rows),
            places=[],
            doubts=[],
            unclear_digits=[],
            agrees_with_caller_id=value == caller_id if caller_id and kind is CallerFactKind.CALLBACK else None,
        )
        session.add(fact)
    fact.extension = extension
    return fact


async def _use(session: AsyncSession, ticket: Ticket, fact: CallerFact) -> None:
    if fact.kind is CallerFactKind.CALLBACK:
        ticket.callback_number = tel(fact.value, fact.extension)
    elif fact.kind is CallerFactKind.NAME and not fact.for_other:
        customer = await session.get(Customer, ticket.customer_id) if ticket.customer_id is not None else None
        if customer is not None:
            customer.name = fact.value
        ticket.subject = fact.value


async def _decide(
    session: AsyncSession, me: Actor, ticket: Ticket, fact: CallerFact, state: CallerFactState, what: str
) -> None:
    fact.state, fact.decided_by_id, fact.decided_at = state, me.id, clock.now()
    ticket.updated_at = clock.now()
    await session.flush()
    shown = masked(fact.value) if fact.kind in HIDDEN_FROM_SIGHT else tel(fact.value, fact.extension)
    detail: dict[str, object] = {"what": what, "kind": fact.kind.value, "value": shown}
    session.add(Entry(ticket_id=ticket.id, kind=EntryKind.CALLER, actor_id=me.id, detail=detail))
    audit.record(
        session, me.id, f"caller.{what}", object_type="caller_fact", object_id=fact.id, ticket_id=ticket.id,
        detail=detail, ip=me.ip,
    )  # fmt: skip
    people = (ticket.assignee_id,) if ticket.assignee_id is not None else ()
    await publish(session, Event("ticket", ticket.id, people=people, what="caller"))


def _read(kind: CallerFactKind, value: str) -> tuple[str, str]:
    """What a person typed, in the form that is kept, and the extension of a number. Raises Invalid."""
    value = clean_line(value)
    if kind is CallerFactKind.NAME:
        if not value or len(value) > MAX_NAME:
            raise Invalid("Write the name, in at most {limit} characters.", field="value", limit=MAX_NAME)
        return value, ""
    if kind is CallerFactKind.AGREEMENT:
        digits = re.sub(r"[\s-]", "", value)
        if not re.fullmatch(r"\d{10}", digits):
            raise Invalid("The id of a service agreement has ten digits.", field="value")
        return digits, ""
    if kind is CallerFactKind.ACCOUNT:
        match = _ACCOUNT.fullmatch(re.sub(r"\s", "", value).replace("–", "-"))
        if match is None:
            raise Invalid("An account number has ten digits, or ten, a dash and one.", field="value")
        return match.group(1) + (f"-{match.group(2)}" if match.group(2) else ""), ""
    try:
        parsed = phonenumbers.parse(value, "US")
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is None or not phonenumbers.is_valid_number(parsed):
        raise Invalid("This is no telephone number that can be called. Write it with its area code.", field="value")
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return number, parsed.extension or ""
