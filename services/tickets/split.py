"""Two matters on one ticket become two tickets: entries go on to a ticket of their own, and answers to them follow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import acknowledge, kept_facts, language_evidence, participants, reroute, search
from services.tickets import intake_repository as repository
from services.tickets.caller_actions import tel
from services.tickets.caller_facts import of_recordings
from services.tickets.clocks import moves as clocks
from services.tickets.facts import callback_of, numbers_in
from services.tickets.intake import lock_names_of
from services.tickets.intake_reading import read
from services.tickets.intake_recording import caller_number, evidence_of
from services.tickets.locks import lock_names, lock_ticket
from services.tickets.new_ticket import clean_line, store_tickets, ticket_row
from services.tickets.priority import URGENCY, Triage, triage
from services.tickets.rights import require_mine, require_not_merged
from services.tickets.routing.handover import give
from services.tickets.thread import bare_subject
from services.tickets.thread_repository import family
from services.tickets.topics import EMERGENCY
from services.tickets.triage.understand import topic_of
from services.tickets.urgency.kept import kept
from services.tickets.urgent_alerts import warn
from services.tickets.views.timeline import moves
from shared import audit, clock
from shared.calendar import day_of
from shared.database import ring
from shared.errors import Conflict, Invalid
from shared.events import Event, publish_all
from shared.jobs import Job
from shared.language import Evidence, LanguageDecision, decide, read_text
from shared.models import (
    CallerFactKind,
    CallerFactState,
    Channel,
    Customer,
    Delivery,
    DeliveryFile,
    DeliveryKind,
    Entry,
    EntryKind,
    IdentityKind,
    Intake,
    Message,
    Recording,
    ReturnedMail,
    Ticket,
)
from shared.people import Actor, Permission
from shared.settings import Settings

FROM_CUSTOMER = (EntryKind.MAIL_IN, EntryKind.VOICEMAIL, EntryKind.CONTACT)
MOVABLE = (*FROM_CUSTOMER, EntryKind.MAIL_OUT, EntryKind.NOTE, EntryKind.MACHINE_MAIL, EntryKind.BOUNCE)
OF_RECORDINGS = (EntryKind.TRANSCRIPT, EntryKind.TRANSCRIPT_CORRECTED)
MAX_ENTRIES = 200


@dataclass(frozen=True)
class _Words:
    """What one of the customer's entries says, read as if it had just come."""

    decision: LanguageDecision
    triage: Triage
    callback_number: str | None
    subject: str
    text: str
    at: datetime
    urgency: list[dict[str, Any]]


