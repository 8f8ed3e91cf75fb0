"""Mails that belong to no ticket open their own: many at once in a few statements, with the same words for one."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import acknowledge, language_evidence, search
from services.tickets import intake_repository as repository
from services.tickets.intake_reading import Reading, searchable
from services.tickets.kept_facts import keep_of_mails
from services.tickets.new_ticket import link_entries, store_tickets, ticket_row
from services.tickets.said import Said
from services.tickets.thread import Placement, bare_subject
from services.tickets.thread_repository import link
from services.tickets.topics import EMERGENCY
from services.tickets.urgency.answers import AT_ONCE, text_for
from services.tickets.urgency.kept import kept
from services.tickets.urgent_alerts import warn
from shared.events import Event, publish_all
from shared.language import decide
from shared.models import Channel, Entry, EntryKind, IntakeOutcome, Message, Ticket
from shared.rows import insert_into, write
from shared.settings import Settings


@dataclass(frozen=True)
class Opening:
    """A mail that was read and belongs to no ticket."""

    message: Message
    reading: Reading
    placement: Placement
    customer_address: str | None = None  # where From is not the customer's; empty: nobody knows it

    @property
    def came_last(self) -> bool:
        """What it is linked to is a stranger's answer to it, and the one that could not join."""
        return self.placement.by == "answered" and self.placement.why == "stranger"

    @property
    def customer(self) -> tuple[str, str]:
        """Address and name of who wants something."""
        if self.customer_address is not None:
            return self.customer_address, ""
        return self.message.from_address, self.message.from_name.strip()


@dataclass(frozen=True)
class Opened:
    """A mail and the ticket that it stands on; `by`: how it came there."""

    ticket: Ticket
    message: Message
    reading: Reading
    by: str


async def open_tickets(session: AsyncSession, settings: Settings, openings: Sequence[Opening]) -> list[Ticket]:
    """A ticket of each mail, in order. The caller holds the locks on their senders, of whom none wrote two of them."""
    names = dict(each.customer for each in openings)
    customers = await repository.customers_by_mail(session, {key: names[key] for key in names if key})
    tickets, said = [], []
    for each in openings:
        customer = customers.get(each.customer[0])
        received_at = each.message.received_at
        decision = decide(await language_evidence.of_words(session, each.reading.language, customer, received_at))
        said.append(Said.of(each.reading, decision))
        tickets.append(
            ticket_row(
                channel=Channel.EMAIL,
                subject=bare_subject(each.message.subject),
                customer_id=customer.id if customer else None,
                decision=decision,
                triage=each.reading.triage,
                began_at=each.message.received_at,
                callback_number=each.reading.callback_number or each.reading.signed_number,
                linked_ticket_id=None if each.came_last else each.placement.linked_to,
                urgency=kept(each.reading.triage.findings, each.message.received_at, message_id=each.message.id),
            )
        )
    await store_tickets(
        session, settings, [(ticket, [each.customer[0]]) for ticket, each in zip(tickets, openings, strict=True)]
    )
    for ticket, each in zip(tickets, openings, strict=True):
        if each.placement.linked_to is not None:
            session.add_all(link_entries(ticket, each.placement.linked_to, each.placement.why))
            if each.came_last:
                await link(session, each.placement.linked_to, ticket.id)
    linked = {each.placement.linked_to for each in openings} - {None}
    await publish_all(session, [Event("ticket", id_, what="linked") for id_ in linked if id_ is not None])
    opened = [
        Opened(ticket, each.message, each.reading, each.placement.by or "new")
        for ticket, each in zip(tickets, openings, strict=True)
    ]
    await record(session, opened)
    await repository.put_intakes(
        session,
        [
            {
                "message_id": each.message.id,
                "outcome": IntakeOutcome.TICKETED,
                "ticket_id": each.ticket.id,
                "said": says.as_json(),
            }
            for each, says in zip(opened, said, strict=True)
        ],
    )
    texts = {each.ticket.id: text_for(each.reading.triage, each.reading.words) for each in opened}
    chosen = {ticket_id: text for ticket_id, text in texts.items() if text is not None}
    for emergency in (True, False):
        pairs = [(each.ticket, each.message) for each in opened if (texts[each.ticket.id] in AT_ONCE) is emergency]
        await acknowledge.acknowledge_new(session, settings, pairs, chosen, emergency=emergency)
    for one in opened:
        if one.reading.triage.topic == EMERGENCY:
            await alarm(session, settings, one.ticket, one.message, one.reading)
        findings, received_at = one.reading.triage.findings, one.message.received_at
        await warn(session, settings, one.ticket, findings, excerpt=one.reading.words, said_at=received_at)
    return tickets


async def alarm(session: AsyncSession, settings: Settings, ticket: Ticket, message: Message, reading: Reading) -> None:
    phrases = reading.triage.evidence.get("phrases", {}).get(EMERGENCY, [])
    await acknowledge.raise_alarm(
        session,
        settings,
        ticket,
        phrases=list(phrases),
        excerpt=reading.words,
        said_at=message.received_at,
    )


async def record(session: AsyncSession, mails: Sequence[Opened]) -> None:
    """Each mail on its ticket's timeline, and in the search."""
    entries: list[dict[str, object]] = []
    found = []
    for each in mails:
        detail: dict[str, object] = {"threaded_by": each.by}
        message, language = each.message, each.reading.language.language
        entries.append(
            {"ticket_id": each.ticket.id, "kind": EntryKind.MAIL_IN, "message_id": message.id, "detail": detail}
        )
        found.append(
            search.Found(
                ticket_id=each.ticket.id,
                source="message",
                source_id=message.id,
                language=language if language in ("en", "es") else each.ticket.language,
                body=searchable(message),
            )
        )
    await write(session, insert_into(Entry), entries)
    await keep_of_mails(session, [(each.message.id, each.reading.facts) for each in mails])
    await search.index_all(session, found)
