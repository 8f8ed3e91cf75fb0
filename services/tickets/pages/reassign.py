"""Moving tickets: from the board or the queue, one or two hundred; what needs a second look first; undoing; pins."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.datastructures import QueryParams
from starlette.responses import Response

from services.tickets.pages.common import Page, Screen
from services.tickets.pages.queue import read_filter
from services.tickets.routing import pins, supervise
from services.tickets.routing.deal import Flag
from services.tickets.routing.supervise import Moved, MoveResult
from services.tickets.routing.undo import UndoResult, undo
from services.tickets.views.board import board_people
from services.tickets.views.queue import matching_ids
from shared.errors import Conflict, Invalid
from shared.models import MoveOutcome, UndoOutcome
from shared.people import Permission
from shared.settings import Settings
from shared.web.depends import Cfg
from shared.web.i18n import N_, ntranslate

router = APIRouter(include_in_schema=False)
QUEUE, SPREAD = "queue", "spread"
REFUSED = {
    MoveOutcome.NEEDS_OVERRIDE: N_("Not moved, because the person is not verified in the language: {list}."),
    MoveOutcome.CLOSED: N_("Closed already: {list}."),
    MoveOutcome.NOT_FOUND: N_("Not found: {list}."),
}
NOT_BACK = {
    UndoOutcome.TOUCHED: N_("Somebody has worked on these since, so they stay: {list}."),
    UndoOutcome.MOVED_ON: N_("Somebody else has these now: {list}."),
    UndoOutcome.CLOSED: N_("Closed meanwhile: {list}."),
    UndoOutcome.LEFT: N_("Whoever had these no longer works on tickets: {list}."),
}


@router.post("/board/assign")
async def move(
    screen: Page,
    settings: Cfg,
    ticket: Annotated[list[int], Form()] = [],  # noqa: B006  (FastAPI copies it)
    matching: Annotated[str, Form(max_length=4000)] = "",
    all_matching: Annotated[bool, Form()] = False,
    person_id: Annotated[str, Form()] = "",
    spread: Annotated[list[int], Form()] = [],  # noqa: B006
    reason: Annotated[str, Form()] = "",
    override: Annotated[str, Form()] = "",
    confirmed: Annotated[bool, Form()] = False,
    next: Annotated[str, Form()] = "/board",
) -> Response:
    """Moves at once what is ordinary. What is unusual, or was chosen by a filter, is shown first."""
    screen.me.require(Permission.TICKET_ASSIGN)
    more = False
    if all_matching:
        wanted = read_filter(QueryParams(matching), screen.me.id)
        ticket, more = await matching_ids(screen.session, wanted, supervise.BULK_LIMIT)
    people = spread if person_id == SPREAD else [int(person_id)] if person_id.isdecimal() else []
    try:
        if not ticket:
            raise Invalid("Choose at least one ticket.", field="ticket")
        supervise.clean_reason(reason)
        if person_id == QUEUE:
            if all_matching and not confirmed:
                return await _confirm(screen, settings, ticket, [], person_id, [], reason, next, more)
            moved = await screen.attempt(supervise.send_back(screen.session, screen.me, ticket, reason))
            return _done(screen, moved, next)
        if not confirmed:
            seen = await supervise.preview(screen.session, settings, screen.me, ticket, people)
            if all_matching or any(each.flags or not each.ok for each in seen):
                return await _confirm(screen, settings, ticket, seen, person_id, people, reason, next, more)
        moved = await screen.attempt(
            supervise.assign(
                screen.session, settings, screen.me, ticket, people, reason, override=override in ("move", "true")
            )
        )
    except (Invalid, Conflict) as error:
        return screen.see_other(next, "error", screen.say(error.message, **error.values))
    return _done(screen, moved, next)


async def _confirm(
    screen: Screen,
    settings: Settings,
    tickets: Sequence[int],
    seen: Sequence[MoveResult],
    person_id: str,
    people: Sequence[int],
    reason: str,
    next_url: str,
    more: bool,
) -> Response:
    team = {each.person.id: each for each in await board_people(screen.session, settings, with_tickets=False)}
    given = Counter(each.person_id for each in seen if each.ok and each.person_id is not None)
    movable = [each for each in seen if each.ok]
    return await screen.render(
        "reassign.html",
        tickets=tickets,
        more=more,
        limit=supervise.BULK_LIMIT,
        to=person_id,
        spread=people if person_id == SPREAD else [],
        shares=[(team[id_], given[id_]) for id_ in people if id_ in team],
        flagged={flag.value: [each for each in movable if flag in each.flags] for flag in Flag},
        refused={outcome.value: [each for each in seen if each.outcome is outcome] for outcome in REFUSED},
        reason=reason,
        next=next_url,
        section="board",
    )


def _done(screen: Screen, moved: Moved, next_url: str) -> Response:
    """The list of lately moved tickets on the next page has the button to undo it."""
    done = [each for each in moved.results if each.ok]
    parts = []
    if done:
        parts.append(ntranslate(screen.language, "{n} ticket moved.", "{n} tickets moved.", len(done)))
    parts.extend(_listed(screen, REFUSED, [(each.outcome, each.ticket_id) for each in moved.results]))
    kind = "success" if len(done) == len(moved.results) else "warning"
    return screen.see_other(next_url, kind, " ".join(parts))


@router.post("/reassignments/{reassignment_id}/undo")
async def take_back(
    screen: Page, settings: Cfg, reassignment_id: int, next: Annotated[str, Form()] = "/board"
) -> Response:
    screen.me.require(Permission.TICKET_ASSIGN)
    try:
        results = await screen.attempt(undo(screen.session, settings, screen.me, reassignment_id))
    except Conflict as error:
        return screen.see_other(next, "error", screen.say(error.message, **error.values))
    return screen.see_other(next, *_undone(screen, results))


def _undone(screen: Screen, results: Sequence[UndoResult]) -> tuple[str, str]:
    back = sum(each.outcome is UndoOutcome.BACK for each in results)
    parts = [ntranslate(screen.language, "{n} ticket is back where it was.", "{n} tickets are back where they were.",
                        back)]  # fmt: skip
    parts.extend(_listed(screen, NOT_BACK, [(each.outcome, each.ticket_id) for each in results]))
    return "success" if back == len(results) else "warning", " ".join(parts)


def _listed(screen: Screen, sentences: dict[MoveOutcome, str] | dict[UndoOutcome, str],
            results: Sequence[tuple[MoveOutcome | UndoOutcome, int]]) -> list[str]:  # fmt: skip
    said = []
    for outcome, sentence in sentences.items():
        numbers = [f"#{ticket_id}" for each, ticket_id in results if each is outcome]
        if numbers:
            said.append(screen.say(sentence, list=", ".join(numbers)))
    return said


@router.post("/tickets/{ticket_id}/pin")
async def pin(screen: Page, ticket_id: int, reason: Annotated[str, Form()] = "") -> Response:
    return await screen.act(
        pins.set_pin(screen.session, screen.me, ticket_id, True, reason),
        N_("It stays with its person now."),
        f"/tickets/{ticket_id}",
    )


@router.post("/tickets/{ticket_id}/unpin")
async def unpin(screen: Page, ticket_id: int, reason: Annotated[str, Form()] = "") -> Response:
    return await screen.act(
        pins.set_pin(screen.session, screen.me, ticket_id, False, reason),
        N_("It follows the rules again."),
        f"/tickets/{ticket_id}",
    )
