"""Makes a greeting out of whatever was uploaded: one master, and from it a rendition for each kind of target."""

import io
import wave
from dataclasses import dataclass
from typing import Literal

import numpy as np

from services.voicemail import audio
from services.voicemail.greetings import checks, loudness, mulaw
from services.voicemail.greetings.checks import Findings, Warned
from services.voicemail.greetings.loudness import Aim, Samples
from shared.errors import Invalid, UnsupportedMedia
from shared.settings import Settings
from shared.web.i18n import N_

MASTER_RATE = 48_000
DECODED_S = 5 * 60.0  # longer files are refused while decoding, so that they cannot fill the memory
_FADE_S = 0.005
_LOUDNESS_MISSED_LU = 1.0


@dataclass(frozen=True)
class Format:
    """What a target takes: mono WAV, PCM16 with format tag 1, or µ-law (8 kHz only)."""

    rate: int = 8_000
    codec: Literal["pcm", "mulaw"] = "pcm"


@dataclass(frozen=True)
class Treatment:
    """What is done to a recording: gentle, and each can be left out."""

    trim: bool = True  # long silence at the ends
    normalise: bool = True  # to the loudness of all others

    def stored(self) -> dict[str, bool]:
        return {"trim": self.trim, "normalise": self.normalise}


@dataclass(frozen=True)
class Master:
    wav: bytes
    before: Findings
    after: Findings
    warnings: list[Warned]


def aim_of(settings: Settings) -> Aim:
    return Aim(settings.greeting_lufs, settings.greeting_true_peak)


def make_master(data: bytes, name: str, treatment: Treatment = Treatment(), aim: Aim = Aim()) -> Master:
    """Decode, check, trim, normalise. Blocks for up to a second or two: run it in a thread.

    Raises UnsupportedMedia for what is no recording, and Invalid for a recording that nobody should hear.
    """
    samples = _decoded(data, name)
    before = checks.examine(samples, MASTER_RATE)
    checks.refuse(before, trimmed=treatment.trim)
    warnings = before.warnings(aim, trimmed=treatment.trim, normalised=treatment.normalise)
    samples = samples - np.float32(np.mean(samples))  # cheap microphones add a constant, which clicks at both ends
    if treatment.trim:
        samples = checks.trim(samples, MASTER_RATE, before)
    if treatment.normalise:
        samples = loudness.normalise(samples, MASTER_RATE, aim)
    samples = _faded(samples, MASTER_RATE)
    after = checks.examine(samples, MASTER_RATE)
    if treatment.normalise and abs(after.lufs - aim.lufs) > _LOUDNESS_MISSED_LU:
        warnings.append(
            Warned(N_("It could not be made as loud as the others: it has sharp peaks, such as knocks. Listen to it."))
        )
    return Master(audio.to_wav_pcm16(samples, MASTER_RATE), before, after, warnings)


def make_rendition(master: bytes, wanted: Format, aim: Aim = Aim()) -> bytes:
    """The master in a target's format. Its narrower band sounds fainter, so loudness is brought back to the aim."""
    samples, rate = _read_wav(master)
    narrowed = loudness.normalise(loudness.resample(samples, rate, wanted.rate), wanted.rate, aim)
    return mulaw.wav(narrowed) if wanted.codec == "mulaw" else audio.to_wav_pcm16(narrowed, wanted.rate)


def before(data: bytes, name: str) -> bytes:
    """What was recorded, untouched, as every browser plays it: to hear beside the master."""
    return audio.to_wav_pcm16(_decoded(data, name), MASTER_RATE)


def telephone(master: bytes) -> bytes:
    """The master as a caller hears it: telephone band, 8 kHz, µ-law; given as PCM, which every browser plays."""
    samples, rate = _read_wav(master)
    return audio.to_wav_pcm16(mulaw.over_the_telephone(samples, rate), mulaw.RATE)


def _decoded(data: bytes, name: str) -> Samples:
    if not data:
        raise Invalid("The file is empty.", field="audio")
    try:
        return audio.decode(data, hint=name, rate=MASTER_RATE, max_seconds=DECODED_S)
    except audio.TooLong as error:
        raise Invalid(
            "The greeting is too long: {limit} seconds are allowed.", field="audio", limit=round(checks.MAX_S)
        ) from error
    except audio.UnreadableAudio as error:
        raise UnsupportedMedia(str(error)) from error


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
