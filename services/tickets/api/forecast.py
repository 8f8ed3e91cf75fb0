"""Who is needed when."""

from datetime import date

from fastapi import APIRouter

from services.tickets.certifications import today
from services.tickets.views.forecast import Forecast, forecast
from shared.people import Permission
from shared.web.depends import Cfg, Me, Tx

router = APIRouter(prefix="/api/v1", tags=["shifts"])


@router.get("/forecast", summary="Who is needed when")
async def get_forecast(session: Tx, settings: Cfg, me: Me, day: date | None = None) -> Forecast:
    """Of the week that `day` lies in, else of this one: what is expected in each open hour by the history, how many
    people and bilinguals that asks for (Erlang C), how many are planned, and the hours that lack bilinguals."""
    me.require(Permission.SHIFT_WRITE)
    return await forecast(session, settings, day or today(settings))
