"""Whether both languages are answered alike, and the weekly decisions about it."""

from fastapi import APIRouter

from services.tickets.views.balance import LanguageBalanceView, language_balance
from shared.people import Permission
from shared.web.depends import Cfg, Me, Tx

router = APIRouter(prefix="/api/v1", tags=["board"])


@router.get("/language-balance", summary="Are English and Spanish speakers answered alike?")
async def get_language_balance(session: Tx, settings: Cfg, me: Me) -> LanguageBalanceView:
    """First answers in time this week, the weight of Spanish tickets in force, and what was decided each week."""
    me.require(Permission.BOARD_READ)
    return await language_balance(session, settings)
