"""The day that goes with a sign of urgency: on which the power is cut that a message speaks of.

Days are read by facts/dates.py, and what is spoken of is still to come: a Friday is the next one from the day on which
the message came, that day included. Too early is the safe side of a shut-off.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.tickets.facts.dates import dates
from services.tickets.plain import folded
from services.tickets.urgency.words import MAX_CHARACTERS, STOP, Word


@dataclass(frozen=True, slots=True)
class When:
    """A day and where the text names it; `first` and `last` count words."""

    day: date
    first: int
    last: int


def days_in(text: str, words: Sequence[Word], today: date) -> list[When]:
    """Every day that the text names, in their order."""
    found = []
    for each in dates(folded(text[:MAX_CHARACTERS]), today, ahead=True):
        inside = [at for at, word in enumerate(words) if word.start < each.end and each.start < word.end]
        if inside:
            found.append(When(date.fromisoformat(each.value), inside[0], inside[-1]))
    return found


def nearest(days: Sequence[When], first: int, last: int, words: Sequence[Word], reach: int = 12) -> When | None:
    """The day that goes with what stands from `first` to `last`: in it, else near it, rather behind than before."""
    inside = [each for each in days if first <= each.first <= last + 1]
    if inside:
        return inside[0]

    def far(each: When) -> float:
        between = words[last + 1 : each.first] if each.first > last else words[each.last + 1 : first]
        stops = sum(word.key == STOP for word in between)
        behind = 0 if each.first > last else 2
        return len(between) + 4 * stops + behind

    near = [each for each in days if far(each) <= reach]
    return min(near, key=far, default=None)
