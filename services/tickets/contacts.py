"""A customer at the telephone or the counter: their contact becomes a ticket like any other."""

import re

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import acknowledge, kept_facts, reroute, search
from services.tickets import intake_repository as repository
from services.tickets.addresses import addresses_in
from services.tickets.clocks import moves as clocks
from services.tickets.desk import MAX_TEXT
from services.tickets.facts import as_e164, find
from services.tickets.locks import lock_names, lock_ticket
from services.tickets.new_ticket import clean_line, open_ticket, storable
from services.tickets.priority import triage
from services.tickets.routing.handover import give
from services.tickets.topics import EMERGENCY, TopicMatch, known
from services.tickets.triage.understand import topic_of
from services.tickets.urgency.kept import kept
from services.tickets.urgent_alerts import warn
from shared import audit, clock
from shared.calendar import day_of
from shared.errors import Invalid
from shared.language import MIXED, UNKNOWN, Evidence, decide
from shared.models import Channel, Customer, CustomerIdentity, Entry, EntryKind, IdentityKind, Ticket
from shared.people import Actor, Permission
from shared.settings import Settings

_LANGUAGE = re.compile(r"[a-z]{2}|mixed|unknown")


async def create_contact(
    session: AsyncSession,
    settings: Settings,
    me: Actor,
    *,
    channel: Channel,
    language: str,
    subject: str,
    text: str,
    name: str,
    phone: str,
    email: str,
    topic: str | None = None,
    take: bool = True,
) -> Ticket:
    """Write the contact down. `take`: it is the writer's own work, if they may take such a ticket; else it queues."""
    me.require(Permission.TICKET_CREATE)
    if channel not in (Channel.PHONE, Channel.WALK_IN):
        raise Invalid("A contact entered by hand is a phone call or a visit.", field="channel")
    if not _LANGUAGE.fullmatch(language):
        raise Invalid("Please choose a language.", field="language")
    if topic is not None and not known(topic):
        raise Invalid("Please choose a topic.", field="topic")
    text = storable(text).strip()
    subject, name = clean_line(subject), clean_line(name)[:200]
    if not text and not subject:
        raise Invalid("Say what the customer wants.", field="text")
    if len(text) > MAX_TEXT:
        raise Invalid("Please keep the text under {limit} characters.", field="text", limit=MAX_TEXT)
    number = as_e164(phone) if phone.strip() else None
    if phone.strip() and number is None:
        raise Invalid("{phone} is not a telephone number.", field="phone", phone=phone[:40])
    addresses = addresses_in([email], "email") if email.strip() else []
    await lock_names(session, [f"customer:{value}" for value in (number, *addresses) if value])
    customer = await _customer(session, name, number, addresses[0] if addresses else None, language)
    match = TopicMatch(topic, evidence={"stated": topic}) if topic else topic_of(text or subject, subject)
    now = clock.now()
    found = triage(match, text or subject, subject, day_of(settings, now))
    ticket = await open_ticket(
        session,
        settings,
        channel=channel,
        subject=subject or text.splitlines()[0][:120],
        customer_id=customer.id,
        decision=decide(Evidence(correction=language)),
        triage=found,
        began_at=now,
        callback_number=number,
        participants=addresses,
    )
    ticket.topic_corrected = topic is not None
    entry = Entry(
        ticket_id=ticket.id,
        kind=EntryKind.CONTACT,
        actor_id=me.id,
        text=text,
        detail={"channel": channel.value, "name": name, "phone": number, "email": addresses[0] if addresses else None},
    )
    session.add(entry)
    await session.flush()
    ticket.urgency = kept(found.findings, now, entry_id=entry.id)
    await kept_facts.keep_of_contact(session, entry.id, find(text, day_of(settings, now)))
    await search.index(
        session, ticket_id=ticket.id, source="entry", source_id=entry.id, language=ticket.language,
        body=f"{name} {number or ''} {' '.join(addresses)}\n{text}",
    )  # fmt: skip
    if take:
        ticket = await lock_ticket(session, ticket.id, people=(me.id,))
        if await reroute.unfit(session, settings, ticket, me.id) is None:
            await give(session, ticket, me.id, actor_id=me.id, how="taken")
            await clocks.answered(session, settings, ticket, now)  # by whoever writes it down
    if found.topic == EMERGENCY:
        phrases = list(found.evidence.get("phrases", {}).get(EMERGENCY, []))
        await acknowledge.raise_alarm(session, settings, ticket, phrases=phrases, excerpt=text or subject)
    await warn(session, settings, ticket, found.findings, excerpt=text or subject)
    audit.record(
        session, me.id, "ticket.create", object_type="ticket", object_id=ticket.id, ticket_id=ticket.id,
        detail={"channel": channel.value}, ip=me.ip,
    )  # fmt: skip
    return ticket


async def _customer(session: AsyncSession, name: str, number: str | None, email: str | None, language: str) -> Customer:
    """Known by number or address; what else they tell us about how to reach them is kept where it is still free."""
    customer: Customer | None = None
    identities = [(IdentityKind.PHONE, number), (IdentityKind.EMAIL, email)]
    known_by = [(kind, value) for kind, value in identities if value]
    for kind, value in known_by:
        customer = customer or await session.scalar(
            select(Customer)
            .join(CustomerIdentity, CustomerIdentity.customer_id == Customer.id)
            .where(CustomerIdentity.kind == kind, CustomerIdentity.value == value)
        )
    if customer is None and known_by:
        customer = await repository.customer_by(session, known_by[0][0], str(known_by[0][1]), name)
    if customer is None:
        customer = Customer(name=name)
        session.add(customer)
        await session.flush()
    for kind, value in known_by:
        await session.execute(
            insert(CustomerIdentity).values(kind=kind, value=value, customer_id=customer.id).on_conflict_do_nothing()
        )
    if name and not customer.name:
        customer.name = name
    if language not in (MIXED, UNKNOWN):
        customer.language = language
    return customer
