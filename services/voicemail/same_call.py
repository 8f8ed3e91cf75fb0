"""Whether two recordings that came through different doors at about the same time are one call.

A phone system that keeps a message in its spool and mails it as well delivers one call twice, often in two codecs: the
bytes differ, the loudness over time does not. Metadata alone never joins two recordings whose sound can be compared,
so that the second message of a caller who rings twice is not lost in the first.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import structlog
from numpy.typing import NDArray
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.voicemail import audio
from shared import clock
from shared.blobs import Blobs
from shared.database import Database, ring
from shared.errors import NotFound
from shared.events import Event, publish
from shared.jobs import Job
from shared.models import Recording, RecordingSource, RecordingState

log = structlog.get_logger(__name__)

# The same bytes: a mail may take hours. Other bytes: the doors' clocks differ by the length of a message.
SAME_BYTES = timedelta(hours=6)
SAME_SOUND = timedelta(minutes=15)
SAME_SILENCE = timedelta(minutes=5)
WITHIN = timedelta(seconds=60)  # how long a ticket waits for the comparison, at most
RATE = 8_000
FRAME_S = 0.05
FLOOR_DB = -60.0
LAGS = 6  # frames: codecs delay by up to a tenth of a second
CORRELATION = 0.9  # two codecs of one message reach 0.97 and more, two messages of one length hardly 0.6
LENGTH_S = 0.5
SILENT_DB = 3.0  # levels that move by less hold nothing to compare


@dataclass(frozen=True)
class Call:
    """What is known of a call before anybody listens."""

    at: datetime
    number: str | None
    mailbox: str


def may_be(one: Call, other: Call, within: timedelta) -> bool:
    """Nothing that both know speaks against it."""
    if abs(one.at - other.at) > within:
        return False
    if one.number and other.number and one.number != other.number:
        return False
    return not (one.mailbox and other.mailbox and one.mailbox != other.mailbox)


def loudness(samples: NDArray[np.float32], rate: int = RATE) -> NDArray[np.float32]:
    """Levels in dB, one for each twentieth of a second, from FLOOR_DB up."""
    size = int(rate * FRAME_S)
    count = len(samples) // size
    frames = samples[: count * size].reshape(count, size).astype(np.float64)
    power = (frames**2).mean(axis=1) if count else np.zeros(0)
    levels: NDArray[np.float64] = np.maximum(10 * np.log10(np.maximum(power, 1e-10)), FLOOR_DB)
    return levels.astype(np.float32)


def alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool | None:
    """Whether the two are one sound by their loudness over time; None when there is too little in them to say."""
    if abs(len(one) - len(other)) * FRAME_S > LENGTH_S:
        return False
    if min(len(one), len(other)) < 2 * LAGS or min(one.std(), other.std()) < SILENT_DB:
        return None
    best = 0.0
    for lag in range(-LAGS, LAGS + 1):
        first, second = one[max(0, lag) :], other[max(0, -lag) :]
        length = min(len(first), len(second))
        if length >= LAGS:
            best = max(best, float(np.corrcoef(first[:length], second[:length])[0, 1]))
    return best >= CORRELATION


async def one_at_a_time(session: AsyncSession) -> None:
    """Until the end of the transaction: whoever takes a recording in, or joins two, sees what the one before did."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("recordings", 0))))


async def with_these_bytes(session: AsyncSession, call: Call, blob: str, source: RecordingSource) -> Recording | None:
    """A recording of the same bytes that came through another kind of door lately."""
    found = await session.scalars(
        select(Recording)
        .where(
            Recording.blob == blob,
            Recording.source != source,
            Recording.called_at.between(call.at - SAME_BYTES, call.at + SAME_BYTES),
        )
        .order_by(Recording.id)
    )
    return next((each for each in found if may_be(call, _call(each), SAME_BYTES)), None)


