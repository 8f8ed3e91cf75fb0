"""Who speaks on a ticket, which matters stand on it, and our answers that came back."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.tickets import participants, returned, returned_actions
from services.tickets.api.common import NO_CONTENT, Body, Id, Number
from services.tickets.merge import merge as merge_tickets
from services.tickets.merge import unmerge as unmerge_tickets
from services.tickets.participants import PeopleOnTicket
from services.tickets.returned import Returned
from services.tickets.split import MAX_ENTRIES
from services.tickets.split import split as split_ticket
from shared import audit
from shared.errors import NotFound
from shared.models import Ticket, TicketState
from shared.people import Permission
from shared.web.depends import Cfg, Me, Tx
from shared.web.idempotency import Idempotent

router = APIRouter(prefix="/api/v1", tags=["tickets"])

Address = Annotated[str, Field(min_length=3, max_length=254, examples=["rosario@example.com"])]


class NewParticipant(Body):
    address: Address
    reason: str = Field(
        default="",
        max_length=500,
        description="Needed unless the address is the customer's, or a participant had it in copy.",
        examples=["Her daughter, who handles her bills: authorised by phone today."],
    )


class Removal(Body):
    address: Address
    reason: str = Field(default="", max_length=500, examples=["Moved out in March."])


class NewSplit(Body):
    entries: list[Number] = Field(
        min_length=1, max_length=MAX_ENTRIES, description="Numbers of timeline entries: mails, contacts, notes."
    )
    subject: str = Field(default="", max_length=500, description="Empty: that of the first mail.")
    take: bool = Field(default=True, description="It is my own work, if I may take such a ticket; else it queues.")


class NewMerge(Body):
    into: Number = Field(description="The ticket in which this one goes on.")
    confirmed: bool = Field(
        default=False, description="Needed when the customers differ: everybody then sees both matters."
    )


class SettleReturned(Body):
    how: returned_actions.Settle = Field(description="`closed` closes the ticket too.")


class TicketAnswer(BaseModel):
    ticket_id: int
    state: TicketState
    language: str
    topic: str
    assignee_id: int | None


def _answer(ticket: Ticket) -> TicketAnswer:
    return TicketAnswer(
        ticket_id=ticket.id,
        state=ticket.state,
        language=ticket.language,
        topic=ticket.topic,
        assignee_id=ticket.assignee_id,
    )


async def _people(session: Tx, ticket_id: int) -> PeopleOnTicket:
    ticket = await session.get(Ticket, ticket_id)
    if ticket is None:
        raise NotFound("There is no ticket {number}.", number=ticket_id)
    return await participants.people_on(session, ticket)


@router.get("/tickets/{ticket_id}/participants", summary="Who may speak on a ticket by mail")
async def list_participants(session: Tx, me: Me, ticket_id: Id) -> PeopleOnTicket:
    me.require(Permission.TICKET_READ)
    people = await _people(session, ticket_id)
    audit.record(
        session, me.id, "ticket.view", object_type="ticket", object_id=ticket_id, ticket_id=ticket_id,
        detail={"via": "api", "what": "participants"}, ip=me.ip,
    )  # fmt: skip
    return people


@router.post("/tickets/{ticket_id}/participants", status_code=201, summary="Let somebody speak on a ticket")
async def let_in(session: Tx, me: Me, ticket_id: Id, body: NewParticipant) -> PeopleOnTicket:
    await participants.let_in(session, me, ticket_id, body.address, body.reason)
    return await _people(session, ticket_id)


@router.post("/tickets/{ticket_id}/participants/remove", summary="Show somebody out, or decline who was proposed")
async def show_out(session: Tx, me: Me, ticket_id: Id, body: Removal) -> PeopleOnTicket:
    """Their next mail opens a ticket of its own, linked to this one."""
    await participants.show_out(session, me, ticket_id, body.address, body.reason)
    return await _people(session, ticket_id)


@router.post(
    "/tickets/{ticket_id}/split", status_code=201, summary="Make a ticket of some entries", response_model=TicketAnswer
)
async def split(session: Tx, settings: Cfg, me: Me, once: Idempotent, ticket_id: Id, body: NewSplit) -> Any:
    """Answers to what was split off go to the new ticket. Send an `Idempotency-Key`."""

    async def work() -> TicketAnswer:
        me.require(Permission.TICKET_WORK)
        return _answer(
            await split_ticket(session, settings, me, ticket_id, body.entries, subject=body.subject, take=body.take)
        )

    return await once.run(work)


@router.post("/tickets/{ticket_id}/merge", summary="Let a ticket go on in another one")
async def merge(session: Tx, settings: Cfg, me: Me, ticket_id: Id, body: NewMerge) -> TicketAnswer:
    """Answers the ticket that goes on. 409 when the customers differ and that was not confirmed."""
    return _answer(await merge_tickets(session, settings, me, ticket_id, body.into, confirmed=body.confirmed))


@router.post("/tickets/{ticket_id}/unmerge", summary="Take a merged ticket out again")
async def unmerge(session: Tx, settings: Cfg, me: Me, ticket_id: Id) -> TicketAnswer:
    """What was written since the merge stays where it was written."""
    return _answer(await unmerge_tickets(session, settings, me, ticket_id))


@router.get("/returned", tags=["my work"], summary="Answers that came back and wait for me")
async def list_returned(session: Tx, me: Me) -> Returned:
    """Each is settled by sending it again (`/tickets/{ticket_id}/replies/{delivery_id}/again`) or by hand."""
    return await returned.mine(session, me)


@router.post("/returned/{returned_id}/settle", status_code=NO_CONTENT, summary="Say what was done about it")
async def settle(session: Tx, settings: Cfg, me: Me, returned_id: Id, body: SettleReturned) -> None:
    await returned_actions.settle(session, settings, me, returned_id, body.how)
