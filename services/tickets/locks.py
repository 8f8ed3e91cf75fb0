"""The one order in which rows are locked: people, then tickets, then assignments; names before any row, or after all.

Two transactions that keep to it never wait for each other in a circle. tests/lock_order.py watches it in every test.
"""

import hashlib
from collections.abc import Collection, Iterable

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.errors import Conflict, NotFound
from shared.models import Assignment, AssignmentState, Person, Ticket
from shared.web.i18n import N_

OPEN = (AssignmentState.OFFERED, AssignmentState.ACCEPTED)
_ATTEMPTS = 5


class ChangedHands(Conflict):
    """What was decided before the lock no longer holds. Nothing is wrong: begin again from the start."""

    def __init__(self) -> None:
        super().__init__(N_("This is changing hands right now. Please try again."))


async def lock_names(session: AsyncSession, names: Iterable[str]) -> None:
    """Take a transaction lock on each name, in one order for everybody. Call it before locking any row."""
    if keys := _keys(names):
        await session.execute(
            text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key"), {"keys": keys}
        )


async def lock_last(session: AsyncSession, names: Iterable[str]) -> None:
    """The same for names that are known only when the rows are locked. No other lock may follow in the transaction,
    and nobody takes such a name with lock_names."""
    if keys := _keys(names):
        await session.execute(
            text("SELECT pg_advisory_xact_lock(last) FROM unnest(CAST(:keys AS bigint[])) AS last"), {"keys": keys}
        )


def _keys(names: Iterable[str]) -> list[int]:
    return sorted(
        {int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True) for name in names}
    )


async def lock_people(session: AsyncSession, ids: Iterable[int]) -> None:
    """Call it before locking any ticket."""
    await session.execute(
        select(Person.id).where(Person.id.in_(sorted(set(ids)))).order_by(Person.id).with_for_update(key_share=True)
    )


async def lock_tickets(session: AsyncSession, ids: Iterable[int]) -> dict[int, Ticket]:
    """The tickets as they are once nobody else is changing them; those that exist, by id."""
    found = await session.scalars(
        select(Ticket)
        .where(Ticket.id.in_(sorted(set(ids))))
        .order_by(Ticket.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {ticket.id: ticket for ticket in found}


async def lock_ticket(session: AsyncSession, ticket_id: int, *, people: Iterable[int] = ()) -> Ticket:
    """The ticket as it is now, locked together with whoever it is assigned or offered to."""
    return (await lock_together(session, [ticket_id], people=people))[ticket_id]


async def lock_together(
    session: AsyncSession, ticket_ids: Collection[int], *, people: Iterable[int] = ()
) -> dict[int, Ticket]:
    """The same for several. Raises NotFound when one does not exist."""
    tickets = await lock_existing(session, ticket_ids, people=people)
    for ticket_id in sorted(set(ticket_ids)):
        if ticket_id not in tickets:
            raise NotFound("There is no ticket {number}.", number=ticket_id)
    return tickets


async def lock_existing(
    session: AsyncSession, ticket_ids: Collection[int], *, people: Iterable[int] = ()
) -> dict[int, Ticket]:
    """The same for those of them that exist.

    Who holds them can change while we wait for the locks; then they are given back and taken again.
    """
    wanted = set(people)
    for _ in range(_ATTEMPTS):
        savepoint = await session.begin_nested()
        concerned = wanted | await _holders(session, ticket_ids)
        if concerned:
            await lock_people(session, concerned)
        tickets = await lock_tickets(session, ticket_ids)
        if await _holders(session, ticket_ids) <= concerned:
            await savepoint.commit()
            return tickets
        await savepoint.rollback()
    raise ChangedHands


async def open_assignment(session: AsyncSession, ticket_id: int) -> Assignment | None:
    """The open assignment of a ticket that is locked."""
    return (await open_assignments(session, [ticket_id])).get(ticket_id)


async def open_assignments(session: AsyncSession, ticket_ids: Collection[int]) -> dict[int, Assignment]:
    """By ticket; the tickets are locked. Each has one at most."""
    found = await session.scalars(
        select(Assignment)
        .where(Assignment.ticket_id.in_(ticket_ids), Assignment.state.in_(OPEN))
        .order_by(Assignment.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {assignment.ticket_id: assignment for assignment in found}


async def _holders(session: AsyncSession, ticket_ids: Collection[int]) -> set[int]:
    rows = await session.scalars(
        select(Assignment.person_id).where(Assignment.ticket_id.in_(ticket_ids), Assignment.state.in_(OPEN))
    )
    return set(rows)
