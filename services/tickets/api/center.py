"""The center's own facts: opening hours, special days, reply templates."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from services.tickets import hours, template_texts
from services.tickets.api.common import Body
from services.tickets.hours import HoursLine, SpecialDayLine
from services.tickets.template_texts import TemplateText, TemplateView
from shared.web.depends import Cfg, Me, Tx

router = APIRouter(prefix="/api/v1", tags=["center"])
Key = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,59}$", examples=["need_account"])]


class Week(Body):
    lines: Annotated[
        list[HoursLine],
        Field(max_length=50, examples=[[{"weekday": 0, "opens": "08:00", "closes": "18:00"}]]),
    ]
    also_past: bool = Field(
        default=False,
        description="These were the hours already: what open promises have counted is counted anew by them. "
        "Otherwise they count from now on.",
    )


class Hours(BaseModel):
    timezone: str
    lines: list[HoursLine]
    special_days: list[SpecialDayLine]


class SpecialDayBody(Body):
    name_en: Annotated[str, Field(min_length=1, max_length=100, examples=["Staff training"])]
    name_es: Annotated[str, Field(min_length=1, max_length=100, examples=["Capacitación del personal"])]
    opens: hours.WallTime | None = Field(default=None, description="None, like `closes`: closed all day.")
    closes: hours.WallTime | None = None


class TemplateBody(Body):
    en: TemplateText
    es: TemplateText


@router.get("/hours", summary="Opening hours")
async def get_hours(session: Tx, settings: Cfg, me: Me, since: date | None = None) -> Hours:
    return Hours(
        timezone=settings.timezone,
        lines=await hours.week(session),
        special_days=await hours.special_days(session, since),
    )


@router.put("/hours", summary="Replace the week")
async def set_week(session: Tx, me: Me, body: Week) -> list[HoursLine]:
    """Greetings follow at once, and so do the due times of open tickets."""
    return await hours.set_week(session, me, body.lines, also_past=body.also_past)


@router.put("/special-days/{day}", summary="Enter a special day")
async def set_special_day(session: Tx, settings: Cfg, me: Me, day: date, body: SpecialDayBody) -> SpecialDayLine:
    """The due times of open tickets follow, also for what of the day is past."""
    return await hours.set_special_day(session, settings, me, SpecialDayLine(day=day, **body.model_dump()))


@router.delete("/special-days/{day}", status_code=204, summary="Make it an ordinary day")
async def remove_special_day(session: Tx, settings: Cfg, me: Me, day: date) -> None:
    await hours.remove_special_day(session, settings, me, day)


@router.get("/templates", summary="Texts for customers")
async def list_templates(session: Tx, me: Me) -> list[TemplateView]:
    return await template_texts.list_templates(session)


@router.get("/templates/{key}", summary="One text")
async def get_template(session: Tx, me: Me, key: Key) -> TemplateView:
    return await template_texts.get_template(session, key)


@router.put("/templates/{key}", summary="Write a text, in both languages")
async def set_template(session: Tx, me: Me, key: Key, body: TemplateBody) -> TemplateView:
    return await template_texts.set_template(session, me, key, en=body.en, es=body.es)
