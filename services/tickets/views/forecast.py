"""The forecast of a week: what is expected, who that asks for, and who is planned, hour by hour."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.forecast import repository
from services.tickets.forecast.demand import LITTLE_WEEKS, Handling, handling, own_minutes, rates
from services.tickets.forecast.staffing import Goal, Need, Slot, needs, spanish_outlook
from services.tickets.routing.staff import valid_certificates
from services.tickets.routing.terms import OFFERED_ROLES, Policy, required_language
from services.tickets.shift_plan import ShiftPlan, intervals
from services.tickets.shifts import plans
from services.tickets.views.shapes import PersonRef
from services.tickets.views.shifts import ENOUGH_BILINGUALS, HOUR, QUARTER, HourCover, cover
from services.tickets.views.supervisor_models import BilingualGap
from shared import clock
from shared.calendar import DAY, OpenTime, load_open_time
from shared.models import Person
from shared.settings import Settings


class HandlingView(BaseModel):
    """How long one ticket takes."""

    model_config = ConfigDict(frozen=True)

    minutes: float
    tickets: int = Field(description="Closed ones that it was counted from.")
    assumed: bool = Field(description="Too few to count: rather assumed.")


class Basis(BaseModel):
    """What the forecast stands on."""

    model_config = ConfigDict(frozen=True)

    days: int = Field(description="Whole days of history that were looked at; closed holidays are left out.")
    tickets: int
    little: bool = Field(description="Less than four weeks: it leans much on how a week usually looks.")
    english: HandlingView
    spanish: HandlingView
    wait_minutes: float
    share: float = Field(description="That is to be begun with within `wait_minutes`.")
    away: float = Field(description="Share of planned people who are away all the same.")


class HourForecast(BaseModel):
    """An open hour. Expected arrivals include what is worked off from before the opening."""

    model_config = ConfigDict(frozen=True)

    starts_at: datetime
    english: float = Field(description="Expected tickets that anybody may answer.")
    spanish: float = Field(description="Expected tickets that need a verified bilingual: also mixed and unknown ones.")
    people_needed: int
    people_planned: int
    bilinguals_needed: int
    bilinguals_planned: int
    alarm: bool = Field(description="Fewer than two bilinguals are planned.")
    spanish_waits: float = Field(description="Share of Spanish customers who wait, with the bilinguals planned.")
    spanish_in_time: float = Field(description="Share of them begun with in time.")

    @property
    def people_short(self) -> int:
        return max(0, self.people_needed - self.people_planned)

    @property
    def bilinguals_short(self) -> int:
        return max(0, self.bilinguals_needed - self.bilinguals_planned)


class Forecast(BaseModel):
    """From Monday to Sunday, on the center's own clock."""

    model_config = ConfigDict(frozen=True)

    monday: date
    days: list[date]
    basis: Basis
    anybody_planned: bool
    hours: list[HourForecast] = Field(description="Every open hour, in order.")
    gaps: list[BilingualGap]


async def forecast(session: AsyncSession, settings: Settings, day: date) -> Forecast:
    """Of the week that the date lies in."""
    monday = day - timedelta(days=day.weekday())
    days = [monday + number * DAY for number in range(7)]
    open_time = await load_open_time(session, settings)
    policy, goal = Policy.of(settings), goal_of(settings)
    basis, english, spanish, handling_en, handling_es = await _history(session, settings, policy, open_time, goal)
    slots = _slots([monday - DAY, *days], open_time)
    found = needs(slots, english, spanish, handling_en, handling_es, goal)
    planned, names, bilinguals = await _planned(session, policy, days, monday)
    covered = {each.starts_at: each for each in cover(planned, bilinguals, days, open_time)}
    hours = [_hour(need, covered[need.starts_at], handling_es, goal) for need in found if need.starts_at in covered]
    return Forecast(
        monday=monday,
        days=days,
        basis=basis,
        anybody_planned=bool(planned),
        hours=hours,
        gaps=gaps(hours, planned, {id_: names[id_] for id_ in bilinguals}, open_time),
    )


async def gaps_today(session: AsyncSession, settings: Settings) -> list[BilingualGap]:
    """From now on, by the plan of the shifts alone: hours with fewer bilinguals than there must always be."""
    now = clock.now()
    open_time = await load_open_time(session, settings)
    today = now.astimezone(open_time.zone).date()
    planned, names, bilinguals = await _planned(session, Policy.of(settings), [today], today)
    if not planned:
        return []
    hours = [
        _hour(Need(each.starts_at, 0, 0, 0, ENOUGH_BILINGUALS), each, Handling(1, 0), goal_of(settings))
        for each in cover(planned, bilinguals, [today], open_time)
        if now < each.starts_at + HOUR
    ]
    return gaps(hours, planned, {id_: names[id_] for id_ in bilinguals}, open_time)


def goal_of(settings: Settings) -> Goal:
    return Goal(settings.staffing_wait_minutes, settings.staffing_share, settings.staffing_away, ENOUGH_BILINGUALS)