async def split(
    session: AsyncSession,
    settings: Settings,
    me: Actor,
    ticket_id: int,
    entry_ids: Sequence[int],
    *,
    subject: str = "",
    take: bool = True,
) -> Ticket:
    """A new ticket of these entries, its language, topic and due time decided anew from what the customer says there.

    The timeline stays as it was written: the entries stand on both tickets, and the old one says where they went. What
    moves is where answers go (`intake`, `delivery`) and what the search finds. `take`: it is my own work, if I may take
    such a ticket; else it queues.
    """
    me.require(Permission.TICKET_WORK)
    chosen = sorted(set(entry_ids))
    if not chosen or len(chosen) > MAX_ENTRIES:
        raise Invalid("Choose what goes on to the new ticket.", field="entries")
    await lock_names(session, await _lock_names(session, ticket_id, chosen))
    ticket = await lock_ticket(session, ticket_id, people=(me.id,))
    require_mine(me, ticket)
    require_not_merged(ticket)
    timeline = list(
        await session.scalars(select(Entry).where(Entry.ticket_id.in_(family(ticket_id))).order_by(Entry.id))
    )
    gone = moves(timeline)
    taken = [entry for entry in timeline if entry.id in set(chosen) and entry.kind in MOVABLE]
    if len(taken) < len(chosen):
        raise Invalid("Choose what goes on to the new ticket.", field="entries")
    if any(entry.id in gone for entry in taken):
        raise Conflict("Some of this was split off already. Look at the ticket again.")
    said = [entry for entry in taken if entry.kind in FROM_CUSTOMER]
    if not said:
        raise Invalid("Choose at least one message of the customer’s.", field="entries")
    if not any(entry.kind in FROM_CUSTOMER and entry.id not in gone and entry not in said for entry in timeline):
        raise Invalid("At least one message of the customer’s must stay. To change what the ticket is about, set its "
                      "topic.", field="entries")  # fmt: skip
    messages = await _messages(session, said)
    deliveries = await _deliveries(session, timeline, taken, messages)
    moved = _with_what_belongs(timeline, taken, said, deliveries, gone)

    customer = await _customer(session, ticket, said[0], messages)
    words = [await _read(session, settings, entry, messages, customer) for entry in said]
    first = words[0]
    urgent = min(words, key=lambda each: URGENCY.index(each.triage.priority))
    known = next((each for each in words if each.decision.language != "unknown"), first)
    new = ticket_row(
        channel=_channel(said[0]),
        subject=clean_line(subject) or first.subject or ticket.subject,
        customer_id=customer.id if customer is not None else ticket.customer_id,
        decision=known.decision,
        triage=urgent.triage,
        began_at=first.at,
        callback_number=next((each.callback_number for each in words if each.callback_number), ticket.callback_number),
        urgency=[item for each in words for item in each.urgency],
    )
    new.split_from_id = ticket.id
    sent = [delivery.sent_at for delivery in deliveries if delivery.kind is DeliveryKind.REPLY and delivery.sent_at]
    await store_tickets(session, settings, [(new, await _own(session, customer, messages))])
    events = sorted([*((each.at, False) for each in words[1:]), *((at, True) for at in sent)])
    for at, ours in events:
        await (clocks.answered if ours else clocks.customer_wrote)(session, settings, new, at)
    here = {messages[entry.message_id].from_address for entry in said if entry.message_id is not None}
    for delivery in deliveries:
        here |= {*delivery.to_addresses, *delivery.cc_addresses}
    await participants.copy(session, ticket.id, new.id, here)

    await _move(session, me, ticket, new, moved, deliveries)
    ticket.rev += 1
    ticket.updated_at = clock.now()
    if urgent.triage.topic == EMERGENCY:
        phrases = list(urgent.triage.evidence.get("phrases", {}).get(EMERGENCY, []))
        await acknowledge.raise_alarm(
            session, settings, new, phrases=phrases, excerpt=urgent.text or urgent.subject, said_at=urgent.at
        )
    for each in words:
        await warn(session, settings, new, each.triage.findings, excerpt=each.text or each.subject, said_at=each.at)
    if take and await reroute.unfit(session, settings, new, me.id) is None:
        await give(session, new, me.id, actor_id=me.id, how="taken")
    else:
        ring(session, Job.ROUTE, new.id)
    for one, other in ((ticket, new), (new, ticket)):
        audit.record(
            session, me.id, "ticket.split", object_type="ticket", object_id=other.id, ticket_id=one.id,
            detail={"from": ticket.id, "to": new.id, "entries": chosen}, ip=me.ip,
        )  # fmt: skip
    people = (ticket.assignee_id,) if ticket.assignee_id is not None else ()
    await publish_all(session, [Event("ticket", ticket.id, people, "split"), Event("ticket", new.id, (), "new")])
    return new


async def _lock_names(session: AsyncSession, ticket_id: int, chosen: Sequence[int]) -> set[str]:
    """Mail that answers what is moved waits until it has moved."""
    entries = list(
        await session.scalars(
            select(Entry).where(Entry.ticket_id.in_(family(ticket_id)), Entry.id.in_(chosen)).order_by(Entry.id)
        )
    )
    names: set[str] = set()
    for message in await session.scalars(
        select(Message).where(Message.id.in_([entry.message_id for entry in entries if entry.message_id is not None]))
    ):
        names |= set(lock_names_of(message))
    rows = await session.scalars(select(Delivery.rfc_message_id).where(Delivery.ticket_id.in_(family(ticket_id))))
    names |= {f"thread:{rfc_id}" for rfc_id in rows}
    names |= {f"recording:{entry.recording_id}" for entry in entries if entry.recording_id is not None}
    return names


