"""What the history says and how far it leans on what is usual; what is worked off after the opening; who is needed."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from math import isclose

from hypothesis import given
from hypothesis import strategies as st

from services.tickets.forecast.demand import (
    ASSUMED_MINUTES,
    LONGEST_MINUTES,
    PRIOR_WEEKS,
    USUAL,
    Handling,
    Worked,
    handling,
    own_minutes,
    rates,
)
from services.tickets.forecast.staffing import Goal, Slot, expected, needs

MONDAY = date(2026, 11, 2)
START = datetime(2026, 11, 2, 8, tzinfo=UTC)
SOME = Handling(9.5, 100)
counts = st.dictionaries(st.tuples(st.integers(0, 27), st.integers(0, 23)), st.integers(1, 40), max_size=60)


def days(number: int) -> set[date]:
    return {MONDAY + timedelta(days=each) for each in range(number)}


@given(counts, st.integers(1, 4))
def test_the_volume_is_the_centers_own(found: dict[tuple[int, int], int], weeks: int) -> None:
    arrivals = Counter({(MONDAY + timedelta(days=day), hour): n for (day, hour), n in found.items()})
    looked_at = days(7 * weeks)
    rate = rates(arrivals, looked_at)
    counted = sum(number for (day, _), number in arrivals.items() if day in looked_at)
    assert isclose(sum(rate.values()), counted / weeks, rel_tol=1e-9, abs_tol=1e-9)
    assert min(rate.values()) >= 0


def test_a_short_history_leans_on_the_usual_week_and_a_long_one_on_itself() -> None:
    """All comes on Mondays at three in the morning, which nobody would expect."""

    def odd(weeks: int) -> float:
        arrivals = Counter({(MONDAY + timedelta(weeks=week), 3): 70 for week in range(weeks)})
        return rates(arrivals, days(7 * weeks))[0, 3]

    assert odd(1) < odd(4) < odd(26) < 70
    assert isclose(odd(1), (70 + PRIOR_WEEKS * 70 * USUAL[0, 3]) / (1 + PRIOR_WEEKS))
    assert odd(26) > 64
    assert sum(rates(Counter(), days(0)).values()) == 0


def test_a_holiday_that_is_left_out_lowers_nothing() -> None:
    usual = Counter({(day, 10): 20 for day in days(28)})
    without = Counter({key: n for key, n in usual.items() if key[0] != MONDAY})
    left_out = rates(without, days(28) - {MONDAY})[0, 10]
    assert left_out > 0.9 * rates(usual, days(28))[0, 10]
    assert rates(without, days(28))[0, 10] < left_out


def open_always(start: datetime, end: datetime) -> timedelta:
    return end - start


spans = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 300), st.integers(1, 120)), min_size=1, max_size=12)


@given(spans)
def test_nobodys_minutes_are_counted_twice(found: list[tuple[int, int, int]]) -> None:
    worked = [
        Worked(number, person, START + timedelta(minutes=start), START + timedelta(minutes=start + long))
        for number, (person, start, long) in enumerate(found)
    ]
    minutes = own_minutes(worked, open_always)
    busy = {(each.person_id, START + timedelta(minutes=at))
            for each in worked for at in range(430)
            if each.start <= START + timedelta(minutes=at) < each.end}  # fmt: skip
    assert isclose(sum(minutes.values()), len(busy))
    for number, (_, _, long) in enumerate(found):
        assert 0 < minutes[number] <= long + 1e-9


def test_three_at_a_time_share_the_hour() -> None:
    hour = [Worked(number, 1, START, START + timedelta(hours=1)) for number in (1, 2, 3)]
    assert own_minutes(hour, open_always) == {1: 20.0, 2: 20.0, 3: 20.0}
    assert own_minutes([*hour[:1], Worked(9, 2, START, START)], open_always) == {1: 60.0}


def test_handling_is_assumed_until_it_is_counted() -> None:
    assert handling([]) == Handling(ASSUMED_MINUTES, 0)
    assert handling([]).assumed
    many = handling([15.0] * 400)
    assert not many.assumed
    assert 14 < many.minutes < 15
    assert handling([100_000.0] * 400).minutes < LONGEST_MINUTES  # left open over a weekend


def week(opens: int = 8, closes: int = 18) -> list[Slot]:
    midnight = datetime(2026, 11, 2, tzinfo=UTC)
    hours = [midnight + timedelta(hours=number) for number in range(72)]
    return [Slot(at, (at.weekday(), at.hour), opens <= at.hour < closes) for at in hours]


def test_the_night_is_worked_off_in_the_first_two_hours() -> None:
    due = expected(week(), dict.fromkeys(USUAL, 1.0))
    at = [due[datetime(2026, 11, 3, hour, tzinfo=UTC)] for hour in range(8, 18)]
    assert at[:3] == [8.0, 8.0, 1.0]  # fourteen hours of the night, half in each, and their own
    assert sum(at) == 24
    one_hour = expected(week(9, 10), dict.fromkeys(USUAL, 1.0))
    assert one_hour[datetime(2026, 11, 3, 9, tzinfo=UTC)] == 24


@given(st.floats(0, 40), st.floats(0, 12), st.floats(0, 0.4))
def test_there_are_always_two_bilinguals_and_never_fewer_people(english: float, spanish: float, away: float) -> None:
    goal = Goal(away=away)
    found = needs(week(), dict.fromkeys(USUAL, english), dict.fromkeys(USUAL, spanish), SOME, SOME, goal)
    assert len(found) == 30
    for need in found:
        assert need.people >= need.bilinguals >= 2
        assert need.bilinguals * (1 - away) > need.spanish * 9.5 / 60
        assert need.people * (1 - away) > (need.spanish + need.english) * 9.5 / 60
