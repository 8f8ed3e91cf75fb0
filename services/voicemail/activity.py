"""Where in a recording somebody may be speaking, by its level alone: it never decides what a voice says.

Kept on the safe side: what is only possibly speech goes to the recogniser. Silence and steady noise, in which a
recogniser invents words, do not.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FRAME_S = 0.03
SILENCE_DB = -55.0  # a telephone's silence lies below; whispering lies above
STEADY_DB = 3.0  # speech moves by more than this even under noise as loud as itself; hiss, hum and tones do not
LONG_PAUSE_S = 2.0
_JOIN_S = 0.3
_PAD_S = 0.15
_SHORTEST_S = 0.06


@dataclass(frozen=True)
class Span:
    """A stretch of a recording, in seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start

    def overlap(self, start: float, end: float) -> float:
        return max(0.0, min(self.end, end) - max(self.start, start))


@dataclass(frozen=True)
class Activity:
    """Stretches with possible speech; `levels` are dB per frame, smoothed."""

    spans: tuple[Span, ...]
    levels: NDArray[np.float32]
    seconds: float

    @property
    def active_s(self) -> float:
        return sum(span.seconds for span in self.spans)

    def within(self, start: float, end: float) -> float:
        """Seconds of possible speech between two instants."""
        return sum(span.overlap(start, end) for span in self.spans)


def listen(samples: NDArray[np.float32], rate: int) -> Activity:
    """Find the active stretches of mono samples."""
    size = int(rate * FRAME_S)
    count = len(samples) // size
    seconds = len(samples) / rate
    if count == 0:
        return Activity((), np.zeros(0, np.float32), seconds)
    frames = samples[: count * size].reshape(count, size).astype(np.float64)
    frames = frames - frames.mean(axis=1, keepdims=True)  # a constant offset is not sound
    power = np.convolve((frames**2).mean(axis=1), np.ones(5) / 5, mode="same")
    levels = (10 * np.log10(np.maximum(power, 1e-10))).astype(np.float32)
    # The edges of the smoothing see padding; they would make a steady tone look as if it began and ended.
    inner = levels[2:-2] if count > 8 else levels
    loudest, floor = float(inner.max()), float(np.percentile(inner, 10))
    if loudest < SILENCE_DB or loudest - floor < STEADY_DB:
        return Activity((), levels, seconds)
    threshold = max(floor + min(6.0, (loudest - floor) / 2), loudest - 40.0, SILENCE_DB - 5)
    active = levels > threshold
    edges = np.flatnonzero(np.diff(np.concatenate(([False], active, [False])).astype(np.int8)))
    spans: list[Span] = []
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        start, end = first * FRAME_S, last * FRAME_S
        if end - start < _SHORTEST_S:
            continue
        span = Span(max(0.0, float(start) - _PAD_S), min(seconds, float(end) + _PAD_S))
        if spans and span.start - spans[-1].end < _JOIN_S:
            spans[-1] = Span(spans[-1].start, span.end)
        else:
            spans.append(span)
    return Activity(tuple(spans), levels, seconds)


def windows(activity: Activity, longest_s: float) -> list[Span]:
    """Group the active stretches into windows of at most `longest_s`, cut at pauses or else where it is quietest.

    A long pause ends a window in any case: a recogniser left alone with silence fills it.
    """
    pieces: list[Span] = []
    for span in activity.spans:
        while span.seconds > longest_s:
            cut = _quietest(activity, span.start + longest_s * 0.6, span.start + longest_s)
            pieces.append(Span(span.start, cut))
            span = Span(cut, span.end)
        pieces.append(span)
    grouped: list[Span] = []
    for piece in pieces:
        fits = bool(grouped) and piece.end - grouped[-1].start <= longest_s
        if fits and piece.start - grouped[-1].end < LONG_PAUSE_S:
            grouped[-1] = Span(grouped[-1].start, piece.end)
        else:
            grouped.append(piece)
    return grouped


def _quietest(activity: Activity, start: float, end: float) -> float:
    first, last = int(start / FRAME_S), max(int(start / FRAME_S) + 1, int(end / FRAME_S))
    return float((first + int(np.argmin(activity.levels[first:last]))) * FRAME_S)
