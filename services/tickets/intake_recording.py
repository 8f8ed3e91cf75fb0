"""A voicemail is a ticket the moment it arrives, and learns what was said when a transcript is there."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import acknowledge, caller_facts, kept_facts, language_evidence, reroute, search, wordless
from services.tickets import intake_repository as repository
from services.tickets.callers.facts import Wishes
from services.tickets.clocks import moves as clocks
from services.tickets.facts import as_e164, find_in
from services.tickets.learned import keep_correction, priority_corrected, raise_priority, rest_on, set_language
from services.tickets.locks import lock_ticket
from services.tickets.new_ticket import open_ticket
from services.tickets.priority import URGENCY, triage
from services.tickets.thread_repository import survivor
from services.tickets.topics import EMERGENCY, OTHER, TopicMatch
from services.tickets.triage.understand import topic_of
from services.tickets.urgency.kept import kept, together, without
from services.tickets.urgency.kinds import Kind
from services.tickets.urgent_alerts import warn
from shared import clock
from shared.calendar import day_of
from shared.events import Event, publish
from shared.language import Evidence, Heard, decide, read_text
from shared.models import (
    CallerFactKind,
    Channel,
    Customer,
    Entry,
    EntryKind,
    IdentityKind,
    Intake,
    IntakeOutcome,
    LanguageSource,
    Priority,
    Recording,
    RecordingSource,
    RecordingState,
    Ticket,
    Transcript,
    TranscriptCorrection,
)
from shared.settings import Settings


def lock_names_of(recording: Recording) -> list[str]:
    """One at a time per recording, and per caller: the same caller is one customer."""
    names = [f"recording:{recording.id}"]
    number = caller_number(recording)
    if number:
        names.append(f"customer:{number}")
    return names


async def take_in(session: AsyncSession, settings: Settings, recording: Recording) -> None:
    """Safe to repeat: makes the ticket if there is none, then adds what is new since the last time."""
    if recording.same_as is not None or (recording.compare_until is not None and recording.compare_until > clock.now()):
        return  # the same call is a ticket already, or is being compared with one that is
    intake = await repository.intake_of(session, recording_id=recording.id)
    transcript = await repository.newest_transcript(session, recording.id)
    if intake is None or intake.ticket_id is None:
        ticket = await _open(session, settings, recording)
        await repository.put_intake(
            session, recording_id=recording.id, outcome=IntakeOutcome.TICKETED, ticket_id=ticket.id
        )
        intake = await repository.intake_of(session, recording_id=recording.id)
        assert intake is not None
        if transcript is None and wordless.too_short(settings, recording):
            await wordless.nobody_spoke(session, settings, ticket, recording)
    assert intake.ticket_id is not None
    correction = await caller_facts.newest_correction(session, transcript)
    new = transcript is not None and transcript.id > (intake.transcript_id or 0)
    corrected = correction is not None and correction.id > (intake.correction_id or 0)
    if transcript is not None and (new or corrected):
        await _hear(session, settings, recording, transcript, correction, intake)
    elif recording.state in repository.WITHOUT_WORDS:
        await _note_failure(session, settings, recording, intake.ticket_id)
    elif transcript is None and len(recording.partial_segments or ()) > intake.heard_segments:
        await _hear_so_far(session, settings, recording, intake)
    elif recording.source is RecordingSource.CALLBACK and recording.blob is not None:
        # Its audio came after its ticket: who looks at it may listen now.
        await publish(session, Event("ticket", await survivor(session, intake.ticket_id), what="recording"))


async def _open(session: AsyncSession, settings: Settings, recording: Recording) -> Ticket:
    number = caller_number(recording)
    customer: Customer | None = None
    if number:
        customer = await repository.customer_by(session, IdentityKind.PHONE, number, recording.caller_name.strip())
    earlier = await language_evidence.earlier(session, customer, recording.called_at)
    decision = decide(evidence_of(settings, recording, customer, None, earlier))
    ticket = await open_ticket(
        session,
        settings,
        channel=Channel.VOICEMAIL,
        subject=(recording.caller_name.strip() or number or ""),
        customer_id=customer.id if customer else None,
        decision=decision,
        triage=triage(TopicMatch(OTHER), ""),
        began_at=recording.called_at,
        callback_number=number,
    )
    session.add(
        Entry(
            ticket_id=ticket.id,
            kind=EntryKind.VOICEMAIL,
            recording_id=recording.id,
            detail={
                "caller_id": recording.caller_id,
                "line": recording.line,
                "urgent": recording.urgent,
                "duration_s": recording.duration_s,
            },
        )
    )
    return ticket


async def _hear(
    session: AsyncSession,
    settings: Settings,
    recording: Recording,
    transcript: Transcript,
    correction: TranscriptCorrection | None,
    intake: Intake,
) -> None:
    """The words reach the ticket: text, language, topic, urgency, what the caller wants; and whoever no longer fits
    lets go. Words that a person corrected count instead of what was heard."""
    assert intake.ticket_id is not None
    ticket = await lock_ticket(session, await survivor(session, intake.ticket_id))
    customer = await session.get(Customer, ticket.customer_id) if ticket.customer_id else None
    said = (transcript.text if correction is None else correction.text).strip()
    new = transcript.id > (intake.transcript_id or 0)
    if new:
        session.add(
            Entry(
                ticket_id=ticket.id,
                kind=EntryKind.TRANSCRIPT,
                recording_id=recording.id,
                transcript_id=transcript.id,
                detail={
                    "state": RecordingState.TRANSCRIBED.value,
                    "flags": transcript.flags,
                    "language": transcript.language,
                },
            )
        )
    await repository.put_intake(
        session,
        recording_id=recording.id,
        outcome=IntakeOutcome.TICKETED,
        ticket_id=intake.ticket_id,
        transcript_id=transcript.id,
        correction_id=correction.id if correction is not None else None,
    )
    speech = caller_facts.speech_of(transcript, correction)
    wishes = caller_facts.wishes_of(settings, speech, recording)
    await caller_facts.learn(session, recording, wishes)
    day = day_of(settings, recording.called_at)
    await kept_facts.keep_of_recording(session, recording.id, find_in(speech, wishes, day))
    _name_subject(ticket, wishes)
    changed = new and await _learn_language(session, settings, ticket, recording, transcript, customer)
    emergency = await _learn_topic(session, settings, ticket, recording, said)
    if said or wordless.is_voice_without_words(transcript):
        changed = await wordless.somebody_spoke(session, settings, ticket, recording) or changed
    else:
        await wordless.nobody_spoke(session, settings, ticket, recording)
    changed = changed or emergency is not None
    ticket.updated_at = clock.now()
    await search.index(
        session,
        ticket_id=ticket.merged_into_id or ticket.id,
        source="recording",
        source_id=recording.id,
        language=ticket.language,
        body=f"{recording.caller_name} {recording.caller_id or ''}\n{said}",
    )
    holder = ticket.assignee_id
    if changed:
        await reroute.rerouted(session, settings, ticket)
    if emergency:
        await acknowledge.raise_alarm(
            session, settings, ticket, phrases=emergency, excerpt=said, said_at=recording.called_at
        )
    people = tuple({person for person in (holder, ticket.assignee_id) if person is not None})
    await publish(session, Event("ticket", ticket.id, people=people, what="transcript"))


async def _hear_so_far(session: AsyncSession, settings: Settings, recording: Recording, intake: Intake) -> None:
    """The first sentences, while the others are still transcribed: only for words that cannot wait.

    What they raise stays raised, whatever the whole transcript says; raising it is done once.
    """
    assert intake.ticket_id is not None
    segments = [segment for segment in recording.partial_segments or () if segment.get("in_text") is not False]
    said = " ".join(str(segment.get("text", "")).strip() for segment in segments)
    intake.heard_segments = len(recording.partial_segments or ())
    heard = triage(topic_of(said), said)
    if heard.topic != EMERGENCY and not heard.has(Kind.CRISIS):
        return
    ticket = await lock_ticket(session, await survivor(session, intake.ticket_id))
    emergency = await _learn_topic(session, settings, ticket, recording, said)
    if emergency is None:
        return
    await wordless.somebody_spoke(session, settings, ticket, recording)
    holder = ticket.assignee_id
    ticket.updated_at = clock.now()
    await reroute.rerouted(session, settings, ticket)
    if emergency:
        await acknowledge.raise_alarm(
            session, settings, ticket, phrases=emergency, excerpt=said, said_at=recording.called_at
        )
    people = tuple({person for person in (holder, ticket.assignee_id) if person is not None})
    await publish(session, Event("ticket", ticket.id, people=people, what="transcript"))


def _name_subject(ticket: Ticket, wishes: Wishes) -> None:
    """A name makes a line of the queue easier to know; whose it is, and where to call, a person confirms."""
    names = [fact.value for fact in wishes.of(CallerFactKind.NAME) if not fact.for_other]
    names += [fact.value for fact in wishes.of(CallerFactKind.NAME) if fact.for_other]
    if names and (not ticket.subject or ticket.subject.startswith("+")):
        ticket.subject = names[0]


async def _learn_language(
    session: AsyncSession,
    settings: Settings,
    ticket: Ticket,
    recording: Recording,
    transcript: Transcript,
    customer: Customer | None,
) -> bool:
    if ticket.language_source is LanguageSource.CORRECTION:
        return False
    earlier = await language_evidence.earlier(session, customer, recording.called_at, besides=ticket.id)
    decision = decide(evidence_of(settings, recording, customer, transcript, earlier))
    if decision.language == ticket.language:
        rest_on(ticket, decision)
        return False
    set_language(session, ticket, decision)
    return True


async def _learn_topic(
    session: AsyncSession, settings: Settings, ticket: Ticket, recording: Recording, said: str
) -> list[str] | None:
    """None: nothing changed. A list: topic, level or priority did; it holds the phrases of an emergency.

    An emergency counts until a person says otherwise: no later words take it back, and the same words do not bring it
    back after somebody decided.
    """
    now = triage(topic_of(said), said, "", day_of(settings, recording.called_at))
    findings = kept(now.findings, recording.called_at, recording_id=recording.id)
    ticket.urgency = together(without(ticket.urgency, recording_id=recording.id), findings)
    await warn(session, settings, ticket, now.findings, excerpt=said, said_at=recording.called_at)
    emergency = now.topic == EMERGENCY
    decided = ticket.topic_corrected or priority_corrected(ticket)
    if await acknowledge.was_alarmed(session, ticket.id) and (decided or not emergency):
        return None
    changed = False
    if now.topic != ticket.topic and (emergency or not ticket.topic_corrected):
        session.add(Entry(ticket_id=ticket.id, kind=EntryKind.TOPIC, detail={"from": ticket.topic, "to": now.topic}))
        ticket.topic, ticket.topic_evidence = now.topic, keep_correction(ticket, now.evidence)
        ticket.also_topics = list(now.also)
        changed = ticket.level is not now.level
        ticket.level = now.level
    if findings and now.topic == ticket.topic and not decided and ticket.level is not now.level:
        ticket.level, changed = now.level, True  # of who may close what is urgent in it
    if URGENCY.index(now.priority) < URGENCY.index(ticket.priority):
        await raise_priority(session, settings, ticket, now.priority, recording.called_at)
        changed = True
    elif now.priority is Priority.LOW and ticket.priority is Priority.NORMAL and not priority_corrected(ticket):
        ticket.priority = Priority.LOW  # normal was only what we said before anybody had listened
        await clocks.retarget(session, settings, ticket)
    if emergency:
        return list(now.evidence.get("phrases", {}).get(EMERGENCY, []))
    return [] if changed else None


async def _note_failure(session: AsyncSession, settings: Settings, recording: Recording, ticket_id: int) -> None:
    """The timeline says, once for each kind of failure, that there are no words and why."""
    if await repository.told_of_state(session, recording.id, recording.state):
        return
    ticket = await lock_ticket(session, await survivor(session, ticket_id))
    session.add(
        Entry(
            ticket_id=ticket.id,
            kind=EntryKind.TRANSCRIPT,
            recording_id=recording.id,
            detail={"state": recording.state.value, "error": (recording.error or "").strip().splitlines()[-1:]},
        )
    )
    if wordless.too_short(settings, recording):
        await wordless.nobody_spoke(session, settings, ticket, recording)
    ticket.updated_at = clock.now()
    people = (ticket.assignee_id,) if ticket.assignee_id is not None else ()
    await publish(session, Event("ticket", ticket.id, people=people, what="transcript"))


def evidence_of(
    settings: Settings,
    recording: Recording,
    customer: Customer | None,
    transcript: Transcript | None,
    earlier: tuple[str, ...] = (),
) -> Evidence:
    """Of a call: what was heard and written down, pressed and known of the caller."""
    line = line_language(settings, recording)
    menu = recording.menu_language if recording.menu_language != line else None
    said = transcript.text.strip() if transcript is not None else ""
    return Evidence(
        text=read_text(said, author=recording.caller_name) if said else None,
        audio=_heard(transcript) if transcript is not None and said else None,
        menu=menu,
        line=line,
        history=customer.language if customer is not None else None,
        earlier=earlier,
    )


def _heard(transcript: Transcript) -> Heard:
    found = transcript.language_evidence.get("other") or {}
    language, probability = str(found.get("language", "")), found.get("probability")
    known = len(language) == 2 and isinstance(probability, (int, float))  # tickets know languages of two letters
    other = (language, float(probability or 0)) if known else None
    return Heard(transcript.language, transcript.language_confidence, other)


def line_language(settings: Settings, recording: Recording) -> str | None:
    """The language that the mailbox implies, where its phone system has one mailbox for each.

    The same number in another phone system, or in a mail, is another mailbox and implies nothing.
    """
    if recording.source is not RecordingSource.SPOOL:
        return None
    for spool in settings.spools:
        if recording.source_id.startswith(f"{spool.name}/"):
            return spool.languages.get(recording.mailbox)
    return None


def caller_number(recording: Recording) -> str | None:
    """The caller's number in the one form that is compared, if it can be one."""
    return as_e164(recording.caller_id) if recording.caller_id else None
