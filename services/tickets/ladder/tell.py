"""Tells a customer, once and in their language, when somebody who speaks it is expected: or says that nobody did."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import acknowledged_repository, outgoing, reply_templates
from services.tickets.acknowledge import ANSWERED_WITHIN, answer_to, answers_by_itself, languages_for
from services.tickets.ladder import repository
from services.tickets.ladder.expected import Expected, in_words, next_there
from services.tickets.ladder.look import Look, facts
from services.tickets.ladder.steps import is_there, suited
from services.tickets.locks import lock_last
from services.tickets.shifts import plans
from shared.language import MIXED
from shared.models import Channel, Delivery, DeliveryKind, Entry, EntryKind, Message, Ticket
from shared.settings import Settings

WHEN_KNOWN, WHEN_UNKNOWN = "language_wait", "language_wait_unknown"  # templates
LATELY = timedelta(days=1)  # one such mail for an address, and in one thread
DAYS_READ = 15


class Outcome(StrEnum):
    SENT = "sent"
    NO_ADDRESS = "no_address"  # a caller: calling back is what is due
    MACHINE = "machine"  # nobody reads what is sent there
    UNWANTED = "unwanted"  # they asked for nothing automatic
    OLD = "old"  # written long before it came to us
    LATELY = "lately"  # they were told about another ticket


@dataclass(frozen=True, slots=True)
class Said:
    outcome: Outcome
    address: str | None = None
    delivery_id: int | None = None


async def expected(session: AsyncSession, look: Look, ticket: Ticket) -> Expected | None:
    """When somebody who may answer this ticket is planned to be there. None: nobody can say."""
    values = facts(ticket)
    able = [
        person
        for person in look.people
        if suited(values, person, look.situation) and not is_there(values, person, look.situation)
    ]
    if not able:
        return None
    today = look.now.astimezone(look.open_time.zone).date()
    planned = await plans(session, today, today + timedelta(days=DAYS_READ), [person.id for person in able])
    return next_there(able, planned, look.open_time, look.now)


async def tell(session: AsyncSession, settings: Settings, look: Look, ticket: Ticket, when: Expected | None) -> Said:
    """Send it, by the rules that every automatic mail follows; the ticket is locked."""
    message = None
    if ticket.channel is Channel.EMAIL:
        message = await acknowledged_repository.last_mail_of(session, ticket.id)
    if message is None or not (address := answer_to(message)):
        return Said(Outcome.NO_ADDRESS)
    if answers_by_itself(address):
        return Said(Outcome.MACHINE)
    if await acknowledged_repository.unwanted_by(session, {address}):
        return Said(Outcome.UNWANTED)
    # The first start on a full mailbox must not write to everybody in it.
    if ticket.created_at - message.received_at > ANSWERED_WITHIN:
        return Said(Outcome.OLD)
    await lock_last(session, [f"ladder:told:{address}"])
    if await repository.told_lately(session, address, ticket, look.now, LATELY):
        return Said(Outcome.LATELY)
    delivery = await _letter(session, settings, look, ticket, message, address, when)
    await outgoing.send_all(session, [delivery])
    session.add(
        Entry(
            ticket_id=ticket.id,
            kind=EntryKind.ACKNOWLEDGEMENT,
            delivery_id=delivery.id,
            detail={
                "kind": WHEN_KNOWN if when else WHEN_UNKNOWN,
                "languages": list(languages_for(ticket.language)),
                "to": [address],
            },
        )
    )
    return Said(Outcome.SENT, address, delivery.id)


async def _letter(
    session: AsyncSession,
    settings: Settings,
    look: Look,
    ticket: Ticket,
    message: Message,
    address: str,
    when: Expected | None,
) -> Delivery:
    texts = await reply_templates.load(session, WHEN_KNOWN if when else WHEN_UNKNOWN)
    languages = languages_for(ticket.language)
    parts = []
    for language in languages:
        values = {**reply_templates.usual_values(settings, language), "number": str(ticket.id)}
        if when is not None:
            values["when"] = in_words(language, when.at, look.now, look.open_time.zone)
        parts.append(reply_templates.fill(texts[language].body, values))
    subject = outgoing.reply_subject(message.subject, ticket.id)
    if not message.subject.strip():
        subject = f"{' / '.join(texts[language].subject for language in languages)} [#{ticket.id}]"
    return await outgoing.delivery_row(
        session,
        settings,
        ticket,
        kind=DeliveryKind.EXPECTATION,
        to=[address],
        subject=subject,
        language=languages[0] if len(languages) == 1 else MIXED,
        letter=outgoing.plain("\n\n---\n\n".join(parts)),
        answers=message,
    )
