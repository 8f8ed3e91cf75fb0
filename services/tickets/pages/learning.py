"""Where the machine is wrong: what people corrected over a period; and a correction taken back from its ticket."""

from datetime import date

from fastapi import APIRouter
from starlette.responses import Response

from services.tickets import corrections
from services.tickets.pages.common import Page
from services.tickets.views.learning import learning, period
from shared.errors import Invalid
from shared.models import CorrectionKind
from shared.people import Permission
from shared.web.depends import Cfg
from shared.web.i18n import N_

router = APIRouter(include_in_schema=False)


def _day(value: str) -> date | None:
    """A field that was left empty, or that holds no day, says nothing."""
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


@router.get("/learning")
async def show(screen: Page, settings: Cfg, since: str = "", until: str = "") -> Response:
    screen.me.require(Permission.BOARD_READ)
    errors = {}
    try:
        first, last = period(settings, _day(since), _day(until))
    except Invalid as error:
        errors["since"] = screen.say(error.message, **error.values)
        first, last = period(settings, None, None)
    found = await learning(screen.session, settings, first, last)
    return await screen.render(
        "learning.html",
        learning=found,
        errors=errors,
        tables=[
            ("topic", N_("Topics taken for others"), found.topics, screen.topic_name),
            ("language", N_("Languages taken for others"), found.languages, None),
            ("priority", N_("Priorities that were changed"), found.priorities, None),
        ],
        section="learning",
    )


@router.post("/tickets/{ticket_id}/corrections/{kind}/take-back")
async def take_back(screen: Page, settings: Cfg, ticket_id: int, kind: CorrectionKind) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(
        corrections.take_back(screen.session, settings, screen.me, ticket_id, kind),
        N_("It is taken back: what was read at first counts again."),
        f"/tickets/{ticket_id}",
    )
