"""What scripts say of hours and dates, in both languages, against a calendar."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from services.voicemail.greetings.promises import contradictions, said_dates, said_hours
from shared.calendar import OpenTime, Special, WeeklyHours

ZONE = ZoneInfo("America/Los_Angeles")
NOW = datetime(2026, 11, 20, 12, tzinfo=ZONE)
HOURS = OpenTime(
    [WeeklyHours(day, time(8), time(17)) for day in range(5)] + [WeeklyHours(5, time(9), time(14))],
    [Special(date(2026, 11, 26)), Special(date(2026, 12, 24), time(8), time(12))],
    ZONE,
)


@pytest.mark.parametrize(
    ("language", "script", "expected"),
    [
        ("en", "We are open Monday through Friday from 8 a.m. to 5 p.m.", ((0, 1, 2, 3, 4), 8, 17)),
        ("en", "Weekdays from eight to five.", ((0, 1, 2, 3, 4), 8, 17)),
        ("en", "Saturdays from 9:00 am until 2 in the afternoon", ((5,), 9, 14)),
        ("en", "between 8 and 5", ((), 8, 17)),
        ("es", "Abrimos de lunes a viernes de 8 a. m. a 5 p. m.", ((0, 1, 2, 3, 4), 8, 17)),
        ("es", "De ocho de la mañana a cinco de la tarde, de lunes a viernes.", ((0, 1, 2, 3, 4), 8, 17)),
        ("es", "Los sábados de las nueve a las dos.", ((5,), 9, 14)),
    ],
)
def test_hours_are_read(language: str, script: str, expected: tuple[tuple[int, ...], int, int]) -> None:
    (found,) = said_hours(script, language)
    assert (found.weekdays, found.opens.hour, found.closes.hour) == expected
    assert contradictions(script, language, HOURS, NOW) == []


@pytest.mark.parametrize(
    ("language", "script"),
    [
        ("en", "We call you back in two to three days."),
        ("en", "Call 9-1-1, then the utility at 1-800-743-5000."),
        ("en", "Press 1 to 4."),
        ("es", "Le llamamos en dos a tres días. Llame al 9-1-1 o al 1-800-743-5000."),
    ],
)
def test_numbers_that_promise_no_hours_are_passed_over(language: str, script: str) -> None:
    assert list(said_hours(script, language)) == []
    assert list(said_dates(script, language, NOW.date())) == []


@pytest.mark.parametrize(
    ("language", "script", "words"),
    [
        ("en", "We are open Monday to Friday from 8 a.m. to 6 p.m.", "the calendar says: Monday 8:00"),
        ("es", "Abrimos de lunes a viernes de 8 a. m. a 6 p. m.", "lunes 8:00"),
        ("en", "On Sundays from 9 a.m. to noon, or from 9 a.m. to 12 p.m.", "Sunday closed"),
        ("en", "We are closed on Friday, November 26th.", "that date is a Thursday"),
        ("en", "We are closed on November 25.", "the calendar has it open"),
        ("es", "Estaremos cerrados el 25 de noviembre.", "the calendar has it open"),
        ("en", "We are closed and open again on November 26.", "the calendar has it closed"),
        ("es", "Hoy está cerrado; volvemos a abrir el jueves 26 de noviembre.", "the calendar has it closed"),
        ("en", "We are closed on November 11 for Veterans Day.", "a date that is over"),
    ],
)
def test_what_contradicts_the_calendar_is_said(language: str, script: str, words: str) -> None:
    said = [each.message.format(**each.values) for each in contradictions(script, language, HOURS, NOW)]
    assert any(words in each for each in said), said


@pytest.mark.parametrize(
    ("language", "script"),
    [
        ("en", "We are closed on Thursday, November 26th, and open again on Friday, November 27."),
        ("es", "Estamos cerrados el jueves 26 de noviembre y volvemos el viernes 27 de noviembre."),
        ("en", "On December 24 we are open from 8 a.m. to 5 p.m. on other days."),
    ],
)
def test_what_agrees_is_left_alone(language: str, script: str) -> None:
    assert contradictions(script, language, HOURS, NOW) == []
