"""The one intake of recordings, whichever door they come through: kept first, looked into afterwards.

A recording is known by its source and the source's own id, so delivering it again changes nothing. The bytes and the
row commit before anything decodes them; a ticket exists from then on, whatever becomes of the audio.
"""

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import phonenumbers
import structlog
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.voicemail import audio, metrics
from shared import clock
from shared.blobs import Blobs
from shared.database import Database, ring
from shared.events import Event, publish
from shared.jobs import Job
from shared.models import Recording, RecordingSource, RecordingState
from shared.settings import Settings

log = structlog.get_logger(__name__)

REGION = "US"
DECODE_TIMEOUT_S = 120.0
# The same call may come through the spool and as a mail; their clocks differ by what the mail took.
SAME_CALL = timedelta(hours=6)
_NO_NUMBER = {"", "unknown", "anonymous", "restricted", "private", "unavailable", "withheld", "blocked", "asterisk",
              "privado", "desconocido", "anónimo"}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class NewRecording:
    """A recording at the door. `source_id` is the source's own id of it; `content_type` also names raw codecs."""

    source: RecordingSource
    source_id: str
    data: bytes
    content_type: str
    called_at: datetime
    filename: str = ""
    line: str = ""
    mailbox: str = ""
    caller_id: str | None = None
    caller_name: str = ""
    menu_language: str | None = None
    urgent: bool = False
    attachment_id: int | None = None


async def take_in(database: Database, blobs: Blobs, settings: Settings, new: NewRecording) -> Recording:
    """Keep the recording and tell the tickets; then make it playable. Safe to repeat, at the same time as well.

    Raises OSError when the bytes cannot be kept: nothing was taken in, and the door may try again.
    """
    return (await deliver(database, blobs, settings, new))[0]


async def deliver(database: Database, blobs: Blobs, settings: Settings, new: NewRecording) -> tuple[Recording, bool]:
    """The same, and whether it was new."""
    blob = await blobs.put(new.data)
    async with database.transaction() as session:
        recording, is_new = await _row(session, new, blob)
        if is_new:
            ring(session, Job.TAKE_IN_RECORDING, recording.id)
            await publish(session, Event("recording", recording.id, what="received"))
    metrics.RECORDINGS.labels(source=new.source.value, outcome="received" if is_new else "duplicate").inc()
    if is_new:
        log.info("recording.received", recording=recording.id, source=new.source.value, bytes=len(new.data))
        try:
            recording = await make_playable(database, blobs, recording.id, data=new.data)
        except Exception:  # it is kept and ticketed: the transcription sweep tries again, and counts
            log.exception("recording.not_prepared", recording=recording.id)
    return recording, is_new


async def make_playable(database: Database, blobs: Blobs, recording_id: int, *, data: bytes | None = None) -> Recording:
    """Decode the kept bytes, keep what browsers play, and ring for a transcript; or say what is wrong with them."""
    async with database.transaction() as session:
        recording = await session.get_one(Recording, recording_id)
    if recording.playback_blob is not None or recording.state is RecordingState.UNREADABLE:
        return recording
    problem: str | None = None
    playback: str | None = None
    duration: float | None = None
    try:
        data = data if data is not None else await blobs.get(recording.blob)
        wav, duration = await asyncio.wait_for(
            asyncio.to_thread(_rendition, data, recording.content_type), DECODE_TIMEOUT_S
        )
        playback = await blobs.put(wav)
    except audio.UnreadableAudio as error:
        problem = str(error)
    except TimeoutError:
        problem = str(audio.UnreadableAudio("The file takes too long to decode."))
    async with database.transaction() as session:
        recording = await session.get_one(Recording, recording_id, with_for_update=True)
        if problem is None:
            recording.playback_blob, recording.duration_s = playback, duration
            ring(session, Job.TRANSCRIBE, recording_id)
        else:
            recording.state, recording.error = RecordingState.UNREADABLE, problem
            recording.next_attempt_at = None
            ring(session, Job.TAKE_IN_RECORDING, recording_id)
            log.warning("recording.unreadable", recording=recording_id, reason=problem)
        await publish(session, Event("recording", recording_id, what="playable" if problem is None else "unreadable"))
    if problem is not None:
        metrics.RECORDINGS.labels(source=recording.source.value, outcome="unreadable").inc()
    return recording


