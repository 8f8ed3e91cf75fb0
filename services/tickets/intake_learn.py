"""What one more mail teaches about its ticket. The same mails teach the same, in whatever order they are taken in."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import language_evidence
from services.tickets import thread_repository as repository
from services.tickets.clocks import moves as clocks
from services.tickets.intake_reading import Reading, read
from services.tickets.learned import keep_correction, priority_corrected, raise_priority, rest_on, set_language
from services.tickets.new_ticket import MAX_SUBJECT, clean_line
from services.tickets.priority import URGENCY
from services.tickets.said import Mail, Said, Together, together
from services.tickets.thread import bare_subject
from services.tickets.topics import EMERGENCY, OTHER
from services.tickets.urgency.kept import kept, without
from services.tickets.urgency.kept import together as all_urgent
from shared.language import CLEAR, UNKNOWN, Evidence, LanguageDecision, decide
from shared.models import Customer, Entry, EntryKind, LanguageSource, Message, Priority, Ticket
from shared.settings import Settings


async def learn(
    session: AsyncSession,
    settings: Settings,
    ticket: Ticket,
    message: Message,
    reading: Reading,
    customer: Customer | None,
) -> tuple[Said, bool]:
    """What the mail says, to be kept, and whether the ticket must be routed anew. The ticket is locked.

    What a person decided stands, and so does what a call said that no mail contradicts.
    """
    evidence = await language_evidence.of_words(
        session, reading.language, customer, message.received_at, besides=ticket.id
    )
    decision = decide(evidence)
    said = Said.of(reading, decision)
    known = [
        _known(settings, row, evidence.history) for row in await repository.mails_of(session, ticket.id, message.id)
    ]
    mail = repository.as_mail(message, said, await repository.uid_of(session, message.id))
    before, now = together(known), together([*known, mail])
    assert now is not None
    findings = kept(reading.triage.findings, message.received_at, message_id=message.id)
    ticket.urgency = all_urgent(without(ticket.urgency, message_id=message.id), findings)
    changed = _language(session, ticket, decision, mail, before, now)
    _beside(ticket, [*known, mail], now)
    changed = await _topic(session, settings, ticket, reading, mail, before, now) or changed
    if before is not None and now.first is mail and ticket.subject == _subject(before):
        ticket.subject = _subject(now)
    if ticket.callback_number == (before.number if before is not None else None):
        ticket.callback_number = now.number
    ticket.callback_number = ticket.callback_number or said.number or said.signed
    await _began(session, settings, ticket, mail)
    return said, changed


def _known(settings: Settings, row: repository.OnTicket, history: str | None) -> Mail:
    """Of mails from before anything was kept of them, their words are read again."""
    if row.said is not None:
        return repository.as_mail(row.message, Said.from_json(row.said), row.uid)
    reading = read(settings, row.message)
    decision = decide(Evidence(text=reading.language, history=history))
    return repository.as_mail(row.message, Said.of(reading, decision), row.uid)


def _subject(of: Together) -> str:
    return clean_line(bare_subject(of.first.subject))[:MAX_SUBJECT]


def _language(
    session: AsyncSession,
    ticket: Ticket,
    decision: LanguageDecision,
    mail: Mail,
    before: Together | None,
    now: Together,
) -> bool:
    """A newer mail may say clearly another language, and any what no other could; a correction is never undone."""
    if ticket.language_source is LanguageSource.CORRECTION or now.language is not mail:
        return False
    told = before.language.said.language if before is not None and before.language is not None else UNKNOWN
    if decision.confidence < CLEAR and ticket.language not in (UNKNOWN, told):
        return False
    if decision.language == ticket.language:
        rest_on(ticket, decision)
        return False
    set_language(session, ticket, decision)
    return True


def _beside(ticket: Ticket, mails: Sequence[Mail], now: Together) -> None:
    """How many of the other mails are in which language: what is shown says whether they agree."""
    if now.language is None or ticket.language != now.language.said.language or len(mails) < 2:
        return
    if ticket.language_source is LanguageSource.CORRECTION:
        return
    others = Counter(each.said.language for each in mails if each is not now.language)
    del others[UNKNOWN]
    ticket.language_evidence = {**ticket.language_evidence, "thread": dict(sorted(others.items()))}


async def _topic(
    session: AsyncSession,
    settings: Settings,
    ticket: Ticket,
    reading: Reading,
    mail: Mail,
    before: Together | None,
    now: Together,
) -> bool:
    """An emergency always counts; another topic only where none was told before. Returns whether the level changed."""
    said, level_before = mail.said, ticket.level
    told = before.topic.said if before is not None else replace(said, topic=OTHER)
    undecided = not ticket.topic_corrected and ticket.topic in (OTHER, told.topic)
    decides = now.topic is mail and (
        said.topic == EMERGENCY or (undecided and (said.topic != OTHER or before is not None))
    )
    if decides and said.topic != ticket.topic:
        session.add(Entry(ticket_id=ticket.id, kind=EntryKind.TOPIC, detail={"from": ticket.topic, "to": said.topic}))
        ticket.topic, ticket.level = said.topic, said.level
        ticket.topic_evidence = keep_correction(ticket, reading.triage.evidence)
    elif decides and ticket.level is told.level:
        ticket.level = said.level
    if decides:
        ticket.also_topics = list(said.also)
    ours = before is not None and ticket.priority is before.priority
    if ours and not (ticket.topic_corrected or priority_corrected(ticket)):
        wanted = now.priority
    else:  # somebody decided, or a call did: mails only raise it
        wanted = said.priority if decides or said.raised else ticket.priority
    if URGENCY.index(wanted) < URGENCY.index(ticket.priority):
        await raise_priority(session, settings, ticket, wanted, mail.received_at)
    elif ours and URGENCY.index(now.priority) > URGENCY.index(ticket.priority) and wanted is now.priority:
        await _lower(session, settings, ticket, wanted)
    return ticket.level is not level_before


async def _lower(session: AsyncSession, settings: Settings, ticket: Ticket, priority: Priority) -> None:
    """An older mail shows that a later one only went on with what was not urgent."""
    detail = {"from": ticket.priority.value, "to": priority.value}
    session.add(Entry(ticket_id=ticket.id, kind=EntryKind.PRIORITY, detail=detail))
    ticket.priority = priority
    await clocks.retarget(session, settings, ticket)


async def _began(session: AsyncSession, settings: Settings, ticket: Ticket, mail: Mail) -> None:
    """The customer waits since the first mail that nobody has seen yet, also when it comes last."""
    if mail.received_at >= ticket.queued_at:
        return
    ticket.queued_at = mail.received_at
    await clocks.began(session, settings, ticket, mail.received_at, urgent=mail.said.priority is Priority.EMERGENCY)