async def candidates(session: AsyncSession, recording: Recording) -> Sequence[Recording]:
    """Earlier recordings through other kinds of doors that may be the same call. Their sound decides."""
    found = await session.scalars(
        select(Recording)
        .where(
            Recording.id < recording.id,
            Recording.source != recording.source,
            Recording.called_at.between(recording.called_at - SAME_SOUND, recording.called_at + SAME_SOUND),
            # Of what is not here and will not come, or cannot be heard, nothing can be said.
            Recording.state.not_in((RecordingState.MISSING, RecordingState.UNREADABLE)),
            Recording.same_as.is_(None),
        )
        .order_by(Recording.id)
    )
    call = _call(recording)
    return [each for each in found if may_be(call, _call(each), SAME_SOUND)]


async def settle(database: Database, blobs: Blobs, recording_id: int) -> Recording | None:
    """Compare one that waits with what came before it, and let its ticket be made unless it is the same call.

    Returns the recording that it is, or None: it is a call of its own, or cannot be compared yet.
    """
    async with database.transaction() as session:
        recording = await session.get_one(Recording, recording_id)
        others = await candidates(session, recording)
    same: int | None = None
    undecided = recording.blob is None and recording.state is RecordingState.FETCHING
    mine = await _loudness_of(blobs, recording)
    for other in others:
        if other.blob is None:
            undecided = True
            continue
        if mine is None:
            continue
        theirs = await _loudness_of(blobs, other)
        verdict = None if theirs is None else alike(mine, theirs)
        if verdict or (verdict is None and theirs is not None and _one_silence(recording, other)):
            same = other.id
            break
    async with database.transaction() as session:
        await one_at_a_time(session)
        row = await session.get_one(Recording, recording_id, with_for_update=True)
        if row.compare_until is None or row.same_as is not None:
            return None
        overdue = row.compare_until <= clock.now()  # its ticket may be under way
        if same is not None and not overdue:
            row.same_as, row.compare_until = same, None
            kept = await session.get_one(Recording, same, with_for_update=True)
            _complete(kept, row)
            log.info("recording.same_call", recording=recording_id, same_as=same)
            return kept
        if overdue or not undecided:
            row.compare_until = None
            ring(session, Job.TAKE_IN_RECORDING, recording_id)
            await publish(session, Event("recording", recording_id, what="received"))
    return None


async def sweep(database: Database, blobs: Blobs) -> int:
    """Settle those whose process died meanwhile, or whose other half is still being fetched; how many there were."""
    async with database.transaction() as session:
        waiting = list(
            await session.scalars(
                select(Recording.id)
                .where(
                    Recording.compare_until.is_not(None),
                    or_(
                        Recording.received_at < clock.now() - timedelta(seconds=5),  # its door is about to
                        Recording.compare_until <= clock.now(),
                    ),
                )
                .order_by(Recording.id)
                .limit(50)
            )
        )
    for recording_id in waiting:
        await settle(database, blobs, recording_id)
    return len(waiting)


def _one_silence(one: Recording, other: Recording) -> bool:
    """Two silences of one length are one call only when all that is known of them is the same."""
    return (
        one.caller_id is not None
        and one.caller_id == other.caller_id
        and one.mailbox == other.mailbox
        and abs(one.called_at - other.called_at) <= SAME_SILENCE
    )


def _complete(kept: Recording, other: Recording) -> None:
    kept.caller_id = kept.caller_id or other.caller_id
    kept.caller_name = kept.caller_name or other.caller_name
    kept.mailbox = kept.mailbox or other.mailbox
    kept.line = kept.line or other.line
    kept.menu_language = kept.menu_language or other.menu_language
    kept.message_id = kept.message_id or other.message_id
    if other.vendor:
        kept.vendor = {**other.vendor, **(kept.vendor or {})}


async def _loudness_of(blobs: Blobs, recording: Recording) -> NDArray[np.float32] | None:
    """None when it is not here or cannot be heard."""
    if recording.blob is None:
        return None
    try:
        data = await blobs.get(recording.blob)
        samples = await asyncio.to_thread(audio.decode, data, hint=recording.content_type, rate=RATE)
    except (audio.UnreadableAudio, NotFound, OSError) as error:
        log.info("recording.not_comparable", recording=recording.id, error=repr(error))
        return None
    return loudness(samples)


def _call(recording: Recording) -> Call:
    return Call(recording.called_at, recording.caller_id, recording.mailbox)