def _rendition(data: bytes, content_type: str) -> tuple[bytes, float]:
    samples, facts = audio.read(data, hint=content_type)
    return audio.to_wav_pcm16(samples, audio.playback_rate(facts.rate)), facts.duration_s


async def _row(session: AsyncSession, new: NewRecording, blob: str) -> tuple[Recording, bool]:
    # Two doors may bring the same call at the same moment: one looks after the other.
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"recording:{blob}", 0))))
    found = await session.scalar(
        select(Recording).where(Recording.source == new.source, Recording.source_id == new.source_id)
    )
    if found is None:
        found = await _through_another_door(session, new, blob)
    if found is not None:
        return found, False
    values = {
        "source": new.source,
        "source_id": new.source_id,
        "attachment_id": new.attachment_id,
        "line": new.line,
        "mailbox": new.mailbox,
        "caller_id": phone_number(new.caller_id),
        "caller_name": new.caller_name.strip()[:200],
        "menu_language": new.menu_language,
        "urgent": new.urgent,
        "called_at": new.called_at,
        "received_at": clock.now(),
        "blob": blob,
        "content_type": audio.declared_type(new.content_type, new.filename),
        "state": RecordingState.RECEIVED,
    }
    inserted = await session.scalar(insert(Recording).values(**values).on_conflict_do_nothing().returning(Recording))
    if inserted is not None:
        return inserted, True
    # The same id with other bytes came in this very moment; or its attachment was taken in under another id.
    existing = await session.scalar(
        select(Recording).where(
            ((Recording.source == new.source) & (Recording.source_id == new.source_id))
            | (Recording.attachment_id == new.attachment_id)
        )
    )
    if existing is None:
        raise RuntimeError("the recording conflicts with a row that cannot be seen")
    return existing, False


async def _through_another_door(session: AsyncSession, new: NewRecording, blob: str) -> Recording | None:
    """A phone system that both mails a voicemail and keeps it in its spool delivers one call twice."""
    number = phone_number(new.caller_id)
    candidates = await session.scalars(
        select(Recording)
        .where(
            Recording.blob == blob,
            Recording.source != new.source,
            Recording.called_at.between(new.called_at - SAME_CALL, new.called_at + SAME_CALL),
        )
        .order_by(Recording.id)
    )
    for candidate in candidates:
        if number and candidate.caller_id and number != candidate.caller_id:
            continue
        if new.mailbox and candidate.mailbox and new.mailbox != candidate.mailbox:
            continue
        if new.attachment_id is not None and candidate.attachment_id is None:
            await session.execute(
                update(Recording).where(Recording.id == candidate.id).values(attachment_id=new.attachment_id)
            )
        return candidate
    return None


def phone_number(raw: str | None) -> str | None:
    """E.164 when it can be a telephone number; an extension or address as it is; None for a withheld one."""
    if raw is None:
        return None
    text = raw.strip().strip("<>").removeprefix("tel:").removeprefix("sip:").partition("@")[0].strip()
    if text.lower() in _NO_NUMBER:
        return None
    try:
        number = phonenumbers.parse(text, REGION)
    except phonenumbers.NumberParseException:
        return text[:100]
    if not phonenumbers.is_possible_number(number) or re.search(r"[a-z]", text, re.IGNORECASE):
        return text[:100]
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def caller(raw: str) -> tuple[str, str | None]:
    """Name and number from what phone systems write: `"JANE DOE" <4155550123>`, a bare number, `Unknown`."""
    match = re.fullmatch(r'\s*"?(?P<name>[^"<]*?)"?\s*<(?P<number>[^>]*)>\s*', raw)
    if match is None:
        number = phone_number(raw.strip().strip('"'))
        return "", number
    name, number = match["name"].strip(), phone_number(match["number"])
    return ("" if name.lower() in _NO_NUMBER or name == match["number"].strip() else name), number
