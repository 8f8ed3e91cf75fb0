"""Whether somebody is on shift at an instant: a pure question to the week and the days that were planned for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

from shared.calendar import DAY, MIDNIGHT, Interval


class Duty(StrEnum):
    """UNPLANNED: nobody plans this person's shifts, so they are on whenever they say so."""

    UNPLANNED = "unplanned"
    ON = "on"
    BREAK = "break"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Span:
    """From `starts` until just before `ends`, on the center's wall clock; 00:00 at the end is midnight."""

    starts: time
    ends: time


@dataclass(frozen=True, slots=True)
class ShiftPlan:
    """Spans in order, per weekday (Monday is 0) and for the dates that differ; no spans: a day off."""

    week: Mapping[int, tuple[Span, ...]] = field(default_factory=dict)
    days: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)

    def spans(self, day: date) -> tuple[Span, ...]:
        return self.days[day] if day in self.days else self.week.get(day.weekday(), ())


@dataclass(frozen=True, slots=True)
class OnDuty:
    """`until`: when a break ends, or the spell of work that runs now. `ends_at`: of the day's last spell."""

    duty: Duty
    until: datetime | None = None
    ends_at: datetime | None = None


def intervals(day: date, spans: tuple[Span, ...], zone: ZoneInfo) -> list[Interval]:
    """The spans of a day as UTC instants, so that a change of the clocks in between is counted right."""
    return [
        Interval(
            _instant(day, span.starts, zone),
            _instant(day + DAY if span.ends == MIDNIGHT else day, span.ends, zone),
        )
        for span in sorted(spans, key=lambda each: each.starts)
    ]


def on_duty(plan: ShiftPlan | None, now: datetime, zone: ZoneInfo) -> OnDuty:
    """What the plan says of this instant. A shift ends with its last spell of the day; between spells is a break.

    Midnight ends no shift that goes on at 00:00.
    """
    if plan is None:
        return OnDuty(Duty.UNPLANNED)
    day = now.astimezone(zone).date()
    planned = intervals(day, plan.spans(day), zone)
    following = intervals(day + DAY, plan.spans(day + DAY), zone)
    if planned and following and planned[-1].end == following[0].start:
        planned[-1] = Interval(planned[-1].start, following[0].end)
    for number, interval in enumerate(planned):
        if interval.start <= now < interval.end:
            return OnDuty(Duty.ON, interval.end, planned[-1].end)
        if number and planned[number - 1].end <= now < interval.start:
            return OnDuty(Duty.BREAK, interval.start, planned[-1].end)
    return OnDuty(Duty.OFF)


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)
