"""Calling a customer from the ticket's page: begin, say how it ended, set a time, promise something and keep it."""

from collections.abc import Awaitable
from datetime import date, datetime, time
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form
from starlette.responses import Response

from services.tickets.calls import attempts, promises, schedule
from services.tickets.locks import lock_ticket
from services.tickets.pages.common import Page, Screen
from services.tickets.pages.ticket import CallDraft, show_ticket
from services.tickets.rights import require_mine, require_not_merged
from shared.errors import Conflict, Invalid
from shared.models import CallOutcome, TicketState
from shared.people import Permission
from shared.settings import Settings
from shared.web.depends import Cfg
from shared.web.i18n import N_

router = APIRouter(include_in_schema=False)
THEN = {"": None, "waiting": TicketState.WAITING, "closed": TicketState.CLOSED}
DONE = {
    CallOutcome.REACHED: N_("Written down: you reached the customer."),
    CallOutcome.NO_ANSWER: N_("Written down: nobody answered."),
    CallOutcome.LEFT_MESSAGE: N_("Written down: you left a message."),
    CallOutcome.WRONG_NUMBER: N_("Written down: a wrong number. It is not offered first any more."),
}
SCHEDULED = N_("The ticket now waits for the customer, its clock stands still, and it comes back for the next call.")


def day_of(text: str, field: str) -> date | None:
    """What a date field sent. Raises Invalid."""
    try:
        return date.fromisoformat(text) if text.strip() else None
    except ValueError:
        raise Invalid("This is not a date.", field=field) from None


async def _or_again(
    screen: Screen, settings: Settings, ticket_id: int, action: Awaitable[Response], draft: CallDraft
) -> Response:
    """What was typed is never lost: the page comes back with it and says what is in the way."""
    try:
        return await screen.attempt(action)
    except Invalid as error:
        draft.error, draft.field = screen.say(error.message, **error.values), str(error.field or "")
        return await show_ticket(screen, settings, ticket_id, status_code=422, call=draft)


@router.post("/tickets/{ticket_id}/calls")
async def start(
    screen: Page,
    settings: Cfg,
    ticket_id: int,
    number: Annotated[str, Form()] = "",
    other: Annotated[str, Form()] = "",
) -> Response:
    """`other`: a number that is not among those that were offered."""
    screen.me.require(Permission.TICKET_WORK)

    async def begin() -> Response:
        await attempts.start(screen.session, settings, screen.me, ticket_id, other.strip() or number or None)
        return screen.see_other(f"/tickets/{ticket_id}#call")

    try:
        return await _or_again(screen, settings, ticket_id, begin(), CallDraft(other=other))
    except Conflict as error:
        return screen.see_other(f"/tickets/{ticket_id}", "error", screen.say(error.message, **error.values))


@router.post("/tickets/{ticket_id}/calls/{call_id}/outcome")
async def outcome(
    screen: Page,
    settings: Cfg,
    ticket_id: int,
    call_id: int,
    outcome: Annotated[CallOutcome, Form()],
    note: Annotated[str, Form()] = "",
    promise: Annotated[str, Form()] = "",
    promise_by: Annotated[str, Form()] = "",
    then: Annotated[str, Form()] = "",
) -> Response:
    screen.me.require(Permission.TICKET_WORK)

    async def write() -> Response:
        told = attempts.Told(outcome, note, promise, day_of(promise_by, "promise_by"), THEN.get(then))
        await attempts.log(screen.session, settings, screen.me, ticket_id, call_id, told)
        done = screen.say(DONE[outcome])
        if await attempts.scheduled_on(screen.session, ticket_id) is not None:
            done = f"{done} {screen.say(SCHEDULED)}"
        return screen.see_other(f"/tickets/{ticket_id}", "success", done)

    draft = CallDraft(note=note, promise=promise, promise_by=promise_by, then=then)
    try:
        return await _or_again(screen, settings, ticket_id, write(), draft)
    except Conflict as error:
        return screen.see_other(f"/tickets/{ticket_id}", "error", screen.say(error.message, **error.values))


@router.post("/tickets/{ticket_id}/calls/{call_id}/drop")
async def drop(screen: Page, ticket_id: int, call_id: int) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(
        attempts.drop(screen.session, screen.me, ticket_id, call_id), N_("No call was made."), f"/tickets/{ticket_id}"
    )


@router.post("/tickets/{ticket_id}/calls/next")
async def call_later(
    screen: Page,
    settings: Cfg,
    ticket_id: int,
    day: Annotated[str, Form()] = "",
    at: Annotated[str, Form()] = "",
) -> Response:
    """`day` and `at` are the center's wall clock, as date and time fields send them."""
    screen.me.require(Permission.TICKET_WORK)

    async def wait() -> Response:
        chosen = day_of(day, "at")
        try:
            wall = time.fromisoformat(at)
        except ValueError:
            wall = None
        if chosen is None or wall is None:
            raise Invalid("Choose a day and a time.", field="at")
        ticket = await lock_ticket(screen.session, ticket_id)
        require_not_merged(ticket)
        require_mine(screen.me, ticket)
        moment = datetime.combine(chosen, wall, ZoneInfo(settings.timezone))
        await schedule.set_time(screen.session, settings, screen.me, ticket, moment)
        return screen.see_other(f"/tickets/{ticket_id}", "success", screen.say(SCHEDULED))

    try:
        return await _or_again(screen, settings, ticket_id, wait(), CallDraft(day=day, at=at))
    except Conflict as error:
        return screen.see_other(f"/tickets/{ticket_id}", "error", screen.say(error.message, **error.values))


@router.post("/tickets/{ticket_id}/promises")
async def promise_(
    screen: Page,
    settings: Cfg,
    ticket_id: int,
    promise: Annotated[str, Form()] = "",
    promise_by: Annotated[str, Form()] = "",
) -> Response:
    screen.me.require(Permission.TICKET_WORK)

    async def make() -> Response:
        due = day_of(promise_by, "promise_by")
        await promises.make(screen.session, settings, screen.me, ticket_id, text=promise, due_on=due)
        return screen.see_other(f"/tickets/{ticket_id}", "success", screen.say(N_("The promise is written down.")))

    draft = CallDraft(promise=promise, promise_by=promise_by)
    return await _or_again(screen, settings, ticket_id, make(), draft)


@router.post("/promises/{promise_id}/kept")
async def kept(screen: Page, promise_id: int, go: Annotated[str, Form(alias="next")] = "/work") -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(promises.keep(screen.session, screen.me, promise_id), N_("It was kept."), go)
