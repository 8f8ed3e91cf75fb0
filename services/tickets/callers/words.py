"""The words of a message as the reading of facts sees them: spelling, place in the text, time and probability."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from shared.language import fold

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


def of_segments(segments: Sequence[Mapping[str, Any]], text: str = "") -> Speech:
    """The segments of a transcript (`start`, `end`, `text`, `in_text`, `words` of `word`, `start`, `end`,
    `probability`), without those that were left out of its text. Without any segment: `text` as it is."""
    parts: list[str] = []
    words: list[Word] = []
    length = 0
    for segment in segments:
        if segment.get("in_text") is False:
            continue
        pieces = segment.get("words") or [
            {"word": segment.get("text", ""), "start": segment.get("start"), "end": segment.get("end")}
        ]
        for piece in pieces:
            said = str(piece.get("word", "")).strip()
            if not said or length > MAX_CHARACTERS:
                continue
            # Recognisers give «707-555-0112» as several words without blanks between them.
            glued = bool(parts) and said[0] in "-.,;:!?)'’%" and not str(piece.get("word", "")).startswith(" ")
            if parts and not glued:
                parts.append(" ")
                length += 1
            words += _tokens(said, length, piece.get("start"), piece.get("end"), piece.get("probability"))
            parts.append(said)
            length += len(said)
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
    return [
        Word(
            match.group(), fold(match.group()).replace("’", "'"), offset + match.start(), offset + match.end(),
            from_s, to_s, probability,
        )
        for match in _TOKEN.finditer(text)
    ]  # fmt: skip
