"""What a caller wants, and calls in which nobody spoke."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from services.tickets import caller_actions, wordless
from services.tickets.api.common import Body, Id
from services.tickets.views.caller import caller_view
from services.tickets.views.caller_models import CallerView, SilentCalls
from services.tickets.views.facts import TicketFactView, ticket_facts
from services.tickets.views.wordless import silent_calls
from shared import audit
from shared.models import CallerFactKind, TicketKind, TicketState
from shared.people import Permission
from shared.web.depends import Cfg, Me, Tx

router = APIRouter(prefix="/api/v1", tags=["tickets"])
Value = Annotated[str, Field(min_length=1, max_length=200, examples=["707-555-0112 ext. 4"])]


class NewFact(Body):
    kind: CallerFactKind = Field(description="`callback`, `account` or `name`.", examples=["callback"])
    value: Value


class CorrectedFact(Body):
    value: Value


class NewKind(Body):
    kind: Literal["contact"] = Field(description="There is something to answer.", examples=["contact"])


class KindAnswer(BaseModel):
    id: int
    kind: TicketKind
    state: TicketState


@router.get("/tickets/{ticket_id}/caller", summary="What the caller wants: numbers, names, accounts")
async def get_caller(
    session: Tx,
    me: Me,
    ticket_id: Id,
    whole_accounts: Annotated[bool, Query(description="Account numbers as they are; that is audited.")] = False,
) -> CallerView:
    """Each with where it was said in the recording, how sure the machine was, and whether a person confirmed it."""
    me.require(Permission.TICKET_READ)
    found = await caller_view(session, ticket_id, whole_accounts=whole_accounts)
    audit.record(
        session, me.id, "ticket.view_accounts" if whole_accounts else "ticket.view",
        object_type="ticket", object_id=ticket_id, ticket_id=ticket_id, detail={"via": "api"}, ip=me.ip,
    )  # fmt: skip
    return found


@router.get("/tickets/{ticket_id}/facts", summary="What the messages state: numbers, amounts, days, addresses, names")
async def get_facts(
    session: Tx,
    settings: Cfg,
    me: Me,
    ticket_id: Id,
    whole_accounts: Annotated[bool, Query(description="Account numbers as they are; that is audited.")] = False,
) -> list[TicketFactView]:
    """Of its mails, its recordings and what was written down at the telephone or the counter, with their places."""
    me.require(Permission.TICKET_READ)
    found = await ticket_facts(session, settings, ticket_id, whole_accounts=whole_accounts)
    audit.record(
        session, me.id, "ticket.view_accounts" if whole_accounts else "ticket.view",
        object_type="ticket", object_id=ticket_id, ticket_id=ticket_id, detail={"via": "api"}, ip=me.ip,
    )  # fmt: skip
    return found


@router.post("/tickets/{ticket_id}/caller", status_code=201, summary="Add what the machine did not hear")
async def add(session: Tx, me: Me, ticket_id: Id, body: NewFact) -> CallerView:
    """A person's word is confirmed: a callback number is used from now on."""
    await caller_actions.add(session, me, ticket_id, body.kind, body.value)
    return await caller_view(session, ticket_id)


@router.post("/tickets/{ticket_id}/caller/{fact_id}/confirm", summary="It is right: use it")
async def confirm(session: Tx, me: Me, ticket_id: Id, fact_id: Id) -> CallerView:
    """A callback number becomes the ticket's, a name the customer's. 409 when a number was not said whole."""
    await caller_actions.confirm(session, me, ticket_id, fact_id)
    return await caller_view(session, ticket_id)


@router.put("/tickets/{ticket_id}/caller/{fact_id}", summary="Correct what was heard, and use it")
async def correct(session: Tx, me: Me, ticket_id: Id, fact_id: Id, body: CorrectedFact) -> CallerView:
    await caller_actions.correct(session, me, ticket_id, fact_id, body.value)
    return await caller_view(session, ticket_id)


@router.delete("/tickets/{ticket_id}/caller/{fact_id}", summary="It is wrong: propose it no more")
async def reject(session: Tx, me: Me, ticket_id: Id, fact_id: Id) -> CallerView:
    await caller_actions.reject(session, me, ticket_id, fact_id)
    return await caller_view(session, ticket_id)


@router.put("/tickets/{ticket_id}/kind", summary="Make an ordinary ticket of a call without words")
async def set_kind(session: Tx, settings: Cfg, me: Me, ticket_id: Id, body: NewKind) -> KindAnswer:
    """It gets a due time and is offered to people."""
    ticket = await wordless.make_ordinary(session, settings, me, ticket_id)
    return KindAnswer(id=ticket.id, kind=ticket.kind, state=ticket.state)


@router.get("/hang-ups", summary="Hang-ups and silence: calls in which nobody spoke")
async def hang_ups(session: Tx, me: Me) -> list[SilentCalls]:
    """Open ones, the last call first. Calls of one number shortly after one another are one matter."""
    me.require(Permission.BOARD_READ)
    return await silent_calls(session)
