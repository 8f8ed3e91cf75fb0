"""What comes, and how long it takes: rates by weekday and hour, and handling times, from the history. Pure.

A short history is leaned on a usual week: each hour of the week counts its own arrivals and two weeks' worth of the
usual share. The volume is always the center's own. Handling times lean on an assumed one in the same way.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

# How the arrivals of a utility's customer center usually fall over the week (Monday first) and the day.
USUAL_DAYS = (1.25, 1.05, 1.0, 1.0, 0.95, 0.45, 0.25)
USUAL_HOURS = (4, 3, 2, 2, 2, 4, 8, 18, 46, 58, 56, 50, 44, 46, 48, 46, 42, 34, 24, 18, 14, 12, 9, 6)
PRIOR_WEEKS = 2.0
LITTLE_WEEKS = 4  # of history; less is said to be little
ASSUMED_MINUTES = 9.5  # of handling, until there are tickets to count
PRIOR_TICKETS = 20
LONGEST_MINUTES = 60.0  # of one ticket: what stays open over lunch is not being worked on

Hour = tuple[int, int]  # weekday (Monday is 0), hour of the wall clock
_WHOLE = sum(USUAL_DAYS) * sum(USUAL_HOURS)
USUAL: Mapping[Hour, float] = {
    (weekday, hour): day * share / _WHOLE
    for weekday, day in enumerate(USUAL_DAYS)
    for hour, share in enumerate(USUAL_HOURS)
}


def rates(arrivals: Mapping[tuple[date, int], int], days: Collection[date]) -> dict[Hour, float]:
    """Expected arrivals in each hour of a week. `arrivals`: by day and hour; `days`: the whole days looked at.

    The days of a week that were looked at tell its volume by the share that usually falls on them.
    """
    looked_at = Counter(day.weekday() for day in days)
    share = sum(USUAL[weekday, hour] * number for weekday, number in looked_at.items() for hour in range(24))
    counted: dict[Hour, int] = defaultdict(int)
    for (day, hour), number in arrivals.items():
        if day in days:
            counted[day.weekday(), hour] += number
    weekly = sum(counted.values()) / share if share else 0.0
    return {
        hour: (counted[hour] + PRIOR_WEEKS * weekly * usual) / (looked_at[hour[0]] + PRIOR_WEEKS)
        for hour, usual in USUAL.items()
    }


@dataclass(frozen=True, slots=True)
class Worked:
    """Somebody had a ticket in hand, from when until when."""

    ticket_id: int
    person_id: int
    start: datetime
    end: datetime


def own_minutes(spans: Iterable[Worked], open_between: Callable[[datetime, datetime], timedelta]) -> dict[int, float]:
    """Minutes of work on each ticket: who has several at a time shares out their time evenly among them."""
    minutes: dict[int, float] = defaultdict(float)
    of: dict[int, list[Worked]] = defaultdict(list)
    for span in spans:
        if span.start < span.end:
            of[span.person_id].append(span)
    for worked in of.values():
        edges = sorted({span.start for span in worked} | {span.end for span in worked})
        begins: dict[datetime, list[int]] = defaultdict(list)
        ends: dict[datetime, list[int]] = defaultdict(list)
        for span in worked:
            begins[span.start].append(span.ticket_id)
            ends[span.end].append(span.ticket_id)
        in_hand: Counter[int] = Counter()
        for start, end in pairwise(edges):
            in_hand.update(begins[start])
            in_hand.subtract(ends[start])
            in_hand = +in_hand
            if not in_hand:
                continue
            each = open_between(start, end) / timedelta(minutes=1) / in_hand.total()
            for ticket_id, times in in_hand.items():
                minutes[ticket_id] += each * times
    return dict(minutes)


@dataclass(frozen=True, slots=True)
class Handling:
    """Minutes of one ticket, and how many closed ones they were counted from."""

    minutes: float
    tickets: int

    @property
    def assumed(self) -> bool:
        """Rather assumed than counted."""
        return self.tickets < PRIOR_TICKETS


def handling(minutes: Sequence[float]) -> Handling:
    total = sum(min(each, LONGEST_MINUTES) for each in minutes)
    return Handling((total + PRIOR_TICKETS * ASSUMED_MINUTES) / (len(minutes) + PRIOR_TICKETS), len(minutes))
