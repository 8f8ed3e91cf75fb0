"""The supervisor's board: what waits in each language, who does what, alerts."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from services.tickets import alerts
from services.tickets import presence as presences
from services.tickets.pages.common import Page
from services.tickets.views.board import board
from services.tickets.views.reassignments import recent
from shared.models import Intent
from shared.people import Permission
from shared.web.depends import Cfg
from shared.web.i18n import N_

router = APIRouter(include_in_schema=False)


@router.get("/board")
async def show(screen: Page, settings: Cfg) -> Response:
    screen.me.require(Permission.BOARD_READ)
    found = await board(screen.session, settings)
    moves = await recent(screen.session, settings, screen.me) if screen.me.may(Permission.TICKET_ASSIGN) else []
    return await screen.render("board.html", board=found, team=found.people, moves=moves, section="board")


@router.post("/alerts/{alert_id}/take")
async def take_alert(screen: Page, alert_id: int, ticket_id: Annotated[int, Form()] = 0) -> Response:
    screen.me.require(Permission.ALERT_TAKE)
    return await screen.act(
        alerts.take_alert(screen.session, screen.me, alert_id),
        N_("The alert is yours."),
        f"/tickets/{ticket_id}" if ticket_id else "/board",
    )


@router.post("/people/{person_id}/presence")
async def set_presence(
    screen: Page, person_id: int, intent: Annotated[Intent, Form()], reason: Annotated[str, Form()] = ""
) -> Response:
    screen.me.require(Permission.PRESENCE_SET_OTHERS)
    return await screen.act(
        presences.set_intent_of(screen.session, screen.me, person_id, intent, reason),
        N_("The state is set."),
        f"/people/{person_id}",
    )
