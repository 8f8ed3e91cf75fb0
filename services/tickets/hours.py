"""The opening hours and the days that differ from them, as people edit them."""

from collections.abc import Sequence
from datetime import date, time
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.clocks import changes
from shared import audit
from shared.database import ring
from shared.errors import Invalid, NotFound
from shared.events import Event, publish
from shared.jobs import Job
from shared.models import OpeningHours, SpecialDay
from shared.people import Actor, Permission
from shared.settings import Settings

MIDNIGHT = time(0)
# Without a zone: the center's own wall clock.
WallTime = Annotated[
    time,
    AfterValidator(lambda value: value.replace(tzinfo=None, second=0, microsecond=0)),
    WithJsonSchema({"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d(:\d\d)?$", "examples": ["08:00"]}),
]


class HoursLine(BaseModel):
    """An interval of a weekday, in the center's own time zone."""

    model_config = ConfigDict(frozen=True)

    weekday: Annotated[int, Field(ge=0, le=6, description="Monday is 0.")]
    opens: WallTime
    closes: Annotated[WallTime, Field(description="00:00 is midnight at the end of the day.")]


class SpecialDayLine(BaseModel):
    """A date that overrides its weekday. Without times: closed all day."""

    model_config = ConfigDict(frozen=True)

    day: date
    name_en: Annotated[str, Field(min_length=1, max_length=100)]
    name_es: Annotated[str, Field(min_length=1, max_length=100)]
    opens: WallTime | None = None
    closes: WallTime | None = None


async def week(session: AsyncSession) -> list[HoursLine]:
    rows = await session.scalars(select(OpeningHours).order_by(OpeningHours.weekday, OpeningHours.opens))
    return [HoursLine(weekday=row.weekday, opens=row.opens, closes=row.closes) for row in rows]


async def special_days(session: AsyncSession, since: date | None = None) -> list[SpecialDayLine]:
    statement = select(SpecialDay).order_by(SpecialDay.day)
    if since is not None:
        statement = statement.where(SpecialDay.day >= since)
    return [
        SpecialDayLine(day=row.day, name_en=row.name_en, name_es=row.name_es, opens=row.opens, closes=row.closes)
        for row in await session.scalars(statement)
    ]


def check_week(lines: Sequence[HoursLine]) -> None:
    """Raises Invalid when a line ends before it begins or two overlap."""
    last: HoursLine | None = None
    for line in sorted(lines, key=lambda each: (each.weekday, each.opens)):
        _check_times(line.opens, line.closes)
        if last is not None and last.weekday == line.weekday and (last.closes == MIDNIGHT or line.opens < last.closes):
            raise Invalid("Two lines of the same day overlap.", field="lines")
        last = line


def _check_times(opens: time, closes: time) -> None:
    if opens.tzinfo is not None or closes.tzinfo is not None:
        raise Invalid("Times are the center's own: without a time zone.", field="opens")
    if closes != MIDNIGHT and closes <= opens:
        raise Invalid("It must close after it opens.", field="closes")


async def set_week(
    session: AsyncSession, me: Actor, lines: Sequence[HoursLine], *, also_past: bool = False
) -> list[HoursLine]:
    """Replaces the whole week. Open promises follow it from now on; `also_past`: these were the hours already, and what
    was counted is counted anew."""
    me.require(Permission.HOURS_WRITE)
    check_week(lines)
    await session.execute(text("LOCK TABLE opening_hours IN SHARE ROW EXCLUSIVE MODE"))
    before, kept = await week(session), await changes.calendar(session)
    await session.execute(delete(OpeningHours))
    session.add_all(OpeningHours(weekday=each.weekday, opens=each.opens, closes=each.closes) for each in lines)
    await session.flush()
    after = await week(session)
    if after != before:
        audit.record(
            session, me.id, "hours.change", object_type="opening_hours",
            detail={"before": [each.model_dump(mode="json") for each in before],
                    "after": [each.model_dump(mode="json") for each in after], "also_past": also_past},
            ip=me.ip,
        )  # fmt: skip
        await changes.week_changed(session, me, kept, also_past=also_past)
        await _changed(session)
    return after


async def set_special_day(session: AsyncSession, settings: Settings, me: Actor, line: SpecialDayLine) -> SpecialDayLine:
    """Enters or changes a day. Open promises count the whole of it anew, also what of it is past."""
    me.require(Permission.HOURS_WRITE)
    if (line.opens is None) != (line.closes is None):
        raise Invalid("Give both times, or none for a day that is closed.", field="closes")
    if line.opens is not None and line.closes is not None:
        _check_times(line.opens, line.closes)
    if not line.name_en.strip() or not line.name_es.strip():
        raise Invalid("The day needs its name in both languages.", field="name_en")
    await session.execute(text("LOCK TABLE special_day IN SHARE ROW EXCLUSIVE MODE"))
    kept = await changes.calendar(session)
    row = await session.get(SpecialDay, line.day, with_for_update=True)
    before = None
    if row is None:
        row = SpecialDay(day=line.day, name_en=line.name_en, name_es=line.name_es)
        session.add(row)
    else:
        before = {"opens": str(row.opens), "closes": str(row.closes), "name_en": row.name_en}
    row.name_en, row.name_es = line.name_en.strip(), line.name_es.strip()
    row.opens, row.closes = line.opens, line.closes
    await session.flush()
    audit.record(
        session, me.id, "special_day.set", object_type="special_day", object_id=line.day.isoformat(),
        detail={"before": before, "after": line.model_dump(mode="json")}, ip=me.ip,
    )  # fmt: skip
    await changes.day_changed(session, settings, me, kept, line.day)
    await _changed(session)
    return line


async def remove_special_day(session: AsyncSession, settings: Settings, me: Actor, day: date) -> None:
    me.require(Permission.HOURS_WRITE)
    await session.execute(text("LOCK TABLE special_day IN SHARE ROW EXCLUSIVE MODE"))
    kept = await changes.calendar(session)
    row = await session.get(SpecialDay, day, with_for_update=True)
    if row is None:
        raise NotFound("That day is an ordinary one already.")
    await session.delete(row)
    audit.record(
        session, me.id, "special_day.remove", object_type="special_day", object_id=day.isoformat(),
        detail={"name_en": row.name_en}, ip=me.ip,
    )  # fmt: skip
    await session.flush()
    await changes.day_changed(session, settings, me, kept, day)
    await _changed(session)


async def _changed(session: AsyncSession) -> None:
    """The greeting that is live follows the hours."""
    ring(session, Job.PUBLISH_GREETINGS, 0)
    await publish(session, Event("hours"))
