"""Turns whatever a phone system, a mail or a browser recorded into mono samples, and samples into WAV."""

import io
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

Samples = NDArray[np.float32]

MAX_SECONDS = 3600.0
MAX_RATE = 192_000
MAX_CHANNELS = 8
PLAYBACK_RATES = (8_000, 11_025, 12_000, 16_000)

# Only these demuxers may look at customers' bytes: others (playlists, concatenations) open further files and addresses.
FORMATS = ",".join(
    ("wav", "w64", "aiff", "au", "caf", "mp3", "ogg", "flac", "matroska", "mov", "aac", "amr", "amrnb", "asf", "gsm")
)
_MAGIC = (b"RIFF", b"RIFX", b"RF64", b"OggS", b"ID3", b"fLaC", b"\x1aE\xdf\xa3", b"FORM", b".snd", b"caff", b"#!AMR",
          b"0&\xb2u")  # fmt: skip

# Headerless telephone audio says nothing about itself: it is what its name or declared type says.
_G711_U = ("mulaw", {"sample_rate": "8000", "ch_layout": "mono"})
_G711_A = ("alaw", {"sample_rate": "8000", "ch_layout": "mono"})
_RAW: dict[str, tuple[str, dict[str, str]]] = {
    **dict.fromkeys(("ulaw", "ul", "mu", "mulaw", "pcm", "pcmu", "g711u", "basic", "x-mulaw"), _G711_U),
    **dict.fromkeys(("alaw", "al", "pcma", "g711a", "x-alaw", "x-alaw-basic"), _G711_A),
    **dict.fromkeys(("gsm", "x-gsm"), ("gsm", {})),
    **dict.fromkeys(("g722",), ("g722", {})),
    **dict.fromkeys(("sln", "slin"), ("s16le", {"sample_rate": "8000", "ch_layout": "mono"})),
    "sln16": ("s16le", {"sample_rate": "16000", "ch_layout": "mono"}),
}


class UnreadableAudio(Exception):
    """The bytes hold no recording that can be heard; the message is a sentence for people."""


class TooLong(UnreadableAudio):
    """It can be heard, but it lasts longer than was asked for."""


@dataclass(frozen=True)
class AudioFacts:
    """What the bytes turned out to be. `rate` and `channels` are those of the source."""

    container: str
    codec: str
    rate: int
    channels: int
    duration_s: float


def decode(data: bytes, *, hint: str | None = None, rate: int = 16_000, max_seconds: float = MAX_SECONDS) -> Samples:
    """Mono samples between -1 and 1 at `rate`. `hint` is a file name, an extension, a codec or a content type.

    Blocks; runs well in a thread. Raises UnreadableAudio.
    """
    return read(data, hint=hint, rate=rate, max_seconds=max_seconds)[0]


def probe(data: bytes, hint: str | None = None) -> AudioFacts:
    """What the bytes are, by decoding all of them: browsers and phone systems write wrong or no lengths."""
    return read(data, hint=hint, rate=8_000)[1]


def read(
    data: bytes, *, hint: str | None = None, rate: int | None = None, max_seconds: float = MAX_SECONDS
) -> tuple[Samples, AudioFacts]:
    """Samples and facts in one pass; without `rate`, at the telephone or wideband rate nearest above the source's."""
    if not data:
        raise UnreadableAudio("The file is empty.")
    raw = _raw_format(hint) if not _has_magic(data) else None
    try:
        container = av.open(
            io.BytesIO(data),
            "r",
            format=raw[0] if raw else None,
            options=raw[1] if raw else {"format_whitelist": FORMATS},
            metadata_errors="replace",
        )
    except (av.FFmpegError, ValueError, OSError) as error:
        raise UnreadableAudio("This is not a recording that can be decoded.") from error
    with container:
        if not container.streams.audio:
            raise UnreadableAudio("The file holds no sound.")
        stream = container.streams.audio[0]
        source_rate, channels = stream.codec_context.sample_rate, stream.codec_context.channels
        if not 1_000 <= source_rate <= MAX_RATE or not 1 <= channels <= MAX_CHANNELS:
            raise UnreadableAudio("This is not a recording that can be decoded.")
        rate = rate or playback_rate(source_rate)
        samples = _resampled(_frames(container), rate, max_seconds)
        facts = AudioFacts(
            container=container.format.name,
            codec=stream.codec_context.name,
            rate=source_rate,
            channels=channels,
            duration_s=round(len(samples) / rate, 3),
        )
    return samples, facts


