"""A person corrects what the machine read: language, topic, priority. It counts at once, and is remembered.

The same value as the machine's says that the machine was right. Each word can be taken back: then the machine's counts
again. What is kept of it for training is learning/judgements.py's.
"""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import acknowledge, reroute
from services.tickets.clocks import moves as clocks
from services.tickets.learned import priority_corrected
from services.tickets.learned import set_language as change_language
from services.tickets.learning import judgements, repository
from services.tickets.locks import lock_ticket
from services.tickets.priority import raised, triage
from services.tickets.topics import EMERGENCY, TopicMatch, known
from services.tickets.urgency.kept import kinds_of
from shared import audit, clock
from shared.errors import Conflict, Invalid
from shared.events import Event, publish
from shared.language import MIXED, UNKNOWN, Evidence, LanguageDecision, decide
from shared.models import (
    Correction,
    CorrectionKind,
    Customer,
    Entry,
    EntryKind,
    LanguageSource,
    Level,
    Priority,
    Ticket,
)
from shared.people import Actor, Permission
from shared.settings import Settings

_LANGUAGE = re.compile(r"[a-z]{2}|mixed|unknown")
_ENTRY = {
    CorrectionKind.LANGUAGE: EntryKind.LANGUAGE,
    CorrectionKind.TOPIC: EntryKind.TOPIC,
    CorrectionKind.PRIORITY: EntryKind.PRIORITY,
}


async def set_language(session: AsyncSession, settings: Settings, me: Actor, ticket_id: int, language: str) -> Ticket:
    """The ticket is in this language. Remembered for the customer's next contact; reroutes at once."""
    me.require(Permission.TICKET_WORK)
    if not _LANGUAGE.fullmatch(language):
        raise Invalid("Please choose a language.", field="language")
    ticket = await lock_ticket(session, ticket_id)
    before = ticket.language
    if before == language and ticket.language_source is LanguageSource.CORRECTION:
        return ticket
    customer = await session.get_one(Customer, ticket.customer_id) if ticket.customer_id is not None else None
    restores = {
        "confidence": ticket.language_confidence,
        "source": ticket.language_source.value,
        "customer": customer.language if customer is not None else None,
    }
    await judgements.keep(session, me, ticket, CorrectionKind.LANGUAGE, language, restores)
    earlier = {key: value for key, value in ticket.language_evidence.items() if key != "correction"}
    decision = decide(Evidence(correction=language))
    decision.evidence.update(earlier)
    change_language(session, ticket, decision, actor_id=me.id)
    if customer is not None:
        customer.language = None if language in (MIXED, UNKNOWN) else language
    await reroute.rerouted(session, settings, ticket, actor_id=me.id)
    await _say(session, me, ticket, "ticket.set_language", CorrectionKind.LANGUAGE, before, language)
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
    restores = {"level": ticket.level.value, "priority": ticket.priority.value, "also": ticket.also_topics}
    await judgements.keep(session, me, ticket, CorrectionKind.TOPIC, topic, restores)
    _entry(session, me, ticket, CorrectionKind.TOPIC, before, topic)
    ticket.topic_corrected = True
    if topic != before:
        ticket.also_topics = [each for each in ticket.also_topics if each != topic]
        found = triage(TopicMatch(topic, tuple(ticket.also_topics)), "")
        priority = raised(found.priority, kinds_of(ticket.urgency))
        ticket.topic, ticket.level = topic, found.level
        if topic == EMERGENCY or not priority_corrected(ticket):
            await _change_priority(session, settings, me, ticket, priority)
    await reroute.rerouted(session, settings, ticket, actor_id=me.id)
    await _say(session, me, ticket, "ticket.set_topic", CorrectionKind.TOPIC, before, topic)
    return ticket


async def set_priority(
    session: AsyncSession, settings: Settings, me: Actor, ticket_id: int, priority: Priority
) -> Ticket:
    """How urgent it is; the due time follows, counted from when the customer's wait began."""
    me.require(Permission.TICKET_WORK)
    ticket = await lock_ticket(session, ticket_id)
    before = ticket.priority
    if before is priority and priority_corrected(ticket):
        return ticket
    await judgements.keep(session, me, ticket, CorrectionKind.PRIORITY, priority.value, {})
    ticket.topic_evidence = {**ticket.topic_evidence, "priority_corrected": True}
    if before is priority:
        _entry(session, me, ticket, CorrectionKind.PRIORITY, before.value, priority.value)
    else:
        await _change_priority(session, settings, me, ticket, priority)
        await reroute.rerouted(session, settings, ticket, actor_id=me.id)
    await _say(session, me, ticket, "ticket.set_priority", CorrectionKind.PRIORITY, before.value, priority.value)
    return ticket


