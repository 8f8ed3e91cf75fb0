"""When to call again and when to remind of a promise: pure questions on the center's open time."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from shared.calendar import OpenTime

LEAST_LEFT = timedelta(minutes=15)  # a part of the day that is nearly over is no time to call
FAR_ENOUGH = timedelta(days=14)  # who is closed for longer calls again at the next opening


def part_of(local: time, ends: Sequence[time]) -> int:
    """Which part of the day, from 0: the parts end at `ends`, in order, and the last one at midnight."""
    return sum(local >= end for end in ends)


def next_call(
    open_time: OpenTime, ends: Sequence[time], tried: Sequence[datetime], now: datetime, apart: timedelta
) -> datetime | None:
    """The first open moment, at least `apart` after `now`, in a part of the day in which nobody was reached yet.

    Once every part in which the doors are open was tried, the one that was tried longest ago. None: the center never
    opens again.
    """
    ends = sorted(ends)
    latest: dict[int, datetime] = {}
    for at in sorted(tried):
        latest[part_of(at.astimezone(open_time.zone).time(), ends)] = at
    earliest = open_time.next_opening(now + apart)
    seen: dict[int, datetime] = {}  # part -> its first moment from now on
    begins = earliest
    while begins is not None and begins < now + FAR_ENOUGH:
        end = _end_of_part(begins, ends, open_time.zone)
        if open_time.open_between(begins, end) >= LEAST_LEFT:
            part = part_of(begins.astimezone(open_time.zone).time(), ends)
            if part not in latest:
                return begins
            seen.setdefault(part, begins)
        begins = open_time.next_opening(end)
    if seen:
        return seen[min(seen, key=lambda part: latest[part])]
    return earliest


def remind_at(open_time: OpenTime, day: date) -> datetime:
    """When what was promised for a day must be looked at: when the doors open on it, or on the last day they do."""
    for back in range(15):
        morning = datetime.combine(day - timedelta(days=back), time(0), open_time.zone)
        opening = open_time.next_opening(morning)
        if opening is not None and opening.astimezone(open_time.zone).date() == morning.date():
            return opening
    return datetime.combine(day, time(0), open_time.zone).astimezone(UTC)


def _end_of_part(at: datetime, ends: Sequence[time], zone: ZoneInfo) -> datetime:
    local = at.astimezone(zone)
    following = [end for end in ends if end > local.time()]
    day, wall = (local.date(), following[0]) if following else (local.date() + timedelta(days=1), time(0))
    return datetime.combine(day, wall, zone).astimezone(UTC)
