"""My desk: what I have, whether I am there, and what I am offered."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.tickets import presence
from services.tickets.api.common import Assigned, Body, Id, Reason
from services.tickets.routing import offers
from services.tickets.views.models import MyWork
from services.tickets.views.my_work import my_work
from shared.models import Intent
from shared.people import Permission
from shared.web.depends import Cfg, Me, Tx

router = APIRouter(prefix="/api/v1", tags=["my work"])


class MyIntent(Body):
    intent: Intent


class IntentOf(Body):
    intent: Intent
    reason: Annotated[str, Field(min_length=1, max_length=500, examples=["Went home ill."])]


class Tab(Body):
    tab_id: Annotated[str, Field(min_length=1, max_length=100, examples=["3f1c2a9e"])]


class PresenceAnswer(BaseModel):
    person_id: int
    intent: Intent


@router.get("/work", summary="My work")
async def work(session: Tx, settings: Cfg, me: Me) -> MyWork:
    """Offers, accepted tickets by due time, tickets that wait on customers, and what is in the queue."""
    me.require(Permission.TICKET_READ)
    return await my_work(session, settings, me)


@router.put("/me/presence", summary="Say whether I am available")
async def set_my_presence(session: Tx, me: Me, body: MyIntent) -> PresenceAnswer:
    await presence.set_intent(session, me, body.intent)
    return PresenceAnswer(person_id=me.id, intent=body.intent)


@router.put("/people/{person_id}/presence", summary="Set somebody's presence")
async def set_presence_of(session: Tx, me: Me, person_id: Id, body: IntentOf) -> PresenceAnswer:
    await presence.set_intent_of(session, me, person_id, body.intent, body.reason)
    return PresenceAnswer(person_id=person_id, intent=body.intent)


@router.post("/me/presence/heartbeat", status_code=204, summary="This tab is open")
async def heartbeat(session: Tx, me: Me, body: Tab) -> None:
    """Send it every minute; without it the desk counts as left."""
    me.require(Permission.PRESENCE_SET)
    await presence.heartbeat(session, me.id, body.tab_id)


@router.post("/me/presence/leave", status_code=204, summary="This tab closes")
async def leave(session: Tx, me: Me, body: Tab) -> None:
    me.require(Permission.PRESENCE_SET)
    await presence.leave_tab(session, me.id, body.tab_id)


@router.post("/offers/{assignment_id}/accept", summary="Accept an offer")
async def accept(session: Tx, settings: Cfg, me: Me, assignment_id: Id) -> Assigned:
    """409 when it expired or was withdrawn meanwhile. Accepting twice is accepting once."""
    done = await offers.accept(session, settings, me, assignment_id)
    return Assigned(ticket_id=done.ticket_id, assignment_id=done.id, state=done.state)


@router.post("/offers/{assignment_id}/decline", summary="Decline an offer")
async def decline(session: Tx, me: Me, assignment_id: Id, body: Reason) -> Assigned:
    done = await offers.decline(session, me, assignment_id, body.reason)
    return Assigned(ticket_id=done.ticket_id, assignment_id=done.id, state=done.state)
