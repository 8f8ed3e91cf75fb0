"""What a CSR does about an answer that came back, beside sending it again: call, close, or leave it."""

from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import desk
from services.tickets.locks import lock_ticket
from services.tickets.returned import settled
from services.tickets.rights import require_mine
from services.tickets.thread_repository import survivor
from shared.errors import Conflict, NotFound
from shared.models import ReturnedMail, ReturnedSettled, Ticket, TicketState
from shared.people import Actor, Permission
from shared.settings import Settings

Settle = Literal["called", "dismissed", "closed"]


async def settle(session: AsyncSession, settings: Settings, me: Actor, returned_id: int, how: Settle) -> None:
    """Somebody did something about it: called the customer, closed the ticket, or found that nothing is to be done."""
    row, ticket = await _locked(session, me, returned_id)
    if how == "closed":
        await desk.set_state(session, settings, me, ticket.id, TicketState.CLOSED)
    await settled(session, me, row, ticket, ReturnedSettled(how))


async def _locked(session: AsyncSession, me: Actor, returned_id: int) -> tuple[ReturnedMail, Ticket]:
    me.require(Permission.TICKET_WORK)
    found = await session.get(ReturnedMail, returned_id)
    if found is None:
        raise NotFound("There is no such mail.")
    ticket = await lock_ticket(session, await survivor(session, found.ticket_id))
    row = await session.get_one(ReturnedMail, returned_id, with_for_update=True, populate_existing=True)
    if ticket.assignee_id is not None or row.person_id != me.id:
        require_mine(me, ticket)
    if row.settled is not None:
        raise Conflict("Somebody has settled this already.")
    return row, ticket
