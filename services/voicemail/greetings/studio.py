"""Makes a greeting out of whatever was uploaded: one master, and from it a rendition for each kind of target."""

import io
import wave
from dataclasses import dataclass

import numpy as np

from services.voicemail import audio
from services.voicemail.greetings import checks, loudness
from services.voicemail.greetings.checks import Warned
from services.voicemail.greetings.loudness import Samples
from shared.errors import Invalid, UnsupportedMedia
from shared.web.i18n import N_

MASTER_RATE = 48_000
DECODED_S = 5 * 60.0  # longer files are refused while decoding, so that they cannot fill the memory
_FADE_S = 0.005
_LOUDNESS_MISSED_LU = 1.0


@dataclass(frozen=True)
class Format:
    """What a target takes. PCM16 mono WAV with format tag 1 is the only shape so far; the rate differs."""

    rate: int


@dataclass(frozen=True)
class Master:
    wav: bytes
    duration_s: float
    lufs: float
    warnings: list[Warned]


def make_master(data: bytes, name: str, *, trim: bool = True) -> Master:
    """Decode, check, trim, normalise. Blocks for up to a second or two: run it in a thread.

    Raises UnsupportedMedia for what is no recording, and Invalid for a recording that nobody should hear.
    """
    if not data:
        raise Invalid("The file is empty.", field="audio")
    try:
        samples = audio.decode(data, hint=name, rate=MASTER_RATE, max_seconds=DECODED_S)
    except audio.TooLong as error:
        raise Invalid(
            "The greeting is too long: {limit} seconds are allowed.", field="audio", limit=round(checks.MAX_S)
        ) from error
    except audio.UnreadableAudio as error:
        raise UnsupportedMedia(str(error)) from error
    samples = samples - np.float32(np.mean(samples))  # cheap microphones add a constant, which clicks at both ends
    findings = checks.examine(samples, MASTER_RATE)
    checks.refuse(findings, trimmed=trim)
    warnings = findings.warnings(trimmed=trim)
    if trim:
        samples = checks.trim(samples, MASTER_RATE, findings)
    made = _faded(loudness.normalise(samples, MASTER_RATE), MASTER_RATE)
    lufs = loudness.measure(made, MASTER_RATE)
    if abs(lufs - loudness.TARGET_LUFS) > _LOUDNESS_MISSED_LU:
        warnings.append(
            Warned(N_("It could not be made as loud as the others: it has sharp peaks, such as knocks. Listen to it."))
        )
    return Master(audio.to_wav_pcm16(made, MASTER_RATE), len(made) / MASTER_RATE, lufs, warnings)


def make_rendition(master: bytes, wanted: Format) -> bytes:
    """The master in a target's format. Its narrower band sounds fainter, so loudness is brought back to the target."""
    samples, rate = _read_wav(master)
    narrowed = loudness.normalise(loudness.resample(samples, rate, wanted.rate), wanted.rate)
    return audio.to_wav_pcm16(narrowed, wanted.rate)


def _faded(samples: Samples, rate: int) -> Samples:
    """Without a click where the recording was cut."""
    length = min(int(_FADE_S * rate), len(samples) // 2)
    ramp = np.linspace(0.0, 1.0, length, dtype=np.float32)
    faded = samples.copy()
    faded[:length] *= ramp
    faded[len(faded) - length :] *= ramp[::-1]
    return faded


def _read_wav(data: bytes) -> tuple[Samples, int]:
    with wave.open(io.BytesIO(data)) as file:
        frames = file.readframes(file.getnframes())
        samples: Samples = np.frombuffer(frames, "<i2").astype(np.float32) / np.float32(32767)
        return samples, file.getframerate()
