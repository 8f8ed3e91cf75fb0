"""My work: what I am offered, what I have open, and what waits on customers."""

from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.responses import Response

from services.tickets.pages import wording
from services.tickets.pages.common import Page, Screen
from services.tickets.routing import offers
from services.tickets.shifts import duties
from services.tickets.views.my_work import my_work
from services.tickets.views.queue import QueueFilter, queue
from shared import clock
from shared.errors import CentralitaError, Conflict
from shared.models import TicketState
from shared.people import Permission
from shared.settings import Settings
from shared.web.depends import Cfg
from shared.web.i18n import N_

router = APIRouter(include_in_schema=False)
TRIES = 25  # tickets looked at for «take the next one»
DECLINE_REASONS = (
    N_("I am finishing something else"),
    N_("It needs somebody with more experience"),
    N_("I know this customer personally"),
    N_("The language is not right"),
)


@router.get("/")
async def start(screen: Page) -> Response:
    for permission, place in (
        (Permission.BOARD_READ, "/board"),
        (Permission.TICKET_WORK, "/work"),
        (Permission.TICKET_READ, "/queue"),
    ):
        if screen.me.may(permission):
            return screen.see_other(place)
    return screen.see_other("/account")


async def _context(screen: Screen, settings: Settings) -> dict[str, Any]:
    work = await my_work(screen.session, settings, screen.me)
    return {
        "work": work,
        "shift": (await duties(screen.session, settings, clock.now(), [screen.me.id]))[screen.me.id],
        "why": lambda explanation: wording.why(screen.language, explanation),
        "decline_reasons": [screen.say(reason) for reason in DECLINE_REASONS],
        "section": "work",
    }


@router.get("/work")
async def show(screen: Page, settings: Cfg) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.render("work.html", **await _context(screen, settings))


@router.get("/offers/notice")
async def notice(screen: Page, settings: Cfg, ticket: int = 0) -> Response:
    """What a page other than «my work» says when there are offers for me."""
    screen.me.require(Permission.TICKET_WORK)
    return screen.fragment("offer_notice.html", looking_at=ticket, **await _context(screen, settings))


@router.post("/offers/{assignment_id}/accept")
async def accept(screen: Page, settings: Cfg, assignment_id: int, ticket_id: Annotated[int, Form()] = 0) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    try:
        await screen.attempt(offers.accept(screen.session, settings, screen.me, assignment_id))
    except Conflict as error:
        return screen.see_other("/work", "warning", screen.say(error.message, **error.values))
    return screen.see_other(f"/tickets/{ticket_id}" if ticket_id else "/work", "success", screen.say("It is yours."))


@router.post("/offers/{assignment_id}/decline")
async def decline(
    screen: Page,
    assignment_id: int,
    reason: Annotated[str, Form()] = "",
    other: Annotated[str, Form()] = "",
) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(
        offers.decline(screen.session, screen.me, assignment_id, other.strip() or reason.strip()),
        N_("Declined. Somebody else will be asked."),
        "/work",
    )


@router.post("/next")
async def take_next(screen: Page, settings: Cfg) -> Response:
    """The most urgent ticket in the queue that I may take."""
    screen.me.require(Permission.TICKET_WORK)
    taken, obstacle = await _take_first(screen, settings)
    if taken:
        return screen.see_other(f"/tickets/{taken}", "success", screen.say("It is yours."))
    return screen.see_other(
        "/work", "info", obstacle or screen.say("There is nothing in the queue that you can take now.")
    )


async def _take_first(screen: Screen, settings: Settings) -> tuple[int, str]:
    page = await queue(screen.session, QueueFilter(states=[TicketState.QUEUED]), limit=TRIES)
    obstacles: list[str] = []
    for row in page.items:
        try:
            await screen.attempt(offers.take(screen.session, settings, screen.me, row.id))
        except CentralitaError as error:  # not for me, or gone: the next one may be
            obstacles.append(screen.say(error.message, **error.values))
            continue
        return row.id, ""
    same = set(obstacles)
    return 0, same.pop() if len(same) == 1 else ""