async def _history(
    session: AsyncSession, settings: Settings, policy: Policy, open_time: OpenTime, goal: Goal
) -> tuple[Basis, dict[tuple[int, int], float], dict[tuple[int, int], float], Handling, Handling]:
    today = clock.now().astimezone(open_time.zone).date()
    oldest = await repository.first_arrival(session)
    first = earliest = today - timedelta(weeks=settings.staffing_weeks)
    # The first day is seldom a whole one.
    first = today if oldest is None else max(first, oldest.astimezone(open_time.zone).date() + DAY)
    since, until = _midnight(first, open_time), _midnight(today, open_time)
    days = {
        day
        for number in range(max(0, (today - first).days))
        if not open_time.is_holiday(_midnight(day := first + number * DAY, open_time))
    }
    plain, bilingual = await repository.arrivals(session, policy, settings.timezone, since, until)
    worked = await repository.worked(session, _midnight(earliest, open_time))
    minutes = own_minutes([span for _, span in worked], open_time.open_between)
    languages = {span.ticket_id: language for language, span in worked}
    english, spanish = (
        handling(
            [each for id_, each in minutes.items() if (required_language(languages[id_], policy) is None) == anybody]
        )
        for anybody in (True, False)
    )
    basis = Basis(
        days=len(days),
        tickets=sum(number for counted in (plain, bilingual) for (day, _), number in counted.items() if day in days),
        little=len(days) < 7 * LITTLE_WEEKS,
        english=_handling_view(english),
        spanish=_handling_view(spanish),
        wait_minutes=goal.wait_minutes,
        share=goal.share,
        away=goal.away,
    )
    return basis, rates(plain, days), rates(bilingual, days), english, spanish


def _handling_view(found: Handling) -> HandlingView:
    return HandlingView(minutes=found.minutes, tickets=found.tickets, assumed=found.assumed)


def _midnight(day: date, open_time: OpenTime) -> datetime:
    return datetime.combine(day, time(0), open_time.zone).astimezone(UTC)


def _slots(days: Sequence[date], open_time: OpenTime) -> list[Slot]:
    """Every hour of the days that passes, also on those on which clocks change."""
    slots = []
    at, end = _midnight(days[0], open_time), _midnight(days[-1] + DAY, open_time)
    while at < end:
        local = at.astimezone(open_time.zone)
        is_open = any(open_time.is_open(at + number * QUARTER) for number in range(4))
        slots.append(Slot(at, (local.weekday(), local.hour), is_open))
        at += HOUR
    return slots


async def _planned(
    session: AsyncSession, policy: Policy, days: Sequence[date], on: date
) -> tuple[dict[int, ShiftPlan], dict[int, str], set[int]]:
    """(shifts by person, names, who is a bilingual on that date) of everybody who is offered tickets."""
    rows = await session.execute(
        select(Person.id, Person.name).where(Person.active, Person.role.in_(sorted(OFFERED_ROLES)))
    )
    names = dict(rows.all())
    planned = await plans(session, days[0], days[-1], list(names))
    certificates = await valid_certificates(session, on)
    bilinguals = {
        id_ for id_, held in certificates.items() if any(each.language == policy.verified_language for each in held)
    }
    return planned, names, bilinguals & names.keys()


def _hour(need: Need, planned: HourCover, handling_es: Handling, goal: Goal) -> HourForecast:
    waits, in_time = spanish_outlook(need, planned.bilinguals, handling_es, goal)
    return HourForecast(
        starts_at=need.starts_at,
        english=need.english,
        spanish=need.spanish,
        people_needed=need.people,
        people_planned=planned.people,
        bilinguals_needed=need.bilinguals,
        bilinguals_planned=planned.bilinguals,
        alarm=planned.short_of_bilinguals,
        spanish_waits=waits,
        spanish_in_time=in_time,
    )


def gaps(
    hours: Sequence[HourForecast],
    planned: dict[int, ShiftPlan],
    bilinguals: dict[int, str],
    open_time: OpenTime,
) -> list[BilingualGap]:
    """Hours in a row that lack bilinguals, as one; `bilinguals`: names by id, of those who might be planned then."""
    spells: list[list[HourForecast]] = []
    for hour in hours:
        if hour.bilinguals_short == 0:
            continue
        last = spells[-1][-1] if spells else None
        if last and last.starts_at + HOUR == hour.starts_at and last.bilinguals_planned == hour.bilinguals_planned:
            spells[-1].append(hour)
        else:
            spells.append([hour])
    return [
        BilingualGap(
            starts_at=spell[0].starts_at,
            ends_at=spell[-1].starts_at + HOUR,
            planned=spell[0].bilinguals_planned,
            needed=max(hour.bilinguals_needed for hour in spell),
            alarm=spell[0].alarm,
            could_come=[
                PersonRef(id=id_, name=name)
                for id_, name in sorted(bilinguals.items(), key=lambda each: each[1])
                if not _works(planned.get(id_), spell, open_time)
            ],
        )
        for spell in spells
    ]


def _works(plan: ShiftPlan | None, spell: Sequence[HourForecast], open_time: OpenTime) -> bool:
    """Through all of the spell already."""
    if plan is None:
        return False
    there = set()
    for hour in spell:
        day = hour.starts_at.astimezone(open_time.zone).date()
        spans = intervals(day, plan.spans(day), open_time.zone)
        if any(each.start <= hour.starts_at and hour.starts_at + HOUR <= each.end for each in spans):
            there.add(hour.starts_at)
    return len(there) == len(spell)
