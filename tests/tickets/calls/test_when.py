"""When the next call is: open time, another part of the day, across weekends and the change of clocks."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tickets.calls.numbers import as_tel, digit_by_digit
from services.tickets.calls.when import next_call, part_of, remind_at
from shared.calendar import USUAL_WEEK, OpenTime, Special, WeeklyHours

ZONE = ZoneInfo("America/Los_Angeles")
PARTS = [time(12), time(17)]
HOUR = timedelta(hours=1)
WEEK = OpenTime(USUAL_WEEK, [Special(date(2026, 11, 26), name_en="Thanksgiving Day")], ZONE)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


@pytest.mark.parametrize(
    ("tried", "now", "expected"),
    [
        (["2026-11-24T09:00", "2026-11-24T10:00"], "2026-11-24T10:05", "2026-11-24T12:00"),  # a Tuesday morning
        (["2026-11-24T09:00", "2026-11-24T14:00"], "2026-11-24T14:02", "2026-11-24T17:00"),  # open until eight
        (["2026-11-23T14:00", "2026-11-23T16:45"], "2026-11-23T16:50", "2026-11-24T08:00"),  # too near to six o'clock
        # Wednesday evening after two afternoons; Thursday is a holiday, Friday's morning the first other part.
        (["2026-11-25T13:00", "2026-11-25T17:30"], "2026-11-25T17:35", "2026-11-27T08:00"),
        # Every part was tried: the one that was tried longest ago.
        (["2026-11-24T09:00", "2026-11-24T13:00", "2026-11-24T18:00"], "2026-11-24T18:10", "2026-11-25T08:00"),
        (["2026-11-28T09:30", "2026-11-28T13:00"], "2026-11-28T13:05", "2026-11-30T17:00"),  # Saturday, then Monday
        ([], "2026-11-24T10:00", "2026-11-24T11:00"),
        (["2026-10-31T09:30", "2026-10-31T10:00"], "2026-10-31T10:30", "2026-10-31T12:00"),
        (["2026-10-31T12:30", "2026-10-31T13:30"], "2026-10-31T13:40", "2026-11-02T08:00"),  # clocks go back between
    ],
)
def test_the_next_call_is_in_another_part_of_the_day(tried: list[str], now: str, expected: str) -> None:
    found = next_call(WEEK, PARTS, [local(each) for each in tried], local(now), HOUR)
    assert found == local(expected)


def test_a_center_with_one_part_calls_at_the_next_opening_and_a_closed_one_never() -> None:
    mornings = OpenTime([WeeklyHours(day, time(9), time(12)) for day in range(5)], [], ZONE)
    tried = [local("2026-11-23T09:30"), local("2026-11-23T11:00")]
    assert next_call(mornings, PARTS, tried, local("2026-11-23T11:10"), HOUR) == local("2026-11-24T09:00")
    assert next_call(OpenTime([], [], ZONE), PARTS, tried, local("2026-11-23T11:10"), HOUR) is None


@given(
    minutes=st.integers(0, 700 * 24 * 60),
    hours_ago=st.lists(st.floats(0, 200), max_size=5),
)
def test_it_is_always_open_and_never_sooner_than_asked(minutes: int, hours_ago: list[float]) -> None:
    now = local("2026-01-01T00:00") + timedelta(minutes=minutes)
    tried = [now - timedelta(hours=each) for each in hours_ago]
    found = next_call(WEEK, PARTS, tried, now, HOUR)
    assert found is not None
    assert found >= now + HOUR
    assert WEEK.is_open(found)
    parts = {part_of(each.astimezone(ZONE).time(), PARTS) for each in tried}
    if len(parts) < 3:
        assert part_of(found.astimezone(ZONE).time(), PARTS) not in parts


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 11, 25), "2026-11-25T08:00"),
        (date(2026, 11, 26), "2026-11-25T08:00"),  # a holiday: the day before
        (date(2026, 11, 29), "2026-11-28T09:00"),  # a Sunday
    ],
)
def test_a_promise_is_remembered_when_the_doors_open(day: date, expected: str) -> None:
    assert remind_at(WEEK, day) == local(expected)


def test_numbers_are_said_digit_by_digit() -> None:
    assert digit_by_digit("+17075550142") == "7 0 7, 5 5 5, 0 1 4 2"
    assert digit_by_digit("+17075550142;ext=12").endswith("0 1 4 2, 1 2")
    assert as_tel("(707) 555-0142 ext. 12") == "+17075550142;ext=12"
    assert as_tel("soon") is None
    assert digit_by_digit("+525512345678").replace(",", "").split()[:2] == ["5", "2"]
