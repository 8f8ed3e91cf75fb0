"""Pins: a supervisor keeps a ticket with its person, whatever the router and their absence say, or lets it go again."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.locks import lock_ticket, open_assignment
from services.tickets.routing.supervise import clean_reason
from shared import audit, clock
from shared.database import ring
from shared.errors import Conflict
from shared.events import Event, publish
from shared.jobs import Job
from shared.models import Assignment, AssignmentState, Entry, EntryKind, Person
from shared.people import Actor, Permission


async def set_pin(session: AsyncSession, me: Actor, ticket_id: int, pinned: bool, reason: str) -> Assignment:
    """Pin what somebody works on, or unpin it: then it follows the rules again. Twice is once."""
    me.require(Permission.TICKET_ASSIGN)
    reason = clean_reason(reason)
    ticket = await lock_ticket(session, ticket_id)
    assignment = await open_assignment(session, ticket_id)
    if assignment is None or assignment.state is not AssignmentState.ACCEPTED:
        raise Conflict("Nobody is working on ticket {number}.", number=ticket_id)
    if assignment.pinned is pinned:
        return assignment
    assignment.pinned = pinned
    assignment.pinned_by_id = me.id if pinned else None
    assignment.pin_reason = reason if pinned else ""
    ticket.updated_at = clock.now()
    person = await session.get_one(Person, assignment.person_id)
    what = "pinned" if pinned else "unpinned"
    session.add(
        Entry(
            ticket_id=ticket_id,
            kind=EntryKind.PIN,
            actor_id=me.id,
            detail={"what": what, "person_id": person.id, "person": person.name, "reason": reason},
        )
    )
    audit.record(
        session, me.id, "ticket.pin" if pinned else "ticket.unpin", object_type="ticket", object_id=ticket_id,
        ticket_id=ticket_id, detail={"person_id": person.id, "reason": reason}, ip=me.ip,
    )  # fmt: skip
    await publish(session, Event("ticket", ticket_id, (person.id,), what))
    if not pinned:
        ring(session, Job.ROUTE, ticket_id)
    return assignment
