"""The center that is simulated: fifteen seats, their shifts and breaks, and what customers send, drawn from a seed.

The figures are assumptions, kept in one place. Everything random is drawn here, before anybody is given anything, so
that every way of routing meets the same customers, the same work and the same breaks (common random numbers).
"""

import math
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np

from bench.routing.opening import Opening
from services.tickets.clocks.targets import chosen, in_force
from services.tickets.routing.terms import Certificate
from services.tickets.shift_plan import ShiftPlan, Span, intervals
from shared.calendar import DAY, USUAL_WEEK, OpenTime, Special
from shared.models import Channel, ClockKind, Level, Priority, Role

ZONE = ZoneInfo("America/Los_Angeles")
FIRST_DAY = date(2026, 10, 5)  # a Monday; in the fourth week clocks change
DAY_MINUTES, WEEK_MINUTES = 24 * 60.0, 7 * 24 * 60.0
BY_WEEKDAY = (1.25, 1.05, 1.0, 1.0, 0.95, 0.45, 0.25)
BY_HOUR = (4, 3, 2, 2, 2, 4, 8, 18, 46, 58, 56, 50, 44, 46, 48, 46, 42, 34, 24, 18, 14, 12, 9, 6)
VOICEMAIL, URGENT = 0.35, 0.05
LEVELS = {Level.INTERN: (0.35, 5.0), Level.CSR1: (0.47, 9.0), Level.CSR2: (0.18, 16.0)}  # share, minutes of work
VARIATION = 0.8  # of the minutes of work, lognormal
SPANISH_TAKES, INTERN_TAKES, FOLLOW_UP_TAKES = 1.15, 1.5, 0.6  # times as long
READING_IN = 2.5  # minutes, for somebody who does not know the ticket
WRONG_LANGUAGE = 1.5  # minutes, until somebody sees that they cannot answer in the customer's language
REPLIES, REPLY_AFTER = 0.22, 360.0  # a customer's probability to write again, and after how many minutes on average
AWAY, AWAY_MINUTES = 0.5, (15.0, 60.0)  # how often in a shift somebody is away and has not said so
BREAKS = ((0.25, 15.0), (0.5, 30.0), (0.75, 15.0))  # at which part of the shift, for how many minutes
JITTER = 20.0  # minutes, of a break's beginning
SPANISH = frozenset({Certificate("es", "written"), Certificate("es", "spoken")})

EARLY, MIDDLE, LATE = Span(time(8), time(16, 30)), Span(time(9, 30), time(18)), Span(time(11, 30), time(20))
SATURDAY = Span(time(9), time(14))


@dataclass(frozen=True, slots=True)
class Seat:
    role: Role
    spanish: bool
    shift: str  # A early, B middle, C late where the center is open late, D early and every Saturday

    def plan(self, weeks: int) -> ShiftPlan:
        usual = {"A": EARLY, "B": MIDDLE, "C": MIDDLE, "D": EARLY}[self.shift]
        week: dict[int, tuple[Span, ...]] = dict.fromkeys(range(5), (usual,))
        days: dict[date, tuple[Span, ...]] = {}
        if self.shift == "C":
            week |= {1: (LATE,), 3: (LATE,)}
        if self.shift == "D":
            week |= {2: (), 5: (SATURDAY,)}
        for number in range(weeks + 1):
            if self.shift == "AC"[number % 2]:  # they share the Saturdays
                days[FIRST_DAY + DAY * (7 * number + 5)] = (SATURDAY,)
        return ShiftPlan(week, days)


