"""Undoes a reassignment: what nobody has touched since goes back to who had it; of the rest it says why not."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.locks import lock_existing, open_assignments
from services.tickets.routing.handover import Gift, give_all, take_back_all
from services.tickets.routing.supervise import DONE, take_from
from shared import audit, clock
from shared.database import ring
from shared.errors import Conflict, NotFound
from shared.events import Event, publish_all
from shared.jobs import Job
from shared.models import (
    Assignment,
    AssignmentState,
    Entry,
    EntryKind,
    MoveOutcome,
    Person,
    ReassignedTicket,
    Reassignment,
    Ticket,
    TicketState,
    UndoOutcome,
)
from shared.people import PERMISSIONS, Actor, Permission
from shared.settings import Settings

# What says that somebody took it in hand, or that it is another ticket now, whoever wrote the entry.
TOUCHING = frozenset(
    {EntryKind.ACCEPTED, EntryKind.ASSIGNED, EntryKind.LANGUAGE, EntryKind.STATE, EntryKind.MERGED, EntryKind.SPLIT}
)
# What people do about an offer says nothing about the ticket.
HARMLESS = frozenset({EntryKind.OFFERED, EntryKind.DECLINED, EntryKind.EXPIRED})


@dataclass(frozen=True, slots=True)
class UndoResult:
    ticket_id: int
    outcome: UndoOutcome


@dataclass(frozen=True, slots=True)
class Since:
    """An entry that was written after the move."""

    kind: EntryKind
    by_person: bool


def undo_until(at: datetime, settings: Settings) -> datetime:
    return at + timedelta(seconds=settings.reassign_undo_s)


def verdict(
    row: ReassignedTicket,
    ticket: Ticket,
    assignment: Assignment | None,
    since: Sequence[Since],
    *,
    had_works: bool,
) -> UndoOutcome:
    """Whether this ticket can go back as it was. Pure; the ticket is locked."""
    if ticket.state is TicketState.CLOSED:
        return UndoOutcome.CLOSED
    if any(each.kind in TOUCHING or (each.by_person and each.kind not in HARMLESS) for each in since):
        return UndoOutcome.TOUCHED
    if row.outcome is MoveOutcome.QUEUED:
        held = assignment is not None and assignment.state is AssignmentState.ACCEPTED
    else:
        held = assignment is None or assignment.id != row.assignment_id
    if held:
        return UndoOutcome.MOVED_ON
    return UndoOutcome.BACK if had_works else UndoOutcome.LEFT


async def undo(session: AsyncSession, settings: Settings, me: Actor, reassignment_id: int) -> list[UndoResult]:
    """By whoever may assign, while `reassign_undo_s` lasts. One result for each ticket that had been moved."""
    me.require(Permission.TICKET_ASSIGN)
    # The action itself is locked first, and by nobody who holds anything else.
    action = await session.get(Reassignment, reassignment_id, with_for_update=True, populate_existing=True)
    if action is None:
        raise NotFound("There is no such reassignment.")
    if action.undone_at is not None:
        raise Conflict("This was undone already.")
    if clock.now() > undo_until(action.at, settings):
        raise Conflict("It is too late to undo this: reassign the tickets instead.")
    rows = list(
        await session.scalars(
            select(ReassignedTicket)
            .where(ReassignedTicket.reassignment_id == action.id, ReassignedTicket.outcome.in_(DONE))
            .order_by(ReassignedTicket.ticket_id)
        )
    )
    ids = [row.ticket_id for row in rows]
    owners = {row.from_id for row in rows if row.from_id is not None}
    tickets = await lock_existing(session, ids, people=owners)
    current = await open_assignments(session, ids)
    since = await _since(session, rows)
    people = {person.id: person for person in await session.scalars(select(Person).where(Person.id.in_(owners)))}
    results = []
    back = []
    for row in rows:
        owner = None if row.from_id is None else people[row.from_id]
        works = owner is None or (owner.active and Permission.TICKET_WORK in PERMISSIONS[owner.role])
        row.undo_outcome = verdict(
            row, tickets[row.ticket_id], current.get(row.ticket_id), since[row.ticket_id], had_works=works
        )
        results.append(UndoResult(row.ticket_id, row.undo_outcome))
        if row.undo_outcome is UndoOutcome.BACK:
            back.append(row)
    await _put_back(session, me, back, tickets, current)
    action.undone_at, action.undone_by_id = clock.now(), me.id
    for result in results:
        audit.record(
            session, me.id, "ticket.assign_undo", object_type="reassignment", object_id=action.id,
            ticket_id=result.ticket_id, detail={"outcome": result.outcome.value}, ip=me.ip,
        )  # fmt: skip
    ring(session, Job.ROUTE, 0)
    return results


async def _put_back(
    session: AsyncSession,
    me: Actor,
    rows: Sequence[ReassignedTicket],
    tickets: Mapping[int, Ticket],
    current: Mapping[int, Assignment],
) -> None:
    only_pinned = [row for row in rows if row.outcome is MoveOutcome.UNCHANGED]
    for row in only_pinned:
        if row.ticket_id in current:
            _pin_as_before(current[row.ticket_id], row)
    moved = [row for row in rows if row not in only_pinned]
    queued = [row for row in moved if row.from_id is None]
    await take_back_all(
        session,
        [(tickets[row.ticket_id], current[row.ticket_id]) for row in queued if row.ticket_id in current],
        state=AssignmentState.WITHDRAWN,
        kind=EntryKind.RELEASED,
        cause="undone",
        actor_id=me.id,
    )
    events: list[Event] = []
    owned = [(row, row.from_id) for row in moved if row.from_id is not None]
    await take_from(session, [current.get(row.ticket_id) for row, _ in owned], "", events, cause="undone")
    gifts = [
        Gift(tickets[row.ticket_id], owner, how="undone", explanation={"supervisor": True}) for row, owner in owned
    ]
    for (row, owner), given in zip(owned, await give_all(session, gifts, actor_id=me.id), strict=True):
        _pin_as_before(given, row)
        events.append(Event("offer", given.id, (owner,), "assigned"))
        if row.to_id is not None:
            events.append(Event("ticket", row.ticket_id, (row.to_id,), "reassigned"))
    await publish_all(session, events)


def _pin_as_before(assignment: Assignment, row: ReassignedTicket) -> None:
    assignment.pinned = row.was_pinned
    assignment.pinned_by_id = row.was_pinned_by_id
    assignment.pin_reason = row.was_pin_reason


async def _since(session: AsyncSession, rows: Sequence[ReassignedTicket]) -> dict[int, list[Since]]:
    found: dict[int, list[Since]] = defaultdict(list)
    last = {row.ticket_id: row.last_entry_id for row in rows}
    if not last:
        return found
    entries = await session.execute(
        select(Entry.ticket_id, Entry.id, Entry.kind, Entry.actor_id).where(
            Entry.ticket_id.in_(last), Entry.id > min(last.values())
        )
    )
    for ticket_id, entry_id, kind, actor_id in entries:
        if entry_id > last[ticket_id]:
            found[ticket_id].append(Since(kind, actor_id is not None))
    return found
