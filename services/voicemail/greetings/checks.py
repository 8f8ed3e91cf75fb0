"""What is wrong with an uploaded greeting: what makes it unusable, and what its author should know."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from services.voicemail.greetings import loudness
from services.voicemail.greetings.loudness import ALLOWED_LU, Aim, Samples
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
DC_WARNING = 0.02  # of full scale
_FRAME_S = 0.02
_FULL_SCALE = 0.985
_FLAT_TOP = 4  # samples in a row at full scale: a single one is only a loud peak


@dataclass(frozen=True)
class Warned:
    """A sentence for the author (the key in the catalogs) with what to fill in."""

    message: str
    values: dict[str, str | float] = field(default_factory=dict)


def stored(warned: Iterable[Warned]) -> list[dict[str, object]]:
    """As the store keeps them."""
    return [{"message": each.message, "values": each.values} for each in warned]


@dataclass(frozen=True)
class Findings:
    duration_s: float
    lufs: float
    true_peak_db: float
    leading_silence_s: float
    trailing_silence_s: float
    clipped: float  # share of the samples
    dc: float  # share of full scale

    @property
    def audible_s(self) -> float:
        return self.duration_s - self.leading_silence_s - self.trailing_silence_s

    def figures(self) -> dict[str, float]:
        """For the store and the screens, rounded to what anybody can hear."""
        return {
            "duration_s": round(self.duration_s, 3),
            "lufs": round(self.lufs, 1),
            "true_peak_db": round(self.true_peak_db, 1),
            "leading_silence_s": round(self.leading_silence_s, 2),
            "trailing_silence_s": round(self.trailing_silence_s, 2),
            "clipped_percent": round(self.clipped * 100, 2),
            "dc_percent": round(self.dc * 100, 2),
        }

    def warnings(self, aim: Aim, *, trimmed: bool, normalised: bool) -> list[Warned]:
        """What its author should know of the recording, with what was done about it or what to do."""
        found = self._silence(trimmed=trimmed)
        if self.clipped > CLIPPED_WARNING:
            found.append(
                Warned(
                    N_(
                        "It is distorted in places: it was recorded too loud. Record it again a little further from "
                        "the microphone."
                    )
                )
            )
        if self.dc > DC_WARNING:
            found.append(Warned(N_("The microphone added an offset, which clicks at both ends; it was removed.")))
        if not normalised:
            return found + self._loudness(aim)
        if self.lufs < QUIET_LUFS:
            found.append(Warned(N_("It was recorded very quietly; raising it may bring up noise. Listen to it.")))
        elif self.lufs > LOUD_LUFS:
            found.append(Warned(N_("It was recorded very loud and has been lowered. Listen to it.")))
        return found

    def _silence(self, *, trimmed: bool) -> list[Warned]:
        found: list[Warned] = []
        for seconds, kept, cut in (
            (
                self.leading_silence_s,
                N_("It begins with {seconds} s of silence; callers may think that the line is dead. Have it cut."),
                N_("{seconds} s of silence at the beginning were cut."),
            ),
            (
                self.trailing_silence_s,
                N_("It ends with {seconds} s of silence; callers wait for the tone. Have it cut."),
                N_("{seconds} s of silence at the end were cut."),
            ),
        ):
            if seconds > LONG_SILENCE_S:
                shown = seconds - KEPT_SILENCE_S if trimmed else seconds
                found.append(Warned(cut if trimmed else kept, {"seconds": round(shown, 1)}))
        return found

    def _loudness(self, aim: Aim) -> list[Warned]:
        """Of a recording that is left as it is."""
        difference = self.lufs - aim.lufs
        found: list[Warned] = []
        if difference < -ALLOWED_LU:
            found.append(
                Warned(
                    N_("It is {difference} dB quieter than the other greetings. Have its loudness corrected."),
                    {"difference": round(-difference, 1)},
                )
            )
        elif difference > ALLOWED_LU:
            found.append(
                Warned(
                    N_("It is {difference} dB louder than the other greetings. Have its loudness corrected."),
                    {"difference": round(difference, 1)},
                )
            )
        if self.true_peak_db > aim.ceiling + 0.1:
            found.append(
                Warned(
                    N_("Its peaks reach {peak} dB and may crackle on the telephone. Have its loudness corrected."),
                    {"peak": round(self.true_peak_db, 1)},
                )
            )
        return found


def examine(samples: Samples, rate: int) -> Findings:
    """Measures a recording. Its constant offset is reported and otherwise left out of account."""
    dc = float(np.mean(samples)) if len(samples) else 0.0
    samples = samples - np.float32(dc)
    lead, trail = _silences(samples, rate)
    return Findings(
        duration_s=len(samples) / rate,
        lufs=loudness.measure(samples, rate),
        true_peak_db=loudness.decibels(loudness.true_peak(samples, rate)),
        dc=abs(dc),
        leading_silence_s=lead,
        trailing_silence_s=trail,
        clipped=_clipped(samples + np.float32(dc)),
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
