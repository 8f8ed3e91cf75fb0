"""What supervisors decide: assign and reassign anything, alone or in bulk, send back to the queue, with a reason.

Their word is final: it may exceed capacity and level, which is flagged, and the router leaves what they assigned
alone. Giving a Spanish ticket to somebody who is not verified takes an explicit override, which is audited. Each
action is a `reassignment` with its tickets, so that it can be shown to whom it concerns, and undone (undo.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.ladder.actions import given_without_language
from services.tickets.locks import OPEN, lock_existing, open_assignments
from services.tickets.routing.deal import Deal, Flag
from services.tickets.routing.handover import (
    Gift,
    end,
    give_all,
    take_back_all,
)
from services.tickets.routing.rules import Situation, reviewer_live
from services.tickets.routing.staff import staff, today_at_the_center
from services.tickets.routing.terms import Policy
from services.tickets.routing.terms import TicketState as TicketValues
from shared import audit, clock
from shared.errors import Invalid, NotFound
from shared.events import Event, publish_all
from shared.models import (
    Assignment,
    AssignmentState,
    Entry,
    EntryKind,
    Person,
    ReassignedTicket,
    Reassignment,
    Ticket,
    TicketState,
)
from shared.models import MoveOutcome as Outcome
from shared.people import PERMISSIONS, Actor, Permission
from shared.settings import Settings

BULK_LIMIT = 200
PEOPLE_LIMIT = 50
REASON_LIMIT = 500
LANGUAGE_FLAGS = frozenset({Flag.UNVERIFIED_LANGUAGE, Flag.LANGUAGE_UNCERTAIN})
DONE = (Outcome.ASSIGNED, Outcome.QUEUED, Outcome.UNCHANGED)


@dataclass(frozen=True, slots=True)
class MoveResult:
    ticket_id: int
    outcome: Outcome
    flags: list[Flag] = field(default_factory=list)
    assignment_id: int | None = None
    person_id: int | None = None  # who was given it, or would have been

    @property
    def ok(self) -> bool:
        return self.outcome in DONE


@dataclass(frozen=True, slots=True)
class Moved:
    """`id`: of the reassignment, to undo it; None when nothing was changed. One result per ticket, as asked for."""

    id: int | None
    results: list[MoveResult]


async def assign(
    session: AsyncSession,
    settings: Settings,
    me: Actor,
    ticket_ids: Sequence[int],
    person_ids: Sequence[int],
    reason: str,
    *,
    override: bool = False,
) -> Moved:
    """Give these tickets to somebody, or spread them over several, whoever has them now."""
    me.require(Permission.TICKET_ASSIGN)
    reason, ids = clean_reason(reason), _ids(ticket_ids)
    names = await _targets(session, person_ids)
    tickets = await lock_existing(session, ids, people=names)
    current = await open_assignments(session, ids)
    planned = await _plan(session, settings, ids, tickets, current, list(names), override=override)
    session.add_all(
        given_without_language(settings, me, tickets[each.ticket_id], each.person_id, names[each.person_id])
        for each in planned
        if each.outcome is Outcome.ASSIGNED and each.person_id is not None and not LANGUAGE_FLAGS.isdisjoint(each.flags)
    )
    return await _carry_out(session, me, planned, tickets, current, names, reason, override=override)


async def preview(
    session: AsyncSession, settings: Settings, me: Actor, ticket_ids: Sequence[int], person_ids: Sequence[int]
) -> list[MoveResult]:
    """What `assign` would do now with every override given. Changes and locks nothing."""
    me.require(Permission.TICKET_ASSIGN)
    ids = _ids(ticket_ids)
    names = await _targets(session, person_ids)
    found = await session.scalars(select(Ticket).where(Ticket.id.in_(ids)))
    tickets = {ticket.id: ticket for ticket in found}
    held = await session.scalars(select(Assignment).where(Assignment.ticket_id.in_(ids), Assignment.state.in_(OPEN)))
    current = {assignment.ticket_id: assignment for assignment in held}
    return await _plan(session, settings, ids, tickets, current, list(names), override=True)


async def send_back(session: AsyncSession, me: Actor, ticket_ids: Sequence[int], reason: str) -> Moved:
    """Put these tickets back into the queue, whoever has them, for the router to place."""
    me.require(Permission.TICKET_ASSIGN)
    reason, ids = clean_reason(reason), _ids(ticket_ids)
    tickets = await lock_existing(session, ids)
    current = await open_assignments(session, ids)
    results: list[MoveResult] = []
    kept: list[ReassignedTicket] = []
    held: list[tuple[Ticket, Assignment]] = []
    for id_ in ids:
        ticket, assignment = tickets.get(id_), current.get(id_)
        if ticket is None:
            results.append(MoveResult(id_, Outcome.NOT_FOUND))
            continue
        if ticket.state is TicketState.CLOSED:
            result = MoveResult(id_, Outcome.CLOSED)
        elif assignment is None:
            result = MoveResult(id_, Outcome.UNCHANGED)
        else:
            result = MoveResult(id_, Outcome.QUEUED)
            held.append((ticket, assignment))
        results.append(result)
        kept.append(_kept(result, _accepted(assignment)))
    offers = [assignment for _, assignment in held if assignment.state is AssignmentState.OFFERED]
    await take_back_all(
        session,
        held,
        state=AssignmentState.WITHDRAWN,
        kind=EntryKind.RELEASED,
        cause="released",
        actor_id=me.id,
        reason=reason,
    )
    for ticket, assignment in held:
        _audit(session, me, ticket, assignment.person_id, None, reason, [], False)
    await publish_all(session, [Event("offer", each.id, (each.person_id,), "withdrawn") for each in offers])
    return Moved(await _record(session, me, [], reason, False, kept), results)


async def _plan(
    session: AsyncSession,
    settings: Settings,
    ids: Sequence[int],
    tickets: dict[int, Ticket],
    current: dict[int, Assignment],
    person_ids: Sequence[int],
    *,
    override: bool,
) -> list[MoveResult]:
    now, today = clock.now(), today_at_the_center(settings)
    people = await staff(session, now, today, person_ids, zone=ZoneInfo(settings.timezone))
    deal = Deal(people, Situation(Policy.of(settings), reviewer_live(await staff(session, now, today))))
    results = []
    for id_ in ids:
        ticket, assignment = tickets.get(id_), current.get(id_)
        if ticket is None:
            results.append(MoveResult(id_, Outcome.NOT_FOUND))
            continue
        if ticket.state is TicketState.CLOSED:
            results.append(MoveResult(id_, Outcome.CLOSED))
            continue
        values = TicketValues(ticket.id, ticket.channel, ticket.language, ticket.level, ticket.priority, ticket.weight)
        holder = assignment.person_id if assignment is not None else None
        weighs = ticket.state is not TicketState.WAITING
        dealt = deal.deal(values, held_by=holder, weighs=weighs)
        if Flag.UNVERIFIED_LANGUAGE in dealt.flags and not override:
            deal.refused(values, dealt, held_by=holder, weighs=weighs)
            flags: list[Flag] = [flag for flag in dealt.flags if flag != Flag.OVER_CAPACITY]
            results.append(MoveResult(id_, Outcome.NEEDS_OVERRIDE, flags, person_id=dealt.person_id))
            continue
        theirs = assignment is not None and holder == dealt.person_id and assignment.state is AssignmentState.ACCEPTED
        outcome = Outcome.UNCHANGED if theirs else Outcome.ASSIGNED
        results.append(MoveResult(id_, outcome, dealt.flags, person_id=dealt.person_id))
    return results


async def _carry_out(
    session: AsyncSession,
    me: Actor,
    planned: Sequence[MoveResult],
    tickets: dict[int, Ticket],
    current: dict[int, Assignment],
    targets: dict[int, str],
    reason: str,
    *,
    override: bool,
) -> Moved:
    """What was planned for tickets that are locked; whoever had them is told, and whoever gets them."""
    names = {**targets, **await _names(session, {each.person_id for each in current.values()})}
    kept = {
        each.ticket_id: _kept(each, _accepted(current.get(each.ticket_id)))
        for each in planned
        if each.outcome is not Outcome.NOT_FOUND
    }
    moving = [each for each in planned if each.outcome is Outcome.ASSIGNED]
    events: list[Event] = []
    await take_from(session, [current.get(each.ticket_id) for each in moving], reason, events)
    gifts = [_gift(each, tickets[each.ticket_id], kept[each.ticket_id].from_id, names, reason) for each in moving]
    given = {each.ticket_id: each for each in await give_all(session, gifts, actor_id=me.id)}
    results = []
    for each in planned:
        if not each.ok or each.person_id is None:
            results.append(each)
            continue
        row, ticket = kept[each.ticket_id], tickets[each.ticket_id]
        assignment = given.get(each.ticket_id) or current[each.ticket_id]
        if each.outcome is Outcome.UNCHANGED:
            assignment.pinned, assignment.pinned_by_id, assignment.pin_reason = True, me.id, reason
        else:
            events.append(Event("offer", assignment.id, (each.person_id,), "assigned"))
            if row.from_id is not None and row.from_id != each.person_id:
                events.append(Event("ticket", ticket.id, (row.from_id,), "reassigned"))
        row.assignment_id = assignment.id
        _audit(session, me, ticket, row.from_id, each.person_id, reason, each.flags, override)
        results.append(replace(each, assignment_id=assignment.id))
    await publish_all(session, events)
    return Moved(await _record(session, me, list(targets), reason, override, list(kept.values())), results)


def _gift(result: MoveResult, ticket: Ticket, from_id: int | None, names: dict[int, str], reason: str) -> Gift:
    flags = [flag.value for flag in result.flags]
    return Gift(
        ticket,
        result.person_id or 0,
        how="assigned" if from_id is None else "reassigned",
        reason=reason,
        pinned=True,
        explanation={"supervisor": True, "flags": flags},
        detail={"flags": flags, **({} if from_id is None else {"from_id": from_id, "from": names[from_id]})},
    )


def _accepted(assignment: Assignment | None) -> Assignment | None:
    """What somebody was only offered was in the queue."""
    accepted = assignment is not None and assignment.state is AssignmentState.ACCEPTED
    return assignment if accepted else None


def _kept(result: MoveResult, had: Assignment | None) -> ReassignedTicket:
    """What undoing needs to know. `had`: the accepted assignment that the action ends, or keeps."""
    return ReassignedTicket(
        ticket_id=result.ticket_id,
        outcome=result.outcome,
        flags=[flag.value for flag in result.flags],
        from_id=None if had is None else had.person_id,
        to_id=result.person_id,
        was_pinned=had is not None and had.pinned,
        was_pinned_by_id=None if had is None else had.pinned_by_id,
        was_pin_reason="" if had is None else had.pin_reason,
    )


async def _record(
    session: AsyncSession, me: Actor, person_ids: list[int], reason: str, override: bool, kept: list[ReassignedTicket]
) -> int | None:
    if not any(row.outcome in DONE for row in kept):
        return None
    action = Reassignment(by_id=me.id, to_ids=person_ids, reason=reason, override=override, at=clock.now())
    session.add(action)
    await session.flush()
    last = await session.execute(
        select(Entry.ticket_id, func.max(Entry.id))
        .where(Entry.ticket_id.in_([row.ticket_id for row in kept]))
        .group_by(Entry.ticket_id)
    )
    newest = dict(last.all())
    for row in kept:
        row.reassignment_id = action.id
        row.last_entry_id = newest.get(row.ticket_id, 0)
    session.add_all(kept)
    await session.flush()
    return action.id


async def take_from(
    session: AsyncSession,
    assignments: Sequence[Assignment | None],
    reason: str,
    events: list[Event],
    cause: str = "reassigned",
) -> None:
    """End what is open on tickets that are about to be given on; the offers among them are gone from their screens."""
    for assignment in assignments:
        if assignment is None:
            continue
        if assignment.state is AssignmentState.OFFERED:
            events.append(Event("offer", assignment.id, (assignment.person_id,), "withdrawn"))
        end(assignment, AssignmentState.WITHDRAWN, cause=cause, reason=reason)
    await session.flush()  # before the next open assignments of the same tickets


async def _targets(session: AsyncSession, person_ids: Sequence[int]) -> dict[int, str]:
    """Names by id of those who are to get the tickets. Raises when one of them does not work on tickets."""
    wanted = list(dict.fromkeys(person_ids))
    if not wanted:
        raise Invalid("Choose a person.", field="person_id")
    if len(wanted) > PEOPLE_LIMIT:
        raise Invalid("Choose at most {limit} people.", field="person_id", limit=PEOPLE_LIMIT)
    found = {person.id: person for person in await session.scalars(select(Person).where(Person.id.in_(wanted)))}
    for id_ in wanted:
        person = found.get(id_)
        if person is None:
            raise NotFound("There is no such person.")
        if not person.active or Permission.TICKET_WORK not in PERMISSIONS[person.role]:
            raise Invalid("{name} does not work on tickets.", field="person_id", name=person.name)
    return {id_: found[id_].name for id_ in wanted}


async def _names(session: AsyncSession, person_ids: set[int]) -> dict[int, str]:
    rows = await session.execute(select(Person.id, Person.name).where(Person.id.in_(person_ids)))
    return dict(rows.all())


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


def clean_reason(text: str) -> str:
    """Raises Invalid when there is none, or when it is too long."""
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
