"""What is done to a ticket from its page: note, correct, change its state, take, release, assign."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from services.tickets import desk
from services.tickets.pages.common import Page
from services.tickets.pages.ticket import AssignDraft, show_ticket
from services.tickets.pages.wording_moves import assign_flag
from services.tickets.routing import offers, supervise
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.models import MoveOutcome, Priority, TicketState
from shared.people import Permission
from shared.web.depends import Cfg
from shared.web.i18n import N_

router = APIRouter(include_in_schema=False)
REFUSED = {
    MoveOutcome.NEEDS_OVERRIDE: N_(
        "Not assigned: this person is not verified in the ticket's language. Confirm it to do it all the same."
    ),
    MoveOutcome.CLOSED: N_("This ticket is closed. Open it again first."),
    MoveOutcome.NOT_FOUND: N_("There is no such ticket."),
}


@router.post("/tickets/{ticket_id}/note")
async def note(screen: Page, ticket_id: int, text: Annotated[str, Form()] = "") -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(
        desk.note(screen.session, screen.me, ticket_id, text), N_("The note is kept."), f"/tickets/{ticket_id}"
    )


@router.post("/tickets/{ticket_id}/language")
async def set_language(screen: Page, settings: Cfg, ticket_id: int, language: Annotated[str, Form()] = "") -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(
        desk.set_language(screen.session, settings, screen.me, ticket_id, language.strip().lower()),
        N_("The language is set, and remembered for this customer."),
        f"/tickets/{ticket_id}",
    )


@router.post("/tickets/{ticket_id}/topic")
async def set_topic(screen: Page, settings: Cfg, ticket_id: int, topic: Annotated[str, Form()] = "") -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(
        desk.set_topic(screen.session, settings, screen.me, ticket_id, topic),
        N_("The topic is set."),
        f"/tickets/{ticket_id}",
    )


@router.post("/tickets/{ticket_id}/priority")
async def set_priority(screen: Page, settings: Cfg, ticket_id: int, priority: Annotated[Priority, Form()]) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(
        desk.set_priority(screen.session, settings, screen.me, ticket_id, priority),
        N_("The priority is set."),
        f"/tickets/{ticket_id}",
    )


@router.post("/tickets/{ticket_id}/state")
async def set_state(screen: Page, settings: Cfg, ticket_id: int, state: Annotated[TicketState, Form()]) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    done = {
        TicketState.WAITING: N_("It waits for the customer."),
        TicketState.CLOSED: N_("It is closed."),
    }.get(state, N_("It is open again."))
    return await screen.act(
        desk.set_state(screen.session, settings, screen.me, ticket_id, state), done, f"/tickets/{ticket_id}"
    )


@router.post("/tickets/{ticket_id}/take")
async def take(screen: Page, settings: Cfg, ticket_id: int) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    place = f"/tickets/{ticket_id}"
    try:
        return await screen.act(offers.take(screen.session, settings, screen.me, ticket_id), N_("It is yours."), place)
    except offers.NotForYou as error:
        return screen.see_other(place, "error", screen.say(error.message, **error.values))


@router.post("/tickets/{ticket_id}/release")
async def release(screen: Page, ticket_id: int, reason: Annotated[str, Form()] = "") -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(
        offers.release(screen.session, screen.me, ticket_id, reason), N_("It is back in the queue."), "/work"
    )


@router.post("/tickets/{ticket_id}/assign")
async def assign(
    screen: Page,
    settings: Cfg,
    ticket_id: int,
    person_id: Annotated[int, Form()] = 0,
    reason: Annotated[str, Form()] = "",
    override: Annotated[bool, Form()] = False,
    go: Annotated[str, Form()] = "",
) -> Response:
    screen.me.require(Permission.TICKET_ASSIGN)
    place = "/ladder" if go == "ladder" else f"/tickets/{ticket_id}"
    try:
        moved = await screen.attempt(
            supervise.assign(screen.session, settings, screen.me, [ticket_id], [person_id], reason, override=override)
        )
    except (Forbidden, NotFound):
        raise
    except (Invalid, Conflict) as error:
        refusal, status = screen.say(error.message, **error.values), error.status
    else:
        results = moved.results
        refused = [result for result in results if not result.ok]
        refusal, status = (screen.say(REFUSED[refused[0].outcome]), Conflict.status) if refused else ("", 0)
    if refusal and go == "ladder":
        return screen.see_other(place, "error", refusal)
    if refusal:
        back = AssignDraft(person_id, reason, refusal)
        return await show_ticket(screen, settings, ticket_id, status_code=status, assign=back)
    flags = [assign_flag(screen.language, flag.value) for flag in results[0].flags] if results else []
    return screen.see_other(place, "warning" if flags else "success", " ".join([screen.say("It is assigned."), *flags]))
