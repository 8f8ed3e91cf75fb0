"""When somebody is expected again: shifts and opening hours, and words that hold on the day after."""

from datetime import UTC, date, datetime, time

import pytest

from services.tickets.ladder.expected import Expected, in_words, next_there
from services.tickets.routing.terms import PersonState
from services.tickets.shift_plan import Duty, ShiftPlan, Span
from shared.calendar import USUAL_WEEK, OpenTime, Special
from shared.models import Role

THANKSGIVING = Special(date(2026, 11, 26), None, None, "Thanksgiving Day", "Día de Acción de Gracias")
HOURS = OpenTime(USUAL_WEEK, [THANKSGIVING], "America/Los_Angeles")
WEEK = ShiftPlan({day: (Span(time(9, 30), time(12)), Span(time(13), time(18))) for day in range(5)})
LUIS = PersonState(7, Role.CSR1)
WEDNESDAY_NOON = datetime(2026, 11, 25, 20, 15, tzinfo=UTC)  # 12:15 in Los Angeles


def when(person: PersonState, plan: ShiftPlan | None, now: datetime = WEDNESDAY_NOON) -> datetime | None:
    found = next_there([person], {} if plan is None else {person.id: plan}, HOURS, now)
    return found.at if found else None


def at(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=HOURS.zone)


def test_after_a_break_today_and_over_a_holiday_on_the_day_after() -> None:
    on_break = PersonState(7, Role.CSR1, duty=Duty.BREAK)
    assert when(on_break, WEEK) == at(25, 13)
    evening = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)  # Wednesday, 19:00
    assert when(PersonState(7, Role.CSR1, duty=Duty.OFF), WEEK, evening) == at(27, 9, 30)  # Thursday is Thanksgiving


def test_one_who_should_be_here_and_is_not_counts_from_tomorrow() -> None:
    ill = PersonState(7, Role.CSR1, duty=Duty.ON)
    assert when(ill, WEEK) == at(27, 9, 30)


def test_a_shift_before_the_doors_open_counts_from_when_they_do() -> None:
    early = ShiftPlan({5: (Span(time(7), time(12)),), 6: (Span(time(7), time(12)),)})
    assert when(LUIS, early) == at(28, 9)  # Saturdays from nine
    assert when(LUIS, ShiftPlan({6: (Span(time(7), time(12)),)})) is None  # never on a Sunday


def test_the_first_of_several_and_nobody_without_a_plan() -> None:
    ana = PersonState(3, Role.CSR2, duty=Duty.OFF)
    late = ShiftPlan({}, {date(2026, 12, 1): (Span(time(14), time(18)),)})
    plans = {LUIS.id: late, ana.id: ShiftPlan({}, {date(2026, 11, 30): (Span(time(10), time(18)),)})}
    assert next_there([LUIS, ana], plans, HOURS, WEDNESDAY_NOON) == Expected(at(30, 10), ana.id)
    assert when(LUIS, None) is None
    assert when(LUIS, ShiftPlan({}, {date(2026, 12, 24): (Span(time(9), time(18)),)})) is None  # too far ahead


@pytest.mark.parametrize(
    ("moment", "english", "spanish"),
    [
        (at(25, 13), "today, Wednesday, November 25, from 1:00 PM",
         "hoy, miércoles 25 de noviembre, a partir de la 1:00 p.m."),
        (at(26, 9, 30), "tomorrow, Thursday, November 26, from 9:30 AM",
         "mañana, jueves 26 de noviembre, a partir de las 9:30 a.m."),
        (at(1, 14, 0, 12), "on Tuesday, December 1, from 2:00 PM",
         "el martes 1 de diciembre, a partir de las 2:00 p.m."),
    ],
)  # fmt: skip
def test_words(moment: datetime, english: str, spanish: str) -> None:
    for language, words in (("en", english), ("es", spanish)):
        assert in_words(language, moment, WEDNESDAY_NOON, HOURS.zone).replace("\u202f", " ") == words
