"""A clock's arithmetic against a reference that looks at every minute of the wall clock."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.tickets.clocks.count import Count, Scale, counted_anew, runs
from shared.calendar import USUAL_WEEK, OpenTime, Special, WeeklyHours

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
MINUTE = timedelta(minutes=1)
MIDNIGHT = time(0)
# Evenings, a night in two lines, Saturdays and a Sunday morning on which clocks change.
WEEK = [
    *[line for line in USUAL_WEEK if line.weekday != 4],
    WeeklyHours(4, time(8), time(18)),
    WeeklyHours(4, time(20), MIDNIGHT),
    WeeklyHours(5, MIDNIGHT, time(1, 30)),
    WeeklyHours(6, time(1), time(3, 30)),
]
DAYS = [
    Special(date(2026, 11, 26)),
    Special(date(2026, 11, 27)),
    Special(date(2026, 12, 24), time(8), time(12)),
    Special(date(2026, 3, 10), time(15), MIDNIGHT),
    Special(date(2026, 11, 3)),
]
# Both weeks of change, and the one of Thanksgiving and what follows to Christmas Eve.
WINDOWS = [(date(2026, 3, 3), 12), (date(2026, 10, 27), 12), (date(2026, 11, 23), 34)]


class Minutes:
    """Every minute of a window: whether the center is open then, read off the clock on the wall."""

    def __init__(self, week: list[WeeklyHours], days: list[Special], first: date, length: int) -> None:
        self.start = datetime.combine(first, time(0), UTC)
        at = [self.start + MINUTE * number for number in range(length * 24 * 60)]
        special = {each.day: each for each in days}
        self.open = np.array([self._is_open(each.astimezone(LOS_ANGELES), week, special) for each in at])
        self.total = np.concatenate([[0], np.cumsum(self.open)])  # open minutes before each

    @staticmethod
    def _is_open(wall: datetime, week: list[WeeklyHours], special: dict[date, Special]) -> bool:
        if wall.date() in special:
            each = special[wall.date()]
            lines = [] if each.opens is None or each.closes is None else [(each.opens, each.closes)]
        else:
            lines = [(line.opens, line.closes) for line in week if line.weekday == wall.weekday()]
        now = wall.time()
        return any(opens <= now and (closes == MIDNIGHT or now < closes) for opens, closes in lines)

    def at(self, minute: int) -> datetime:
        return self.start + MINUTE * minute

    def between(self, first: int, last: int) -> int:
        return int(self.total[last] - self.total[first])

    def due(self, pauses: list[tuple[int, int]], first: int, target: int) -> int | None:
        """The first minute with `target` open minutes behind it, without those in pauses."""
        counts = self.open[first:].copy()
        for stop, resume in pauses:
            counts[stop - first : resume - first] = False
        behind = np.cumsum(counts)
        return first + int(np.searchsorted(behind, target)) + 1 if behind[-1] >= target else None


REFERENCES = [Minutes(WEEK, DAYS, first, length) for first, length in WINDOWS]
SCALE = Scale(OpenTime(WEEK, DAYS, LOS_ANGELES))


def test_ten_thousand_spans_are_as_long_as_their_minutes_and_lead_back() -> None:
    random = np.random.default_rng(20261126)
    for number in range(10_000):
        reference = REFERENCES[number % len(REFERENCES)]
        first, last = sorted(int(each) for each in random.integers(0, len(reference.open), 2))
        if last - first > 4 * 24 * 60:  # longer ones are the sum of such
            last = first + (last - first) % (4 * 24 * 60)
        counted = SCALE.between(reference.at(first), reference.at(last))
        assert counted == 60 * reference.between(first, last), (reference.at(first), reference.at(last))
        there = SCALE.after(reference.at(first), counted)
        assert there is not None
        assert there <= reference.at(last)
        assert SCALE.between(reference.at(first), there) == counted


@st.composite
def stories(draw: st.DrawFn) -> tuple[Minutes, int, int, list[tuple[int, int]]]:
    """A promise that begins, and the minutes from and to which it stands still."""
    reference = draw(st.sampled_from(REFERENCES))
    edges = draw(st.lists(st.integers(0, len(reference.open) - 1), min_size=1, max_size=9, unique=True))
    start, *rest = sorted(edges)
    target = draw(st.integers(1, 3000))
    return reference, start, target, list(zip(rest[::2], rest[1::2], strict=False))


@given(stories())
@settings(max_examples=150, deadline=None)
def test_a_clock_with_pauses_is_due_at_the_minute_at_which_the_reference_is(
    story: tuple[Minutes, int, int, list[tuple[int, int]]],
) -> None:
    reference, start, target, pauses = story
    count = Count(60 * target, 0.0, reference.at(start))
    for stop, resume in pauses:
        count = count.stop(SCALE, reference.at(stop)).go_on(reference.at(resume))
    ran = runs(reference.at(start), [(reference.at(stop), reference.at(resume)) for stop, resume in pauses])
    expected = reference.due(pauses, start, target)
    found = count.reaches(SCALE, 60 * target, ran)
    if expected is not None:
        assert found == reference.at(expected)
    else:
        assert found is None or found >= reference.at(len(reference.open))


@given(stories(), st.integers(1, 400), st.data())
@settings(max_examples=100, deadline=None)
def test_new_hours_count_from_the_edit_and_a_special_day_counts_whole(
    story: tuple[Minutes, int, int, list[tuple[int, int]]], edited_after: int, data: st.DataObject
) -> None:
    """What was counted by the old hours stays; of a day that is entered, the past is counted anew, also stopped."""
    reference, start, target, pauses = story
    edit = min(start + edited_after * 15, len(reference.open) - 1)
    pauses = [(stop, resume) for stop, resume in pauses if resume <= edit]
    if data.draw(st.booleans(), label="stands still at the edit") and edit - start > 30:
        pauses = [each for each in pauses if each[1] <= edit - 20] + [(edit - 10, edit + 300)]
    a_day = data.draw(st.booleans(), label="a day is closed, and not the week changed")
    day = reference.at(data.draw(st.integers(start, edit))).astimezone(LOS_ANGELES).date()
    if a_day:
        week, days = WEEK, [*[each for each in DAYS if each.day != day], Special(day)]
    else:
        week, days = [WeeklyHours(weekday, time(7), time(21)) for weekday in range(6)], DAYS
    after = Scale(OpenTime(week, days, LOS_ANGELES))

    count, at_edit = Count(60 * target, 0.0, reference.at(start)), reference.at(edit)
    before_edit = [(stop, resume) for stop, resume in pauses if stop <= edit]
    for stop, resume in before_edit:
        count = count.stop(SCALE, reference.at(stop))
        if resume <= edit:
            count = count.go_on(reference.at(resume))
    ran = runs(
        reference.at(start),
        [(reference.at(stop), reference.at(resume) if resume <= edit else None) for stop, resume in before_edit],
    )
    used = count.used(SCALE, at_edit)
    if a_day:
        midnight = datetime.combine(day, time(0), LOS_ANGELES).astimezone(UTC)
        next_midnight = datetime.combine(day + timedelta(days=1), time(0), LOS_ANGELES).astimezone(UTC)
        used += counted_anew(SCALE, after, ran, (midnight, next_midnight), at_edit)

    def counts(minute: int) -> bool:
        if any(stop <= minute < resume for stop, resume in pauses):
            return False
        return not a_day or reference.at(minute).astimezone(LOS_ANGELES).date() != day

    expected = sum(bool(reference.open[minute]) and counts(minute) for minute in range(start, edit))
    assert used == 60 * expected


def test_a_clock_that_stands_still_is_not_due() -> None:
    monday = datetime(2026, 11, 30, 9, tzinfo=LOS_ANGELES)
    count = Count(3600, 0.0, monday).stop(SCALE, monday + timedelta(minutes=50))
    assert (count.used_s, count.running_since) == (3000, None)
    ran = runs(monday, [(monday + timedelta(minutes=50), None)])
    assert count.reaches(SCALE, 3600, ran) is None
    assert count.reaches(SCALE, 1800, ran) == monday + timedelta(minutes=30), "it was, before it stopped"
    assert count.left(SCALE, monday + timedelta(days=9)) == 600
    again = count.go_on(datetime(2026, 12, 1, 19, 55, tzinfo=LOS_ANGELES))
    assert again.reaches(SCALE, 3600, ran) == datetime(2026, 12, 2, 8, 5, tzinfo=LOS_ANGELES)


def test_two_pauses_in_one_minute_are_two() -> None:
    start = datetime(2026, 11, 30, 9, tzinfo=LOS_ANGELES)
    count, at = Count(600, 0.0, start), start
    for _ in range(2):
        at += timedelta(seconds=10)
        count = count.stop(SCALE, at)
        at += timedelta(seconds=5)
        count = count.go_on(at)
    assert count.used_s == 20
    assert count.reaches(SCALE, 600, []) == start + timedelta(seconds=610)


def test_around_the_clock_nights_count() -> None:
    night = datetime(2026, 11, 28, 23, tzinfo=LOS_ANGELES)
    always = Scale(OpenTime([], [], LOS_ANGELES), around_clock=True)
    assert always.after(night, 1800) == night + timedelta(minutes=30)
    spring = datetime(2026, 3, 8, 1, 30, tzinfo=LOS_ANGELES)
    assert always.between(spring, datetime(2026, 3, 8, 3, 30, tzinfo=LOS_ANGELES)) == 3600
