"""What is wrong with an uploaded greeting: what makes it unusable, and what its author should know."""

from dataclasses import dataclass, field

import numpy as np

from services.voicemail.greetings import loudness
from services.voicemail.greetings.loudness import Samples
from shared.errors import Invalid
from shared.web.i18n import N_

MIN_S = 1.0
MAX_S = 90.0
SILENT_LUFS = -55.0  # below this, raising the level brings up noise and nothing else
QUIET_LUFS = -38.0
LOUD_LUFS = -9.0
LONG_SILENCE_S = 0.7
KEPT_SILENCE_S = 0.2
CLIPPED_WARNING = 0.0005  # share of samples in flat tops
CLIPPED_REFUSAL = 0.03
_FRAME_S = 0.02
_FULL_SCALE = 0.985
_FLAT_TOP = 4  # samples in a row at full scale: a single one is only a loud peak


@dataclass(frozen=True)
class Warned:
    """A sentence for the author (the key in the catalogs) with what to fill in."""

    message: str
    values: dict[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True)
class Findings:
    duration_s: float
    lufs: float
    leading_silence_s: float
    trailing_silence_s: float
    clipped: float  # share of the samples

    @property
    def audible_s(self) -> float:
        return self.duration_s - self.leading_silence_s - self.trailing_silence_s

    def warnings(self, *, trimmed: bool) -> list[Warned]:
        found: list[Warned] = []
        for seconds, kept, cut in (
            (
                self.leading_silence_s,
                N_("It begins with {seconds} s of silence; callers may think that the line is dead."),
                N_("{seconds} s of silence at the beginning were cut."),
            ),
            (
                self.trailing_silence_s,
                N_("It ends with {seconds} s of silence; callers wait for the tone."),
                N_("{seconds} s of silence at the end were cut."),
            ),
        ):
            if seconds > LONG_SILENCE_S:
                shown = seconds - KEPT_SILENCE_S if trimmed else seconds
                found.append(Warned(cut if trimmed else kept, {"seconds": round(shown, 1)}))
        if self.clipped > CLIPPED_WARNING:
            found.append(Warned(N_("It is distorted in places: it was recorded too loud.")))
        if self.lufs < QUIET_LUFS:
            found.append(Warned(N_("It was recorded very quietly; raising it may bring up noise. Listen to it.")))
        elif self.lufs > LOUD_LUFS:
            found.append(Warned(N_("It was recorded very loud and has been lowered. Listen to it.")))
        return found


def examine(samples: Samples, rate: int) -> Findings:
    lead, trail = _silences(samples, rate)
    return Findings(
        duration_s=len(samples) / rate,
        lufs=loudness.measure(samples, rate),
        leading_silence_s=lead,
        trailing_silence_s=trail,
        clipped=_clipped(samples),
    )


def refuse(findings: Findings, *, trimmed: bool) -> None:
    """Raises Invalid for what nobody should hear on a telephone."""
    too_short = Invalid(
        "The greeting is too short: it must last at least {seconds} second.", field="audio", seconds=round(MIN_S)
    )
    if findings.duration_s < MIN_S:
        raise too_short
    if findings.lufs <= SILENT_LUFS:
        raise Invalid("The greeting is silent. Check the microphone and record it again.", field="audio")
    if findings.audible_s < MIN_S:
        raise too_short
    lasts = findings.duration_s
    if trimmed:
        lasts -= max(0.0, findings.leading_silence_s - KEPT_SILENCE_S)
        lasts -= max(0.0, findings.trailing_silence_s - KEPT_SILENCE_S)
    if lasts > MAX_S:
        raise Invalid(
            "The greeting is too long: it lasts {seconds} seconds, and {limit} are allowed.",
            field="audio",
            seconds=round(lasts),
            limit=round(MAX_S),
        )
    if findings.clipped > CLIPPED_REFUSAL:
        raise Invalid(
            "The greeting is badly distorted: it was recorded too loud. Record it again at a lower level.",
            field="audio",
        )


def trim(samples: Samples, rate: int, findings: Findings) -> Samples:
    """Without long silence at either end; a breath of it stays."""
    kept = int(KEPT_SILENCE_S * rate)
    first, last = 0, len(samples)
    if findings.leading_silence_s > LONG_SILENCE_S:
        first = max(0, int(findings.leading_silence_s * rate) - kept)
    if findings.trailing_silence_s > LONG_SILENCE_S:
        last = min(last, last - int(findings.trailing_silence_s * rate) + kept)
    return samples[first:last]


def _silences(samples: Samples, rate: int) -> tuple[float, float]:
    """Seconds before the first and after the last frame that can be heard beside the loud ones."""
    size = max(1, int(_FRAME_S * rate))
    count = len(samples) // size
    if count == 0:
        return 0.0, 0.0
    frames = samples[: count * size].reshape(count, size).astype(np.float64)
    levels = 20 * np.log10(np.sqrt(np.mean(frames**2, axis=1)) + 1e-9)
    # Speech is within 30 dB of its own loud frames; what is fainter is the room.
    threshold = max(-60.0, float(np.percentile(levels, 95)) - 35.0)
    heard = np.flatnonzero(levels > threshold)
    if not len(heard):
        return len(samples) / rate, 0.0
    return float(heard[0] * size / rate), float((len(samples) - (heard[-1] + 1) * size) / rate)


def _clipped(samples: Samples) -> float:
    if not len(samples):
        return 0.0
    full = (np.abs(samples) >= _FULL_SCALE).astype(np.int8)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], full, [0]))))
    lengths = edges[1::2] - edges[0::2]
    return float(lengths[lengths >= _FLAT_TOP].sum() / len(samples))
