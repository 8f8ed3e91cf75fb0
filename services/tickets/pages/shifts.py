"""Shifts: the plan of a week, and somebody's week and the days that differ from it."""

from collections.abc import Sequence
from datetime import date, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.datastructures import FormData
from starlette.responses import Response

from services.tickets import people, shifts
from services.tickets.certifications import today
from services.tickets.pages.common import Page, Screen
from services.tickets.shifts import SpanView, WeeklySpan
from services.tickets.views.shifts import shift_week, short_spells
from shared.calendar import DAY
from shared.errors import Conflict, Invalid
from shared.people import Permission
from shared.settings import Settings
from shared.web.depends import Cfg
from shared.web.i18n import N_

router = APIRouter(include_in_schema=False)
SPANS = 3  # a morning, and two breaks
WEEK = timedelta(days=7)


@router.get("/shifts")
async def show_week(screen: Page, settings: Cfg, day: date | None = None) -> Response:
    screen.me.require(Permission.SHIFT_WRITE)
    now = today(settings)
    week = await shift_week(screen.session, settings, day or now)
    return await screen.render(
        "shifts.html",
        week=week,
        short=short_spells(week.cover),
        planned=any(person.planned for person in week.people),
        today=now,
        before=week.monday - DAY,
        after=week.monday + WEEK,
        section="shifts",
    )


@router.get("/shifts/{person_id}")
async def show_person(screen: Page, settings: Cfg, person_id: int) -> Response:
    return await _show(screen, settings, person_id)


async def _show(
    screen: Screen, settings: Settings, person_id: int, errors: dict[str, str] | None = None, status_code: int = 200
) -> Response:
    screen.me.require(Permission.SHIFT_WRITE)
    planned = await shifts.shifts_of(screen.session, person_id, today(settings))
    week = {weekday: [span for span in planned.week if span.weekday == weekday] for weekday in range(7)}
    return await screen.render(
        "shift_person.html",
        status_code=status_code,
        person=await people.get_person(screen.session, settings, person_id),
        week=week,
        spans=max([SPANS, *(len(each) for each in week.values())]),
        days=planned.days,
        today=today(settings),
        errors=errors or {},
        section="shifts",
    )


def _pairs(form: FormData, suffix: str) -> list[SpanView]:
    """The filled-in pairs of times. Raises Invalid when one of a pair is missing or no time."""
    found = []
    for starts, ends in zip(form.getlist(f"starts{suffix}"), form.getlist(f"ends{suffix}"), strict=False):
        if not isinstance(starts, str) or not isinstance(ends, str) or not (starts.strip() or ends.strip()):
            continue
        try:
            found.append(SpanView(starts=time.fromisoformat(starts.strip()), ends=time.fromisoformat(ends.strip())))
        except ValueError:
            raise Invalid("A time of day is needed.", field="spans") from None
    return found


@router.post("/shifts/{person_id}")
async def set_week(screen: Page, settings: Cfg, person_id: int) -> Response:
    screen.me.require(Permission.SHIFT_WRITE)
    form = await screen.request.form()
    try:
        week: Sequence[WeeklySpan] = [
            WeeklySpan(weekday=weekday, starts=span.starts, ends=span.ends)
            for weekday in range(7)
            for span in _pairs(form, f"-{weekday}")
        ]
        await screen.attempt(shifts.set_week(screen.session, screen.me, person_id, week))
    except (Invalid, Conflict) as error:
        wrong = {"week": screen.say(error.message, **error.values)}
        return await _show(screen, settings, person_id, wrong, error.status)
    return screen.see_other(f"/shifts/{person_id}", "success", screen.say("The week is saved."))


@router.post("/shifts/{person_id}/days")
async def set_day(
    screen: Page,
    settings: Cfg,
    person_id: int,
    day: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Without times it is a day off."""
    screen.me.require(Permission.SHIFT_WRITE)
    form = await screen.request.form()
    try:
        try:
            when = date.fromisoformat(day)
        except ValueError:
            raise Invalid("A date is needed.", field="day") from None
        await screen.attempt(shifts.set_day(screen.session, screen.me, person_id, when, _pairs(form, ""), reason))
    except (Invalid, Conflict) as error:
        field = (error.field if isinstance(error, Invalid) else None) or "day"
        field = field if field in ("day", "reason") else "spans"
        wrong = {field: screen.say(error.message, **error.values)}
        return await _show(screen, settings, person_id, wrong, error.status)
    return screen.see_other(f"/shifts/{person_id}", "success", screen.say("The day is saved."))


@router.post("/shifts/{person_id}/days/{day}/remove")
async def remove_day(screen: Page, person_id: int, day: date) -> Response:
    return await screen.act(
        shifts.remove_day(screen.session, screen.me, person_id, day),
        N_("That day is as in every week again."),
        f"/shifts/{person_id}",
    )
