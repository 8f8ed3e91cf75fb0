"""A week of shifts for those who plan it: who works when, and how many are there in each open hour."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.routing.staff import valid_certificates
from services.tickets.routing.terms import OFFERED_ROLES, Policy
from services.tickets.shift_plan import ShiftPlan, intervals
from services.tickets.shifts import SpanView, plans
from shared.calendar import DAY, Interval, OpenTime, load_open_time
from shared.models import Person, Role, ShiftDay
from shared.settings import Settings

QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)
ENOUGH_BILINGUALS = 2  # one who is busy .8 of the time lets .8 of the callers wait (Erlang C)


class PlannedDay(BaseModel):
    """What somebody works on a date; `differs`: not what their week says."""

    model_config = ConfigDict(frozen=True)

    day: date
    spans: list[SpanView]
    differs: bool
    reason: str


class PlannedPerson(BaseModel):
    """Somebody who is offered tickets, and their days. Who is in no plan has none."""

    model_config = ConfigDict(frozen=True)

    person_id: int
    name: str
    role: Role
    bilingual: bool
    planned: bool
    days: list[PlannedDay]


class HourCover(BaseModel):
    """The fewest people on shift at any quarter of an open hour, and the bilinguals among them."""

    model_config = ConfigDict(frozen=True)

    starts_at: datetime
    people: int
    bilinguals: int
    short_of_people: bool
    short_of_bilinguals: bool


class ShiftWeek(BaseModel):
    """From Monday to Sunday. `cover`: the hours in which the center is open, in order."""

    model_config = ConfigDict(frozen=True)

    monday: date
    days: list[date]
    people: list[PlannedPerson]
    cover: list[HourCover]


async def shift_week(session: AsyncSession, settings: Settings, day: date) -> ShiftWeek:
    """The week that the date lies in."""
    monday = day - timedelta(days=day.weekday())
    days = [monday + number * DAY for number in range(7)]
    people = list(
        await session.scalars(
            select(Person).where(Person.active, Person.role.in_(sorted(OFFERED_ROLES))).order_by(Person.name, Person.id)
        )
    )
    found = await plans(session, days[0], days[-1], [person.id for person in people])
    reasons = {
        (row.person_id, row.day): row.reason
        for row in await session.scalars(select(ShiftDay).where(ShiftDay.day.between(days[0], days[-1])))
    }
    certificates = await valid_certificates(session, monday)
    language = Policy.of(settings).verified_language
    bilinguals = {id_ for id_, held in certificates.items() if any(each.language == language for each in held)}
    open_time = await load_open_time(session, settings)
    return ShiftWeek(
        monday=monday,
        days=days,
        people=[_person(person, person.id in bilinguals, found.get(person.id), days, reasons) for person in people],
        cover=cover(found, bilinguals, days, open_time),
    )


def _person(
    person: Person,
    bilingual: bool,
    plan: ShiftPlan | None,
    days: Sequence[date],
    reasons: Mapping[tuple[int, date], str],
) -> PlannedPerson:
    return PlannedPerson(
        person_id=person.id,
        name=person.name,
        role=person.role,
        bilingual=bilingual,
        planned=plan is not None,
        days=[
            PlannedDay(
                day=day,
                spans=[SpanView(starts=span.starts, ends=span.ends) for span in (plan.spans(day) if plan else ())],
                differs=plan is not None and day in plan.days,
                reason=reasons.get((person.id, day), ""),
            )
            for day in days
        ],
    )


def cover(
    planned: Mapping[int, ShiftPlan], bilinguals: set[int], days: Sequence[date], open_time: OpenTime
) -> list[HourCover]:
    """Per open hour of the days; the hour counts as covered only by who is there in each open quarter of it."""
    hours: list[HourCover] = []
    for day in days:
        there = {id_: intervals(day, plan.spans(day), open_time.zone) for id_, plan in planned.items()}
        start = datetime(day.year, day.month, day.day, tzinfo=open_time.zone).astimezone(UTC)
        end = (datetime(day.year, day.month, day.day, tzinfo=open_time.zone) + DAY).astimezone(UTC)
        while start < end:
            quarters = [
                quarter
                for number in range(4)
                if open_time.is_open(quarter := start + number * QUARTER) and quarter < end
            ]
            if quarters:
                counts = [_at(there, quarter) for quarter in quarters]
                people = min(len(each) for each in counts)
                spanish = min(len(each & bilinguals) for each in counts)
                hours.append(
                    HourCover(
                        starts_at=start,
                        people=people,
                        bilinguals=spanish,
                        short_of_people=people == 0,
                        short_of_bilinguals=spanish < ENOUGH_BILINGUALS,
                    )
                )
            start += HOUR
    return hours


def short_spells(cover: Sequence[HourCover]) -> list[tuple[datetime, datetime, HourCover]]:
    """Hours in a row that lack the same, as one: from when, until when, and the first of them."""
    spells: list[tuple[datetime, datetime, HourCover]] = []
    for hour in cover:
        if not hour.short_of_bilinguals:
            continue
        same = spells and spells[-1][1] == hour.starts_at
        first = spells[-1][2] if spells else hour
        if same and (first.people, first.bilinguals) == (hour.people, hour.bilinguals):
            spells[-1] = (spells[-1][0], hour.starts_at + HOUR, first)
        else:
            spells.append((hour.starts_at, hour.starts_at + HOUR, hour))
    return spells


def _at(there: Mapping[int, Sequence[Interval]], moment: datetime) -> set[int]:
    return {id_ for id_, spells in there.items() if any(each.start <= moment < each.end for each in spells)}
