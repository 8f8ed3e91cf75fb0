"""Who is on shift at an instant, against a reference that looks at the clock minute by minute."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from services.tickets.shift_plan import Duty, OnDuty, ShiftPlan, Span, on_duty
from services.tickets.views.shifts import HourCover, short_spells

ZONE = ZoneInfo("America/Los_Angeles")
MORNING, AFTERNOON = Span(time(8), time(12)), Span(time(12, 30), time(16, 30))
MONDAY = date(2026, 11, 23)
PLAN = ShiftPlan({0: (MORNING, AFTERNOON)}, {date(2026, 11, 30): (), date(2026, 12, 1): (Span(time(18), time(0)),)})


def at(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=ZONE).astimezone(UTC)


def test_a_day_with_a_break() -> None:
    end = at(MONDAY, 16, 30)
    assert on_duty(PLAN, at(MONDAY, 7, 59, 59), ZONE) == OnDuty(Duty.OFF)
    assert on_duty(PLAN, at(MONDAY, 8), ZONE) == OnDuty(Duty.ON, at(MONDAY, 12), end)
    assert on_duty(PLAN, at(MONDAY, 12), ZONE) == OnDuty(Duty.BREAK, at(MONDAY, 12, 30), end)
    assert on_duty(PLAN, at(MONDAY, 12, 30), ZONE) == OnDuty(Duty.ON, end, end)
    assert on_duty(PLAN, end, ZONE) == OnDuty(Duty.OFF)


def test_days_that_differ_take_the_place_of_the_week() -> None:
    assert on_duty(PLAN, at(date(2026, 11, 30), 9), ZONE).duty is Duty.OFF
    evening = on_duty(PLAN, at(date(2026, 12, 1), 23, 59), ZONE)
    assert evening == OnDuty(Duty.ON, at(date(2026, 12, 2), 0), at(date(2026, 12, 2), 0))


def test_a_night_goes_on_at_midnight() -> None:
    night = ShiftPlan({0: (Span(time(22), time(0)),), 1: (Span(time(0), time(6)), Span(time(22), time(23)))})
    tuesday = MONDAY + timedelta(days=1)
    assert on_duty(night, at(MONDAY, 23, 55), ZONE) == OnDuty(Duty.ON, at(tuesday, 6), at(tuesday, 6))
    assert on_duty(night, at(tuesday, 22, 30), ZONE) == OnDuty(Duty.ON, at(tuesday, 23), at(tuesday, 23))


def test_who_is_in_no_plan_is_not_off() -> None:
    assert on_duty(None, at(MONDAY, 3), ZONE) == OnDuty(Duty.UNPLANNED)


SPANS = st.lists(st.integers(1, 95), min_size=2, max_size=6, unique=True).map(
    lambda quarters: tuple(
        Span(time(a // 4, a % 4 * 15), time(b // 4, b % 4 * 15))
        for a, b in zip(sorted(quarters)[::2], sorted(quarters)[1::2], strict=False)
    )
)
# The days on which the clocks change, and an ordinary one.
DAYS = st.sampled_from([date(2026, 3, 8), date(2026, 11, 1), date(2026, 6, 1)])


@given(day=DAYS, spans=SPANS, minute=st.integers(0, 25 * 60))
def test_it_is_what_the_clock_on_the_wall_says(day: date, spans: tuple[Span, ...], minute: int) -> None:
    start = datetime(day.year, day.month, day.day, tzinfo=ZONE).astimezone(UTC)
    now = start + timedelta(minutes=minute)
    local = now.astimezone(ZONE)
    if local.date() != day or local.fold or local.hour in (1, 2):
        return  # on the hours that are skipped or come twice, the first reading counts
    wall = local.time()
    found = on_duty(ShiftPlan({}, {day: spans}), now, ZONE).duty
    if any(span.starts <= wall < span.ends for span in spans):
        assert found is Duty.ON
    elif spans[0].starts <= wall < spans[-1].ends:
        assert found is Duty.BREAK
    else:
        assert found is Duty.OFF


def test_hours_in_a_row_that_lack_the_same_are_told_as_one() -> None:
    def hour(number: int, people: int, bilinguals: int) -> HourCover:
        return HourCover(
            starts_at=at(MONDAY, number), people=people, bilinguals=bilinguals,
            short_of_people=not people, short_of_bilinguals=bilinguals < 2,
        )  # fmt: skip

    cover = [hour(8, 3, 1), hour(9, 3, 1), hour(10, 3, 2), hour(11, 3, 1), hour(12, 0, 0), hour(14, 0, 0)]
    assert [(start, end) for start, end, _ in short_spells(cover)] == [
        (at(MONDAY, 8), at(MONDAY, 10)),
        (at(MONDAY, 11), at(MONDAY, 12)),
        (at(MONDAY, 12), at(MONDAY, 13)),
        (at(MONDAY, 14), at(MONDAY, 15)),
    ]