def playback_rate(source_rate: int) -> int:
    """The telephone or wideband rate nearest above the source's: more adds nothing to a voice."""
    return next((rate for rate in PLAYBACK_RATES if rate >= source_rate), PLAYBACK_RATES[-1])


def to_wav_pcm16(samples: Samples, rate: int) -> bytes:
    """A mono 16-bit PCM WAV file: what every browser plays and every phone system takes."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(np.clip(samples, -1.0, 1.0) * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def looks_like_audio(data: bytes) -> bool:
    """Whether the first bytes are those of a sound file; a quick look, for uploads that declare nothing."""
    return _has_magic(data) or data[4:8] == b"ftyp" or (data[:1] == b"\xff" and data[1:2] > b"\xe0")


def is_raw(hint: str | None) -> bool:
    """Whether the declared name or type is one of the headerless telephone formats."""
    return _raw_format(hint) is not None


def declared_type(content_type: str, filename: str) -> str:
    """The content type to keep, which must also name a headerless codec that only the file's name tells."""
    content_type = content_type.strip().lower() or "application/octet-stream"
    if not is_raw(content_type) and is_raw(filename):
        return f"audio/{PurePosixPath(filename.lower()).suffix.removeprefix('.')}"
    return content_type


def _has_magic(data: bytes) -> bool:
    return data.startswith(_MAGIC) or data[4:8] == b"ftyp"


def _raw_format(hint: str | None) -> tuple[str, dict[str, str]] | None:
    if not hint:
        return None
    declared = hint.strip().lower().partition(";")[0].strip()
    if declared.startswith("audio/"):
        return _RAW.get(declared.removeprefix("audio/"))
    return _RAW.get(PurePosixPath(declared).suffix.removeprefix(".") or declared.removeprefix("."))


def _frames(container: av.container.InputContainer) -> Iterator[AudioFrame]:
    """All frames that decode. A damaged packet is skipped; a file that is mostly damage is no recording."""
    good = bad = 0
    try:
        for packet in container.demux(audio=0):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                bad += 1
                continue
            for frame in frames:
                if isinstance(frame, AudioFrame):
                    good += 1
                    yield frame
    except av.FFmpegError:  # the container ends in the middle: keep what was heard so far
        bad += 1
    if bad > good:
        raise UnreadableAudio("The file is damaged.")


def _resampled(frames: Iterator[AudioFrame], rate: int, max_seconds: float) -> Samples:
    """Band-limited (libswresample), mixed to mono; a stream that changes its rate midway gets a new resampler."""
    parts: list[Samples] = []
    total = 0
    resampler: av.AudioResampler | None = None
    kind: tuple[object, ...] = ()

    def keep(resampled: list[AudioFrame]) -> None:
        nonlocal total
        for frame in resampled:
            # The mean of the channels: libswresample's own mono is louder than full scale for what is in all of them.
            part = frame.to_ndarray().mean(axis=0, dtype=np.float32)
            parts.append(part)
            total += len(part)
        if total > max_seconds * rate:
            raise TooLong("The recording is too long.")

    try:
        for frame in frames:
            now = (frame.format.name, frame.layout.name, frame.sample_rate)
            if resampler is None or now != kind:
                if resampler is not None:
                    keep(resampler.resample(None))
                resampler, kind = av.AudioResampler(format="fltp", layout=frame.layout, rate=rate), now
            frame.pts = None  # lengths come from samples, not from the container's clock
            keep(resampler.resample(frame))
        if resampler is not None:
            keep(resampler.resample(None))
    except (av.FFmpegError, ValueError) as error:
        raise UnreadableAudio("The file is damaged.") from error
    if not total:
        raise UnreadableAudio("The recording holds no sound.")
    samples = np.concatenate(parts)
    np.nan_to_num(samples, copy=False, nan=0.0, posinf=1.0, neginf=-1.0)
    return np.clip(samples, -1.0, 1.0, out=samples)
