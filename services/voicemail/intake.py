"""The one intake of recordings, whichever door they come through: kept first, looked into afterwards.

A recording is known by its source and the source's own id, so delivering it again changes nothing. The bytes and the
row commit before anything decodes them; a ticket exists from then on, whatever becomes of the audio. Only when the same
caller's call has just come through another door, the ticket waits until the two were compared (same_call.py).
"""

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import phonenumbers
import structlog
from sqlalchemy import and_, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.voicemail import audio, doors, metrics, same_call
from shared import clock
from shared.blobs import Blobs
from shared.database import Database, ring
from shared.events import Event, publish
from shared.jobs import Job
from shared.models import PhoneTask, Recording, RecordingFetch, RecordingSource, RecordingState
from shared.settings import Settings

log = structlog.get_logger(__name__)

REGION = "US"
DECODE_TIMEOUT_S = 120.0
_NO_NUMBER = {"", "unknown", "anonymous", "restricted", "private", "unavailable", "withheld", "blocked", "asterisk",
              "privado", "desconocido", "anónimo"}  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """Audio that is not here yet: by which callback's rules it is fetched, from where, and how long it is there."""

    callback: str
    url: str
    give_up_at: datetime


@dataclass(frozen=True)
class Told:
    """Which phone system is to be told once the ticket stands, and how it knows the message."""

    system: str
    message: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class NewRecording:
    """A recording at the door. `source_id` is the source's own id of it; `content_type` also names raw codecs.

    `data` is None when the audio is not here: then `wanted` says where to fetch it, or `missing` why it will not come.
    """

    source: RecordingSource
    source_id: str
    door: str
    data: bytes | None
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
    message_id: int | None = None
    vendor: dict[str, Any] | None = None
    wanted: Wanted | None = None
    missing: str = ""
    told: Told | None = None


async def take_in(database: Database, blobs: Blobs, settings: Settings, new: NewRecording) -> Recording:
    """Keep the recording and tell the tickets; then make it playable. Safe to repeat, at the same time as well.

    Raises OSError when the bytes cannot be kept: nothing was taken in, and the door may try again.
    """
    return (await deliver(database, blobs, settings, new))[0]


async def deliver(database: Database, blobs: Blobs, settings: Settings, new: NewRecording) -> tuple[Recording, bool]:
    """The same, and whether it was new. A call that came through another door already is that recording."""
    blob = await blobs.put(new.data) if new.data is not None else None
    async with database.transaction() as session:
        recording, is_new = await _row(session, new, blob)
        if is_new:
            await doors.came(session, new.door, recording.id)
            if recording.compare_until is None:
                ring(session, Job.TAKE_IN_RECORDING, recording.id)
                await publish(session, Event("recording", recording.id, what="received"))
    metrics.RECORDINGS.labels(source=new.source.value, outcome="received" if is_new else "duplicate").inc()
    if not is_new:
        return recording, False
    log.info("recording.received", recording=recording.id, source=new.source.value, bytes=len(new.data or b""))
    if new.data is not None:
        return await prepared(database, blobs, recording, data=new.data)
    return recording, True


async def prepared(database: Database, blobs: Blobs, recording: Recording, *, data: bytes) -> tuple[Recording, bool]:
    """Make a new recording playable and settle whether it is a call of its own. Never raises: sweeps try again."""
    try:
        recording = await make_playable(database, blobs, recording.id, data=data)
        if recording.compare_until is not None:
            same = await same_call.settle(database, blobs, recording.id)
            if same is not None:
                metrics.RECORDINGS.labels(source=recording.source.value, outcome="same_call").inc()
                return same, False
    except Exception:  # it is kept and ticketed: the transcription sweep tries again, and counts
        log.exception("recording.not_prepared", recording=recording.id)
    return recording, True


async def make_playable(database: Database, blobs: Blobs, recording_id: int, *, data: bytes | None = None) -> Recording:
    """Decode the kept bytes, keep what browsers play, and ring for a transcript; or say what is wrong with them."""
    async with database.transaction() as session:
        recording = await session.get_one(Recording, recording_id)
    if recording.playback_blob is not None or recording.blob is None or recording.state is RecordingState.UNREADABLE:
        return recording
    problem: str | None = None
    playback: str | None = None
    duration: float | None = None
    try:
        data = data if data is not None else await blobs.get(recording.blob)
        async with asyncio.timeout(DECODE_TIMEOUT_S):
            wav, duration = await asyncio.to_thread(_rendition, data, recording.content_type)
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


async def _row(session: AsyncSession, new: NewRecording, blob: str | None) -> tuple[Recording, bool]:
    await same_call.one_at_a_time(session)
    known = and_(Recording.source == new.source, Recording.source_id == new.source_id)
    if new.attachment_id is not None:
        known = or_(known, Recording.attachment_id == new.attachment_id)
    found: Recording | None = await session.scalar(select(Recording).where(known).order_by(Recording.id).limit(1))
    if found is None and blob is not None:
        found = await same_call.with_these_bytes(session, _call(new), blob, new.source)
    if found is not None:
        while found.same_as is not None:
            found = await session.get_one(Recording, found.same_as)
        await _complete(session, found, new)
        return found, False
    recording = Recording(
        source=new.source,
        source_id=new.source_id,
        attachment_id=new.attachment_id,
        message_id=new.message_id,
        line=new.line,
        mailbox=new.mailbox,
        caller_id=phone_number(new.caller_id),
        caller_name=new.caller_name.strip()[:200],
        menu_language=new.menu_language,
        urgent=new.urgent,
        called_at=new.called_at,
        received_at=clock.now(),
        blob=blob,
        content_type=audio.declared_type(new.content_type, new.filename),
        state=RecordingState.RECEIVED
        if blob is not None
        else (RecordingState.FETCHING if new.wanted else RecordingState.MISSING),
        error=(new.missing or None) if blob is None else None,
        vendor=new.vendor or None,
    )
    session.add(recording)
    await session.flush()
    if new.wanted is not None and blob is None:
        session.add(
            RecordingFetch(
                recording_id=recording.id, callback=new.wanted.callback, url=new.wanted.url,
                give_up_at=new.wanted.give_up_at, next_attempt_at=clock.now(),
            )
        )  # fmt: skip
    await _tell(session, recording, new.told)
    if await same_call.candidates(session, recording):
        recording.compare_until = clock.now() + same_call.WITHIN
    await session.flush()
    return recording, True


async def _complete(session: AsyncSession, known: Recording, new: NewRecording) -> None:
    """What this door knows and the one before did not. What was known stays: a ticket was made of it."""
    known.caller_id = known.caller_id or phone_number(new.caller_id)
    known.caller_name = known.caller_name or new.caller_name.strip()[:200]
    known.mailbox = known.mailbox or new.mailbox
    known.line = known.line or new.line
    known.menu_language = known.menu_language or new.menu_language
    known.attachment_id = known.attachment_id or new.attachment_id
    known.message_id = known.message_id or new.message_id
    if new.vendor:
        known.vendor = {**new.vendor, **(known.vendor or {})}
    await _tell(session, known, new.told)


async def _tell(session: AsyncSession, recording: Recording, told: Told | None) -> None:
    if told is not None:
        await session.execute(
            insert(PhoneTask)
            .values(recording_id=recording.id, system=told.system, message=told.message, next_attempt_at=clock.now())
            .on_conflict_do_nothing()
        )


def _call(new: NewRecording) -> same_call.Call:
    return same_call.Call(new.called_at, phone_number(new.caller_id), new.mailbox)


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
