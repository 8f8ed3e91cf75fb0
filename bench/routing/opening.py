"""Open time as a number line: the product's calendar, read once, so that a simulation can ask it a million times."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta

from shared.calendar import OpenTime

MINUTE = timedelta(minutes=1)


class Opening:
    """Minutes since `start` on the clock on one side, open minutes since then on the other."""

    def __init__(self, open_time: OpenTime, start: datetime, minutes: float) -> None:
        self.start = start.astimezone(UTC)
        self._opens: list[float] = []
        self._closes: list[float] = []
        self._before: list[float] = []  # open minutes before each period
        at, total = open_time.next_opening(self.start), 0.0
        while at is not None and self.minute(at) < minutes:
            closes = open_time.next_change(at)
            assert closes is not None
            self._opens.append(self.minute(at))
            self._closes.append(self.minute(closes))
            self._before.append(total)
            total += self._closes[-1] - self._opens[-1]
            at = open_time.next_opening(closes)

    def minute(self, at: datetime) -> float:
        return (at - self.start) / MINUTE

    def elapsed(self, minute: float) -> float:
        """Open minutes from the start until `minute`."""
        period = bisect_right(self._opens, minute) - 1
        if period < 0:
            return 0.0
        return self._before[period] + min(minute, self._closes[period]) - self._opens[period]

    def is_open(self, minute: float) -> bool:
        period = bisect_right(self._opens, minute) - 1
        return period >= 0 and minute < self._closes[period]
