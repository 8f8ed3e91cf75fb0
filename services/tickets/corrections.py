"""A person corrects what the machine read: language, topic, priority. It counts at once, and is remembered."""

import re

from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import acknowledge, reroute
from services.tickets.clocks import moves as clocks
from services.tickets.learned import set_language as change_language
from services.tickets.locks import lock_ticket
from services.tickets.priority import triage
from services.tickets.topics import EMERGENCY, TopicMatch, known
from shared import audit, clock
from shared.errors import Invalid
from shared.events import Event, publish
from shared.language import MIXED, UNKNOWN, Evidence, decide
from shared.models import Customer, Entry, EntryKind, LanguageSource, Priority, Ticket
from shared.people import Actor, Permission
from shared.settings import Settings

_LANGUAGE = re.compile(r"[a-z]{2}|mixed|unknown")


async def set_language(session: AsyncSession, settings: Settings, me: Actor, ticket_id: int, language: str) -> Ticket:
    """The ticket is in this language. Remembered for the customer's next contact; reroutes at once."""
    me.require(Permission.TICKET_WORK)
    if not _LANGUAGE.fullmatch(language):
        raise Invalid("Please choose a language.", field="language")
    ticket = await lock_ticket(session, ticket_id)
    before = ticket.language
    if before == language and ticket.language_source is LanguageSource.CORRECTION:
        return ticket
    earlier = {key: value for key, value in ticket.language_evidence.items() if key != "correction"}
    decision = decide(Evidence(correction=language))
    decision.evidence.update(earlier)
    change_language(session, ticket, decision, actor_id=me.id)
    if ticket.customer_id is not None:
        customer = await session.get_one(Customer, ticket.customer_id)
        customer.language = None if language in (MIXED, UNKNOWN) else language
    await reroute.rerouted(session, settings, ticket, actor_id=me.id)
    audit.record(
        session, me.id, "ticket.set_language", ticket_id=ticket.id, detail={"from": before, "to": language}, ip=me.ip
    )
    await publish(session, Event("ticket", ticket.id, _concerned(ticket), "language"))
    return ticket


async def set_topic(session: AsyncSession, settings: Settings, me: Actor, ticket_id: int, topic: str) -> Ticket:
    """What the ticket is about; its level and, unless somebody set it, its priority follow."""
    me.require(Permission.TICKET_WORK)
    if not known(topic):
        raise Invalid("Please choose a topic.", field="topic")
    ticket = await lock_ticket(session, ticket_id)
    before = ticket.topic
    if before == topic and ticket.topic_corrected:
        return ticket
    found = triage(TopicMatch(topic), "")
    raised = ticket.topic_evidence.get("raised_by")
    priority = found.priority
    if raised and priority in (Priority.NORMAL, Priority.LOW):
        priority = Priority.HIGH
    session.add(Entry(ticket_id=ticket.id, kind=EntryKind.TOPIC, actor_id=me.id, detail={"from": before, "to": topic}))
    ticket.topic, ticket.topic_corrected, ticket.level = topic, True, found.level
    if topic == EMERGENCY or not ticket.topic_evidence.get("priority_corrected"):
        await _change_priority(session, settings, me, ticket, priority)
    await reroute.rerouted(session, settings, ticket, actor_id=me.id)
    audit.record(
        session, me.id, "ticket.set_topic", ticket_id=ticket.id, detail={"from": before, "to": topic}, ip=me.ip
    )
    await publish(session, Event("ticket", ticket.id, _concerned(ticket), "topic"))
    return ticket


async def set_priority(
    session: AsyncSession, settings: Settings, me: Actor, ticket_id: int, priority: Priority
) -> Ticket:
    """How urgent it is; the due time follows, counted from when the customer's wait began."""
    me.require(Permission.TICKET_WORK)
    ticket = await lock_ticket(session, ticket_id)
    before = ticket.priority
    ticket.topic_evidence = {**ticket.topic_evidence, "priority_corrected": True}
    if before is priority:
        return ticket
    await _change_priority(session, settings, me, ticket, priority)
    await reroute.rerouted(session, settings, ticket, actor_id=me.id)
    audit.record(
        session, me.id, "ticket.set_priority", ticket_id=ticket.id,
        detail={"from": before.value, "to": priority.value}, ip=me.ip,
    )  # fmt: skip
    await publish(session, Event("ticket", ticket.id, _concerned(ticket), "priority"))
    return ticket


async def _change_priority(
    session: AsyncSession, settings: Settings, me: Actor, ticket: Ticket, priority: Priority
) -> None:
    if priority is ticket.priority:
        return
    session.add(
        Entry(
            ticket_id=ticket.id,
            kind=EntryKind.PRIORITY,
            actor_id=me.id,
            detail={"from": ticket.priority.value, "to": priority.value},
        )
    )
    ticket.priority = priority
    ticket.updated_at = clock.now()
    await clocks.retarget(session, settings, ticket)
    if priority is Priority.EMERGENCY:
        await acknowledge.raise_alarm(session, settings, ticket, phrases=[], excerpt=ticket.subject)


def _concerned(ticket: Ticket) -> tuple[int, ...]:
    return (ticket.assignee_id,) if ticket.assignee_id is not None else ()
