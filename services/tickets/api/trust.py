"""Who writes on a ticket: noting a checked identity, closing as spam, and taking both back."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.tickets import identity, spam_corrections
from services.tickets.api.common import Body, Id
from shared.models import IdentityMethod, Ticket, TicketState
from shared.web.depends import Cfg, Me, Tx

router = APIRouter(prefix="/api/v1", tags=["tickets"])


class NewCheck(Body):
    method: IdentityMethod = Field(description="`phone`: asked for account facts; `counter`: saw a document.")
    address: Annotated[str, Field(max_length=254, examples=["ana@example.com"])] = Field(
        default="", description="Whose mail is meant; empty: whoever wrote last."
    )
    note: Annotated[str, Field(max_length=identity.MAX_NOTE, examples=["Name, service address and last bill."])] = (
        Field(default="", description="What was asked or seen, without the facts themselves; needed for `other`.")
    )


class CheckAnswer(BaseModel):
    id: int
    address: str
    method: IdentityMethod
    checked_at: datetime


class SpamAnswer(BaseModel):
    id: int
    state: TicketState


@router.post("/tickets/{ticket_id}/identity-checks", status_code=201, summary="Note that an identity was checked")
async def note_check(session: Tx, me: Me, ticket_id: Id, body: NewCheck) -> CheckAnswer:
    """It counts on this ticket until a new address that nothing vouches for writes there, or a forgery of its own."""
    check = await identity.note_check(session, me, ticket_id, address=body.address, method=body.method, note=body.note)
    await session.refresh(check)
    return CheckAnswer(id=check.id, address=check.address, method=check.method, checked_at=check.checked_at)


@router.delete("/tickets/{ticket_id}/identity-checks/{check_id}", status_code=204, summary="Take a check back")
async def take_check_back(session: Tx, me: Me, ticket_id: Id, check_id: Id) -> None:
    await identity.take_back(session, me, ticket_id, check_id)


@router.post("/tickets/{ticket_id}/spam", summary="Close a ticket as spam")
async def mark_spam(session: Tx, settings: Cfg, me: Me, ticket_id: Id) -> SpamAnswer:
    """Its mails go to the held mail and its sender is remembered. An emergency: only who may assign."""
    return _answer(await spam_corrections.mark(session, settings, me, ticket_id))


@router.delete("/tickets/{ticket_id}/spam", summary="It was no spam")
async def not_spam(session: Tx, settings: Cfg, me: Me, ticket_id: Id) -> SpamAnswer:
    """The ticket has its mails again and waits in the queue; the sender's next mail becomes a ticket."""
    return _answer(await spam_corrections.take_back(session, settings, me, ticket_id))


def _answer(ticket: Ticket) -> SpamAnswer:
    return SpamAnswer(id=ticket.id, state=ticket.state)
