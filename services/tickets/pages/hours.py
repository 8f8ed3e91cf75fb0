"""Opening hours and the days that differ from the week."""

from datetime import date, time
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from services.tickets import hours
from services.tickets.certifications import today
from services.tickets.pages.common import Page, Screen
from shared.errors import Conflict, Invalid
from shared.people import Permission
from shared.settings import Settings
from shared.web.depends import Cfg
from shared.web.i18n import N_

router = APIRouter(include_in_schema=False)
INTERVALS = 2  # a day may have a lunch break


async def _show(
    screen: Screen, settings: Settings, errors: dict[str, str] | None = None, status_code: int = 200
) -> Response:
    screen.me.require(Permission.HOURS_WRITE)
    week: dict[int, list[hours.HoursLine]] = {weekday: [] for weekday in range(7)}
    for line in await hours.week(screen.session):
        week[line.weekday].append(line)
    return await screen.render(
        "hours.html",
        status_code=status_code,
        week=week,
        intervals=max([INTERVALS, *(len(lines) for lines in week.values())]),
        days=await hours.special_days(screen.session, today(settings)),
        today=today(settings),
        errors=errors or {},
        section="hours",
    )


@router.get("/hours")
async def show(screen: Page, settings: Cfg) -> Response:
    return await _show(screen, settings)


def _time(text: str, field: str) -> time:
    try:
        return time.fromisoformat(text.strip())
    except ValueError:
        raise Invalid("A time of day is needed.", field=field) from None


async def _lines(screen: Screen) -> list[hours.HoursLine]:
    form = await screen.request.form()
    lines = []
    for weekday in range(7):
        for opens, closes in zip(form.getlist(f"opens-{weekday}"), form.getlist(f"closes-{weekday}"), strict=False):
            if not isinstance(opens, str) or not isinstance(closes, str) or not (opens.strip() or closes.strip()):
                continue
            lines.append(
                hours.HoursLine(
                    weekday=weekday, opens=_time(opens, f"day-{weekday}"), closes=_time(closes, f"day-{weekday}")
                )
            )
    return lines


@router.post("/hours/week")
async def set_week(screen: Page, settings: Cfg, also_past: Annotated[bool, Form()] = False) -> Response:
    screen.me.require(Permission.HOURS_WRITE)
    try:
        lines = await _lines(screen)
        await screen.attempt(hours.set_week(screen.session, screen.me, lines, also_past=also_past))
    except (Invalid, Conflict) as error:
        return await _show(screen, settings, {"week": screen.say(error.message, **error.values)}, error.status)
    return screen.see_other("/hours", "success", screen.say("The week is saved."))


@router.post("/hours/days")
async def set_day(
    screen: Page,
    settings: Cfg,
    day: Annotated[str, Form()] = "",
    name_en: Annotated[str, Form()] = "",
    name_es: Annotated[str, Form()] = "",
    opens: Annotated[str, Form()] = "",
    closes: Annotated[str, Form()] = "",
) -> Response:
    screen.me.require(Permission.HOURS_WRITE)
    try:
        try:
            when = date.fromisoformat(day)
        except ValueError:
            raise Invalid("A date is needed.", field="day") from None
        if not name_en.strip() or not name_es.strip():
            raise Invalid("The day needs its name in both languages.", field="name_en")
        line = hours.SpecialDayLine(
            day=when,
            name_en=name_en.strip()[:100],
            name_es=name_es.strip()[:100],
            opens=_time(opens, "opens") if opens.strip() else None,
            closes=_time(closes, "closes") if closes.strip() else None,
        )
        await screen.attempt(hours.set_special_day(screen.session, settings, screen.me, line))
    except (Invalid, Conflict) as error:
        field = (error.field if isinstance(error, Invalid) else None) or "day"
        return await _show(screen, settings, {field: screen.say(error.message, **error.values)}, error.status)
    return screen.see_other("/hours", "success", screen.say("The day is saved."))


@router.post("/hours/days/{day}/remove")
async def remove_day(screen: Page, settings: Cfg, day: date) -> Response:
    return await screen.act(
        hours.remove_special_day(screen.session, settings, screen.me, day), N_("It is an ordinary day again."), "/hours"
    )
