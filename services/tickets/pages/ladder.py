"""Tickets that nobody there may answer, for supervisors; and what keeps one ticket waiting, for everybody."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from services.tickets.ladder import actions
from services.tickets.pages.common import Page, Screen
from services.tickets.pages.wording_ladder import NO_LINE
from services.tickets.pages.wording_waiting import Speaker
from services.tickets.views.board import board_people
from services.tickets.views.ladder import stuck_tickets
from services.tickets.views.waiting import waiting_view
from services.tickets.views.waiting_models import WaitingView
from shared.people import Permission
from shared.settings import Settings
from shared.web.depends import Cfg
from shared.web.i18n import N_

router = APIRouter(include_in_schema=False)


async def waiting_of(screen: Screen, settings: Settings, ticket_id: int) -> WaitingView:
    """What the ticket's page and its part that asks again both show."""
    return await waiting_view(screen.session, settings, screen.me, ticket_id)


@router.get("/tickets/{ticket_id}/waiting")
async def waiting(screen: Page, settings: Cfg, ticket_id: int) -> Response:
    """The part of the ticket's page, as it is now."""
    screen.me.require(Permission.TICKET_READ)
    return screen.fragment(
        "waiting.html",
        waiting=await waiting_of(screen, settings, ticket_id),
        speaker=Speaker(screen.language, screen.timezone),
        no_line=screen.say(NO_LINE),
    )


@router.get("/ladder")
async def show(screen: Page, settings: Cfg, only: str = "") -> Response:
    """`only=decide`: those that need a supervisor's decision."""
    screen.me.require(Permission.BOARD_READ)
    stuck = await stuck_tickets(screen.session, settings)
    return await screen.render(
        "ladder.html",
        stuck=[each for each in stuck if only != "decide" or each.needs_decision],
        all=len(stuck),
        to_decide=sum(each.needs_decision for each in stuck),
        only=only,
        people=await board_people(screen.session, settings),
        speaker=Speaker(screen.language, screen.timezone),
        line=settings.interpreter_line.strip(),
        no_line=screen.say(NO_LINE),
        section="board",
    )


@router.post("/tickets/{ticket_id}/ladder/acknowledge")
async def take_care(screen: Page, ticket_id: int, go: Annotated[str, Form()] = "") -> Response:
    screen.me.require(Permission.ALERT_TAKE)
    return await screen.act(
        actions.take_care(screen.session, screen.me, ticket_id), N_("You take care of it."), _back(ticket_id, go)
    )


@router.post("/tickets/{ticket_id}/interpreter")
async def use_interpreter(
    screen: Page, settings: Cfg, ticket_id: int, line: Annotated[str, Form()] = "", go: Annotated[str, Form()] = ""
) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(
        actions.use_interpreter(screen.session, settings, screen.me, ticket_id, line),
        N_("It is noted on the ticket."),
        _back(ticket_id, go),
    )


def _back(ticket_id: int, go: str) -> str:
    return "/ladder" if go == "ladder" else f"/tickets/{ticket_id}"
