"""The picture of a recording's loudness and where it is silent, worked out once and kept."""

import asyncio
import io
import struct
import wave
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.files import recording_on
from shared.blobs import Blobs
from shared.errors import NotFound
from shared.models import Waveform
from shared.people import Actor, Permission

SLICES = 480  # as many as a wide screen can show apart
FRAME_S = 0.05
AUDIBLE = 0.003  # of full scale, about -50 dB: what is below is silence on any line
RANGE_DB = 12.0  # between the noise of the line and the voice; with less nothing can be told apart
SILENCE_S = 0.8  # shorter ones belong to how people talk
EDGE_S = 0.15  # kept on both sides, so that no soft beginning of a word is lost


class WaveformView(BaseModel):
    duration_s: float
    peaks: list[int] = Field(description="Loudest sample of equal slices, 0 to 255; the loudest of all is 255.")
    quiet: list[tuple[float, float]] = Field(description="Stretches without sound, in seconds.")


@dataclass(frozen=True)
class Picture:
    duration_ms: int
    peaks: bytes
    quiet: list[tuple[int, int]]  # milliseconds


async def waveform(session: AsyncSession, blobs: Blobs, me: Actor, ticket_id: int, recording_id: int) -> WaveformView:
    """Of what browsers play. Raises NotFound when there is nothing to play."""
    me.require(Permission.TICKET_READ)
    recording = await recording_on(session, ticket_id, recording_id)
    if recording.playback_blob is None:
        raise NotFound("There is nothing here.")
    kept = await session.get(Waveform, recording_id)
    if kept is None or kept.blob != recording.playback_blob:
        found = await asyncio.to_thread(draw, await blobs.get(recording.playback_blob))
        values = {
            "blob": recording.playback_blob,
            "duration_ms": found.duration_ms,
            "peaks": found.peaks,
            "quiet": b"".join(struct.pack("<II", *each) for each in found.quiet),
        }
        statement = insert(Waveform).values(recording_id=recording_id, **values)
        await session.execute(statement.on_conflict_do_update(index_elements=["recording_id"], set_=values))
        return _view(found)
    return _view(Picture(kept.duration_ms, kept.peaks, list(struct.iter_unpack("<II", kept.quiet))))


def _view(picture: Picture) -> WaveformView:
    return WaveformView(
        duration_s=picture.duration_ms / 1000,
        peaks=list(picture.peaks),
        quiet=[(start / 1000, end / 1000) for start, end in picture.quiet],
    )


def draw(data: bytes) -> Picture:
    """Of a mono 16-bit WAV, as voicemail keeps for playing; of anything else an empty picture."""
    try:
        with wave.open(io.BytesIO(data)) as file:
            if file.getnchannels() != 1 or file.getsampwidth() != 2:
                return Picture(0, b"", [])
            rate, samples = file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), "<i2")
    except (wave.Error, EOFError, ValueError):
        return Picture(0, b"", [])
    if not len(samples):
        return Picture(0, b"", [])
    loud = np.abs(samples.astype(np.float32)) / 32768
    edges = np.linspace(0, len(loud), min(SLICES, len(loud)) + 1).astype(int)[:-1]
    peaks = np.maximum.reduceat(loud, edges)
    top = float(peaks.max())
    shown = peaks / top * 255 if top > AUDIBLE else np.zeros_like(peaks)
    return Picture(
        duration_ms=round(len(samples) * 1000 / rate),
        peaks=shown.round().astype(np.uint8).tobytes(),
        quiet=_quiet(loud, rate),
    )


def _quiet(loud: NDArray[np.floating[Any]], rate: int) -> list[tuple[int, int]]:
    """Stretches in which only the line is heard. When voice and line cannot be told apart, none: nothing is skipped."""
    size = max(1, int(rate * FRAME_S))
    count = len(loud) // size
    if not count:
        return []
    level = np.sqrt(np.mean(loud[: count * size].reshape(count, size) ** 2, axis=1)) + 1e-6
    noise, voice = np.percentile(level, 10), np.percentile(level, 95)
    if voice < AUDIBLE:
        limit = np.inf
    elif 20 * np.log10(voice / noise) < RANGE_DB:
        limit = AUDIBLE
    else:
        limit = max(AUDIBLE, float(noise * (voice / noise) ** 0.3))
    silent = np.concatenate(([False], level < limit, [False]))
    changes = np.flatnonzero(silent[1:] != silent[:-1])
    found = []
    for first, last in zip(changes[::2], changes[1::2], strict=True):
        start = first * FRAME_S + (EDGE_S if first else 0.0)
        end = last * FRAME_S - (EDGE_S if last < count else 0.0)
        if end - start >= SILENCE_S:
            found.append((round(start * 1000), round(end * 1000)))
    return found