SEATS = (
    Seat(Role.INTERN, False, "A"), Seat(Role.INTERN, False, "B"),
    Seat(Role.CSR1, False, "A"), Seat(Role.CSR1, False, "A"), Seat(Role.CSR1, False, "B"),
    Seat(Role.CSR1, False, "C"), Seat(Role.CSR1, False, "C"), Seat(Role.CSR1, False, "D"),
    Seat(Role.CSR2, False, "A"), Seat(Role.CSR2, False, "C"), Seat(Role.CSR2, False, "D"),
    Seat(Role.CSR1, True, "A"), Seat(Role.CSR1, True, "C"),
    Seat(Role.CSR2, True, "B"), Seat(Role.CSR2, True, "D"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is unlike an ordinary month."""

    name: str
    per_day: float = 420.0
    spanish: float = 0.22
    storms: bool = False  # three times as many contacts on one afternoon of each week
    absent: frozenset[int] = frozenset()  # numbers of seats
    wrong_tags: float = 0.0  # share of contacts tagged with the other language
    holidays: bool = False  # Thursday and Friday of the third week are closed
    weeks: int = 5
    warm_up: int = 1  # weeks at the beginning that are not counted


BASE = Scenario("base, 420 a day")


@dataclass(slots=True, eq=False)
class Contact:
    """One piece of work: what a customer sent first, or their answer to ours. Times in minutes since the start."""

    id: int
    at: float
    channel: Channel
    language: str
    tagged: str
    level: Level
    priority: Priority
    target: float
    work: float  # minutes of a CSR who knows the language and, where it is a follow-up, the ticket
    follow_ups: tuple[tuple[float, float], ...]  # after how many minutes, with how much work
    first: bool = True
    previous: int | None = None
    queued_open: float = 0.0  # open minutes at its queueing
    barred: dict[int, float] = field(default_factory=dict)  # person -> until
    done: float | None = None
    waited: float = 0.0  # open minutes until done

    @property
    def urgent(self) -> bool:
        return self.priority is Priority.HIGH


@dataclass(frozen=True, slots=True)
class Interruption:
    at: float
    minutes: float
    said: bool  # a break; else away without a word


@dataclass(frozen=True, slots=True)
class Shift:
    starts: float
    ends: float
    interruptions: tuple[Interruption, ...]


@dataclass(frozen=True, slots=True)
class World:
    scenario: Scenario
    opening: Opening
    contacts: tuple[Contact, ...]  # first ones, in order of arrival
    shifts: tuple[tuple[Shift, ...], ...]  # by seat

    @property
    def counted_from(self) -> float:
        return self.scenario.warm_up * WEEK_MINUTES

    @property
    def ends(self) -> float:
        return self.scenario.weeks * WEEK_MINUTES


def opening_of(scenario: Scenario) -> Opening:
    closed = [Special(FIRST_DAY + DAY * number) for number in (17, 18)] if scenario.holidays else []
    start = datetime.combine(FIRST_DAY, time(0), ZONE)
    return Opening(OpenTime(USUAL_WEEK, closed, ZONE), start, (scenario.weeks + 2) * WEEK_MINUTES)


def draw(scenario: Scenario, seed: int) -> World:
    opening = opening_of(scenario)
    return World(
        scenario,
        opening,
        _contacts(scenario, opening, seed),
        tuple(_shifts(scenario, opening, seed, number) for number in range(len(SEATS))),
    )


def arrival_times(scenario: Scenario, opening: Opening, seed: int) -> list[float]:
    """Minutes since the start: Poisson within each hour of the clock on the wall."""
    random = np.random.default_rng([seed, 1])
    found: list[float] = []
    for day in range(scenario.weeks * 7):
        if day % 7 == 0:
            storm = day + int(random.integers(0, 5))
        for hour, share in enumerate(BY_HOUR):
            mean = scenario.per_day * BY_WEEKDAY[day % 7] * share / sum(BY_HOUR)
            if scenario.storms and day == storm and 13 <= hour < 18:
                mean *= 3
            begins = opening.minute(datetime.combine(FIRST_DAY + DAY * day, time(hour), ZONE).astimezone(UTC))
            found.extend(begins + 60 * random.random(random.poisson(mean)))
    return sorted(found)


def _contacts(scenario: Scenario, opening: Opening, seed: int) -> tuple[Contact, ...]:
    random = np.random.default_rng([seed, 2])
    levels, targets = list(LEVELS), in_force([])
    sigma = math.sqrt(math.log(1 + VARIATION**2))
    made = []
    for number, at in enumerate(arrival_times(scenario, opening, seed)):
        # Always the same number of draws for a contact, so that scenarios differ in what they are about alone.
        is_spanish, is_voicemail, is_urgent, is_mistagged, which = random.random(5)
        luck = math.exp(sigma * random.standard_normal() - sigma**2 / 2)
        language = "es" if is_spanish < scenario.spanish else "en"
        other = "en" if language == "es" else "es"
        channel = Channel.VOICEMAIL if is_voicemail < VOICEMAIL else Channel.EMAIL
        priority = Priority.HIGH if is_urgent < URGENT else Priority.NORMAL
        level = levels[int(np.searchsorted(np.cumsum([share for share, _ in LEVELS.values()]), which))]
        work = LEVELS[level][1] * luck * (SPANISH_TAKES if language == "es" else 1.0)
        follow_ups = []
        while random.random() < REPLIES:
            again = math.exp(sigma * random.standard_normal() - sigma**2 / 2)
            factor = LEVELS[level][1] * (SPANISH_TAKES if language == "es" else 1.0) * FOLLOW_UP_TAKES
            follow_ups.append((float(random.exponential(REPLY_AFTER)), factor * again))
        made.append(
            Contact(
                id=(number + 1) * 100,
                at=float(at),
                channel=channel,
                language=language,
                tagged=other if is_mistagged < scenario.wrong_tags else language,
                level=level,
                priority=priority,
                target=chosen(targets, ClockKind.FIRST_RESPONSE, channel, priority, language).seconds / 60,
                work=work,
                follow_ups=tuple(follow_ups),
            )
        )
    return tuple(made)


def _shifts(scenario: Scenario, opening: Opening, seed: int, number: int) -> tuple[Shift, ...]:
    plan, found = SEATS[number].plan(scenario.weeks), []
    for day in range(scenario.weeks * 7):
        random = np.random.default_rng([seed, 3, number, day])
        date_ = FIRST_DAY + DAY * day
        for interval in intervals(date_, plan.spans(date_), ZONE):
            starts, ends = opening.minute(interval.start), opening.minute(interval.end)
            if not opening.is_open(starts + (ends - starts) / 2) or number in scenario.absent:
                continue
            found.append(Shift(starts, ends, _interruptions(random, starts, ends)))
    return tuple(found)


def _interruptions(random: np.random.Generator, starts: float, ends: float) -> tuple[Interruption, ...]:
    """Lunch and two breaks on a long day, one break on a Saturday; and being away without a word."""
    length = ends - starts
    planned = BREAKS if length > 6 * 60 else BREAKS[:1]
    found = [
        Interruption(starts + part * length + float(random.uniform(-JITTER, JITTER)), minutes, True)
        for part, minutes in planned
    ]
    for _ in range(int(random.poisson(AWAY * length / (8.5 * 60)))):
        found.append(
            Interruption(float(random.uniform(starts, ends - 15)), float(random.uniform(*AWAY_MINUTES)), False)
        )
    return tuple(sorted(found, key=lambda each: each.at))
