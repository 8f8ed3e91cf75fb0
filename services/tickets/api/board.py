"""For who leads the shift: the board, assigning, alerts, and contacts entered by hand."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.tickets import alerts, contacts
from services.tickets.api.common import Body, Id, Number
from services.tickets.routing import supervise
from services.tickets.views.board import board, open_alerts
from services.tickets.views.models import AlertView, Board
from shared.models import Channel, TicketState
from shared.people import Permission
from shared.web.depends import Cfg, Me, Tx
from shared.web.idempotency import Idempotent

router = APIRouter(prefix="/api/v1", tags=["board"])


class Assignment(Body):
    person_id: Number
    reason: Annotated[str, Field(min_length=1, max_length=500, examples=["Ana knows this account."])]
    override: bool = Field(
        default=False, description="Also when the person is not verified in the ticket's language; audited."
    )


class BulkAssignment(Assignment):
    ticket_ids: Annotated[list[Number], Field(min_length=1, max_length=supervise.BULK_LIMIT)]


class SendBack(Body):
    ticket_ids: Annotated[list[Number], Field(min_length=1, max_length=supervise.BULK_LIMIT)]
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class AssignAnswer(BaseModel):
    ticket_id: int
    ok: bool
    outcome: supervise.Outcome
    flags: list[supervise.Flag] = Field(description="What is unusual about it.")
    assignment_id: int | None


class AssignAnswers(BaseModel):
    results: list[AssignAnswer] = Field(description="One per ticket, in the order asked for.")


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


def _answers(results: list[supervise.AssignResult]) -> AssignAnswers:
    return AssignAnswers(
        results=[
            AssignAnswer(
                ticket_id=each.ticket_id,
                ok=each.ok,
                outcome=each.outcome,
                flags=each.flags,
                assignment_id=each.assignment_id,
            )
            for each in results
        ]
    )


@router.get("/board", summary="The shift at a glance")
async def get_board(session: Tx, settings: Cfg, me: Me) -> Board:
    me.require(Permission.BOARD_READ)
    return await board(session, settings)


@router.post("/tickets/{ticket_id}/assign", summary="Give a ticket to somebody")
async def assign(session: Tx, settings: Cfg, me: Me, ticket_id: Id, body: Assignment) -> AssignAnswers:
    """Whoever has it now. The result says when it needs an override, and what is unusual."""
    return _answers(
        await supervise.assign(session, settings, me, [ticket_id], body.person_id, body.reason, override=body.override)
    )


@router.post("/tickets/assign", summary="Give many tickets to somebody", response_model=AssignAnswers)
async def assign_many(session: Tx, settings: Cfg, me: Me, once: Idempotent, body: BulkAssignment) -> Any:
    async def work() -> AssignAnswers:
        return _answers(
            await supervise.assign(
                session, settings, me, body.ticket_ids, body.person_id, body.reason, override=body.override
            )
        )

    return await once.run(work, status=200)


@router.post("/tickets/send-back", summary="Send tickets back to the queue", response_model=AssignAnswers)
async def send_back(session: Tx, me: Me, once: Idempotent, body: SendBack) -> Any:
    async def work() -> AssignAnswers:
        return _answers(await supervise.send_back(session, me, body.ticket_ids, body.reason))

    return await once.run(work, status=200)


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
