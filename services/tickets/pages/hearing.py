"""A transcript in the order in which it is read: what was said, left out or missed, and stretches without speech."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from services.tickets.callers.listen import listen
from services.tickets.callers.words import of_segments, pieces
from services.tickets.facts import find_numbers
from services.tickets.pages.reading import Part, parts
from services.tickets.views.facts import fact_view
from services.tickets.views.models import TranscriptView
from services.tickets.views.shapes import FactView

SHOWN_S = 1.0  # shorter pauses are how people talk
WITHOUT_SPEECH = ("sound", "silence")


@dataclass(frozen=True)
class Spoken:
    """A word with its times and, where it states something, what; a segment without words is one of them."""

    timed: Mapping[str, Any]
    parts: Sequence[Part]


@dataclass(frozen=True)
class Passage:
    kind: Literal["said", "left_out", "region", "unheard"]
    start: float
    seconds: float
    segment: dict[str, Any]  # of a region: the region
    words: Sequence[Spoken] = field(default=())  # of what was said


def passages(transcript: TranscriptView, facts: Sequence[FactView] = (), *, whole: bool = False) -> list[Passage]:
    """By their start; a stretch without speech before what begins with it.

    `facts`: of the text that counts. Where a person wrote another one, only what must be hidden is looked for here.
    """
    if transcript.corrections:
        heard = of_segments(transcript.segments, transcript.text)
        facts = [view for each in find_numbers(listen(heard)) if (view := fact_view(0, each, whole)).hidden]
    spoken: dict[int, list[Spoken]] = defaultdict(list)
    for piece in pieces(transcript.segments):
        cut = parts(" " * piece.start + piece.said, facts, piece.start)
        spoken[piece.segment].append(Spoken(piece.timed, cut))
    found = [
        Passage("left_out" if each.get("in_text") is False else "said", *_span(each), each, spoken[number])
        for number, each in enumerate(transcript.segments)
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
