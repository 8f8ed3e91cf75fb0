"""Numbers are heard twice: within the message, and alone. Where the two hearings differ, nobody should dial yet.

A recogniser that takes one digit for another, or loses one, is often quite sure of it. Heard alone, without what is
said before it, the same number is decoded along another path; an error seldom comes out the same both times.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from math import prod
from typing import Any

from services.voicemail.activity import Span
from services.voicemail.doubt import with_digits_judged
from services.voicemail.engine import Segment

FEWEST = 7  # digits: telephone numbers without an area code, and whatever is longer
PAUSE_S = 4.0  # within a number that is told by heart or read from a paper
LONGEST_S = 25.0  # of what is heard again, so that it fits into Whisper's half minute
MOST = 4  # numbers of one recording that are heard again: each costs one pass of the encoder


@dataclass(frozen=True)
class _Digit:
    value: str
    segment: int
    word: int

    def within(self, segments: Sequence[Segment]) -> dict[str, Any]:
        word: dict[str, Any] = segments[self.segment]["words"][self.word]
        return word


def told(segments: Sequence[Segment]) -> list[range]:
    """Runs of segments that tell a long number together, the first few of a recording."""
    runs: list[range] = []
    for at, segment in enumerate(segments):
        if not (segment["in_text"] and any(c.isdigit() for word in segment["words"] for c in word["word"])):
            continue
        near = runs and runs[-1].stop == at and segment["start"] - segments[at - 1]["end"] <= PAUSE_S
        if near and segment["language"] == segments[at - 1]["language"]:
            runs[-1] = range(runs[-1].start, at + 1)
        else:
            runs.append(range(at, at + 1))
    long = [run for run in runs if len(_digits(segments[run.start : run.stop])) >= FEWEST]
    return [run for run in long if span_of(segments, run).seconds <= LONGEST_S][:MOST]


def span_of(segments: Sequence[Segment], run: range) -> Span:
    return Span(segments[run[0]]["start"], segments[run[-1]]["end"])


def settled(first: Sequence[Segment], again: Sequence[Segment]) -> tuple[list[Segment], Sequence[Segment]]:
    """The surer of two hearings of the same stretch, and the other one. Changes neither.

    Each word with digits gets `readings`: how probable it was in this hearing, and how probable the same digits were in
    the other, 0 where that heard something else. Its `probability` is the better of the two, or 0 where they differ.
    """
    ours, theirs = _digits(first), _digits(again)
    if len(theirs) >= FEWEST and _joint(theirs, again) > _joint(ours, first):
        first, again, ours, theirs = again, first, theirs, ours
    elsewhere = _elsewhere(ours, theirs, again)
    segments = [{**segment, "words": [dict(word) for word in segment["words"]]} for segment in first]
    for digit, probability in zip(ours, elsewhere, strict=True):
        word = digit.within(segments)
        own, other = word.get("readings") or (word["probability"], 1.0)
        word["readings"] = [own, min(other, probability)]  # the least of a word with several digits
    for word in (word for segment in segments for word in segment["words"] if "readings" in word):
        word["probability"] = max(word["readings"]) if word["readings"][1] else 0.0
    return [with_digits_judged(segment) for segment in segments], again


def _digits(segments: Sequence[Segment]) -> list[_Digit]:
    return [
        _Digit(character, place, at)
        for place, segment in enumerate(segments)
        if segment["in_text"]
        for at, word in enumerate(segment["words"])
        for character in word["word"]
        if character.isdigit()
    ]


def _joint(digits: Sequence[_Digit], segments: Sequence[Segment]) -> float:
    """How probable it is that every one is right, as far as the recogniser knows."""
    words = {(digit.segment, digit.word): float(digit.within(segments)["probability"]) for digit in digits}
    return prod(words.values())


def _elsewhere(ours: Sequence[_Digit], theirs: Sequence[_Digit], again: Sequence[Segment]) -> list[float]:
    """Of each of our digits its probability in the other hearing; 0 where that has another, none, or more beside it."""
    found = [0.0] * len(ours)
    matcher = SequenceMatcher(None, [each.value for each in ours], [each.value for each in theirs], autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            found[a:b] = [each.within(again)["probability"] for each in theirs[c:d]]
    for kind, a, _, _, _ in matcher.get_opcodes():
        if kind == "insert":  # those are doubtful between which it would stand
            for place in {a - 1, a} & set(range(len(ours))):
                found[place] = 0.0
    return found
