"""Decides which greeting a line should play in a language at an instant: pure, and never silence if there is any.

An emergency beats a holiday beats after hours beats open. A situation without a greeting borrows a nearby one in the
caller's own language; only when that language has nothing fitting does the fallback language speak.

An emergency in one language only is not played to the speakers of the other: their usual greeting tells them, in
words they understand, what to do about gas and wires. The screens say that the translation is missing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from shared.models import Situation

# Which greetings suit a situation, best first: those of a wider situation say nothing false.
FITTING: dict[Situation, tuple[Situation, ...]] = {
    Situation.HOLIDAY: (Situation.HOLIDAY, Situation.AFTER_HOURS, Situation.OPEN),
    Situation.AFTER_HOURS: (Situation.AFTER_HOURS, Situation.OPEN),
    Situation.OPEN: (Situation.OPEN,),
}
# Played before a caller hears nothing: even the wrong hours still carry the emergency numbers and the notice that
# the message is recorded, which the phone system's own announcement does not.
LAST_RESORT = (Situation.AFTER_HOURS, Situation.OPEN, Situation.HOLIDAY)


class Hours(Protocol):
    """What this needs of shared.calendar.OpenTime."""

    def is_open(self, at: datetime) -> bool: ...
    def is_holiday(self, at: datetime) -> bool: ...
    def next_change(self, at: datetime) -> datetime | None: ...


@dataclass(frozen=True)
class Standing:
    """An activation with its slot's facts: from when to when a version stands for one situation of one line."""

    id: int
    line: str
    language: str
    situation: Situation
    version_id: int
    starts_at: datetime
    ends_at: datetime | None = None
    cancelled_at: datetime | None = None

    @property
    def until(self) -> datetime | None:
        """When it ends, or ended early."""
        return min((end for end in (self.ends_at, self.cancelled_at) if end is not None), default=None)

    def covers(self, at: datetime) -> bool:
        return self.starts_at <= at and (self.until is None or at < self.until)


@dataclass(frozen=True)
class Choice:
    """What should be heard. `language` and `situation` are those of the greeting, which may be borrowed."""

    version_id: int
    activation_id: int
    language: str
    situation: Situation


@dataclass(frozen=True)
class Stretch:
    """From `start` until just before `end` (None: as far as was looked) one choice holds."""

    start: datetime
    end: datetime | None
    situation: Situation
    choice: Choice | None


def situation_at(hours: Hours, at: datetime) -> Situation:
    """What the calendar says, emergencies aside."""
    if hours.is_open(at):
        return Situation.OPEN
    return Situation.HOLIDAY if hours.is_holiday(at) else Situation.AFTER_HOURS


def standing_in_slot(
    standings: Iterable[Standing], line: str, language: str, situation: Situation, at: datetime
) -> Standing | None:
    """The activation in force in one slot: the one that began last; of two that began together, the newer."""
    covering = (
        each
        for each in standings
        if (each.line, each.language, each.situation) == (line, language, situation) and each.covers(at)
    )
    return max(covering, key=lambda each: (each.starts_at, each.id), default=None)


def wanted(
    standings: Sequence[Standing], hours: Hours, line: str, language: str, at: datetime, fallback_language: str
) -> Choice | None:
    """What the line should play to callers in `language`. None only when nothing at all is active on the line."""

    def first(languages: Iterable[str], situations: Iterable[Situation]) -> Choice | None:
        order = tuple(situations)
        for tongue in languages:
            for situation in order:
                found = standing_in_slot(standings, line, tongue, situation, at)
                if found is not None:
                    return Choice(found.version_id, found.id, tongue, situation)
        return None

    both = tuple(dict.fromkeys((language, fallback_language)))
    return (
        first((language,), (Situation.EMERGENCY,))
        or first(both, FITTING[situation_at(hours, at)])
        or first(both, LAST_RESORT)
        or first(both, (Situation.EMERGENCY,))
    )


def next_change(standings: Iterable[Standing], hours: Hours, at: datetime) -> datetime | None:
    """The next instant at which `wanted` may answer differently for some line; None: never."""
    edges = [hours.next_change(at)]
    for each in standings:
        edges += [each.starts_at, each.until]
    return min((edge.astimezone(UTC) for edge in edges if edge is not None and edge > at), default=None)


def upcoming(
    standings: Sequence[Standing],
    hours: Hours,
    line: str,
    language: str,
    start: datetime,
    length: timedelta,
    fallback_language: str,
) -> Iterator[Stretch]:
    """What will be heard from `start` on, stretch by stretch, joined where nothing changes for the caller."""
    own = [each for each in standings if each.line == line]
    at, end = start, start + length
    held: Stretch | None = None
    while at < end:
        choice = wanted(own, hours, line, language, at, fallback_language)
        emergency = choice is not None and choice.situation is Situation.EMERGENCY
        situation = Situation.EMERGENCY if emergency else situation_at(hours, at)
        change = next_change(own, hours, at)
        if held is not None and (held.situation, held.choice) == (situation, choice):
            held = Stretch(held.start, change, situation, choice)
        else:
            if held is not None:
                yield held
            held = Stretch(at, change, situation, choice)
        if change is None:
            break
        at = change
    if held is not None:
        yield held
