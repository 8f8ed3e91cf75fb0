"""Which greeting is heard: one for each language at every instant, whatever clocks, holidays and emergencies do."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.voicemail.greetings.resolve import Standing, next_change, situation_at, upcoming, wanted
from shared.calendar import OpenTime, Special, WeeklyHours
from shared.models import Situation

ZONE = ZoneInfo("America/Los_Angeles")
THANKSGIVING = date(2026, 11, 26)
HOURS = OpenTime(
    [WeeklyHours(day, time(8), time(17)) for day in range(5)],
    [Special(THANKSGIVING), Special(date(2026, 12, 24), time(8), time(12))],
    ZONE,
)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
OPEN, AFTER, HOLIDAY, EMERGENCY = Situation


def at(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE, fold=fold).astimezone(UTC)


def stand(
    id_: int,
    situation: Situation,
    language: str = "en",
    starts: datetime = LONG_AGO,
    ends: datetime | None = None,
    cancelled: datetime | None = None,
) -> Standing:
    return Standing(id_, "main", language, situation, id_ * 10, starts, ends, cancelled)


EVERYTHING = [
    stand(1, OPEN), stand(2, AFTER), stand(3, HOLIDAY),
    stand(4, OPEN, "es"), stand(5, AFTER, "es"), stand(6, HOLIDAY, "es"),
]  # fmt: skip


def heard(standings: list[Standing], when: datetime, language: str = "en", fallback: str = "en") -> int | None:
    choice = wanted(standings, HOURS, "main", language, when, fallback)
    return choice.activation_id if choice else None


def test_the_doors_close_at_five_sharp() -> None:
    assert heard(EVERYTHING, at("2026-11-23T07:59:59")) == 2
    assert heard(EVERYTHING, at("2026-11-23T08:00:00")) == 1
    assert heard(EVERYTHING, at("2026-11-23T16:59:59.999999")) == 1
    assert heard(EVERYTHING, at("2026-11-23T17:00:00")) == 2
    assert heard(EVERYTHING, at("2026-11-23T17:00:00"), "es") == 5


def test_a_holiday_lasts_from_midnight_to_midnight() -> None:
    assert heard(EVERYTHING, at("2026-11-25T23:59:59")) == 2
    assert heard(EVERYTHING, at("2026-11-26T00:00:00")) == 3
    assert heard(EVERYTHING, at("2026-11-26T10:00:00"), "es") == 6
    assert heard(EVERYTHING, at("2026-11-26T23:59:59")) == 3
    assert heard(EVERYTHING, at("2026-11-27T00:00:00")) == 2
    assert heard(EVERYTHING, at("2026-11-27T08:00:00")) == 1


def test_a_short_day_is_no_holiday() -> None:
    assert heard(EVERYTHING, at("2026-12-24T11:59:59")) == 1
    assert heard(EVERYTHING, at("2026-12-24T12:00:00")) == 2


@pytest.mark.parametrize("day", ["2026-03-08", "2026-11-01"])
def test_days_on_which_clocks_change(day: str) -> None:
    """Both fall on a Sunday here, so the Monday after is where an offset kept too long would show."""
    monday = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    assert heard(EVERYTHING, at(f"{day}T12:00:00")) == 2
    assert heard(EVERYTHING, at(f"{monday}T07:59:59")) == 2
    assert heard(EVERYTHING, at(f"{monday}T08:00:00")) == 1
    assert heard(EVERYTHING, at(f"{monday}T16:59:59")) == 1
    assert heard(EVERYTHING, at(f"{monday}T17:00:00")) == 2


def test_hours_across_the_change_itself() -> None:
    """A center open over the night: the hour that is skipped, and the one that comes twice."""
    nights = OpenTime([WeeklyHours(6, time(1), time(3))], [], ZONE)

    def situation(text: str, fold: int = 0) -> Situation:
        return situation_at(nights, at(text, fold))

    assert [situation("2026-03-08T00:59:59"), situation("2026-03-08T01:30:00")] == [AFTER, OPEN]
    assert situation("2026-03-08T03:00:00") is AFTER  # 2 o'clock never was
    assert [situation("2026-11-01T01:30:00", fold) for fold in (0, 1)] == [OPEN, OPEN]
    assert [situation("2026-11-01T02:59:59"), situation("2026-11-01T03:00:00")] == [OPEN, AFTER]


def test_an_emergency_overrides_and_its_end_gives_the_earlier_back() -> None:
    begins, ends = at("2026-11-23T10:00:00"), at("2026-11-23T18:00:00")
    standings = [*EVERYTHING, stand(9, EMERGENCY, starts=begins, ends=ends)]
    assert heard(standings, begins - timedelta(microseconds=1)) == 1
    assert heard(standings, begins) == 9
    assert heard(standings, ends - timedelta(microseconds=1)) == 9
    assert heard(standings, ends) == 2  # the doors closed meanwhile
    # Cancelling ends it early, and only from then on.
    cancelled = [*EVERYTHING, stand(9, EMERGENCY, starts=begins, ends=ends, cancelled=at("2026-11-23T11:00:00"))]
    assert heard(cancelled, at("2026-11-23T10:59:59")) == 9
    assert heard(cancelled, at("2026-11-23T11:00:00")) == 1


def test_an_emergency_beats_a_holiday() -> None:
    standings = [*EVERYTHING, stand(9, EMERGENCY, starts=at("2026-11-26T10:00:00"))]
    assert heard(standings, at("2026-11-26T10:00:00")) == 9


def test_an_emergency_in_english_leaves_spanish_callers_what_they_understand() -> None:
    standings = [*EVERYTHING, stand(9, EMERGENCY)]
    assert heard(standings, at("2026-11-23T10:00:00"), "en") == 9
    assert heard(standings, at("2026-11-23T10:00:00"), "es") == 4


@pytest.mark.parametrize(
    ("left_out", "expected"), [({3}, 2), ({2, 3}, 1)], ids=["holiday to after hours", "after hours to open"]
)
def test_a_missing_situation_borrows(left_out: set[int], expected: int) -> None:
    assert heard([s for s in EVERYTHING if s.id not in left_out], at("2026-11-26T10:00:00")) == expected


def test_own_language_first_then_the_fallback_language() -> None:
    spanish_open_only = [s for s in EVERYTHING if s.language == "en" or s.situation is OPEN]
    assert heard(spanish_open_only, at("2026-11-26T10:00:00"), "es") == 4
    english_only = [s for s in EVERYTHING if s.language == "en"]
    assert heard(english_only, at("2026-11-26T10:00:00"), "es") == 3
    # A Spanish holiday greeting would be false on a working day; the English one is true.
    spanish_holiday_only = [s for s in EVERYTHING if s.language == "en" or s.situation is HOLIDAY]
    assert heard(spanish_holiday_only, at("2026-11-23T10:00:00"), "es") == 1


def test_the_one_that_began_last_stands_and_gives_way_when_it_ends() -> None:
    season = stand(7, OPEN, starts=at("2026-12-01T00:00:00"), ends=at("2027-01-02T00:00:00"))
    later_choice = stand(8, OPEN, starts=at("2026-11-25T09:00:00"))  # activated after the season was scheduled
    standings = [*EVERYTHING, season, later_choice]
    assert heard(standings, at("2026-11-24T09:00:00")) == 1
    assert heard(standings, at("2026-11-27T09:00:00")) == 8
    assert heard(standings, at("2026-12-01T09:00:00")) == 7
    assert heard(standings, at("2027-01-04T09:00:00")) == 8


def test_what_comes_is_told_without_gaps() -> None:
    start = at("2026-11-25T12:00:00")
    stretches = list(upcoming(EVERYTHING, HOURS, "main", "en", start, timedelta(days=3), "en"))
    assert [(s.start, s.choice.activation_id if s.choice else None) for s in stretches] == [
        (start, 1),
        (at("2026-11-25T17:00:00"), 2),
        (at("2026-11-26T00:00:00"), 3),
        (at("2026-11-27T00:00:00"), 2),
        (at("2026-11-27T08:00:00"), 1),
        (at("2026-11-27T17:00:00"), 2),
    ]
    assert all(before.end == after.start for before, after in pairwise(stretches))


INSTANTS = st.datetimes(datetime(2026, 10, 1), datetime(2027, 3, 31)).map(lambda d: d.replace(tzinfo=UTC))  # noqa: DTZ001


@st.composite
def activations(draw: st.DrawFn) -> list[Standing]:
    made = []
    for number in range(1, draw(st.integers(1, 8)) + 1):
        starts = draw(INSTANTS)
        length = draw(st.none() | st.timedeltas(timedelta(seconds=1), timedelta(days=60)))
        early = draw(st.none() | st.timedeltas(timedelta(0), timedelta(days=30)))
        made.append(
            stand(
                number, draw(st.sampled_from(list(Situation))), draw(st.sampled_from(["en", "es"])),
                starts, starts + length if length else None, starts + early if early is not None else None,
            )
        )  # fmt: skip
    return made


@given(activations(), INSTANTS, st.sampled_from(["en", "es"]), st.sampled_from(["en", "es"]))
def test_never_silence_while_anything_may_be_heard(
    standings: list[Standing], when: datetime, language: str, fallback: str
) -> None:
    choice = wanted(standings, HOURS, "main", language, when, fallback)
    audible = [s for s in standings if s.covers(when) and s.language in (language, fallback)]
    assert (choice is None) == (not audible)
    if choice is not None:
        assert choice.activation_id in {s.id for s in audible}
        own_emergency = any(s.situation is EMERGENCY and s.language == language for s in audible)
        if own_emergency:
            assert choice.situation is EMERGENCY


@given(activations(), INSTANTS, st.sampled_from(["en", "es"]))
def test_nothing_changes_before_the_next_change(standings: list[Standing], when: datetime, language: str) -> None:
    change = next_change(standings, HOURS, when)
    assert change is not None
    assert change > when
    before = wanted(standings, HOURS, "main", language, when, "en")
    for part in (0.25, 0.5, 0.999999):
        assert wanted(standings, HOURS, "main", language, when + (change - when) * part, "en") == before
    assert wanted(standings, HOURS, "main", language, change - timedelta(microseconds=1), "en") == before
