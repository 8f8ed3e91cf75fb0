"""The words of a message as the reading of facts sees them: spelling, place in the text, time and probability."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from services.tickets.plain import folded

MAX_CHARACTERS = 20_000
_TOKEN = re.compile(r"\d+|[^\W\d_]+(?:['’][^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Word:
    """`start` and `end` are characters of the text; `from_s` and `to_s` seconds of the audio, where they are known."""

    text: str
    key: str  # lower case without accents
    start: int
    end: int
    from_s: float | None = None
    to_s: float | None = None
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Speech:
    text: str
    words: tuple[Word, ...]

    def between(self, left: int, right: int) -> str:
        """What stands between two words, which are given by their place."""
        return self.text[self.words[left].end : self.words[right].start]


def of_text(text: str) -> Speech:
    """Words without times: a text that nobody timed."""
    text = text[:MAX_CHARACTERS]
    return Speech(text, tuple(_tokens(text)))


@dataclass(frozen=True, slots=True)
class Piece:
    """A word as the recogniser gave it, or a segment that has no words, and where it begins in the speech's text."""

    segment: int  # place among the segments
    said: str
    start: int
    timed: Mapping[str, Any]  # `start`, `end`, `probability`
    glued: bool = False


def pieces(segments: Sequence[Mapping[str, Any]]) -> Iterator[Piece]:
    """What `of_segments` makes its text of, in order."""
    length = 0
    for number, segment in enumerate(segments):
        if segment.get("in_text") is False:
            continue
        whole = {"word": segment.get("text", ""), "start": segment.get("start"), "end": segment.get("end")}
        for piece in segment.get("words") or [whole]:
            said = str(piece.get("word", "")).strip()
            if not said:
                continue
            # Recognisers give «707-555-0112» as several words without blanks between them.
            glued = length > 0 and said[0] in "-.,;:!?)'’%" and not str(piece.get("word", "")).startswith(" ")
            length += length > 0 and not glued
            yield Piece(number, said, length, piece, glued)
            length += len(said)


def of_segments(segments: Sequence[Mapping[str, Any]], text: str = "") -> Speech:
    """The segments of a transcript (`start`, `end`, `text`, `in_text`, `words` of `word`, `start`, `end`,
    `probability`), without those that were left out of its text. Without any segment: `text` as it is."""
    parts: list[str] = []
    words: list[Word] = []
    for piece in pieces(segments):
        if piece.start > MAX_CHARACTERS:
            break
        if parts and not piece.glued:
            parts.append(" ")
        timed = piece.timed
        words += _tokens(piece.said, piece.start, timed.get("start"), timed.get("end"), timed.get("probability"))
        parts.append(piece.said)
    if not parts:
        return of_text(text)
    return Speech("".join(parts), tuple(words))


def corrected(text: str, heard: Speech) -> Speech:
    """A text that a person wrote instead of what was heard: its words take their times from those they stand for.

    What a person wrote is certain (probability 1); a word that was not heard at all is placed between its neighbours.
    """
    speech = of_text(text)
    if not heard.words:
        return speech
    ours, theirs = [word.key for word in speech.words], [word.key for word in heard.words]
    times: list[tuple[float | None, float | None]] = [(None, None)] * len(ours)
    for kind, a, b, c, d in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if kind == "insert":
            continue
        for place in range(a, b):
            if kind == "equal":
                word = heard.words[c + place - a]
                times[place] = (word.from_s, word.to_s)
            else:  # replaced: within what it replaces; deleted (only ours): beside what stands before it
                first, last = heard.words[min(c, len(theirs) - 1)], heard.words[max(min(d, len(theirs)) - 1, 0)]
                times[place] = (first.from_s, max(filter(None, (first.to_s, last.to_s)), default=None))
    return Speech(
        speech.text,
        tuple(
            Word(word.text, word.key, word.start, word.end, times[place][0], times[place][1], 1.0)
            for place, word in enumerate(speech.words)
        ),
    )


def _tokens(
    text: str,
    offset: int = 0,
    from_s: float | None = None,
    to_s: float | None = None,
    probability: float | None = None,
) -> list[Word]:
    plain = folded(text)
    return [
        Word(
            match.group(), plain[match.start() : match.end()], offset + match.start(), offset + match.end(),
            from_s, to_s, probability,
        )
        for match in _TOKEN.finditer(text)
    ]  # fmt: skip
