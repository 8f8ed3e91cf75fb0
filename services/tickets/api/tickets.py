"""Tickets: the queue, one ticket, and everything that is done to it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from services.tickets import desk
from services.tickets.api.common import BIGINT, Assigned, Body, Id, Reason, link_next
from services.tickets.routing import offers
from services.tickets.topics import taxonomy
from services.tickets.views.models import EntryView, QueuePage, TicketView
from services.tickets.views.queue import QueueFilter, queue
from services.tickets.views.ticket import ticket_view
from services.tickets.views.timeline import timeline
from shared import audit
from shared.errors import Invalid, NotFound
from shared.models import Priority, Ticket, TicketState
from shared.people import Actor, Permission
from shared.web.depends import Cfg, Me, Tx
from shared.web.idempotency import Idempotent

router = APIRouter(prefix="/api/v1", tags=["tickets"])

Text = Annotated[str, Field(min_length=1, max_length=100_000)]


class QueueQuery(QueueFilter):
    assignee_id: Annotated[int | None, Query(ge=1, le=BIGINT)] = None
    customer_id: Annotated[int | None, Query(ge=1, le=BIGINT)] = None
    cursor: Annotated[str | None, Query(max_length=300, description="`next` of the page before.")] = None
    limit: Annotated[int, Query(ge=1, le=200)] = 50


class NewNote(Body):
    text: Text


class NewLanguage(Body):
    language: Annotated[
        str,
        Field(pattern=r"^([a-z]{2}|mixed|unknown)$", description="ISO 639-1 or `mixed`.", examples=["es"]),
    ]


class NewTopic(Body):
    topic: Annotated[str, Field(min_length=1, max_length=60, examples=["billing_question"])]


class NewPriority(Body):
    priority: Priority


class NewState(Body):
    state: Literal["waiting", "closed", "assigned", "queued"] = Field(
        description="`waiting` on the customer, `closed`, or open again."
    )


class EntryAnswer(BaseModel):
    entry_id: int


class TicketFacts(BaseModel):
    """What of a ticket can be changed by hand."""

    id: int
    rev: int
    state: TicketState
    language: str
    topic: str
    priority: Priority
    assignee_id: int | None


class TopicView(BaseModel):
    key: str
    name_en: str
    name_es: str
    level: str
    priority: Priority


@router.get("/tickets", summary="The queue, filtered and searched")
async def list_tickets(
    request: Request, response: Response, session: Tx, me: Me, wanted: Annotated[QueueQuery, Query()]
) -> QueuePage:
    """Open tickets, the most urgent first; when closed ones are asked for, the newest first."""
    me.require(Permission.TICKET_READ)
    page = await queue(session, wanted, wanted.cursor, wanted.limit)
    if wanted.q.strip() or wanted.customer_id is not None:
        audit.record(
            session, me.id, "ticket.search", object_type="ticket",
            detail=wanted.model_dump(mode="json", include={"q", "customer_id", "states"}), ip=me.ip,
        )  # fmt: skip
    link_next(request, response, page.next)
    return page


@router.get("/topics", summary="What tickets can be about")
async def topics(me: Me) -> list[TopicView]:
    me.require(Permission.TICKET_READ)
    return [
        TopicView(key=key, name_en=each.name_en, name_es=each.name_es, level=each.level, priority=each.priority)
        for key, each in taxonomy().items()
    ]


def _look(session: Tx, me: Actor, ticket_id: int, action: str) -> None:
    audit.record(
        session, me.id, action, object_type="ticket", object_id=ticket_id, ticket_id=ticket_id,
        detail={"via": "api"}, ip=me.ip,
    )  # fmt: skip


@router.get("/tickets/{ticket_id}", summary="One ticket, whole")
async def get_ticket(session: Tx, settings: Cfg, me: Me, ticket_id: Id) -> TicketView:
    me.require(Permission.TICKET_READ)
    view = await ticket_view(session, settings, me, ticket_id)
    _look(session, me, ticket_id, "ticket.view")
    return view


@router.get("/tickets/{ticket_id}/timeline", summary="What happened to a ticket")
async def get_timeline(
    session: Tx,
    me: Me,
    ticket_id: Id,
    after: Annotated[int, Query(ge=0, le=BIGINT, description="Only entries with a higher number.")] = 0,
) -> list[EntryView]:
    me.require(Permission.TICKET_READ)
    if await session.get(Ticket, ticket_id) is None:
        raise NotFound("There is no ticket {ticket_id}.", ticket_id=ticket_id)
    _look(session, me, ticket_id, "ticket.view")
    return [entry for entry in await timeline(session, ticket_id) if entry.id > after]


@router.post("/tickets/{ticket_id}/take", summary="Take a ticket from the queue")
async def take(session: Tx, settings: Cfg, me: Me, ticket_id: Id) -> Assigned:
    """By the same rules that offers follow; 409 when somebody else was quicker."""
    done = await offers.take(session, settings, me, ticket_id)
    return Assigned(ticket_id=done.ticket_id, assignment_id=done.id, state=done.state)


@router.post("/tickets/{ticket_id}/release", summary="Give a ticket back to the queue")
async def release(session: Tx, me: Me, ticket_id: Id, body: Reason) -> TicketFacts:
    await offers.release(session, me, ticket_id, body.reason)
    return await _facts(session, ticket_id)


@router.post(
    "/tickets/{ticket_id}/notes", status_code=201, summary="Write a note for colleagues", response_model=EntryAnswer
)
async def note(session: Tx, me: Me, once: Idempotent, ticket_id: Id, body: NewNote) -> Any:
    async def work() -> EntryAnswer:
        me.require(Permission.TICKET_WORK)
        entry = await desk.note(session, me, ticket_id, body.text)
        return EntryAnswer(entry_id=entry.id)

    return await once.run(work)


@router.put("/tickets/{ticket_id}/language", summary="Correct the language")
async def set_language(session: Tx, settings: Cfg, me: Me, ticket_id: Id, body: NewLanguage) -> TicketFacts:
    """Routes again at once, and is remembered for the customer."""
    me.require(Permission.TICKET_WORK)
    await desk.set_language(session, settings, me, ticket_id, body.language)
    return await _facts(session, ticket_id)


@router.put("/tickets/{ticket_id}/topic", summary="Correct the topic")
async def set_topic(session: Tx, settings: Cfg, me: Me, ticket_id: Id, body: NewTopic) -> TicketFacts:
    me.require(Permission.TICKET_WORK)
    if body.topic not in taxonomy():
        raise Invalid("There is no such topic.", field="topic")
    await desk.set_topic(session, settings, me, ticket_id, body.topic)
    return await _facts(session, ticket_id)


@router.put("/tickets/{ticket_id}/priority", summary="Change the priority")
async def set_priority(session: Tx, settings: Cfg, me: Me, ticket_id: Id, body: NewPriority) -> TicketFacts:
    me.require(Permission.TICKET_WORK)
    await desk.set_priority(session, settings, me, ticket_id, body.priority)
    return await _facts(session, ticket_id)


@router.put("/tickets/{ticket_id}/state", summary="Let it wait, close it, open it again")
async def set_state(session: Tx, settings: Cfg, me: Me, ticket_id: Id, body: NewState) -> TicketFacts:
    me.require(Permission.TICKET_WORK)
    await desk.set_state(session, settings, me, ticket_id, TicketState(body.state))
    return await _facts(session, ticket_id)


async def _facts(session: Tx, ticket_id: int) -> TicketFacts:
    await session.flush()
    ticket = await session.get_one(Ticket, ticket_id, populate_existing=True)
    return TicketFacts(
        id=ticket.id,
        rev=ticket.rev,
        state=ticket.state,
        language=ticket.language,
        topic=ticket.topic,
        priority=ticket.priority,
        assignee_id=ticket.assignee_id,
    )