async def take_back(
    session: AsyncSession, settings: Settings, me: Actor, ticket_id: int, kind: CorrectionKind
) -> Ticket:
    """What a person said no longer counts: the machine's decision stands again, and is routed again.

    Raises Conflict when nobody said anything, or when something newer stands there.
    """
    me.require(Permission.TICKET_WORK)
    ticket = await lock_ticket(session, ticket_id)
    row = (await repository.counting(session, ticket_id)).get(kind)
    if row is None:
        raise Conflict("There is nothing to take back here.")
    before = judgements.value_of(ticket, kind)
    if before != row.corrected:
        raise Conflict("This was decided anew meanwhile. Look at the ticket again.")
    await judgements.end(session, me, row)
    if kind is CorrectionKind.LANGUAGE:
        await _restore_language(session, me, ticket, row)
    elif kind is CorrectionKind.TOPIC:
        await _restore_topic(session, settings, me, ticket, row)
    else:
        evidence = {key: value for key, value in ticket.topic_evidence.items() if key != "priority_corrected"}
        ticket.topic_evidence = evidence
        await _change_priority(session, settings, me, ticket, Priority(row.decided))
    await reroute.rerouted(session, settings, ticket, actor_id=me.id)
    await _say(session, me, ticket, "ticket.take_back_correction", kind, before, row.decided)
    return ticket


async def _restore_language(session: AsyncSession, me: Actor, ticket: Ticket, row: Correction) -> None:
    evidence = {key: value for key, value in ticket.language_evidence.items() if key != "correction"}
    decision = LanguageDecision(row.decided, row.before["confidence"], row.before["source"], evidence)
    change_language(session, ticket, decision, actor_id=me.id)
    if ticket.customer_id is not None:
        customer = await session.get_one(Customer, ticket.customer_id)
        customer.language = row.before["customer"]


async def _restore_topic(session: AsyncSession, settings: Settings, me: Actor, ticket: Ticket, row: Correction) -> None:
    _entry(session, me, ticket, CorrectionKind.TOPIC, ticket.topic, row.decided)
    ticket.topic, ticket.topic_corrected = row.decided, False
    ticket.level, ticket.also_topics = Level(row.before["level"]), list(row.before["also"])
    if not priority_corrected(ticket):
        await _change_priority(session, settings, me, ticket, Priority(row.before["priority"]))


async def corrections_of(session: AsyncSession, me: Actor, ticket_id: int) -> Sequence[Correction]:
    """What people said about the ticket, the newest first."""
    me.require(Permission.TICKET_READ)
    return await repository.all_of(session, ticket_id)


async def _change_priority(
    session: AsyncSession, settings: Settings, me: Actor, ticket: Ticket, priority: Priority
) -> None:
    if priority is ticket.priority:
        return
    _entry(session, me, ticket, CorrectionKind.PRIORITY, ticket.priority.value, priority.value)
    ticket.priority = priority
    ticket.updated_at = clock.now()
    await clocks.retarget(session, settings, ticket)
    if priority is Priority.EMERGENCY:
        await acknowledge.raise_alarm(session, settings, ticket, phrases=[], excerpt=ticket.subject)


def _entry(session: AsyncSession, me: Actor, ticket: Ticket, kind: CorrectionKind, before: str, after: str) -> None:
    """On the timeline; the same value before and after says that somebody agreed."""
    detail: dict[str, Any] = {"from": before, "to": after}
    session.add(Entry(ticket_id=ticket.id, kind=_ENTRY[kind], actor_id=me.id, detail=detail))


async def _say(
    session: AsyncSession, me: Actor, ticket: Ticket, action: str, kind: CorrectionKind, before: str, after: str
) -> None:
    detail: dict[str, object] = {"from": before, "to": after}
    if action == "ticket.take_back_correction":
        detail["kind"] = kind.value
    audit.record(session, me.id, action, ticket_id=ticket.id, detail=detail, ip=me.ip)
    people = (ticket.assignee_id,) if ticket.assignee_id is not None else ()
    await publish(session, Event("ticket", ticket.id, people, kind.value))
