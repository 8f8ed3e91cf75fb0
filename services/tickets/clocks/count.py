"""How a promise's clock counts: pure arithmetic in open seconds, on any calendar, with pauses.

A clock keeps what it has counted (`used_s`) up to the moment from which it runs on (`running_since`). Stopping it turns
the time since then into a number once; nothing is subtracted from a wall clock later. When the calendar is edited, the
same turns what was counted so far into a number, and only the past that the edit is about is counted again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from shared.calendar import OpenTime

Run = tuple[datetime, datetime | None]  # a clock went from … until …; None: it goes on
Pause = tuple[datetime, datetime | None]


@dataclass(frozen=True, slots=True)
class Scale:
    """What counts as time: the hours in which the center is open, or all of it."""

    open_time: OpenTime
    around_clock: bool = False

    def between(self, start: datetime, end: datetime) -> float:
        """Seconds that count from `start` until `end`; 0 when `end` is not later."""
        if end <= start:
            return 0.0
        passed = end.astimezone(UTC) - start.astimezone(UTC)
        if not self.around_clock:
            passed = self.open_time.open_between(start, end)
        return passed / timedelta(seconds=1)

    def after(self, start: datetime, seconds: float) -> datetime | None:
        """The earliest moment with so many seconds behind it since `start`; None: it never comes."""
        wanted = timedelta(seconds=max(0.0, seconds))
        return start + wanted if self.around_clock else self.open_time.add_open(start, wanted)


@dataclass(frozen=True, slots=True)
class Count:
    """A clock's state: what it has counted before the moment from which it runs; None: it stands still."""

    target_s: float
    used_s: float = 0.0
    running_since: datetime | None = None

    def used(self, scale: Scale, at: datetime) -> float:
        """Seconds counted until `at`."""
        return self.used_s + (scale.between(self.running_since, at) if self.running_since is not None else 0.0)

    def left(self, scale: Scale, at: datetime) -> float:
        """Seconds until it is due; negative when it is late."""
        return self.target_s - self.used(scale, at)

    def stop(self, scale: Scale, at: datetime) -> "Count":
        """It counts until `at` and no further."""
        return replace(self, used_s=self.used(scale, at), running_since=None)

    def go_on(self, at: datetime) -> "Count":
        return self if self.running_since is not None else replace(self, running_since=at)

    def reaches(self, scale: Scale, seconds: float, runs: Sequence[Run]) -> datetime | None:
        """When it has counted so many seconds; None: it stands still before that, or the moment never comes.

        What was reached before `running_since` is looked for in `runs`, when it ran so far.
        """
        if self.used_s < seconds:
            return None if self.running_since is None else scale.after(self.running_since, seconds - self.used_s)
        left = seconds
        for start, end in runs:
            passed = None if end is None else scale.between(start, end)
            if passed is None or left <= passed:
                reached = scale.after(start, left)
                # Counted by an older calendar: not later than what was known to be past.
                known = self.running_since or end
                return reached if known is None or reached is None else min(reached, known)
            left -= passed
        return self.running_since or (runs[-1][1] if runs else None)


def runs(started_at: datetime, pauses: Sequence[Pause], ended_at: datetime | None = None) -> list[Run]:
    """When a clock ran: from its start to its end, without the pauses, which are in order and do not overlap."""
    found: list[Run] = []
    since: datetime | None = started_at
    for stopped, resumed in pauses:
        if since is not None and stopped > since:
            found.append((since, stopped))
        since = resumed
    if since is not None and (ended_at is None or ended_at > since):
        found.append((since, ended_at))
    return found


def counted_anew(
    before: Scale, after: Scale, ran: Sequence[Run], window: tuple[datetime, datetime], until: datetime
) -> float:
    """Seconds by which an edit of the calendar changes what was counted while the clock ran in `window`, which lies
    before `until`."""
    return sum(after.between(start, end) - before.between(start, end) for start, end in _inside(ran, window, until))


def _inside(
    ran: Sequence[Run], window: tuple[datetime, datetime], until: datetime
) -> Iterator[tuple[datetime, datetime]]:
    for start, end in ran:
        first, last = max(start, window[0]), min(end or until, window[1], until)
        if first < last:
            yield first, last
