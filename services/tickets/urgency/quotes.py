"""The words of a message that a finding rests on, as a person is shown them."""

from dataclasses import dataclass
from typing import Any

from services.tickets.urgency.signs import Hit, Line

MAX_QUOTE = 120  # characters of a text that are shown as evidence


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of the text (`part`: «text» or «subject») that say so, and where they stand in it."""

    part: str
    start: int
    end: int
    words: str

    def as_json(self) -> dict[str, Any]:
        return {"part": self.part, "start": self.start, "end": self.end, "words": self.words}


def quote_of(part: str, text: str, start: int, end: int) -> Quote:
    """The words between two places of the text, the first of them where they are many."""
    said = " ".join(text[start:end].split())
    return Quote(part, start, end, said if len(said) <= MAX_QUOTE else f"{said[:MAX_QUOTE]}…")


def quoted(part: str, text: str, line: Line, hit: Hit) -> Quote:
    return quote_of(part, text, line.words[hit.first].start, line.words[hit.last].end)
