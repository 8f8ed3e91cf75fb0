"""The one order in which rows are locked: people, then tickets, then assignments; advisory locks before any row."""

import hashlib
from collections.abc import Iterable

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
        super().__init__(N_("This ticket is changing hands right now. Please try again."))


async def lock_names(session: AsyncSession, names: Iterable[str]) -> None:
    """Take a transaction lock on each name, in one order for everybody. Call it before locking any row."""
    keys = sorted(
        {int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True) for name in names}
    )
    if keys:
        await session.execute(
            text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key"), {"keys": keys}
        )


async def lock_ticket(session: AsyncSession, ticket_id: int, *, people: Iterable[int] = ()) -> Ticket:
    """The ticket as it is now, locked together with whoever it is assigned or offered to."""
    return (await lock_together(session, [ticket_id], people=people))[ticket_id]


async def lock_together(
    session: AsyncSession, ticket_ids: Iterable[int], *, people: Iterable[int] = ()
) -> dict[int, Ticket]:
    """The same for several. Raises NotFound when one does not exist.

    Who holds them can change while we wait for the locks; then they are given back and taken again.
    """
    ids, wanted = sorted(set(ticket_ids)), set(people)
    for _ in range(_ATTEMPTS):
        savepoint = await session.begin_nested()
        holders = {*wanted, *await _holders(session, ids)}
        if holders:
            await session.execute(
                select(Person.id).where(Person.id.in_(holders)).order_by(Person.id).with_for_update(key_share=True)
            )
        found = await session.scalars(
            select(Ticket)
            .where(Ticket.id.in_(ids))
            .order_by(Ticket.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        tickets = {ticket.id: ticket for ticket in found}
        for ticket_id in ids:
            if ticket_id not in tickets:
                raise NotFound("There is no ticket {number}.", number=ticket_id)
        if set(await _holders(session, ids)) <= holders:
            await savepoint.commit()
            return tickets
        await savepoint.rollback()
    raise ChangedHands


async def open_assignment(session: AsyncSession, ticket_id: int) -> Assignment | None:
    """The open assignment of a ticket that is locked."""
    found: Assignment | None = await session.scalar(
        select(Assignment)
        .where(Assignment.ticket_id == ticket_id, Assignment.state.in_(OPEN))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found


async def _holders(session: AsyncSession, ticket_ids: list[int]) -> list[int]:
    rows = await session.scalars(
        select(Assignment.person_id).where(Assignment.ticket_id.in_(ticket_ids), Assignment.state.in_(OPEN))
    )
    return list(rows)
