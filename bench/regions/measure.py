"""Ways to find speech in telephone calls, on calls of which every spoken second is known."""

import asyncio
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.figures import Figures
from bench.regions.clips import RATE, Clip, Samples, all_clips
from services.voicemail import regions
from services.voicemail.activity import listen

Finder = Callable[[Samples], list[tuple[float, float]]]
STEP = 100  # places a second at which a finder is right or wrong
PAD_S = 0.15


def by_level(samples: Samples) -> list[tuple[float, float]]:
    return [(span.start, span.end) for span in listen(samples, RATE).spans]


def webrtc(mode: int) -> Finder:
    def find(samples: Samples) -> list[tuple[float, float]]:
        import webrtcvad

        judge = webrtcvad.Vad(mode)
        size = int(0.03 * RATE)
        pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2")
        return [
            (max(0.0, at / RATE - PAD_S), (at + size) / RATE + PAD_S)
            for at in range(0, len(pcm) - size, size)
            if judge.is_speech(pcm[at : at + size].tobytes(), RATE)
        ]

    return find


def silero(samples: Samples) -> list[tuple[float, float]]:
    return [(span.start, span.end) for span in regions._spans(regions._probabilities(samples), 0.5, 1e9)]


def ours(samples: Samples) -> list[tuple[float, float]]:
    return [(span.start, span.end) for span in regions.find(samples).speech.spans]


FINDERS: dict[str, Finder] = {
    "level": by_level,
    "WebRTC, mode 2": webrtc(2),
    "WebRTC, mode 3": webrtc(3),
    "Silero 6": silero,
    "Silero 6 with a second look (ours)": ours,
}


async def measure(each: int) -> Figures:
    return await asyncio.to_thread(_measure, each)


def _measure(each: int) -> Figures:
    clips = all_clips(each)
    figures = Figures(
        "Where somebody speaks",
        f"{len(clips)} calls of espeak-ng's voices through 8 kHz µ-law, {each} of each kind. «heard»: spoken time that "
        "was found; «taken for speech»: time without speech that was found too, the padding around words included.",
    )
    for name, finder in FINDERS.items():
        regions.find(clips[0].samples)  # loads the detector
        started = time.process_time()
        marked = [(clip, _marks(finder(clip.samples), clip)) for clip in clips]
        took = time.process_time() - started
        minutes = sum(len(clip.samples) for clip in clips) / RATE / 60
        figures.add(f"{name}: processor time for a minute", f"{took / minutes:.2f} s")
        for kind in dict.fromkeys(clip.kind for clip in clips):
            figures.add(f"{name}: {kind}", *_row([pair for pair in marked if pair[0].kind == kind]))
    return figures


def _row(marked: list[tuple[Clip, NDArray[np.bool_]]]) -> tuple[str, str]:
    heard = spoken = false = other = 0
    for clip, found in marked:
        truth = _marks(list(clip.speech), clip)
        heard += int((found & truth).sum())
        spoken += int(truth.sum())
        false += int((found & ~truth).sum())
        other += int((~truth).sum())
    wrong = f"{100 * false / other:.0f} % taken for speech"
    if not spoken:
        return wrong, "0 %"
    return f"{100 * heard / spoken:.1f} % heard, {wrong}", "99 % heard"


def _marks(spans: list[tuple[float, float]], clip: Clip) -> NDArray[np.bool_]:
    marks = np.zeros(int(len(clip.samples) / RATE * STEP), np.bool_)
    for start, end in spans:
        marks[int(start * STEP) : int(end * STEP)] = True
    return marks
