"""Which numbers a customer can be called at, the likeliest first."""

from dataclasses import dataclass
from enum import StrEnum

import phonenumbers
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.caller_actions import tel
from services.tickets.caller_facts import of_recordings, recordings_on
from services.tickets.facts import as_e164
from services.tickets.thread_repository import family
from shared.models import (
    CallAttempt,
    CallerFactKind,
    CallerFactState,
    CallOutcome,
    CustomerIdentity,
    Entry,
    IdentityKind,
    Recording,
    Ticket,
)


class NumberSource(StrEnum):
    """Where a number comes from, in the order in which they are offered."""

    CONFIRMED = "confirmed"  # said in the recording, and confirmed by somebody
    TICKET = "ticket"  # the ticket's own: written, or what the network showed
    CALLER_ID = "caller_id"  # what the network showed
    HEARD = "heard"  # said in the recording; nobody has confirmed it
    CUSTOMER = "customer"  # the customer is known by it


@dataclass(frozen=True)
class Number:
    number: str  # E.164, with `;ext=` where it has an extension
    source: NumberSource
    wrong: bool = False  # somebody else answered there


async def numbers_of(session: AsyncSession, ticket: Ticket) -> list[Number]:
    """Each number once; those at which somebody else answered last."""
    found: dict[str, NumberSource] = {}
    facts = await callbacks_of(session, ticket.id)
    own = as_tel(ticket.callback_number or "")
    if own:
        confirmed = any(fact.number == own and fact.state is CallerFactState.CONFIRMED for fact in facts)
        found[own] = NumberSource.CONFIRMED if confirmed else NumberSource.TICKET
    shown = await session.scalars(
        select(Recording.caller_id)
        .join(Entry, Entry.recording_id == Recording.id)
        .where(Entry.ticket_id.in_(family(ticket.id)), Recording.caller_id.is_not(None))
        .order_by(Recording.id.desc())
    )
    for caller_id in shown:
        number = as_e164(caller_id or "")
        if number:
            found.setdefault(number, NumberSource.CALLER_ID)
    for fact in facts:
        if fact.state is not CallerFactState.REJECTED:
            found.setdefault(fact.number, NumberSource.HEARD)
    if ticket.customer_id is not None:
        known = await session.scalars(
            select(CustomerIdentity.value)
            .where(CustomerIdentity.customer_id == ticket.customer_id, CustomerIdentity.kind == IdentityKind.PHONE)
            .order_by(CustomerIdentity.value)
        )
        for number in known:
            found.setdefault(number, NumberSource.CUSTOMER)
    wrong = set(
        await session.scalars(
            select(CallAttempt.number).where(
                CallAttempt.ticket_id.in_(family(ticket.id)), CallAttempt.outcome == CallOutcome.WRONG_NUMBER
            )
        )
    )
    every = [Number(number, source, number in wrong) for number, source in found.items()]
    return sorted(every, key=lambda each: each.wrong)


@dataclass(frozen=True)
class Said:
    """A whole number that was said in a recording of the ticket."""

    fact_id: int
    number: str
    state: CallerFactState


async def callbacks_of(session: AsyncSession, ticket_id: int) -> list[Said]:
    """What callers asked to be called at, in the order in which their card shows it."""
    recordings = [recording.id for recording in await recordings_on(session, ticket_id)]
    return [
        Said(fact.id, number, fact.state)
        for fact in await of_recordings(session, recordings)
        if fact.kind is CallerFactKind.CALLBACK and fact.state is not CallerFactState.GONE
        if (number := as_tel(tel(fact.value, fact.extension)))
    ]


def as_tel(number: str) -> str | None:
    """A number as telephones dial it, with its extension if it has one (RFC 3966); None when it cannot be one."""
    plain = as_e164(number)
    if plain is None:
        return None
    extension = phonenumbers.parse(number, "US").extension
    return f"{plain};ext={extension}" if extension else plain


def digit_by_digit(number: str) -> str:
    """How a screen reader should say a number: «7 0 7, 5 5 5, 0 1 4 2», in the groups in which it is written."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return " ".join(number)
    style = phonenumbers.PhoneNumberFormat
    shown = phonenumbers.format_number(parsed, style.NATIONAL if parsed.country_code == 1 else style.INTERNATIONAL)
    groups = "".join(char if char.isdigit() else " " for char in shown).split()
    return ", ".join(" ".join(group) for group in groups)
