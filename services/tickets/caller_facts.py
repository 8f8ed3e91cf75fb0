"""What recordings say of their callers, kept as rows: learned anew from each transcript, without undoing a person."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.callers import words
from services.tickets.callers.facts import Fact, Kind, Wishes
from services.tickets.callers.listen import listen
from services.tickets.callers.words import Speech
from services.tickets.facts import as_e164
from services.tickets.thread_repository import family
from shared.models import CallerFact, CallerFactState, Intake, Recording, Transcript, TranscriptCorrection
from shared.settings import Settings

DECIDED = (CallerFactState.CONFIRMED, CallerFactState.REJECTED)


async def newest_correction(session: AsyncSession, transcript: Transcript | None) -> TranscriptCorrection | None:
    """What a person says was said instead of this transcript, if anybody does."""
    if transcript is None:
        return None
    found: TranscriptCorrection | None = await session.scalar(
        select(TranscriptCorrection)
        .where(TranscriptCorrection.transcript_id == transcript.id)
        .order_by(TranscriptCorrection.version.desc())
        .limit(1)
    )
    return found


def speech_of(transcript: Transcript, correction: TranscriptCorrection | None) -> Speech:
    """The words that count, with their times: those of a person where there are any."""
    heard = words.of_segments(transcript.segments, transcript.text)
    return heard if correction is None else words.corrected(correction.text, heard)


def wishes_of(settings: Settings, speech: Speech, recording: Recording) -> Wishes:
    """Pure. Numbers that everybody has, such as the utility's, are nobody's to be called back at."""
    caller_id = as_e164(recording.caller_id) if recording.caller_id else None
    public = {as_e164(number) for number in (settings.utility_phone, settings.outage_phone, recording.line)}
    found = listen(speech, caller_id)
    return Wishes(tuple(fact for fact in found.facts if fact.kind is not Kind.CALLBACK or fact.value not in public))


async def learn(session: AsyncSession, recording: Recording, wishes: Wishes) -> None:
    """Make the rows say what the newest words say. What a person confirmed, wrote or refused stays as it is."""
    rows = {(row.kind, row.value): row for row in await of_recordings(session, [recording.id])}
    said = set()
    for position, fact in enumerate(wishes.facts):
        said.add((fact.kind, fact.value))
        row = rows.get((fact.kind, fact.value))
        if row is None:
            row = CallerFact(recording_id=recording.id, kind=fact.kind, value=fact.value)
            session.add(row)
        elif row.state not in DECIDED:
            row.state = CallerFactState.HEARD
        if row.by_hand_id is None:
            _describe(row, fact, position)
    for key, row in rows.items():
        if key not in said and row.state is CallerFactState.HEARD:
            row.state = CallerFactState.GONE
    await session.flush()


def _describe(row: CallerFact, fact: Fact, position: int) -> None:
    row.position = position
    row.places = [
        {"said": place.said, "from_s": place.from_s, "to_s": place.to_s, "confidence": place.confidence}
        for place in fact.places
    ]
    row.confidence = fact.confidence
    row.doubts = [doubt.value for doubt in fact.doubts]
    row.unclear_digits = list(fact.unclear_digits)
    row.earlier = fact.earlier
    row.agrees_with_caller_id = fact.agrees_with_caller_id
    row.for_other = fact.for_other
    if row.state not in DECIDED:
        row.extension = fact.extension


async def of_recordings(session: AsyncSession, recording_ids: Iterable[int]) -> Sequence[CallerFact]:
    """All rows, also refused ones and those that are no longer said, in the order in which they are shown."""
    found = await session.scalars(
        select(CallerFact)
        .where(CallerFact.recording_id.in_(list(recording_ids)))
        .order_by(CallerFact.recording_id, CallerFact.kind, CallerFact.position, CallerFact.id)
    )
    return found.all()


async def recordings_on(session: AsyncSession, ticket_id: int) -> list[Recording]:
    """The recordings of a ticket and of those that go on in it, oldest call first."""
    found = await session.scalars(
        select(Recording)
        .join(Intake, Intake.recording_id == Recording.id)
        .where(Intake.ticket_id.in_(family(ticket_id)))
        .order_by(Recording.called_at, Recording.id)
    )
    return list(found)
