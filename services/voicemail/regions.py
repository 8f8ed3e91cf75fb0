"""Where in a recording somebody speaks. Audio is never dropped: every second is in a region, and says what it is.

Silero's voice activity detector (its network comes inside the faster-whisper wheel) hears speech under hiss, street and
music, where a level tells nothing: `bench/regions` has the figures. It was trained on wide-band voices and can miss a
telephone's, so what it passes over but is not silent gets a second, more lenient look, with the gain turned up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.voicemail.activity import Activity, Span, listen

STRICT = 0.5
LENIENT = 0.15
FRAME = 512  # samples at 16 kHz that the detector judges at a time
OPTIONS: dict[str, Any] = {"detector": "silero_vad_v6", "threshold": STRICT, "second_look": LENIENT}
_RATE = 16_000
_PAD_S = 0.15
_JOIN_S = 0.3
_SHORTEST_S = 0.09
# Of the second look: wind, keys and a plucked string pass for a voice for 0.13 s now and then, of a word that is called
# out under hiss at least 0.19 s are heard (measured before the padding).
_SHORTEST_FAINT_S = 0.16
_SOUND_S = 0.3  # shorter sounds are clicks


class Kind(StrEnum):
    SPEECH = "speech"
    FAINT = "faint"  # speech only to the second look: decoded, and to be listened to
    SOUND = "sound"  # music, noise, tones: not decoded
    SILENCE = "silence"


@dataclass(frozen=True)
class Found:
    """`speech` holds what is to be decoded; `faint` the part of it that only the second look found."""

    speech: Activity
    faint: tuple[Span, ...]
    sound: tuple[Span, ...]

    def kind_of(self, span: Span) -> Kind:
        """Of a span that is decoded: faint when most of its speech is."""
        faint_s = sum(each.overlap(span.start, span.end) for each in self.faint)
        return Kind.FAINT if faint_s > 0.5 * self.speech.within(span.start, span.end) else Kind.SPEECH

    def gap(self, start: float, end: float) -> Kind:
        """Of a stretch that is not decoded."""
        sound_s = sum(each.overlap(start, end) for each in self.sound)
        return Kind.SOUND if sound_s >= _SOUND_S else Kind.SILENCE


def find(samples: NDArray[np.float32], rate: int = _RATE) -> Found:
    """Look for speech in mono samples at 16 kHz."""
    energy = listen(samples, rate)
    strict = _spans(_probabilities(samples), STRICT, energy.seconds)
    rest = _without(energy.spans, strict)
    faint: list[Span] = []
    sound: list[Span] = []
    if rest:
        peak = max(float(np.abs(samples[int(s.start * rate) : int(s.end * rate)]).max(initial=0.0)) for s in rest)
        again = _probabilities(np.clip(samples * np.float32(0.5 / max(peak, 1e-3)), -1, 1))
        lenient = _spans(again, LENIENT, energy.seconds, shortest_s=_SHORTEST_FAINT_S)
        for span in rest:
            voices = [Span(max(v.start, span.start), min(v.end, span.end)) for v in lenient if _touch(v, span)]
            voices = [voice for voice in voices if voice.seconds >= _SOUND_S]
            faint += voices
            sound += _without([span], voices)
    spans = _joined([*strict, *faint])
    return Found(Activity(tuple(spans), energy.levels, energy.seconds), tuple(faint), tuple(sound))


def whole(found: Found, decoded: Sequence[tuple[Span, dict[str, Any]]]) -> list[dict[str, Any]]:
    """The recording from its first second to its last: what was decoded, each with its facts, and what lies between."""
    out: list[dict[str, Any]] = []
    at = 0.0

    def gap(until: float) -> None:
        if until - at >= 0.01:
            out.append({"start": round(at, 2), "end": round(until, 2), "kind": found.gap(at, until).value})

    for span, facts in decoded:
        gap(span.start)
        out.append(
            {"start": round(span.start, 2), "end": round(span.end, 2), "kind": found.kind_of(span).value, **facts}
        )
        at = span.end
    gap(found.speech.seconds)
    return out


def _probabilities(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """That somebody speaks, for every 32 ms."""
    from faster_whisper.vad import get_vad_model

    if not len(samples):
        return np.zeros(0, np.float32)
    padded = np.pad(samples, (0, -len(samples) % FRAME)).astype(np.float32)
    found: NDArray[np.float32] = np.asarray(get_vad_model()(padded), np.float32).reshape(-1)
    return found


def _spans(
    probabilities: NDArray[np.float32], threshold: float, seconds: float, *, shortest_s: float = _SHORTEST_S
) -> list[Span]:
    """Speech begins above the threshold and ends a little below it, as Silero's own code does."""
    step = FRAME / _RATE
    spans: list[Span] = []
    begin: int | None = None
    for index, value in enumerate([*probabilities.tolist(), 0.0]):
        if begin is None and value >= threshold:
            begin = index
        elif begin is not None and value < max(threshold - 0.15, 0.05):
            if (index - begin) * step >= shortest_s:
                spans.append(Span(max(0.0, begin * step - _PAD_S), min(seconds, index * step + _PAD_S)))
            begin = None
    return _joined(spans)


def _joined(spans: Sequence[Span]) -> list[Span]:
    out: list[Span] = []
    for span in sorted(spans, key=lambda each: each.start):
        if out and span.start - out[-1].end < _JOIN_S:
            out[-1] = Span(out[-1].start, max(out[-1].end, span.end))
        else:
            out.append(span)
    return out


def _touch(one: Span, other: Span) -> bool:
    return one.overlap(other.start, other.end) > 0


def _without(spans: Sequence[Span], taken: Sequence[Span]) -> list[Span]:
    """What is left of the spans, in pieces long enough to hold a word."""
    left: list[Span] = []
    for span in spans:
        at = span.start
        for other in sorted((t for t in taken if _touch(t, span)), key=lambda each: each.start):
            left.append(Span(at, other.start))
            at = max(at, other.end)
        left.append(Span(at, span.end))
    return [span for span in left if span.seconds >= _SOUND_S]