async def _messages(session: AsyncSession, said: Sequence[Entry]) -> dict[int, Message]:
    ids = [entry.message_id for entry in said if entry.message_id is not None]
    return {message.id: message for message in await session.scalars(select(Message).where(Message.id.in_(ids)))}


async def _deliveries(
    session: AsyncSession, timeline: Sequence[Entry], taken: Sequence[Entry], messages: dict[int, Message]
) -> list[Delivery]:
    """Our mails that go along: those that were chosen, and the automatic answers to mails that were."""
    chosen = [entry.delivery_id for entry in taken if entry.kind is EntryKind.MAIL_OUT]
    answered = [message.rfc_message_id for message in messages.values() if message.rfc_message_id]
    automatic = (DeliveryKind.ACKNOWLEDGEMENT, DeliveryKind.SAFETY, DeliveryKind.EXPECTATION)
    found = await session.scalars(
        select(Delivery)
        .where(
            Delivery.id.in_([entry.delivery_id for entry in timeline if entry.delivery_id is not None]),
            or_(Delivery.id.in_(chosen), Delivery.in_reply_to.in_(answered) & Delivery.kind.in_(automatic)),
        )
        .order_by(Delivery.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    kept: dict[object, Delivery] = {}  # one acknowledgement a ticket, as everywhere
    for delivery in found:
        kept.setdefault(delivery.kind if delivery.kind in automatic else delivery.id, delivery)
    return list(kept.values())


def _with_what_belongs(
    timeline: Sequence[Entry],
    taken: Sequence[Entry],
    said: Sequence[Entry],
    deliveries: Sequence[Delivery],
    gone: dict[int, int],
) -> list[Entry]:
    """The chosen entries, with transcripts of their recordings and what became of the mails that go along."""
    recordings = {entry.recording_id for entry in said} - {None}
    mails = {delivery.id for delivery in deliveries}
    return [
        entry
        for entry in timeline
        if entry.id not in gone
        and (
            entry in taken
            or (entry.kind in OF_RECORDINGS and entry.recording_id in recordings)
            or entry.delivery_id in mails
        )
    ]


async def _customer(
    session: AsyncSession, ticket: Ticket, entry: Entry, messages: dict[int, Message]
) -> Customer | None:
    """Who said the first of it: as if that mail had come alone."""
    message = messages.get(entry.message_id or 0)
    if message is not None and message.from_address:
        return await repository.customer_by(
            session, IdentityKind.EMAIL, message.from_address, message.from_name.strip()
        )
    return await session.get(Customer, ticket.customer_id) if ticket.customer_id is not None else None


async def _own(session: AsyncSession, customer: Customer | None, messages: dict[int, Message]) -> list[str]:
    """Addresses of the new ticket's customer that wrote what went there."""
    known = await participants.identities(session, customer.id if customer is not None else None)
    return [message.from_address for message in messages.values() if message.from_address in known]


async def _read(
    session: AsyncSession, settings: Settings, entry: Entry, messages: dict[int, Message], customer: Customer | None
) -> _Words:
    history = customer.language if customer is not None else None
    if entry.message_id is not None:
        message = messages[entry.message_id]
        reading = read(settings, message)
        decision = decide(
            await language_evidence.of_words(
                session, reading.language, customer, message.received_at, besides=entry.ticket_id
            )
        )
        number = reading.callback_number or reading.signed_number
        subject = bare_subject(message.subject)
        urgency = kept(reading.triage.findings, message.received_at, message_id=message.id)
        return _Words(decision, reading.triage, number, subject, reading.text, message.received_at, urgency)
    if entry.recording_id is not None:
        recording = await session.get_one(Recording, entry.recording_id)
        transcript = await repository.newest_transcript(session, recording.id)
        said = transcript.text.strip() if transcript is not None else ""
        earlier = await language_evidence.earlier(session, customer, recording.called_at, besides=entry.ticket_id)
        decision = decide(evidence_of(settings, recording, customer, transcript, earlier))
        number = caller_number(recording)
        for fact in await of_recordings(session, [recording.id]):
            if fact.kind is CallerFactKind.CALLBACK and fact.state is CallerFactState.CONFIRMED:
                number = tel(fact.value, fact.extension)
        found = triage(topic_of(said), said, "", day_of(settings, recording.called_at))
        urgency = kept(found.findings, recording.called_at, recording_id=recording.id)
        return _Words(decision, found, number, "", said, recording.called_at, urgency)
    decision = decide(Evidence(text=read_text(entry.text), history=history))
    number = callback_of(numbers_in(entry.text))
    found = triage(topic_of(entry.text), entry.text, "", day_of(settings, entry.at))
    return _Words(decision, found, number, "", entry.text, entry.at, kept(found.findings, entry.at, entry_id=entry.id))


def _channel(entry: Entry) -> Channel:
    if entry.kind is EntryKind.CONTACT:
        return Channel(entry.detail.get("channel", Channel.PHONE.value))
    return Channel.VOICEMAIL if entry.kind is EntryKind.VOICEMAIL else Channel.EMAIL


async def _move(
    session: AsyncSession,
    me: Actor,
    ticket: Ticket,
    new: Ticket,
    moved: Sequence[Entry],
    deliveries: Sequence[Delivery],
) -> None:
    ids = [entry.id for entry in moved]
    session.add(
        Entry(ticket_id=new.id, kind=EntryKind.SPLIT, actor_id=me.id, detail={"ticket_id": ticket.id, "what": "from"})
    )
    await session.flush()

    for entry in moved:
        copied = Entry(
            ticket_id=new.id,
            kind=entry.kind,
            actor_id=entry.actor_id,
            message_id=entry.message_id,
            recording_id=entry.recording_id,
            transcript_id=entry.transcript_id,
            delivery_id=entry.delivery_id,
            text=entry.text,
            detail={**entry.detail, "split_from": {"ticket_id": entry.ticket_id, "entry_id": entry.id}},
            at=entry.at,
        )
        session.add(copied)
        await session.flush()  # one by one: the timeline is in the order of their numbers
        if entry.kind is EntryKind.CONTACT:
            await kept_facts.copy_of_contact(session, entry.id, copied.id)
    session.add(
        Entry(
            ticket_id=ticket.id,
            kind=EntryKind.SPLIT,
            actor_id=me.id,
            detail={"ticket_id": new.id, "what": "to", "entries": ids},
        )
    )
    messages = [entry.message_id for entry in moved if entry.message_id is not None]
    recordings = [entry.recording_id for entry in moved if entry.recording_id is not None]
    await session.execute(
        update(Intake)
        .where(or_(Intake.message_id.in_(messages), Intake.recording_id.in_(recordings)))
        .values(ticket_id=new.id)
    )
    mails = [delivery.id for delivery in deliveries]
    await session.execute(update(Delivery).where(Delivery.id.in_(mails)).values(ticket_id=new.id))
    await session.execute(update(DeliveryFile).where(DeliveryFile.delivery_id.in_(mails)).values(ticket_id=new.id))
    await session.execute(update(ReturnedMail).where(ReturnedMail.delivery_id.in_(mails)).values(ticket_id=new.id))
    sources = [source for source in search.sources_of(moved) if source[0] != "delivery" or source[1] in mails]
    await search.move(session, sources, from_id=ticket.id, to_id=new.id)
