"""Gives a ticket to somebody and takes it back: the state, the assignment, the timeline and the news together."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock
from shared.events import Event, publish_all
from shared.models import Assignment, AssignmentState, Entry, EntryKind, Person, Ticket, TicketState


@dataclass(frozen=True, slots=True)
class Gift:
    """A ticket that is locked and has no open assignment, and who is to have it."""

    ticket: Ticket
    person_id: int
    how: str
    reason: str = ""
    pinned: bool = False
    explanation: dict[str, object] = field(default_factory=dict)
    detail: dict[str, object] = field(default_factory=dict)


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
    gift = Gift(ticket, person_id, how, reason, pinned, explanation or {}, detail or {})
    return (await give_all(session, [gift], actor_id=actor_id))[0]


async def give_all(session: AsyncSession, gifts: Sequence[Gift], *, actor_id: int) -> list[Assignment]:
    """The same for many, in as few statements as for one."""
    now = clock.now()
    people = {
        person.id: person
        for person in await session.scalars(select(Person).where(Person.id.in_({gift.person_id for gift in gifts})))
    }
    given = [
        Assignment(
            ticket_id=gift.ticket.id,
            person_id=gift.person_id,
            state=AssignmentState.ACCEPTED,
            weight=gift.ticket.weight,
            pinned=gift.pinned,
            pinned_by_id=actor_id if gift.pinned else None,
            pin_reason=gift.reason if gift.pinned else "",
            assigned_by_id=None if actor_id == gift.person_id else actor_id,
            reason=gift.reason,
            explanation=gift.explanation,
            offered_at=now,
        )
        for gift in gifts
    ]
    session.add_all(given)
    for gift in gifts:
        if gift.ticket.state is not TicketState.WAITING:
            gift.ticket.state = TicketState.ASSIGNED
        gift.ticket.assignee_id = gift.person_id
        _changed(gift.ticket)
        people[gift.person_id].last_assigned_at = now
    await session.flush()
    session.add_all(
        Entry(
            ticket_id=gift.ticket.id,
            kind=EntryKind.ASSIGNED,
            actor_id=actor_id,
            detail={
                "assignment_id": assignment.id,
                "person_id": gift.person_id,
                "person": people[gift.person_id].name,
                "how": gift.how,
                "reason": gift.reason,
                **gift.detail,
            },
        )
        for gift, assignment in zip(gifts, given, strict=True)
    )
    await publish_all(session, [Event("ticket", gift.ticket.id, (gift.person_id,), "assigned") for gift in gifts])
    return given


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
    await take_back_all(
        session, [(ticket, assignment)], state=state, kind=kind, cause=cause, actor_id=actor_id, reason=reason
    )


async def take_back_all(
    session: AsyncSession,
    held: Sequence[tuple[Ticket, Assignment]],
    *,
    state: AssignmentState,
    kind: EntryKind,
    cause: str,
    actor_id: int | None = None,
    reason: str = "",
) -> None:
    """The same for many, in as few statements as for one."""
    was = [assignment.state for _, assignment in held]
    for ticket, assignment in held:
        end(assignment, state, cause=cause, reason=reason)
        ticket.state = TicketState.QUEUED
        ticket.assignee_id = None
        _changed(ticket)
    await session.flush()
    people = {assignment.person_id for _, assignment in held}
    names = dict((await session.execute(select(Person.id, Person.name).where(Person.id.in_(people)))).all())
    notes = await _notes(session, [assignment for _, assignment in held])
    session.add_all(
        Entry(
            ticket_id=ticket.id,
            kind=kind,
            actor_id=actor_id,
            detail={
                "assignment_id": assignment.id,
                "person_id": assignment.person_id,
                "person": names[assignment.person_id],
                "was": before.value,
                "cause": cause,
                "reason": reason,
                **({"handover": notes[assignment.id]} if before is AssignmentState.ACCEPTED else {}),
            },
        )
        for (ticket, assignment), before in zip(held, was, strict=True)
    )
    await publish_all(
        session, [Event("ticket", ticket.id, (assignment.person_id,), kind.value) for ticket, assignment in held]
    )


# What whoever goes on with a ticket wants to know that somebody did.
_DONE = (EntryKind.MAIL_OUT, EntryKind.CALL, EntryKind.CONTACT, EntryKind.NOTE)


async def _notes(session: AsyncSession, assignments: Sequence[Assignment]) -> dict[int, dict[str, str]]:
    """The hand-over notes, by assignment: since when the person had it, and what they did last."""
    last = {
        (row.ticket_id, row.actor_id): {"last": row.kind.value, "last_at": row.at.isoformat()}
        for row in await session.execute(
            select(Entry.ticket_id, Entry.actor_id, Entry.kind, Entry.at)
            .where(
                Entry.ticket_id.in_([each.ticket_id for each in assignments]),
                Entry.actor_id.in_([each.person_id for each in assignments]),
                Entry.kind.in_(_DONE),
            )
            .ext(distinct_on(Entry.ticket_id, Entry.actor_id))
            .order_by(Entry.ticket_id, Entry.actor_id, Entry.id.desc())
        )
    }
    return {
        each.id: {"since": each.offered_at.isoformat(), **last.get((each.ticket_id, each.person_id), {})}
        for each in assignments
    }


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
