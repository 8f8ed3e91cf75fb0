"""How many people each open hour asks for, and how many of them bilingual: pure arithmetic on what is expected.

Bilinguals come first: as many as the Spanish work alone asks for, and never fewer than `fewest_bilinguals`. People in
all: as many as all the work asks for when whoever is free takes what is next, which bilinguals make nearly true.
What came while the center was closed is worked off in the first hours of the day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from services.tickets.forecast.demand import Handling, Hour
from services.tickets.forecast.erlang import required, served_within, waits

CARRY_HOURS = 2  # voicemails of the night are to be answered within two open hours


@dataclass(frozen=True, slots=True)
class Goal:
    """`share` of the arrivals are begun with within `wait_minutes`; of planned people `away` are away all the same."""

    wait_minutes: float = 30.0
    share: float = 0.8
    away: float = 0.1
    fewest_bilinguals: int = 2


@dataclass(frozen=True, slots=True)
class Slot:
    """An hour of the calendar: its hour of the week, and whether the center is open in any part of it."""

    starts_at: datetime
    hour: Hour
    is_open: bool


@dataclass(frozen=True, slots=True)
class Need:
    """Of an open hour. Arrivals include what is worked off from before the opening."""

    starts_at: datetime
    english: float
    spanish: float
    people: int
    bilinguals: int


def expected(slots: Sequence[Slot], rates: Mapping[Hour, float]) -> dict[datetime, float]:
    """Work that is to be begun in each open hour. `slots` are in order and without a gap."""
    due: dict[datetime, float] = {}
    pending = 0.0
    open_hours: list[datetime] = []
    for index, slot in enumerate(slots):
        rate = rates.get(slot.hour, 0.0)
        if not slot.is_open:
            pending += rate
            continue
        due[slot.starts_at] = due.get(slot.starts_at, 0.0) + rate
        if pending:
            open_hours = [slot.starts_at]
            for later in slots[index + 1 : index + CARRY_HOURS]:
                if not later.is_open:
                    break
                open_hours.append(later.starts_at)
            for start in open_hours:
                due[start] = due.get(start, 0.0) + pending / len(open_hours)
            pending = 0.0
    return due


def needs(
    slots: Sequence[Slot],
    english: Mapping[Hour, float],
    spanish: Mapping[Hour, float],
    handling_english: Handling,
    handling_spanish: Handling,
    goal: Goal,
) -> list[Need]:
    """Of every open hour, in order."""
    plain, bilingual = expected(slots, english), expected(slots, spanish)
    found = []
    for slot in slots:
        if not slot.is_open:
            continue
        en, es = plain[slot.starts_at], bilingual[slot.starts_at]
        spanish_load = es * handling_spanish.minutes / 60
        load = spanish_load + en * handling_english.minutes / 60
        mean = 60 * load / (en + es) if en + es else handling_english.minutes
        bilinguals = max(
            goal.fewest_bilinguals,
            _planned(required(spanish_load, handling_spanish.minutes, goal.wait_minutes, goal.share), goal),
        )
        people = max(bilinguals, _planned(required(load, mean, goal.wait_minutes, goal.share), goal))
        found.append(Need(slot.starts_at, en, es, people, bilinguals))
    return found


def _planned(there: int, goal: Goal) -> int:
    """How many to plan so that this many are there."""
    return ceil(there / (1 - goal.away) - 1e-9)


def spanish_outlook(need: Need, bilinguals: int, handling: Handling, goal: Goal) -> tuple[float, float]:
    """With so many bilinguals who do nothing else: (who waits at all, who is begun with in time), as shares."""
    load = need.spanish * handling.minutes / 60
    return waits(bilinguals, load), served_within(bilinguals, load, handling.minutes, goal.wait_minutes)
