"""The shifts as people plan them: somebody's week, the days that differ from it, and what they are now."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.hours import MIDNIGHT, WallTime
from services.tickets.locks import lock_people
from services.tickets.shift_plan import OnDuty, ShiftPlan, Span, on_duty
from shared import audit
from shared.errors import Invalid, NotFound
from shared.events import Event, publish
from shared.models import Person, ShiftDay, WeeklyShift
from shared.people import PERMISSIONS, Actor, Permission
from shared.settings import Settings

MAX_REASON = 200


class SpanView(BaseModel):
    """From when until when, in the center's own time zone."""

    model_config = ConfigDict(frozen=True)

    starts: WallTime
    ends: Annotated[WallTime, Field(description="00:00 is midnight at the end of the day.")]


class WeeklySpan(SpanView):
    """The same, every week on that day. What lies between two of one day is a break."""

    weekday: Annotated[int, Field(ge=0, le=6, description="Monday is 0.")]


class ShiftDayView(BaseModel):
    """A date on which the week does not count. Without spans: a day off."""

    model_config = ConfigDict(frozen=True)

    day: date
    spans: list[SpanView]
    reason: str


class ShiftsView(BaseModel):
    """What is planned for somebody. Without a week and without days they are on whenever they say so."""

    person_id: int
    week: list[WeeklySpan]
    days: list[ShiftDayView]


async def plans(
    session: AsyncSession, first: date, last: date, only: Collection[int] | None = None
) -> dict[int, ShiftPlan]:
    """The plans of everybody who has one, with the days that differ from `first` to `last`."""
    weekly = select(WeeklyShift.person_id, WeeklyShift.weekday, WeeklyShift.starts, WeeklyShift.ends).order_by(
        WeeklyShift.person_id, WeeklyShift.weekday, WeeklyShift.starts
    )
    differing = select(ShiftDay).where(ShiftDay.day.between(first, last)).order_by(ShiftDay.day, ShiftDay.starts)
    if only is not None:
        weekly = weekly.where(WeeklyShift.person_id.in_(only))
        differing = differing.where(ShiftDay.person_id.in_(only))
    weeks: dict[int, dict[int, tuple[Span, ...]]] = defaultdict(dict)
    for row in await session.execute(weekly):
        week = weeks[row.person_id]
        week[row.weekday] = (*week.get(row.weekday, ()), Span(row.starts, row.ends))
    days: dict[int, dict[date, tuple[Span, ...]]] = defaultdict(dict)
    for each in await session.scalars(differing):
        known = days[each.person_id].get(each.day, ())
        span = () if each.starts is None or each.ends is None else (Span(each.starts, each.ends),)
        days[each.person_id][each.day] = (*known, *span)
    return {id_: ShiftPlan(weeks.get(id_, {}), days.get(id_, {})) for id_ in weeks.keys() | days.keys()}


async def duties(
    session: AsyncSession, settings: Settings, now: datetime, only: Collection[int] | None = None
) -> Mapping[int, OnDuty]:
    """What the plan says of everybody now; of who is not in it, nothing is planned."""
    zone = ZoneInfo(settings.timezone)
    today = now.astimezone(zone).date()
    found = await plans(session, today, today + timedelta(days=1), only)  # a night's shift goes on tomorrow
    return defaultdict(lambda: on_duty(None, now, zone), {id_: on_duty(plan, now, zone) for id_, plan in found.items()})


async def shifts_of(session: AsyncSession, person_id: int, since: date) -> ShiftsView:
    """Raises NotFound when nobody of that number takes tickets."""
    await _worker(session, person_id)
    week = await session.scalars(
        select(WeeklyShift).where(WeeklyShift.person_id == person_id).order_by(WeeklyShift.weekday, WeeklyShift.starts)
    )
    return ShiftsView(
        person_id=person_id,
        week=[WeeklySpan(weekday=row.weekday, starts=row.starts, ends=row.ends) for row in week],
        days=await _days(session, person_id, since),
    )


async def _days(session: AsyncSession, person_id: int, since: date, until: date | None = None) -> list[ShiftDayView]:
    statement = select(ShiftDay).where(ShiftDay.person_id == person_id, ShiftDay.day >= since)
    if until is not None:
        statement = statement.where(ShiftDay.day <= until)
    found: dict[date, list[ShiftDay]] = defaultdict(list)
    for row in await session.scalars(statement.order_by(ShiftDay.day, ShiftDay.starts)):
        found[row.day].append(row)
    return [
        ShiftDayView(
            day=day,
            spans=[
                SpanView(starts=row.starts, ends=row.ends)
                for row in rows
                if row.starts is not None and row.ends is not None
            ],
            reason=rows[0].reason,
        )
        for day, rows in found.items()
    ]


