"""What supervisors decide: assign and reassign anything, alone or in bulk, send back to the queue, with a reason.

Their word is final: it may exceed capacity and level, which is flagged, and the router leaves what they assigned
alone. Giving a Spanish ticket to somebody who is not verified takes an explicit override, which is audited.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.locks import OPEN
from services.tickets.routing.handover import end, give, holders, lock_people, lock_tickets, take_back
from services.tickets.routing.rules import INTERN, LANGUAGE, LEVEL, Situation, reviewer_live
from services.tickets.routing.staff import staff, today_at_the_center
from services.tickets.routing.terms import PersonState, Policy
from services.tickets.routing.terms import TicketState as TicketValues
from shared import audit, clock
from shared.errors import Conflict, Invalid, NotFound
from shared.events import Event, publish
from shared.models import Assignment, AssignmentState, EntryKind, Person, Ticket, TicketState
from shared.people import PERMISSIONS, Actor, Permission
from shared.settings import Settings

BULK_LIMIT = 200
REASON_LIMIT = 500
ATTEMPTS = 5


class Outcome(StrEnum):
    ASSIGNED = "assigned"
    QUEUED = "queued"  # sent back
    UNCHANGED = "unchanged"  # it is theirs already; now it is pinned
    NEEDS_OVERRIDE = "needs_override"  # nothing was changed: the person is not verified in the ticket's language
    CLOSED = "closed"
    NOT_FOUND = "not_found"


class Flag(StrEnum):
    """What is unusual about an assignment that was made all the same."""

    UNVERIFIED_LANGUAGE = "unverified_language"
    LANGUAGE_UNCERTAIN = "language_uncertain"  # the ticket's language is unknown and the person no bilingual
    OVER_CAPACITY = "over_capacity"
    BELOW_LEVEL = "below_level"
    NOT_AT_WORK = "not_at_work"  # offline, on a break, or without a browser


@dataclass(frozen=True, slots=True)
class AssignResult:
    ticket_id: int
    outcome: Outcome
    flags: list[Flag] = field(default_factory=list)
    assignment_id: int | None = None

    @property
    def ok(self) -> bool:
        return self.outcome in (Outcome.ASSIGNED, Outcome.QUEUED, Outcome.UNCHANGED)


async def assign(
    session: AsyncSession,
    settings: Settings,
    me: Actor,
    ticket_ids: Sequence[int],
    person_id: int,
    reason: str,
    *,
    override: bool = False,
) -> list[AssignResult]:
    """Give these tickets to somebody, whoever has them now. One result each, in the order asked for."""
    me.require(Permission.TICKET_ASSIGN)
    reason, ids = _reason(reason), _ids(ticket_ids)
    target = await session.get(Person, person_id)
    if target is None:
        raise NotFound("There is no such person.")
    if not target.active or Permission.TICKET_WORK not in PERMISSIONS[target.role]:
        raise Invalid("{name} does not work on tickets.", field="person_id", name=target.name)
    tickets = await _lock(session, ids, {person_id})
    current = await _open_assignments(session, ids)
    now, today = clock.now(), today_at_the_center(settings)
    (person,) = await staff(session, now, today, {person_id}, zone=ZoneInfo(settings.timezone))
    situation = Situation(Policy.of(settings), reviewer_live(await staff(session, now, today)))
    load = person.load
    results = []
    for id_ in ids:
        ticket, assignment = tickets.get(id_), current.get(id_)
        if ticket is None:
            results.append(AssignResult(id_, Outcome.NOT_FOUND))
            continue
        if ticket.state is TicketState.CLOSED:
            results.append(AssignResult(id_, Outcome.CLOSED))
            continue
        flags = _flags(ticket, person, situation)
        if Flag.UNVERIFIED_LANGUAGE in flags and not override:
            results.append(AssignResult(id_, Outcome.NEEDS_OVERRIDE, flags))
            continue
        mine = assignment is not None and assignment.person_id == person_id
        if not mine and ticket.state is not TicketState.WAITING:
            load += ticket.weight
        if load > person.capacity:
            flags.append(Flag.OVER_CAPACITY)
        if assignment is not None and mine and assignment.state is AssignmentState.ACCEPTED:
            assignment.pinned = True
            results.append(AssignResult(id_, Outcome.UNCHANGED, flags, assignment.id))
            _audit(session, me, ticket, person_id, person_id, reason, flags, override)
            continue
        from_id = await _take_from(session, ticket, assignment, person_id, reason)
        given = await give(
            session,
            ticket,
            person_id,
            actor_id=me.id,
            how="assigned" if from_id is None else "reassigned",
            reason=reason,
            pinned=True,
            explanation={"supervisor": True, "flags": [flag.value for flag in flags]},
            detail={
                "flags": [flag.value for flag in flags],
                **({} if from_id is None else {"from_id": from_id, "from": await _name(session, from_id)}),
            },
        )
        _audit(session, me, ticket, from_id, person_id, reason, flags, override)
        await publish(session, Event("offer", given.id, (person_id,), "assigned"))
        results.append(AssignResult(id_, Outcome.ASSIGNED, flags, given.id))
    return results


async def send_back(session: AsyncSession, me: Actor, ticket_ids: Sequence[int], reason: str) -> list[AssignResult]:
    """Put these tickets back into the queue, whoever has them, for the router to place."""
    me.require(Permission.TICKET_ASSIGN)
    reason, ids = _reason(reason), _ids(ticket_ids)
    tickets = await _lock(session, ids, set())
    current = await _open_assignments(session, ids)
    results = []
    for id_ in ids:
        ticket, assignment = tickets.get(id_), current.get(id_)
        if ticket is None:
            results.append(AssignResult(id_, Outcome.NOT_FOUND))
        elif ticket.state is TicketState.CLOSED:
            results.append(AssignResult(id_, Outcome.CLOSED))
        elif assignment is None:
            results.append(AssignResult(id_, Outcome.UNCHANGED))
        else:
            was_offer = assignment.state is AssignmentState.OFFERED
            await take_back(
                session,
                ticket,
                assignment,
                state=AssignmentState.WITHDRAWN,
                kind=EntryKind.RELEASED,
                cause="released",
                actor_id=me.id,
                reason=reason,
            )
            if was_offer:
                await publish(session, Event("offer", assignment.id, (assignment.person_id,), "withdrawn"))
            _audit(session, me, ticket, assignment.person_id, None, reason, [], False)
            results.append(AssignResult(id_, Outcome.QUEUED))
    return results


def _flags(ticket: Ticket, person: PersonState, situation: Situation) -> list[Flag]:
    values = TicketValues(
        id=ticket.id,
        channel=ticket.channel,
        language=ticket.language,
        level=ticket.level,
        priority=ticket.priority,
        weight=ticket.weight,
    )
    flags = []
    if not LANGUAGE.allows(values, person, situation):
        certain = ticket.language in (situation.policy.verified_language, "mixed")
        flags.append(Flag.UNVERIFIED_LANGUAGE if certain else Flag.LANGUAGE_UNCERTAIN)
    if not LEVEL.allows(values, person, situation) or not INTERN.allows(values, person, situation):
        flags.append(Flag.BELOW_LEVEL)
    if not person.available:
        flags.append(Flag.NOT_AT_WORK)
    return flags


async def _lock(session: AsyncSession, ticket_ids: list[int], people: set[int]) -> dict[int, Ticket]:
    """The tickets, locked after everybody who is concerned; whoever that is may change while we wait."""
    for _ in range(ATTEMPTS):
        savepoint = await session.begin_nested()
        concerned = people | await holders(session, ticket_ids)
        await lock_people(session, concerned)
        tickets = await lock_tickets(session, ticket_ids)
        if await holders(session, ticket_ids) <= concerned:
            await savepoint.commit()
            return tickets
        await savepoint.rollback()
    raise Conflict("These tickets are changing hands right now. Please try again.")


async def _open_assignments(session: AsyncSession, ticket_ids: list[int]) -> dict[int, Assignment]:
    found = await session.scalars(
        select(Assignment)
        .where(Assignment.ticket_id.in_(ticket_ids), Assignment.state.in_(OPEN))
        .order_by(Assignment.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {assignment.ticket_id: assignment for assignment in found}


async def _take_from(
    session: AsyncSession, ticket: Ticket, assignment: Assignment | None, person_id: int, reason: str
) -> int | None:
    """End what is open on the ticket; returns who had accepted it. The ticket is about to be given on."""
    if assignment is None:
        return None
    was_offer = assignment.state is AssignmentState.OFFERED
    end(assignment, AssignmentState.WITHDRAWN, cause="reassigned", reason=reason)
    await session.flush()  # before the next open assignment of the same ticket
    if was_offer:
        await publish(session, Event("offer", assignment.id, (assignment.person_id,), "withdrawn"))
        return None
    if assignment.person_id != person_id:
        await publish(session, Event("ticket", ticket.id, (assignment.person_id,), "reassigned"))
    return assignment.person_id


async def _name(session: AsyncSession, person_id: int) -> str:
    return await session.scalar(select(Person.name).where(Person.id == person_id)) or ""


def _audit(
    session: AsyncSession,
    me: Actor,
    ticket: Ticket,
    from_id: int | None,
    to_id: int | None,
    reason: str,
    flags: list[Flag],
    override: bool,
) -> None:
    audit.record(
        session,
        me.id,
        "ticket.assign" if to_id is not None else "ticket.send_back",
        object_type="ticket",
        object_id=ticket.id,
        ticket_id=ticket.id,
        detail={
            "from_id": from_id,
            "to_id": to_id,
            "reason": reason,
            "flags": [flag.value for flag in flags],
            "override": override and Flag.UNVERIFIED_LANGUAGE in flags,
        },
        ip=me.ip,
    )


def _reason(text: str) -> str:
    text = text.strip()
    if not text:
        raise Invalid("Please give a reason.", field="reason")
    if len(text) > REASON_LIMIT:
        raise Invalid("Please keep the reason under {limit} characters.", field="reason", limit=REASON_LIMIT)
    return text


def _ids(ticket_ids: Sequence[int]) -> list[int]:
    ids = list(dict.fromkeys(ticket_ids))
    if not ids:
        raise Invalid("Choose at least one ticket.", field="ticket_ids")
    if len(ids) > BULK_LIMIT:
        raise Invalid("Choose at most {limit} tickets.", field="ticket_ids", limit=BULK_LIMIT)
    return ids
