"""What follows when a ticket's language or level changes: who no longer fits gives it back, and it is routed again."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.clocks import moves as clocks
from services.tickets.locks import open_assignment
from services.tickets.routing.handover import take_back
from services.tickets.routing.rules import FIT_RULES, Situation, refused_by
from services.tickets.routing.staff import staff, today_at_the_center
from services.tickets.routing.terms import Policy, TicketState
from shared import clock
from shared.database import ring
from shared.events import Event, publish
from shared.jobs import Job
from shared.models import Assignment, AssignmentState, EntryKind, Ticket
from shared.models import TicketState as State
from shared.settings import Settings


async def rerouted(session: AsyncSession, settings: Settings, ticket: Ticket, *, actor_id: int | None = None) -> bool:
    """Call with the ticket locked (locks.lock_ticket) and changed. True when it went back to the queue.

    What a supervisor gave to somebody stays with them: that was a decision with a name under it.
    """
    ticket.rev += 1
    ticket.updated_at = clock.now()
    await clocks.retarget(session, settings, ticket)
    assignment = await open_assignment(session, ticket.id)
    moved = False
    if assignment is not None and not assignment.pinned and ticket.state is not State.CLOSED:
        cause = await unfit(session, settings, ticket, assignment.person_id)
        if cause is not None:
            await withdraw(session, ticket, assignment, cause, actor_id=actor_id)
            moved = True
    if ticket.state is State.QUEUED:
        ring(session, Job.ROUTE, ticket.id)
    return moved


async def withdraw(
    session: AsyncSession, ticket: Ticket, assignment: Assignment, cause: str, *, actor_id: int | None = None
) -> None:
    """Take an offer or a ticket back from somebody and put it into the queue, its place in time kept.

    `cause` is a code that the screens word: language, level, role, away, deactivated.
    """
    await take_back(
        session,
        ticket,
        assignment,
        state=AssignmentState.WITHDRAWN,
        kind=EntryKind.RELEASED,
        cause=cause,
        actor_id=actor_id,
        reason=cause,
    )
    ring(session, Job.ROUTE, ticket.id)
    await publish(session, Event("offer", assignment.id, (assignment.person_id,), "withdrawn"))


async def unfit(session: AsyncSession, settings: Settings, ticket: Ticket, person_id: int) -> str | None:
    """The name of the rule that this person fails for the ticket as it is now: role, language or level."""
    await session.flush()
    (person,) = await staff(session, clock.now(), today_at_the_center(settings), {person_id})
    wanted = TicketState(
        id=ticket.id,
        channel=ticket.channel,
        language=ticket.language,
        level=ticket.level,
        priority=ticket.priority,
        weight=ticket.weight,
    )
    rule = refused_by(FIT_RULES, wanted, person, Situation(Policy.of(settings)))
    return rule.name if rule else None
