"""How alike English and Spanish speakers are answered, and what the weekly controller made of it."""

from fastapi import APIRouter
from starlette.responses import Response

from services.tickets.pages.common import Page
from services.tickets.views.balance import language_balance
from shared.people import Permission
from shared.web.depends import Cfg

router = APIRouter(include_in_schema=False)


@router.get("/language-balance")
async def show(screen: Page, settings: Cfg) -> Response:
    screen.me.require(Permission.BOARD_READ)
    return await screen.render(
        "balance.html", balance=await language_balance(screen.session, settings), section="balance"
    )
