"""The supervisor's board: what waits in each language, who does what, alerts."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from services.tickets import alerts, safety_texts
from services.tickets import capacity as capacities
from services.tickets import presence as presences
from services.tickets.pages.common import Page
from services.tickets.routing.obstacles import obstacles
from services.tickets.views.board import board
from services.tickets.views.reassignments import recent
from shared.errors import Conflict, Invalid
from shared.models import Intent
from shared.people import Permission
from shared.web.depends import Cfg
from shared.web.i18n import N_
from shared.web.vocabulary import label

router = APIRouter(include_in_schema=False)


@router.get("/board")
async def show(screen: Page, settings: Cfg) -> Response:
    screen.me.require(Permission.BOARD_READ)
    found = await board(screen.session, settings)
    moves = await recent(screen.session, settings, screen.me) if screen.me.may(Permission.TICKET_ASSIGN) else []
    approves = screen.me.may(Permission.SAFETY_TEXT_APPROVE)
    unapproved = await safety_texts.unapproved(screen.session) if approves else 0
    return await screen.render(
        "board.html", board=found, team=found.people, moves=moves, unapproved=unapproved, section="board"
    )


@router.post("/alerts/{alert_id}/take")
async def take_alert(screen: Page, alert_id: int, ticket_id: Annotated[int, Form()] = 0) -> Response:
    screen.me.require(Permission.ALERT_TAKE)
    return await screen.act(
        alerts.take_alert(screen.session, screen.me, alert_id),
        N_("The alert is yours."),
        f"/tickets/{ticket_id}" if ticket_id else "/board",
    )


@router.post("/board/presence")
async def set_presence(
    screen: Page,
    settings: Cfg,
    intent: Annotated[Intent, Form()],
    person_id: Annotated[int, Form()] = 0,
    reason: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/board",
) -> Response:
    """Says also what keeps offers away all the same: a state that is set opens no browser and plans no shift."""
    screen.me.require(Permission.PRESENCE_SET_OTHERS)
    try:
        await screen.attempt(presences.set_intent_of(screen.session, screen.me, person_id, intent, reason))
    except (Invalid, Conflict) as error:
        return screen.see_other(next, "error", screen.say(error.message, **error.values))
    said = [screen.say("The state is set.")]
    hindered = (await obstacles(screen.session, settings, [person_id]))[person_id] if intent is Intent.AVAILABLE else []
    if hindered:
        why = [label(screen.language, "in_the_way", rule) for rule in hindered]
        said.append(screen.say("Nothing is offered all the same: {reasons}.", reasons="; ".join(why)))
    return screen.see_other(next, "warning" if hindered else "success", " ".join(said))


@router.post("/board/capacity")
async def set_capacity(
    screen: Page,
    person_id: Annotated[int, Form()] = 0,
    capacity: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/board",
) -> Response:
    screen.me.require(Permission.CAPACITY_WRITE)
    number = int(capacity) if capacity.strip().isdecimal() and len(capacity.strip()) < 4 else -1
    try:
        now = await screen.attempt(capacities.set_capacity(screen.session, screen.me, person_id, number))
    except (Invalid, Conflict) as error:
        return screen.see_other(next, "error", screen.say(error.message, **error.values))
    sentence = N_("{name} holds {load} of {capacity} now, so there is room for {room} more.")
    if now.room <= 0:
        sentence = N_("{name} holds {load} of {capacity} now: nothing is taken away, and nothing new is offered.")
    values = {"name": now.name, "load": now.load, "capacity": now.capacity, "room": now.room}
    return screen.see_other(next, "success", screen.say(sentence, **values))
