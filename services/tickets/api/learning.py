"""What people said about the machine's decisions: on a ticket, taken back, and counted."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from services.tickets import corrections
from services.tickets.api.common import Id
from services.tickets.learning.installed import in_use
from services.tickets.views.learning import corrections_on, learning, period
from services.tickets.views.learning_models import LearningView
from services.tickets.views.models import JudgementView
from shared import audit
from shared.errors import NotFound
from shared.models import CorrectionKind, Priority, Ticket
from shared.people import Permission
from shared.web.depends import Cfg, Me, Tx

router = APIRouter(prefix="/api/v1", tags=["learning"])


class Standing(BaseModel):
    """What counts on the ticket after something was taken back."""

    id: int
    rev: int
    language: str
    topic: str
    priority: Priority


class ModelView(BaseModel):
    version: str
    path: str | None = Field(description="null: it came with this version of Centralita.")


@router.get("/tickets/{ticket_id}/corrections", summary="What people said about a ticket's decisions")
async def list_corrections(session: Tx, me: Me, ticket_id: Id) -> list[JudgementView]:
    """The newest first, also those that no longer count."""
    me.require(Permission.TICKET_READ)
    if await session.get(Ticket, ticket_id) is None:
        raise NotFound("There is no ticket {ticket_id}.", ticket_id=ticket_id)
    audit.record(
        session, me.id, "ticket.view", object_type="ticket", object_id=ticket_id, ticket_id=ticket_id,
        detail={"via": "api", "what": "corrections"}, ip=me.ip,
    )  # fmt: skip
    return await corrections_on(session, ticket_id)


@router.delete("/tickets/{ticket_id}/corrections/{decision}", summary="Take a correction back")
async def take_back(session: Tx, settings: Cfg, me: Me, ticket_id: Id, decision: CorrectionKind) -> Standing:
    """The machine's decision counts again and is routed again; 409 when nobody said anything, or when something newer
    stands there."""
    me.require(Permission.TICKET_WORK)
    ticket = await corrections.take_back(session, settings, me, ticket_id, decision)
    await session.flush()
    return Standing(
        id=ticket.id, rev=ticket.rev, language=ticket.language, topic=ticket.topic, priority=ticket.priority
    )


@router.get("/model", summary="What reads messages")
async def get_model(settings: Cfg, me: Me) -> ModelView:
    """The version of the trained model in use, and the operator's file it was read from."""
    me.require(Permission.HEALTH_READ)
    found = in_use(settings)
    return ModelView(version=found.version, path=str(found.path) if found.path else None)


@router.get("/learning", summary="Where is the machine wrong?")
async def get_learning(
    session: Tx,
    settings: Cfg,
    me: Me,
    since: Annotated[date | None, Query(description="First day; the last 30 days when nothing is given.")] = None,
    until: Annotated[date | None, Query(description="Last day, which counts too.")] = None,
) -> LearningView:
    """What was decided, what it was corrected to and how often: by topic, language and priority, by channel, and by the
    model's version. Counted are tickets that came in the period and that somebody handled."""
    me.require(Permission.BOARD_READ)
    return await learning(session, settings, *period(settings, since, until))
