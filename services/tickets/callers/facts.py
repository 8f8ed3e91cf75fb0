"""What was said about one caller: the values, with where they were heard, how well, and what speaks against them."""

from dataclasses import dataclass, field
from enum import StrEnum

from shared.models import CallerFactKind as Kind

__all__ = ["UNCLEAR_BELOW", "Doubt", "Fact", "Kind", "Place", "Wishes"]


class Doubt(StrEnum):
    """Why a person should listen before a value is used."""

    INCOMPLETE = "incomplete"  # digits are missing
    NOT_VALID = "not_valid"  # no such number can be reached
    TOO_MANY = "too_many"  # stray digits beside it
    UNCLEAR = "unclear"  # a word of it was not heard well
    DISAGREES = "disagrees"  # said twice, not the same
    CORRECTED = "corrected"  # the caller changed it while speaking
    BY_NAME = "spelled_differently"  # said and spelled do not match


UNCLEAR_BELOW = 0.5  # probability of a word; the transcript marks words by the same bound


@dataclass(frozen=True, slots=True)
class Place:
    """One time it was said. Seconds are null where the transcript does not time its words; `start` and `end` are
    characters of the speech's text."""

    said: str
    start: int
    end: int
    from_s: float | None
    to_s: float | None
    confidence: float | None  # of its least certain word


@dataclass(frozen=True, slots=True)
class Fact:
    """`value`: E.164 for a complete callback number, bare digits for another; ten digits, or ten, a dash and one, for
    an account; a name as it is written."""

    kind: Kind
    value: str
    places: tuple[Place, ...]
    extension: str = ""
    doubts: tuple[Doubt, ...] = ()
    unclear_digits: tuple[int, ...] = ()  # which digits were not heard well, counted from 1
    earlier: str = ""  # what the caller said before correcting it
    agrees_with_caller_id: bool | None = None  # null: no caller id, or no number
    for_other: bool = False  # of a name: somebody the caller speaks for

    @property
    def confidence(self) -> float | None:
        """Of the clearest time it was said; a second one that agrees halves what is left to doubt."""
        known = sorted((place.confidence for place in self.places if place.confidence is not None), reverse=True)
        if not known:
            return None
        doubt = 1.0 - known[0]
        for _ in known[1:]:
            doubt /= 2
        return round(1.0 - doubt, 4)


@dataclass(frozen=True, slots=True)
class Wishes:
    """Everything a message says of its caller, in the order in which it should be shown."""

    facts: tuple[Fact, ...] = field(default=())

    def of(self, kind: Kind) -> list[Fact]:
        return [fact for fact in self.facts if fact.kind is kind]
