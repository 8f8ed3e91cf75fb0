"""Opening hours, holidays and open-time arithmetic: pure questions on a UTC time line, and how to load its data.

The week and the special days are wall-clock times of the center's own zone. Every day becomes intervals of UTC
instants first and is only then measured, because subtracting two wall-clock times across a change to or from
daylight saving time is an hour wrong.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.models import OpeningHours, SpecialDay
from shared.settings import Settings

MIDNIGHT = time(0)  # as a closing time: the end of the day
DAY = timedelta(days=1)
ZERO = timedelta(0)
# How far ahead an opening is looked for: a center that is closed for longer has no hours.
HORIZON = timedelta(days=800)


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    weekday: int  # Monday is 0
    opens: time
    closes: time  # 00:00 is midnight at the day's end


@dataclass(frozen=True, slots=True)
class Special:
    """A date that overrides its weekday: closed all day when `opens` is None."""

    day: date
    opens: time | None = None
    closes: time | None = None
    name_en: str = ""
    name_es: str = ""


@dataclass(frozen=True, slots=True)
class Interval:
    """From `start` until just before `end`, in UTC."""

    start: datetime
    end: datetime


class OpenTime:
    """When the center is open. Every instant that goes in or comes out is an aware datetime; out, in UTC."""

    def __init__(self, hours: Iterable[WeeklyHours], special_days: Iterable[Special], timezone: str | ZoneInfo) -> None:
        self.zone = ZoneInfo(timezone) if isinstance(timezone, str) else timezone
        self._week: dict[int, list[tuple[time, time]]] = {}
        for line in hours:
            self._week.setdefault(line.weekday, []).append((line.opens, line.closes))
        self._special = {special.day: special for special in special_days}
        self._days: dict[date, tuple[Interval, ...]] = {}

    def is_open(self, at: datetime) -> bool:
        at = _utc(at)
        return any(interval.start <= at < interval.end for interval in self._day(self._date(at)))

    def is_holiday(self, at: datetime) -> bool:
        """The date is a special day on which the center does not open at all."""
        return self._is_holiday(self._date(_utc(at)))

    def special_day(self, at: datetime) -> Special | None:
        """What is special about the date at that instant, e.g. to name the holiday."""
        return self._special.get(self._date(_utc(at)))

    def add_open(self, start: datetime, duration: timedelta) -> datetime | None:
        """The earliest instant with `duration` of open time behind it since `start`; None: it never comes."""
        if duration < ZERO:
            raise ValueError("open time runs forward only")
        start, left = _utc(start), duration
        if left == ZERO:
            return start
        for interval in self._intervals(start):
            length = interval.end - max(interval.start, start)
            if left <= length:
                return max(interval.start, start) + left
            left -= length
        return None

    def open_between(self, start: datetime, end: datetime) -> timedelta:
        """Open time from `start` until `end`; nothing when `end` is not later."""
        start, end = _utc(start), _utc(end)
        total = ZERO
        if end <= start:
            return total
        for day in _dates(self._date(start), self._date(end)):
            for interval in self._day(day):
                total += max(ZERO, min(interval.end, end) - max(interval.start, start))
        return total

    def next_opening(self, at: datetime) -> datetime | None:
        """`at` itself while open, else when the doors open next; None: never."""
        at = _utc(at)
        for interval in self._intervals(at):
            return max(interval.start, at)
        return None

    def next_change(self, at: datetime) -> datetime | None:
        """The next instant at which `is_open` or `is_holiday` begins to answer differently; None: never."""
        at = _utc(at)
        now = (self.is_open(at), self.is_holiday(at))
        today = self._date(at)
        for day in _dates(today, self._last(today)):
            edges = {self._day_start(day)}
            for interval in self._day(day):
                edges |= {interval.start, interval.end}
            for edge in sorted(edges):
                if edge > at and (self.is_open(edge), self.is_holiday(edge)) != now:
                    return edge
        return None

    def _date(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def _is_holiday(self, day: date) -> bool:
        special = self._special.get(day)
        return special is not None and special.opens is None

    def _last(self, first: date) -> date:
        """Where a search from `first` on may end: without hours of a week only special days change anything."""
        if self._week:
            return first + HORIZON
        return min(first + HORIZON, max(self._special, default=first) + DAY)

    def _intervals(self, start: datetime) -> Iterator[Interval]:
        """Those that end after `start`, in order, as far as the horizon."""
        first = self._date(start)
        for day in _dates(first, self._last(first)):
            for interval in self._day(day):
                if interval.end > start:
                    yield interval

    def _day(self, day: date) -> tuple[Interval, ...]:
        found = self._days.get(day)
        if found is None:
            found = self._days[day] = self._work_out(day)
        return found

    def _work_out(self, day: date) -> tuple[Interval, ...]:
        special = self._special.get(day)
        if special is None:
            lines = self._week.get(day.weekday(), [])
        elif special.opens is None or special.closes is None:
            lines = []
        else:
            lines = [(special.opens, special.closes)]
        merged: list[Interval] = []
        for opens, closes in sorted(lines):
            start = self._first_instant(day, opens)
            end = self._day_start(day + DAY) if closes == MIDNIGHT else self._last_instant(day, closes)
            if merged and start <= merged[-1].end:
                merged[-1] = Interval(merged[-1].start, max(merged[-1].end, end))
            elif start < end:
                merged.append(Interval(start, end))
        return tuple(merged)

    def _day_start(self, day: date) -> datetime:
        return self._first_instant(day, MIDNIGHT)

    def _first_instant(self, day: date, wall: time) -> datetime:
        """When clocks first show `wall` on `day`, or the instant they jump over it."""
        return self._instant(datetime.combine(day, wall, self.zone).replace(fold=0))

    def _last_instant(self, day: date, wall: time) -> datetime:
        """When clocks last show `wall` on `day`: an hour that comes twice is worked twice."""
        return self._instant(datetime.combine(day, wall, self.zone).replace(fold=1))

    def _instant(self, local: datetime) -> datetime:
        at = local.astimezone(UTC)
        wall = local.replace(tzinfo=None)
        if at.astimezone(self.zone).replace(tzinfo=None) == wall:
            return at
        # Clocks jump over this time: find the jump between the readings by the old and by the new offset.
        before = local.replace(fold=1).astimezone(UTC)
        after = local.replace(fold=0).astimezone(UTC)
        low, high = 0, int((after - before).total_seconds())
        while low + 1 < high:
            middle = (low + high) // 2
            shown = (before + timedelta(seconds=middle)).astimezone(self.zone).replace(tzinfo=None)
            low, high = (low, middle) if shown >= wall else (middle, high)
        return before + timedelta(seconds=high)


def day_of(settings: Settings, at: datetime) -> date:
    """The day that it was at the center."""
    return at.astimezone(ZoneInfo(settings.timezone)).date()


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a naive datetime names no instant")
    return at.astimezone(UTC)


def _dates(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


async def load_open_time(session: AsyncSession, settings: Settings) -> OpenTime:
    """The center's hours and special days as they stand in the store now."""
    hours = (await session.scalars(select(OpeningHours))).all()
    days = (await session.scalars(select(SpecialDay))).all()
    return OpenTime(
        [WeeklyHours(line.weekday, line.opens, line.closes) for line in hours],
        [Special(day.day, day.opens, day.closes, day.name_en, day.name_es) for day in days],
        settings.timezone,
    )


