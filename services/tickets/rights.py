"""Whose ticket it is: who answers it, closes it, and decides who else may speak on it."""

from shared.errors import Conflict, Forbidden
from shared.models import Ticket
from shared.people import Actor, Permission


def require_mine(me: Actor, ticket: Ticket) -> None:
    """The assignee answers and closes; those who assign work may step in. Raises Forbidden."""
    if ticket.assignee_id == me.id or me.may(Permission.TICKET_ASSIGN):
        return
    if ticket.assignee_id is None:
        raise Forbidden("Take ticket {number} first: only who works on it answers or closes it.", number=ticket.id)
    raise Forbidden("Somebody else works on ticket {number}.", number=ticket.id)


def require_not_merged(ticket: Ticket) -> None:
    """Raises Conflict when the ticket goes on in another one."""
    if ticket.merged_into_id is not None:
        raise Conflict(
            "Ticket {number} goes on in ticket {other}. Work there, or take them apart first.",
            number=ticket.id,
            other=ticket.merged_into_id,
        )
