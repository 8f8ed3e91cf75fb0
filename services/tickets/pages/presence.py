"""What I say about myself, and the heartbeat of my open tabs."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from services.tickets import presence
from services.tickets.pages.common import Page, Screen
from services.tickets.views.presence import presences
from shared.models import Intent
from shared.people import Permission
from shared.web.depends import Me, Tx

router = APIRouter(include_in_schema=False)


async def _fragment(screen: Screen) -> Response:
    mine = (await presences(screen.session, [screen.me.id]))[screen.me.id]
    return screen.fragment("presence.html", presence=mine)


@router.get("/presence")
async def show(screen: Page) -> Response:
    screen.me.require(Permission.PRESENCE_SET)
    return await _fragment(screen)


@router.post("/presence")
async def set_intent(
    screen: Page, intent: Annotated[Intent, Form()], next: Annotated[str, Form()] = "/work"
) -> Response:
    await presence.set_intent(screen.session, screen.me, intent)
    if screen.request.headers.get("hx-request"):
        return await _fragment(screen)
    return screen.see_other(next)


@router.post("/presence/heartbeat", status_code=204)
async def heartbeat(session: Tx, me: Me, tab_id: Annotated[str, Form()] = "") -> None:
    await presence.heartbeat(session, me.id, tab_id)


@router.post("/presence/leave", status_code=204)
async def leave(session: Tx, me: Me, tab_id: Annotated[str, Form()] = "") -> None:
    await presence.leave_tab(session, me.id, tab_id)
