"""Calls to customers, when the next one is, and what was promised."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from services.tickets.api.common import Body, Id
from services.tickets.calls import attempts, promises, schedule
from services.tickets.locks import lock_ticket
from services.tickets.rights import require_mine, require_not_merged
from services.tickets.views.call_models import CallsView, CallView, PromiseView
from services.tickets.views.calls import call_view, calls_view, due_promises, promise_view
from shared import audit
from shared.errors import NotFound
from shared.models import CallAttempt, CallOutcome, Person, Ticket, TicketState
from shared.people import Permission
from shared.web.depends import Cfg, Me, Tx
from shared.web.idempotency import Idempotent

router = APIRouter(prefix="/api/v1", tags=["calls"])

PromiseText = Annotated[str, Field(max_length=500, examples=["Send her the rebate form."])]


class NewCall(Body):
    number: str | None = Field(
        default=None,
        max_length=40,
        description="None: the likeliest of the ticket's numbers.",
        examples=["+1 707 555 0142"],
    )


class Outcome(Body):
    outcome: Literal["reached", "no_answer", "left_message", "wrong_number"]
    note: str = Field(default="", max_length=4_000, examples=["Her daughter answered; she is back after five."])
    promise: PromiseText = ""
    promise_by: date | None = Field(default=None, description="The last day for it.", examples=["2026-12-04"])
    then: Literal["waiting", "closed"] | None = Field(
        default=None, description="What becomes of the ticket when the customer was reached."
    )


class NextCall(Body):
    at: AwareDatetime = Field(examples=["2026-12-01T17:30:00-08:00"])


class NewPromise(Body):
    text: Annotated[PromiseText, Field(min_length=1)]
    due_on: date | None = Field(default=None, examples=["2026-12-04"])


class NextCallAnswer(BaseModel):
    ticket_id: int
    state: TicketState
    next_call_at: datetime | None
    due_at: datetime | None = Field(description="It moves by as long as the clock stands still.")


@router.get("/tickets/{ticket_id}/calls", summary="Numbers, attempts and promises")
async def calls(session: Tx, settings: Cfg, me: Me, ticket_id: Id) -> CallsView:
    me.require(Permission.TICKET_READ)
    ticket = await session.get(Ticket, ticket_id)
    if ticket is None:
        raise NotFound("There is no ticket {ticket_id}.", ticket_id=ticket_id)
    audit.record(
        session, me.id, "ticket.view", object_type="ticket", object_id=ticket_id, ticket_id=ticket_id,
        detail={"via": "api"}, ip=me.ip,
    )  # fmt: skip
    return await calls_view(session, settings, ticket)


@router.post("/tickets/{ticket_id}/calls", status_code=201, summary="Begin a call", response_model=CallView)
async def start(session: Tx, settings: Cfg, me: Me, once: Idempotent, ticket_id: Id, body: NewCall) -> Any:
    """«I am calling»: everybody sees it. 409 while somebody else calls; your own call under way is answered again.

    What is scheduled on the ticket ends: it is in progress again and its clock goes on.
    """

    async def work() -> CallView:
        me.require(Permission.TICKET_WORK)
        return await _view(session, await attempts.start(session, settings, me, ticket_id, body.number))

    return await once.run(work)


@router.put("/tickets/{ticket_id}/calls/{call_id}/outcome", summary="Say how a call ended")
async def outcome(session: Tx, settings: Cfg, me: Me, ticket_id: Id, call_id: Id, body: Outcome) -> CallView:
    """`reached` is the first response. As many calls without an answer as the settings say (two) let the ticket wait,
    with its clock stopped, until the next call: open time, in another part of the day. `wrong_number` takes the number
    off the ticket. 409 when the outcome is written down already.
    """
    told = attempts.Told(
        CallOutcome(body.outcome),
        body.note,
        body.promise,
        body.promise_by,
        TicketState(body.then) if body.then else None,
    )
    return await _view(session, await attempts.log(session, settings, me, ticket_id, call_id, told))


@router.delete("/tickets/{ticket_id}/calls/{call_id}", summary="No call was made after all")
async def drop(session: Tx, me: Me, ticket_id: Id, call_id: Id) -> CallView:
    """One's own, or anybody's for those who assign work. It stays in the list as `not_made`."""
    return await _view(session, await attempts.drop(session, me, ticket_id, call_id))


@router.put("/tickets/{ticket_id}/next-call", summary="Set when to call")
async def call_later(session: Tx, settings: Cfg, me: Me, ticket_id: Id, body: NextCall) -> NextCallAnswer:
    """The ticket waits, with its clock stopped, and comes back then: to its person if they are there, else to the
    queue. To end it before, set the ticket's state to `assigned` or begin a call.
    """
    me.require(Permission.TICKET_WORK)
    ticket = await lock_ticket(session, ticket_id)
    require_not_merged(ticket)
    require_mine(me, ticket)
    await schedule.set_time(session, settings, me, ticket, body.at)
    scheduled = await attempts.scheduled_on(session, ticket_id)
    return NextCallAnswer(
        ticket_id=ticket_id,
        state=ticket.state,
        next_call_at=scheduled.call_at if scheduled else None,
        due_at=ticket.due_at,
    )


@router.post(
    "/tickets/{ticket_id}/promises", status_code=201, summary="Write a promise down", response_model=PromiseView
)
async def promise(session: Tx, settings: Cfg, me: Me, once: Idempotent, ticket_id: Id, body: NewPromise) -> Any:
    """From the opening on its last day (or the last one before it on which the doors open) the lists remind of it."""

    async def work() -> PromiseView:
        made = await promises.make(session, settings, me, ticket_id, text=body.text, due_on=body.due_on)
        return await promise_view(session, settings, made.id)

    return await once.run(work)


@router.get("/promises", summary="Promises that are due")
async def due(
    session: Tx,
    settings: Cfg,
    me: Me,
    mine: Annotated[bool, Query(description="Only what is mine to keep.")] = False,
) -> list[PromiseView]:
    me.require(Permission.TICKET_READ)
    return await due_promises(session, settings, me.id if mine else None)


@router.put("/promises/{promise_id}/kept", summary="A promise was kept")
async def kept(session: Tx, settings: Cfg, me: Me, promise_id: Id) -> PromiseView:
    await promises.keep(session, me, promise_id)
    return await promise_view(session, settings, promise_id)


async def _view(session: Tx, attempt: CallAttempt) -> CallView:
    await session.flush()
    return call_view(attempt, (await session.get_one(Person, attempt.person_id)).name)
