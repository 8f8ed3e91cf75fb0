"""One fact of a message: what it is, its value in the form that is kept, and where in the text it stands. Pure."""

from dataclasses import dataclass
from typing import Any

from shared.models import FactKind, FactPart

__all__ = ["FactKind", "FactPart", "Found"]


@dataclass(frozen=True, slots=True)
class Found:
    """`value`: E.164 or seven digits (phone), ten digits or ten, a dash and one (account), ten digits (agreement),
    dollars as «412.77» (amount), a day as «2026-12-04» (date), else the words as they stand.

    `start` and `end` are characters of the text that was read. `confidence`: a judgement from 0 to 1, by the form in
    which it was said; no probability.

    `part`: the text in which `start` and `end` count.
    """

    kind: FactKind
    value: str
    start: int
    end: int
    confidence: float
    part: FactPart = FactPart.TEXT

    def overlaps(self, other: "Found") -> bool:
        return self.start < other.end and other.start < self.end

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind.value, "value": self.value, "start": self.start, "end": self.end,
            "confidence": self.confidence, "part": self.part.value,
        }  # fmt: skip