async def set_week(session: AsyncSession, me: Actor, person_id: int, week: Sequence[WeeklySpan]) -> list[WeeklySpan]:
    """Replaces somebody's week. An empty one: nobody plans their shifts any more."""
    me.require(Permission.SHIFT_WRITE)
    await _worker(session, person_id)
    for weekday in range(7):
        check([each for each in week if each.weekday == weekday])
    await lock_people(session, [person_id])
    before = [
        {"weekday": row.weekday, "starts": row.starts.isoformat(), "ends": row.ends.isoformat()}
        for row in await session.scalars(select(WeeklyShift).where(WeeklyShift.person_id == person_id))
    ]
    await session.execute(delete(WeeklyShift).where(WeeklyShift.person_id == person_id))
    ordered = sorted(week, key=lambda each: (each.weekday, each.starts))
    session.add_all(
        WeeklyShift(person_id=person_id, weekday=each.weekday, starts=each.starts, ends=each.ends) for each in ordered
    )
    after = [each.model_dump(mode="json") for each in ordered]
    await _changed(session, me, "shift.week", person_id, {"before": before, "after": after})
    return ordered


async def set_day(
    session: AsyncSession, me: Actor, person_id: int, day: date, spans: Sequence[SpanView], reason: str
) -> ShiftDayView:
    """What counts on that date instead of the week: other spans, or a day off. `reason`: for other planners."""
    me.require(Permission.SHIFT_WRITE)
    await _worker(session, person_id)
    check(spans)
    reason = reason.strip()
    if len(reason) > MAX_REASON:
        raise Invalid("Please keep the reason under {limit} characters.", field="reason", limit=MAX_REASON)
    await lock_people(session, [person_id])
    await session.execute(delete(ShiftDay).where(ShiftDay.person_id == person_id, ShiftDay.day == day))
    ordered = sorted(spans, key=lambda each: each.starts)
    session.add_all(
        ShiftDay(person_id=person_id, day=day, starts=each.starts, ends=each.ends, reason=reason) for each in ordered
    )
    if not ordered:
        session.add(ShiftDay(person_id=person_id, day=day, starts=None, ends=None, reason=reason))
    await _changed(
        session, me, "shift.day", person_id,
        {"day": day.isoformat(), "spans": [each.model_dump(mode="json") for each in ordered], "reason": reason},
    )  # fmt: skip
    return ShiftDayView(day=day, spans=list(ordered), reason=reason)


async def remove_day(session: AsyncSession, me: Actor, person_id: int, day: date) -> None:
    """The week counts on that date again."""
    me.require(Permission.SHIFT_WRITE)
    await lock_people(session, [person_id])
    if not await _days(session, person_id, day, day):
        raise NotFound("That day is as in every week already.")
    await session.execute(delete(ShiftDay).where(ShiftDay.person_id == person_id, ShiftDay.day == day))
    await _changed(session, me, "shift.day_removed", person_id, {"day": day.isoformat()})


def check(spans: Sequence[SpanView]) -> None:
    """Raises Invalid when a span of a day ends before it begins or two overlap."""
    last: SpanView | None = None
    for span in sorted(spans, key=lambda each: each.starts):
        if span.ends != MIDNIGHT and span.ends <= span.starts:
            raise Invalid("It must end after it begins.", field="ends")
        if last is not None and (last.ends == MIDNIGHT or span.starts < last.ends):
            raise Invalid("Two times of the same day overlap.", field="spans")
        last = span


async def _worker(session: AsyncSession, person_id: int) -> Person:
    person = await session.get(Person, person_id)
    if person is None or Permission.PRESENCE_SET not in PERMISSIONS[person.role]:
        raise NotFound("There is no such person.")
    return person


async def _changed(session: AsyncSession, me: Actor, action: str, person_id: int, detail: dict[str, object]) -> None:
    await session.flush()
    audit.record(session, me.id, action, object_type="person", object_id=person_id, detail=detail, ip=me.ip)
    await publish(session, Event("presence", person_id, (person_id,), "shift"))
