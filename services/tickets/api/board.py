"""For who leads the shift: the board, alerts, and contacts entered by hand."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.tickets import alerts, contacts
from services.tickets.api.common import Body, Id
from services.tickets.views.board import board, open_alerts
from services.tickets.views.board_models import AlertView, Board
from shared.models import Channel, TicketState
from shared.people import Permission
from shared.web.depends import Cfg, Me, Tx
from shared.web.idempotency import Idempotent

router = APIRouter(prefix="/api/v1", tags=["board"])


class NewContact(Body):
    channel: Literal["phone", "walk_in"]
    language: Annotated[str, Field(pattern=r"^([a-z]{2}|unknown)$", examples=["es"])]
    subject: Annotated[str, Field(min_length=1, max_length=300, examples=["High bill in October"])]
    text: Annotated[str, Field(min_length=1, max_length=100_000)]
    name: Annotated[str, Field(max_length=200)] = ""
    phone: Annotated[str, Field(max_length=40, examples=["+1 831 555 0147"])] = ""
    email: Annotated[str, Field(max_length=254, examples=["ana@example.com"])] = ""
    topic: Annotated[str | None, Field(max_length=60)] = None
    take: bool = Field(default=True, description="It is my work at once; else it goes into the queue.")


class ContactAnswer(BaseModel):
    ticket_id: int
    state: TicketState


class AlertTaken(BaseModel):
    id: int
    taken_by_id: int | None
    taken_at: datetime | None


@router.get("/board", summary="The shift at a glance")
async def get_board(session: Tx, settings: Cfg, me: Me) -> Board:
    me.require(Permission.BOARD_READ)
    return await board(session, settings)


@router.post("/contacts", status_code=201, summary="Enter a phone or counter contact", response_model=ContactAnswer)
async def create_contact(session: Tx, settings: Cfg, me: Me, once: Idempotent, body: NewContact) -> Any:
    async def work() -> ContactAnswer:
        me.require(Permission.TICKET_CREATE)
        ticket = await contacts.create_contact(
            session,
            settings,
            me,
            channel=Channel(body.channel),
            language=body.language,
            subject=body.subject,
            text=body.text,
            name=body.name,
            phone=body.phone,
            email=body.email,
            topic=body.topic,
            take=body.take,
        )
        return ContactAnswer(ticket_id=ticket.id, state=ticket.state)

    return await once.run(work)


@router.get("/alerts", summary="What a shift lead must know")
async def list_alerts(session: Tx, me: Me) -> list[AlertView]:
    me.require(Permission.BOARD_READ)
    return await open_alerts(session)


@router.post("/alerts/{alert_id}/take", summary="I have it")
async def take_alert(session: Tx, me: Me, alert_id: Id) -> AlertTaken:
    alert = await alerts.take_alert(session, me, alert_id)
    return AlertTaken(id=alert.id, taken_by_id=alert.taken_by_id, taken_at=alert.taken_at)
