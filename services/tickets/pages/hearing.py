"""A transcript in the order in which it is read: what was said, left out or missed, and stretches without speech."""

from dataclasses import dataclass
from typing import Any, Literal

from services.tickets.views.models import TranscriptView

SHOWN_S = 1.0  # shorter pauses are how people talk
WITHOUT_SPEECH = ("sound", "silence")


@dataclass(frozen=True)
class Passage:
    kind: Literal["said", "left_out", "region", "unheard"]
    start: float
    seconds: float
    segment: dict[str, Any]  # of a region: the region


def passages(transcript: TranscriptView) -> list[Passage]:
    """By their start; a stretch without speech before what begins with it."""
    found = [
        Passage("left_out" if each.get("in_text") is False else "said", *_span(each), each)
        for each in transcript.segments
    ]
    found += [
        Passage("region", *_span(each), each)
        for each in transcript.regions
        if each.get("kind") in WITHOUT_SPEECH and _span(each)[1] >= SHOWN_S
    ]
    found += [
        Passage("unheard", start, end - start, each)
        for each in transcript.regions
        for start, end in each.get("unheard") or ()
    ]
    return sorted(found, key=lambda each: (each.start, each.kind not in ("region", "unheard")))


def _span(each: dict[str, Any]) -> tuple[float, float]:
    start = float(each.get("start") or 0.0)
    return start, max(0.0, float(each.get("end") or start) - start)
