"""The queue: every ticket, filtered and searched, a page at a time."""

from enum import StrEnum
from typing import Annotated, TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from sqlalchemy import select
from starlette.responses import Response

from services.tickets.pages.common import Page
from services.tickets.views.calls import due_promises
from services.tickets.views.queue import QueueFilter, queue
from shared import audit
from shared.errors import Invalid
from shared.models import UNOFFERED, Channel, Person, Priority, TicketKind, TicketState
from shared.people import Permission
from shared.web.depends import Cfg

router = APIRouter(include_in_schema=False)
E_ = TypeVar("E_", bound=StrEnum)
MINE, NOBODY, NO_WORDS = "me", "nobody", "no_words"


def _only(kind: type[E_], values: list[str]) -> list[E_]:
    """What a select sent, less what it did not choose (an empty value) and what is no member."""
    members = {member.value: member for member in kind}
    return [members[value] for value in values if value in members]


def _kinds(values: list[str]) -> list[TicketKind]:
    """`no_words` stands for all that is offered to nobody."""
    return [*_only(TicketKind, values), *(UNOFFERED if NO_WORDS in values else ())]


@router.get("/queue")
async def show(
    screen: Page,
    settings: Cfg,
    state: Annotated[list[str], Query()] = [],  # noqa: B006  (FastAPI copies it)
    language: Annotated[list[str], Query()] = [],  # noqa: B006
    topic: Annotated[list[str], Query()] = [],  # noqa: B006
    priority: Annotated[list[str], Query()] = [],  # noqa: B006
    channel: Annotated[list[str], Query()] = [],  # noqa: B006
    kind: Annotated[list[str], Query()] = [],  # noqa: B006
    assignee: str = "",
    q: Annotated[str, Query(max_length=200)] = "",
    cursor: str | None = None,
) -> Response:
    screen.me.require(Permission.TICKET_READ)
    wanted = QueueFilter(
        states=_only(TicketState, state),
        languages=[value for value in language if value],
        topics=[value for value in topic if value],
        priorities=_only(Priority, priority),
        channels=_only(Channel, channel),
        kinds=_kinds(kind),
        assignee_id=screen.me.id if assignee == MINE else int(assignee) if assignee.isdecimal() else None,
        unassigned=assignee == NOBODY,
        q=q.replace("\x00", ""),
    )
    if assignee.isdecimal() and len(assignee) > 18:
        raise Invalid("There is no such person.", field="assignee")
    if q.strip().lstrip("#").isdecimal() and q.strip().startswith("#"):
        return screen.see_other(f"/tickets/{q.strip().lstrip('#')[:18]}")
    found = await queue(screen.session, wanted, cursor)
    if wanted.q.strip():
        audit.record(
            screen.session, screen.me.id, "ticket.search",
            detail={"q": wanted.q, "tickets": [row.id for row in found.items]}, ip=screen.me.ip,
        )  # fmt: skip
    chosen = {
        "state": state, "language": language, "topic": topic, "priority": priority, "channel": channel,
        "kind": kind,
        "assignee": [assignee], "q": [q],
    }  # fmt: skip
    query = [(name, value) for name, values in chosen.items() for value in values if value]
    people = [
        (str(id_), name)
        for id_, name in await screen.session.execute(
            select(Person.id, Person.name).where(Person.active).order_by(Person.name)
        )
    ]
    return await screen.render(
        "queue.html",
        page=found,
        chosen={name: (values[0] if values else "") for name, values in chosen.items()},
        filtered=bool(query),
        here="/queue?" + urlencode(query),
        next_url="/queue?" + urlencode([*query, ("cursor", found.next)]) if found.next else "",
        first_url="/queue?" + urlencode(query) if cursor else "",
        topics=screen.topics(),
        people=people,
        promises=await due_promises(screen.session, settings),
        section="queue",
    )
