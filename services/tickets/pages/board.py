"""The supervisor's board: what waits in each language, who does what, alerts, and reassigning in bulk."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from services.tickets import alerts
from services.tickets import presence as presences
from services.tickets.pages.common import Page
from services.tickets.pages.wording import assign_flag
from services.tickets.routing import supervise
from services.tickets.views.board import board
from shared.errors import Conflict, Invalid
from shared.models import Intent
from shared.people import Permission
from shared.web.depends import Cfg
from shared.web.i18n import N_, ntranslate

router = APIRouter(include_in_schema=False)


@router.get("/board")
async def show(screen: Page, settings: Cfg) -> Response:
    screen.me.require(Permission.BOARD_READ)
    found = await board(screen.session, settings)
    return await screen.render("board.html", board=found, people=found.people, section="board")


@router.post("/board/assign")
async def assign(
    screen: Page,
    settings: Cfg,
    ticket: Annotated[list[int], Form()] = [],  # noqa: B006  (FastAPI copies it)
    person_id: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
    override: Annotated[bool, Form()] = False,
) -> Response:
    screen.me.require(Permission.TICKET_ASSIGN)
    if not ticket:
        return screen.see_other("/board", "warning", screen.say("Select at least one ticket."))
    try:
        if person_id == "queue":
            results = await screen.attempt(supervise.send_back(screen.session, screen.me, ticket, reason))
        else:
            if not person_id.isdecimal():
                return screen.see_other("/board", "warning", screen.say("Choose a person."))
            results = await screen.attempt(
                supervise.assign(screen.session, settings, screen.me, ticket, int(person_id), reason, override=override)
            )
    except (Invalid, Conflict) as error:
        return screen.see_other("/board", "error", screen.say(error.message, **error.values))
    done = [result for result in results if result.ok]
    parts = []
    if done:
        parts.append(ntranslate(screen.language, "{n} ticket moved.", "{n} tickets moved.", len(done)))
    for sentence, outcome in (
        (N_("Not moved, because the person is not verified in the language: {list}. Confirm it to do it all the same."),
         supervise.Outcome.NEEDS_OVERRIDE),
        (N_("Closed already: {list}."), supervise.Outcome.CLOSED),
        (N_("Not found: {list}."), supervise.Outcome.NOT_FOUND),
    ):  # fmt: skip
        numbers = [f"#{result.ticket_id}" for result in results if result.outcome is outcome]
        if numbers:
            parts.append(screen.say(sentence, list=", ".join(numbers)))
    flags = {flag for result in done for flag in result.flags}
    parts.extend(assign_flag(screen.language, flag.value) for flag in sorted(flags))
    kind = "success" if len(done) == len(results) and not flags else "warning"
    return screen.see_other("/board", kind, " ".join(parts))


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