# A week to start from; the tables are the truth and people edit them.
USUAL_WEEK = [
    WeeklyHours(0, time(8), time(18)),
    WeeklyHours(1, time(8), time(20)),
    WeeklyHours(2, time(8), time(18)),
    WeeklyHours(3, time(8), time(20)),
    WeeklyHours(4, time(8), time(18)),
    WeeklyHours(5, time(9), time(14)),
]

# The calendar that days are seeded from knows many more, on which offices work.
HOLIDAYS = {
    "New Year's Day": "Año Nuevo",
    "Martin Luther King Jr. Day": "Día de Martin Luther King Jr.",
    "Presidents' Day": "Día de los Presidentes",
    "Cesar Chavez Day": "Día de César Chávez",
    "Memorial Day": "Día de los Caídos",
    "Juneteenth National Independence Day": "Día de la Emancipación (Juneteenth)",
    "Independence Day": "Día de la Independencia",
    "Labor Day": "Día del Trabajo",
    "Veterans Day": "Día de los Veteranos",
    "Thanksgiving Day": "Día de Acción de Gracias",
    "Day After Thanksgiving": "Día después de Acción de Gracias",
    "Christmas Day": "Navidad",
}
OBSERVED = " (observed)"


def usual_holidays(years: Iterable[int]) -> list[Special]:
    """Federal and Californian holidays of these years, named in both languages, observed days included."""
    import holidays  # only to seed: the voicemail service reads hours and installs without it

    found: list[Special] = []
    for day, names in sorted(holidays.country_holidays("US", subdiv="CA", years=list(years)).items()):
        for name in names.split("; "):
            plain = name.removesuffix(OBSERVED)
            if plain in HOLIDAYS:
                also = " (observado)" if name != plain else ""
                found.append(Special(day, None, None, name, HOLIDAYS[plain] + also))
                break
    return found


async def seed_special_days(session: AsyncSession, years: Iterable[int]) -> int:
    """Add the usual holidays; days that somebody has already entered stay as they are. Returns how many are new."""
    rows = [{"day": each.day, "name_en": each.name_en, "name_es": each.name_es} for each in usual_holidays(years)]
    if not rows:
        return 0
    added = await session.scalars(insert(SpecialDay).values(rows).on_conflict_do_nothing().returning(SpecialDay.day))
    return len(added.all())


async def seed_opening_hours(session: AsyncSession) -> int:
    """Give a center without any hours the usual week. Returns how many lines are new."""
    if await session.scalar(select(OpeningHours.id).limit(1)) is not None:
        return 0
    session.add_all(OpeningHours(weekday=line.weekday, opens=line.opens, closes=line.closes) for line in USUAL_WEEK)
    return len(USUAL_WEEK)
