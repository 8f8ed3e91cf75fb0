"""What is done from a ticket's card «What the caller wants», and the list of calls without words."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from services.tickets import caller_actions, desk, wordless
from services.tickets.pages.common import Page
from services.tickets.views.wordless import silent_calls
from shared.models import CallerFactKind, TicketState
from shared.people import Permission
from shared.web.depends import Cfg
from shared.web.i18n import N_, ntranslate

router = APIRouter(include_in_schema=False)


@router.post("/tickets/{ticket_id}/caller")
async def add(
    screen: Page, ticket_id: int, kind: Annotated[CallerFactKind, Form()], value: Annotated[str, Form()] = ""
) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(
        caller_actions.add(screen.session, screen.me, ticket_id, kind, value),
        N_("It is noted as what the caller wants."),
        f"/tickets/{ticket_id}#caller",
    )


@router.post("/tickets/{ticket_id}/caller/{fact_id}/confirm")
async def confirm(screen: Page, ticket_id: int, fact_id: int) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(
        caller_actions.confirm(screen.session, screen.me, ticket_id, fact_id),
        N_("It is confirmed."),
        f"/tickets/{ticket_id}#caller",
    )


@router.post("/tickets/{ticket_id}/caller/{fact_id}")
async def correct(screen: Page, ticket_id: int, fact_id: int, value: Annotated[str, Form()] = "") -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(
        caller_actions.correct(screen.session, screen.me, ticket_id, fact_id, value),
        N_("It is corrected and confirmed."),
        f"/tickets/{ticket_id}#caller",
    )


@router.post("/tickets/{ticket_id}/caller/{fact_id}/reject")
async def reject(screen: Page, ticket_id: int, fact_id: int) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(
        caller_actions.reject(screen.session, screen.me, ticket_id, fact_id),
        N_("It is gone, and is not proposed again."),
        f"/tickets/{ticket_id}#caller",
    )


@router.post("/tickets/{ticket_id}/kind")
async def make_ordinary(screen: Page, settings: Cfg, ticket_id: int, go: Annotated[str, Form()] = "") -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(
        wordless.make_ordinary(screen.session, settings, screen.me, ticket_id),
        N_("It is an ordinary ticket now, and is offered to people."),
        "/hang-ups" if go == "list" else f"/tickets/{ticket_id}",
    )


@router.get("/hang-ups")
async def show(screen: Page) -> Response:
    screen.me.require(Permission.BOARD_READ)
    return await screen.render("hang_ups.html", calls=await silent_calls(screen.session), section="board")


@router.post("/hang-ups/close")
async def close(screen: Page, settings: Cfg, ticket: Annotated[list[int], Form()] = []) -> Response:  # noqa: B006
    """Those that were chosen. What somebody has begun to work on since stays open."""
    screen.me.require(Permission.TICKET_ASSIGN)
    if not ticket:
        return screen.see_other("/hang-ups", "warning", screen.say("Select at least one ticket."))
    still = {call.ticket.id for call in await silent_calls(screen.session)}
    chosen = sorted(still & set(ticket))
    for ticket_id in chosen:
        await desk.set_state(screen.session, settings, screen.me, ticket_id, TicketState.CLOSED)
    said = ntranslate(screen.language, "{n} ticket closed.", "{n} tickets closed.", len(chosen))
    return screen.see_other("/hang-ups", "success", said)
