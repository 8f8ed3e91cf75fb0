"""Splitting and merging tickets, who may speak on one, and what is done about an answer that came back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.responses import Response

from services.tickets import participants, returned, returned_actions
from services.tickets.merge import NeedsConfirmation, merge, unmerge
from services.tickets.pages import wording
from services.tickets.pages.common import Page, Screen
from services.tickets.pages.reading import without_accounts
from services.tickets.pages.ticket import record_view
from services.tickets.split import FROM_CUSTOMER, MOVABLE, split
from services.tickets.views.models import EntryView, TicketView
from services.tickets.views.ticket import ticket_view
from shared.errors import Conflict, Invalid, NotFound
from shared.models import TicketState
from shared.people import Permission
from shared.settings import Settings
from shared.web.depends import Cfg
from shared.web.i18n import N_

router = APIRouter(include_in_schema=False)
EXCERPT = 200


@dataclass(frozen=True)
class Choice:
    """An entry that may go on to a ticket of its own."""

    entry: EntryView
    who: str
    words: str
    checked: bool
    customers: bool


def _choices(screen: Screen, view: TicketView, chosen: Sequence[int]) -> list[Choice]:
    found = []
    for entry in view.entries:
        if entry.kind not in MOVABLE or entry.moved_to is not None:
            continue
        words = entry.text or (entry.message.text_new if entry.message else "")
        if entry.recording is not None and entry.recording.transcript is not None:
            words = entry.recording.transcript.said
        who = entry.actor.name if entry.actor else ""
        if entry.message is not None:
            who = entry.message.from_name or entry.message.from_address
            words = words or entry.message.subject
        elif entry.recording is not None:
            who = entry.recording.caller_name or entry.recording.caller_id or ""
        sentence = wording.sentence(screen.language, entry, screen.topic_name, screen.timezone)
        found.append(
            Choice(
                entry,
                who,
                without_accounts(" ".join(words.split())[:EXCERPT]) or sentence,
                entry.id in chosen,
                entry.kind in FROM_CUSTOMER,
            )
        )
    return found


async def _show_split(
    screen: Screen,
    settings: Settings,
    ticket_id: int,
    chosen: Sequence[int],
    subject: str = "",
    take: bool = True,
    error: str = "",
) -> Response:
    view = await ticket_view(screen.session, settings, screen.me, ticket_id)
    await record_view(screen, ticket_id)
    return await screen.render(
        "split.html",
        status_code=400 if error else 200,
        view=view,
        ticket=view.ticket,
        choices=_choices(screen, view, chosen),
        subject=subject,
        take=take,
        error=error,
        section="queue",
    )


@router.get("/tickets/{ticket_id}/split")
async def show_split(
    screen: Page, settings: Cfg, ticket_id: int, entry: Annotated[list[int] | None, Query()] = None
) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await _show_split(screen, settings, ticket_id, entry or [])


@router.post("/tickets/{ticket_id}/split")
async def do_split(
    screen: Page,
    settings: Cfg,
    ticket_id: int,
    entry: Annotated[list[int] | None, Form()] = None,
    subject: Annotated[str, Form()] = "",
    take: Annotated[bool, Form()] = False,
) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    chosen = entry or []
    try:
        new = await screen.attempt(
            split(screen.session, settings, screen.me, ticket_id, chosen, subject=subject, take=take)
        )
    except (Invalid, Conflict) as error:
        sentence = screen.say(error.message, **error.values)
        return await _show_split(screen, settings, ticket_id, chosen, subject, take, sentence)
    said = screen.say("This is the new ticket. Answers to what you split off arrive here.")
    return screen.see_other(f"/tickets/{new.id}", "success", said)


async def _show_merge(
    screen: Screen, settings: Settings, ticket_id: int, into: str = "", question: str = "", error: str = ""
) -> Response:
    view = await ticket_view(screen.session, settings, screen.me, ticket_id)
    await record_view(screen, ticket_id)
    others = {row.id: row for row in (*view.linked, *view.history) if row.state is not TicketState.CLOSED}
    return await screen.render(
        "merge.html",
        status_code=409 if question else 400 if error else 200,
        view=view,
        ticket=view.ticket,
        others=list(others.values()),
        into=into,
        question=question,
        error=error,
        section="queue",
    )


@router.get("/tickets/{ticket_id}/merge")
async def show_merge(screen: Page, settings: Cfg, ticket_id: int) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await _show_merge(screen, settings, ticket_id)


@router.post("/tickets/{ticket_id}/merge")
async def do_merge(
    screen: Page,
    settings: Cfg,
    ticket_id: int,
    into: Annotated[str, Form(max_length=30)] = "",
    number: Annotated[str, Form(max_length=30)] = "",
    confirmed: Annotated[bool, Form()] = False,
) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    wanted = (number.strip() or into.strip()).lstrip("#")
    if not wanted.isdecimal() or len(wanted) > 18:
        sentence = screen.say("Choose the ticket in which this one goes on, or give its number.")
        return await _show_merge(screen, settings, ticket_id, error=sentence)
    try:
        other = await screen.attempt(
            merge(screen.session, settings, screen.me, ticket_id, int(wanted), confirmed=confirmed)
        )
    except NeedsConfirmation as error:
        return await _show_merge(
            screen, settings, ticket_id, wanted, question=screen.say(error.message, **error.values)
        )
    except (Invalid, Conflict, NotFound) as error:
        return await _show_merge(screen, settings, ticket_id, wanted, error=screen.say(error.message, **error.values))
    said = screen.say("Ticket {number} goes on here. Answers to it arrive here, too.", number=ticket_id)
    return screen.see_other(f"/tickets/{other.id}", "success", said)


@router.post("/tickets/{ticket_id}/unmerge")
async def do_unmerge(screen: Page, settings: Cfg, ticket_id: int) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(
        unmerge(screen.session, settings, screen.me, ticket_id),
        N_("They are two tickets again. What was written since the merge stays where it was written."),
        f"/tickets/{ticket_id}",
    )


@router.post("/tickets/{ticket_id}/participants")
async def let_in(
    screen: Page, ticket_id: int, address: Annotated[str, Form()] = "", reason: Annotated[str, Form()] = ""
) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(
        participants.let_in(screen.session, screen.me, ticket_id, address, reason),
        N_("{address} may speak on this ticket now."),
        f"/tickets/{ticket_id}#people",
        address=address.strip().lower(),
    )


@router.post("/tickets/{ticket_id}/participants/remove")
async def show_out(
    screen: Page, ticket_id: int, address: Annotated[str, Form()] = "", reason: Annotated[str, Form()] = ""
) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(
        participants.show_out(screen.session, screen.me, ticket_id, address, reason),
        N_("{address} may not speak here. Their next mail opens a ticket of its own."),
        f"/tickets/{ticket_id}#people",
        address=address.strip().lower(),
    )


@router.get("/returned/notice")
async def returned_notice(screen: Page, ticket: int = 0) -> Response:
    """What any page says when an answer of mine came back. On its own ticket the page itself says it."""
    screen.me.require(Permission.TICKET_WORK)
    found = await returned.mine(screen.session, screen.me)
    return screen.fragment("returned_notice.html", returned=[each for each in found.items if each.ticket_id != ticket])


@router.post("/returned/{returned_id}/settle")
async def settle(
    screen: Page,
    settings: Cfg,
    returned_id: int,
    how: Annotated[returned_actions.Settle, Form()],
    ticket_id: Annotated[int, Form()] = 0,
) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(
        returned_actions.settle(screen.session, settings, screen.me, returned_id, how),
        N_("It is settled."),
        "/work" if how == "closed" else f"/tickets/{ticket_id}",
    )
