"""The queue: every ticket, filtered and searched, a page at a time."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter
from sqlalchemy import select
from starlette.datastructures import QueryParams
from starlette.responses import Response

from services.tickets.pages.common import Page, Screen
from services.tickets.views.board import board_people
from services.tickets.views.calls import due_promises
from services.tickets.views.models import TicketRow
from services.tickets.views.queue import QueueFilter, queue
from services.tickets.views.reassignments import recent
from shared import audit
from shared.errors import Invalid
from shared.models import UNOFFERED, Channel, Person, Priority, Role, TicketKind, TicketState
from shared.people import Permission
from shared.settings import Settings
from shared.web.depends import Cfg

router = APIRouter(include_in_schema=False)
E_ = TypeVar("E_", bound=StrEnum)
MINE, NOBODY, NO_WORDS = "me", "nobody", "no_words"
FIELDS = ("state", "language", "topic", "priority", "channel", "kind", "assignee", "q")
LONGEST_NUMBER = 18  # digits of a number that the store can hold
MAX_WORDS = 200


def _only(kind: type[E_], values: list[str]) -> list[E_]:
    """What a select sent, less what it did not choose (an empty value) and what is no member."""
    members = {member.value: member for member in kind}
    return [members[value] for value in values if value in members]


def _kinds(values: list[str]) -> list[TicketKind]:
    """`no_words` stands for all that is offered to nobody."""
    return [*_only(TicketKind, values), *(UNOFFERED if NO_WORDS in values else ())]


def read_filter(query: QueryParams, me_id: int) -> QueueFilter:
    """The filter of a queue page's address; what makes no sense is left out. Raises Invalid for an endless number."""
    assignee = query.get("assignee", "")
    if assignee.isdecimal() and len(assignee) > LONGEST_NUMBER:
        raise Invalid("There is no such person.", field="assignee")
    return QueueFilter(
        states=_only(TicketState, query.getlist("state")),
        languages=[value for value in query.getlist("language") if value],
        topics=[value for value in query.getlist("topic") if value],
        priorities=_only(Priority, query.getlist("priority")),
        channels=_only(Channel, query.getlist("channel")),
        kinds=_kinds(query.getlist("kind")),
        assignee_id=me_id if assignee == MINE else int(assignee) if assignee.isdecimal() else None,
        unassigned=assignee == NOBODY,
        q=query.get("q", "").replace("\x00", "")[:MAX_WORDS],
    )


@router.get("/queue")
async def show(screen: Page, settings: Cfg, cursor: str | None = None) -> Response:
    screen.me.require(Permission.TICKET_READ)
    given = screen.request.query_params
    wanted = read_filter(given, screen.me.id)
    q = wanted.q
    if q.strip().lstrip("#").isdecimal() and q.strip().startswith("#"):
        return screen.see_other(f"/tickets/{q.strip().lstrip('#')[:LONGEST_NUMBER]}")
    found = await queue(screen.session, wanted, cursor)
    if wanted.q.strip():
        audit.record(
            screen.session, screen.me.id, "ticket.search",
            detail={"q": wanted.q, "tickets": [row.id for row in found.items]}, ip=screen.me.ip,
        )  # fmt: skip
    chosen = {name: [value for value in given.getlist(name) if value] for name in FIELDS}
    query = [(name, value) for name, values in chosen.items() for value in values]
    people = [
        (str(id_), name)
        for id_, name in await screen.session.execute(
            select(Person.id, Person.name).where(Person.active, Person.role != Role.SERVICE).order_by(Person.name)
        )
    ]
    return await screen.render(
        "queue.html",
        page=found,
        chosen={name: (values[0] if values else "") for name, values in chosen.items()},
        filtered=bool(query),
        query=urlencode(query),
        here="/queue?" + urlencode(query),
        next_url="/queue?" + urlencode([*query, ("cursor", found.next)]) if found.next else "",
        first_url="/queue?" + urlencode(query) if cursor else "",
        topics=screen.topics(),
        people=people,
        promises=await due_promises(screen.session, settings),
        **await _moving(screen, settings, found.items),
        section="queue",
    )


async def _moving(screen: Screen, settings: Settings, shown: Sequence[TicketRow]) -> dict[str, Any]:
    """What supervisors need to move tickets from here."""
    if not screen.me.may(Permission.TICKET_ASSIGN) or not shown:
        return {"team": [], "moves": []}
    return {
        "team": await board_people(screen.session, settings, with_tickets=False),
        "moves": await recent(screen.session, settings, screen.me),
    }
