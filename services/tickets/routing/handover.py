"""Gives a ticket to somebody and takes it back: the state, the assignment, the timeline and the news together.

Everybody who touches assignments locks in one order: people by id, then tickets by id, then assignments.
"""

from collections.abc import Iterable

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.locks import OPEN
from shared import clock
from shared.events import Event, publish
from shared.models import Assignment, AssignmentState, Entry, EntryKind, Person, Ticket, TicketState


async def lock_people(session: AsyncSession, ids: Iterable[int]) -> None:
    await session.execute(
        text("SELECT id FROM person WHERE id = ANY(CAST(:ids AS bigint[])) ORDER BY id FOR NO KEY UPDATE"),
        {"ids": sorted(set(ids))},
    )


async def lock_tickets(session: AsyncSession, ids: Iterable[int]) -> dict[int, Ticket]:
    """The tickets as they are once nobody else is changing them."""
    found = await session.scalars(
        select(Ticket)
        .where(Ticket.id.in_(sorted(set(ids))))
        .order_by(Ticket.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {ticket.id: ticket for ticket in found}


async def holders(session: AsyncSession, ticket_ids: Iterable[int]) -> set[int]:
    """Who is offered or holds these tickets now: lock them before the tickets."""
    statement = select(Assignment.person_id).where(
        Assignment.ticket_id.in_(sorted(set(ticket_ids))), Assignment.state.in_(OPEN)
    )
    return set(await session.scalars(statement))


async def give(
    session: AsyncSession,
    ticket: Ticket,
    person_id: int,
    *,
    actor_id: int,
    how: str,
    reason: str = "",
    pinned: bool = False,
    explanation: dict[str, object] | None = None,
    detail: dict[str, object] | None = None,
) -> Assignment:
    """Make it somebody's work without an offer: taken from the queue, or assigned by a supervisor.

    The ticket is locked and has no open assignment. What waits on the customer keeps waiting.
    """
    now = clock.now()
    assignment = Assignment(
        ticket_id=ticket.id,
        person_id=person_id,
        state=AssignmentState.ACCEPTED,
        weight=ticket.weight,
        pinned=pinned,
        assigned_by_id=None if actor_id == person_id else actor_id,
        reason=reason,
        explanation=explanation or {},
        offered_at=now,
    )
    session.add(assignment)
    if ticket.state is not TicketState.WAITING:
        ticket.state = TicketState.ASSIGNED
    ticket.assignee_id = person_id
    _changed(ticket)
    person = await session.get_one(Person, person_id)
    person.last_assigned_at = now
    await session.flush()
    session.add(
        Entry(
            ticket_id=ticket.id,
            kind=EntryKind.ASSIGNED,
            actor_id=actor_id,
            detail={
                "assignment_id": assignment.id,
                "person_id": person_id,
                "person": person.name,
                "how": how,
                "reason": reason,
                **(detail or {}),
            },
        )
    )
    await publish(session, Event("ticket", ticket.id, (person_id,), "assigned"))
    return assignment


async def take_back(
    session: AsyncSession,
    ticket: Ticket,
    assignment: Assignment,
    *,
    state: AssignmentState,
    kind: EntryKind,
    cause: str,
    actor_id: int | None = None,
    reason: str = "",
) -> None:
    """End an open assignment and queue the ticket again, with the clock it always had.

    `cause` is a code that the screen words: declined, expired, released, left, deactivated, language, level…
    """
    person_id, was = assignment.person_id, assignment.state
    end(assignment, state, cause=cause, reason=reason)
    ticket.state = TicketState.QUEUED
    ticket.assignee_id = None
    _changed(ticket)
    await session.flush()
    name = await session.scalar(select(Person.name).where(Person.id == person_id))
    session.add(
        Entry(
            ticket_id=ticket.id,
            kind=kind,
            actor_id=actor_id,
            detail={
                "assignment_id": assignment.id,
                "person_id": person_id,
                "person": name,
                "was": was.value,
                "cause": cause,
                "reason": reason,
            },
        )
    )
    await publish(session, Event("ticket", ticket.id, (person_id,), kind.value))


def end(assignment: Assignment, state: AssignmentState, *, cause: str, reason: str = "") -> None:
    """Close an assignment; the explanation remembers how, for the next plan."""
    facts: dict[str, object] = {"cause": cause}
    if assignment.state is AssignmentState.ACCEPTED and state is not AssignmentState.DONE:
        facts["was"] = AssignmentState.ACCEPTED.value
    assignment.explanation = {**assignment.explanation, **facts}
    assignment.state = state
    assignment.ended_at = clock.now()
    if reason:
        assignment.reason = reason


def _changed(ticket: Ticket) -> None:
    ticket.rev += 1
    ticket.updated_at = clock.now()
