"""Open-time arithmetic against a slow oracle that looks at every minute of the wall clock."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from shared.calendar import (
    USUAL_WEEK,
    OpenTime,
    Special,
    WeeklyHours,
    load_open_time,
    seed_opening_hours,
    seed_special_days,
    usual_holidays,
)
from shared.database import Database
from shared.models import OpeningHours, SpecialDay
from shared.settings import Settings

MINUTE = timedelta(minutes=1)
LOS_ANGELES = "America/Los_Angeles"
# Weeks around changes of the clock, also in zones that change at midnight, and one that lost a whole day.
WINDOWS = [
    (LOS_ANGELES, date(2026, 3, 5)),
    (LOS_ANGELES, date(2026, 10, 29)),
    (LOS_ANGELES, date(2026, 11, 24)),
    ("America/Havana", date(2026, 10, 30)),
    ("America/Sao_Paulo", date(2018, 11, 2)),
    ("America/Sao_Paulo", date(2018, 2, 15)),
    ("Australia/Lord_Howe", date(2026, 4, 2)),
    ("Pacific/Apia", date(2011, 12, 28)),
    ("UTC", date(2024, 2, 27)),
]
DAYS = 6


@lru_cache
def wall_minutes(zone_name: str, first: date) -> list[tuple[datetime, datetime]]:
    """Every minute of the window and two days on each side: the instant, and what clocks show."""
    zone = ZoneInfo(zone_name)
    start = datetime.combine(first - timedelta(days=2), time(0), UTC)
    instants = (start + MINUTE * number for number in range((DAYS + 4) * 24 * 60))
    return [(at, at.astimezone(zone).replace(tzinfo=None)) for at in instants]


def open_minutes(zone: str, first: date, hours: list[WeeklyHours], special: list[Special]) -> set[datetime]:
    """The oracle: from the first minute of a date whose clock shows `opens` or later, to the last before `closes`."""
    by_date: dict[date, list[tuple[datetime, time]]] = {}
    for at, wall in wall_minutes(zone, first):
        by_date.setdefault(wall.date(), []).append((at, wall.time()))
    overrides = {each.day: each for each in special}
    found: set[datetime] = set()
    for day, minutes in by_date.items():
        if day in overrides:
            each = overrides[day]
            lines = [] if each.opens is None or each.closes is None else [(each.opens, each.closes)]
        else:
            lines = [(line.opens, line.closes) for line in hours if line.weekday == day.weekday()]
        for opens, closes in lines:
            starts = [at for at, wall in minutes if wall >= opens]
            ends = [at for at, wall in minutes if closes == time(0) or wall < closes]
            if starts and ends:
                found |= {at for at, _ in minutes if starts[0] <= at <= ends[-1]}
    return found


# Half of them where clocks change.
quarter_hours = st.one_of(st.integers(0, 95), st.integers(0, 13)).map(
    lambda quarter: time(quarter // 4, quarter % 4 * 15)
)


@st.composite
def opening(draw: st.DrawFn) -> tuple[time, time]:
    opens, closes = draw(quarter_hours), draw(quarter_hours)
    return (opens, closes) if closes > opens or closes == time(0) else (closes, opens)


@st.composite
def calendars(draw: st.DrawFn) -> tuple[str, date, list[WeeklyHours], list[Special]]:
    zone, first = draw(st.sampled_from(WINDOWS))
    hours = [WeeklyHours(weekday, *draw(opening())) for weekday in range(7) for _ in range(draw(st.integers(0, 2)))]
    special = []
    for number in draw(st.sets(st.integers(-1, DAYS), max_size=3)):
        hours_of_day = draw(st.one_of(st.just((None, None)), opening()))
        special.append(Special(first + timedelta(days=number), *hours_of_day))
    return zone, first, [line for line in hours if line.opens != line.closes or line.closes == time(0)], special


@given(calendars(), st.data())
@settings(max_examples=60, deadline=None)
def test_every_answer_agrees_with_the_minutes(
    calendar: tuple[str, date, list[WeeklyHours], list[Special]], data: st.DataObject
) -> None:
    zone, first, hours, special = calendar
    open_time = OpenTime(hours, special, zone)
    minutes = [at for at, _ in wall_minutes(zone, first)][24 * 60 : -24 * 60]
    oracle = open_minutes(zone, first, hours, special)
    picks = st.integers(0, len(minutes) - 1)
    closed_days = {each.day for each in special if each.opens is None}
    walls = dict(wall_minutes(zone, first))
    for number in data.draw(st.lists(picks, min_size=40, max_size=40)):
        assert open_time.is_open(minutes[number]) == (minutes[number] in oracle)
        assert open_time.is_holiday(minutes[number]) == (walls[minutes[number]].date() in closed_days)
    for _ in range(5):
        a, b = sorted((data.draw(picks), data.draw(picks)))
        expected = sum(at in oracle for at in minutes[a:b])
        assert open_time.open_between(minutes[a], minutes[b]) == expected * MINUTE
        # Going forward by that much lands on the earliest instant with it behind.
        landed = open_time.add_open(minutes[a], expected * MINUTE)
        assert landed is not None
        assert landed <= minutes[b]
        assert open_time.open_between(minutes[a], landed) == expected * MINUTE
        if expected:
            assert open_time.is_open(landed - timedelta(microseconds=1))
    start = data.draw(picks)
    changed = open_time.next_change(minutes[start])

    def answer(at: datetime) -> tuple[bool, bool]:
        return at in oracle, walls[at].date() in closed_days

    later = next((at for at in minutes[start:] if answer(at) != answer(minutes[start])), None)
    if later is not None:
        assert changed == later
    elif changed is not None:
        assert changed > minutes[-1]


@given(
    st.timedeltas(timedelta(0), timedelta(days=340)),
    st.timedeltas(timedelta(0), timedelta(hours=300)),
)
@settings(max_examples=300, deadline=None)
def test_there_and_back_over_a_year(start: timedelta, duration: timedelta) -> None:
    open_time = USUAL
    at = datetime(2026, 2, 1, tzinfo=UTC) + start
    landed = open_time.add_open(at, duration)
    assert landed is not None
    assert open_time.open_between(at, landed) == duration


USUAL = OpenTime(
    USUAL_WEEK,
    [*usual_holidays([2026, 2027]), Special(date(2026, 12, 24), time(8), time(12), "Christmas Eve", "Nochebuena")],
    LOS_ANGELES,
)


def pacific(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(LOS_ANGELES))


def test_a_due_time_steps_over_thanksgiving() -> None:
    assert USUAL.add_open(pacific("2026-11-25 17:00"), timedelta(hours=4)) == pacific("2026-11-28 12:00")


def test_a_short_day_is_open_and_no_holiday() -> None:
    assert USUAL.is_open(pacific("2026-12-24 11:59"))
    assert not USUAL.is_open(pacific("2026-12-24 12:00"))
    assert not USUAL.is_holiday(pacific("2026-12-24 13:00"))
    day = USUAL.special_day(pacific("2026-12-24 13:00"))
    assert day is not None
    assert day.name_es == "Nochebuena"


def test_midnight_closings_join_the_next_morning() -> None:
    always = OpenTime([WeeklyHours(day, time(0), time(0)) for day in range(7)], [], LOS_ANGELES)
    assert always.next_change(pacific("2026-03-01 12:00")) is None
    # The day on which clocks go forward has 23 hours.
    assert always.open_between(pacific("2026-03-08 00:00"), pacific("2026-03-09 00:00")) == timedelta(hours=23)
    assert always.open_between(pacific("2026-11-01 00:00"), pacific("2026-11-02 00:00")) == timedelta(hours=25)


def test_an_hour_that_comes_twice_is_worked_twice_and_one_that_does_not_come_not_at_all() -> None:
    nights = OpenTime([WeeklyHours(6, time(0), time(1, 30))], [], LOS_ANGELES)
    assert nights.open_between(pacific("2026-11-01 00:00"), pacific("2026-11-01 06:00")) == timedelta(hours=2.5)
    spring = OpenTime([WeeklyHours(6, time(2, 15), time(2, 45)), WeeklyHours(6, time(2, 50), time(4))], [], LOS_ANGELES)
    day = (pacific("2026-03-08 00:00"), pacific("2026-03-08 06:00"))
    assert spring.open_between(*day) == timedelta(hours=1)
    assert spring.next_opening(day[0]) == pacific("2026-03-08 03:00")


def test_a_center_without_hours_is_never_due() -> None:
    never = OpenTime([], [Special(date(2026, 1, 1))], LOS_ANGELES)
    assert never.add_open(pacific("2026-01-05 09:00"), MINUTE) is None
    assert never.next_opening(pacific("2026-01-05 09:00")) is None
    assert never.open_between(pacific("2026-01-05 09:00"), pacific("2026-02-05 09:00")) == timedelta(0)


def test_open_on_a_special_day_only() -> None:
    fair = OpenTime([], [Special(date(2026, 6, 6), time(10), time(0))], LOS_ANGELES)
    assert fair.next_opening(pacific("2026-01-05 09:00")) == pacific("2026-06-06 10:00")
    assert fair.add_open(pacific("2026-01-05 09:00"), timedelta(hours=14)) == pacific("2026-06-07 00:00")
    assert fair.add_open(pacific("2026-01-05 09:00"), timedelta(hours=14, seconds=1)) is None


def test_naive_and_backward_times_are_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        USUAL.is_open(datetime(2026, 1, 5, 9))  # noqa: DTZ001
    with pytest.raises(ValueError, match="forward"):
        USUAL.add_open(pacific("2026-01-05 09:00"), timedelta(seconds=-1))


def test_holidays_are_those_on_which_offices_close() -> None:
    days = {each.day: each for each in usual_holidays([2026])}
    assert days[date(2026, 7, 3)].name_es == "Día de la Independencia (observado)"
    assert days[date(2026, 11, 26)].name_en == "Thanksgiving Day"
    assert date(2026, 11, 8) not in days  # in the calendar, but no day off
    assert date(2026, 2, 15) not in days


async def test_seeding_keeps_what_people_entered(database: Database, settings: Settings) -> None:
    async with database.transaction() as session:
        session.add(
            SpecialDay(
                day=date(2026, 12, 25), name_en="Skeleton staff", name_es="Turno mínimo", opens=time(9), closes=time(11)
            )
        )
        await session.flush()
        assert await seed_special_days(session, [2026]) == len(usual_holidays([2026])) - 1
        assert await seed_special_days(session, [2026]) == 0
        assert await seed_opening_hours(session) == 6
        assert await seed_opening_hours(session) == 0
    async with database.transaction() as session:
        assert len((await session.scalars(select(OpeningHours))).all()) == 6
        open_time = await load_open_time(session, settings)
    assert open_time.is_open(pacific("2026-12-25 10:00"))
    assert not open_time.is_open(pacific("2026-12-26 08:59"))
    assert open_time.is_open(pacific("2026-12-26 09:00"))
    assert open_time.is_holiday(pacific("2026-11-26 10:00"))
