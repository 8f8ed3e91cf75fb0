"""The forecast: a week of who is needed and who is planned, and one of its days hour by hour, with a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from services.tickets.certifications import today
from services.tickets.pages.common import Page
from services.tickets.views.forecast import HourForecast, forecast
from shared.calendar import DAY
from shared.people import Permission
from shared.web.depends import Cfg

router = APIRouter(include_in_schema=False)
WEEK = timedelta(days=7)
WIDTH, HEIGHT, BOTTOM, LEFT = 720, 200, 24, 28


@router.get("/forecast")
async def show(screen: Page, settings: Cfg, day: date | None = None) -> Response:
    screen.me.require(Permission.SHIFT_WRITE)
    now = today(settings)
    shown = day or now
    zone = ZoneInfo(settings.timezone)
    found = await forecast(screen.session, settings, shown)
    by_day: dict[date, list[HourForecast]] = {each: [] for each in found.days}
    for hour in found.hours:
        by_day[hour.starts_at.astimezone(zone).date()].append(hour)
    times = sorted({hour.starts_at.astimezone(zone).time() for hour in found.hours})
    cells = {(each, hour.starts_at.astimezone(zone).time()): hour for each, hours in by_day.items() for hour in hours}
    return await screen.render(
        "forecast.html",
        forecast=found,
        shown=shown,
        hours=by_day[shown],
        times=times,
        cells=cells,
        pictures=[
            ("people", picture(by_day[shown], "people", zone)),
            ("bilinguals", picture(by_day[shown], "bilinguals", zone)),
        ],
        today=now,
        zone=zone,
        before=found.monday - DAY,
        after=found.monday + WEEK,
        section="forecast",
    )


@dataclass(frozen=True, slots=True)
class Bar:
    """Of one hour, in the picture's own units: how high what is planned reaches, and where what is needed lies."""

    x: float
    width: float
    planned_y: float
    planned_height: float
    needed_y: float
    short: bool
    label: str


@dataclass(frozen=True, slots=True)
class Picture:
    width: int
    height: int
    base: int
    bars: list[Bar]
    ticks: list[tuple[int, float]]  # a number of people, and its height


def picture(hours: Sequence[HourForecast], what: str, zone: ZoneInfo) -> Picture:
    """Bars of who is planned, and for each a line at who is needed."""
    planned: list[int] = [getattr(hour, f"{what}_planned") for hour in hours]
    needed: list[int] = [getattr(hour, f"{what}_needed") for hour in hours]
    most = max([4, *planned, *needed])
    base = HEIGHT - BOTTOM

    def y(number: float) -> float:
        return round(base - number / most * (base - 12), 1)

    step = (WIDTH - LEFT) / max(1, len(hours))
    bars = [
        Bar(
            x=round(LEFT + index * step + step * 0.12, 1),
            width=round(step * 0.76, 1),
            planned_y=y(has),
            planned_height=round(base - y(has), 1),
            needed_y=y(wants),
            short=has < wants,
            label=_clock(hour.starts_at, zone),
        )
        for index, (hour, has, wants) in enumerate(zip(hours, planned, needed, strict=True))
    ]
    every = max(1, most // 4)
    return Picture(WIDTH, HEIGHT, base, bars, [(number, y(number)) for number in range(0, most + 1, every)])


def _clock(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%H}"
