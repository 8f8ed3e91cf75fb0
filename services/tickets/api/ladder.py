"""Tickets that nobody there may answer, what keeps a ticket waiting, and why each person was asked."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from services.tickets.api.common import Body, Id
from services.tickets.ladder import actions
from services.tickets.pages import wording_assignments
from services.tickets.pages.wording_waiting import Speaker
from services.tickets.views.assignments import AskedView, assignments_view
from services.tickets.views.ladder import stuck_tickets
from services.tickets.views.waiting import waiting_view
from services.tickets.views.waiting_models import StuckTicket, WaitingView
from shared.people import Permission
from shared.web.context import language_of
from shared.web.depends import Cfg, Me, Tx
from shared.web.idempotency import Idempotent

router = APIRouter(prefix="/api/v1", tags=["board"])


class TakenCare(BaseModel):
    ticket_id: int
    steps: int = Field(description="How many steps waited for somebody.")


class InterpreterUse(Body):
    line: Annotated[
        str,
        Field(max_length=actions.MAX_LINE, description="Empty: the one of the settings.", examples=["Language Line"]),
    ] = ""


class InterpreterNoted(BaseModel):
    ticket_id: int
    entry_id: int
    line: str


@router.get("/ladder", summary="Tickets that nobody there may answer")
async def list_stuck(session: Tx, settings: Cfg, me: Me) -> list[StuckTicket]:
    """With the steps that were taken, the next one, and when somebody who may answer is planned to be there."""
    me.require(Permission.BOARD_READ)
    return await stuck_tickets(session, settings)


@router.post("/tickets/{ticket_id}/ladder/acknowledge", summary="I take care of it")
async def acknowledge(session: Tx, me: Me, ticket_id: Id) -> TakenCare:
    """Of everything that was done so far about a ticket that nobody there may answer. 409: somebody has."""
    return TakenCare(ticket_id=ticket_id, steps=await actions.take_care(session, me, ticket_id))


@router.post(
    "/tickets/{ticket_id}/interpreter",
    status_code=201,
    summary="Note that the interpreter line is used",
    response_model=InterpreterNoted,
)
async def use_interpreter(
    session: Tx, settings: Cfg, me: Me, once: Idempotent, ticket_id: Id, body: InterpreterUse
) -> Any:
    async def work() -> InterpreterNoted:
        entry = await actions.use_interpreter(session, settings, me, ticket_id, body.line)
        return InterpreterNoted(ticket_id=ticket_id, entry_id=entry.id, line=entry.detail["line"])

    return await once.run(work)


@router.get("/tickets/{ticket_id}/assignments", summary="Who was asked to take a ticket, and why")
async def get_assignments(request: Request, session: Tx, me: Me, ticket_id: Id) -> list[AskedView]:
    """Newest first: urgency, who could have been asked and how far behind the best, who could not and by which rule."""
    me.require(Permission.BOARD_READ)
    language = language_of(request, me)
    return [
        each.model_copy(update={"sentences": wording_assignments.sentences(language, each)})
        for each in await assignments_view(session, ticket_id)
    ]


@router.get("/tickets/{ticket_id}/waiting", summary="What keeps a ticket waiting")
async def get_waiting(request: Request, session: Tx, settings: Cfg, me: Me, ticket_id: Id) -> WaitingView:
    """As it is now, by the router's own rules. Names are for who leads the shift; others see how many."""
    me.require(Permission.TICKET_READ)
    view = await waiting_view(session, settings, me, ticket_id)
    speaker = Speaker(language_of(request, me), settings.timezone)
    return view.model_copy(update={"sentences": [*speaker.sentences(view), *speaker.steps(view)]})
