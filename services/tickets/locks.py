"""The one order in which rows are locked: people, then tickets, then assignments; advisory locks before any row."""

import hashlib
from collections.abc import Iterable

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.errors import Conflict, NotFound
from shared.models import Assignment, AssignmentState, Person, Ticket

OPEN = (AssignmentState.OFFERED, AssignmentState.ACCEPTED)
_ATTEMPTS = 5


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
    """The ticket as it is now, locked together with whoever it is assigned or offered to.

    Who that is can change while we wait for the locks; then they are given back and taken again.
    """
    wanted = set(people)
    for _ in range(_ATTEMPTS):
        savepoint = await session.begin_nested()
        holders = {*wanted, *await _holders(session, ticket_id)}
        if holders:
            await session.execute(
                select(Person.id).where(Person.id.in_(holders)).order_by(Person.id).with_for_update(key_share=True)
            )
        ticket = await session.scalar(
            select(Ticket).where(Ticket.id == ticket_id).with_for_update().execution_options(populate_existing=True)
        )
        if ticket is None:
            raise NotFound("There is no ticket {number}.", number=ticket_id)
        if set(await _holders(session, ticket_id)) <= holders:
            await savepoint.commit()
            return ticket
        await savepoint.rollback()
    raise Conflict("This ticket is changing hands right now. Please try again.")


async def open_assignment(session: AsyncSession, ticket_id: int) -> Assignment | None:
    """The open assignment of a ticket that is locked."""
    found: Assignment | None = await session.scalar(
        select(Assignment)
        .where(Assignment.ticket_id == ticket_id, Assignment.state.in_(OPEN))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found


async def _holders(session: AsyncSession, ticket_id: int) -> list[int]:
    rows = await session.scalars(
        select(Assignment.person_id).where(Assignment.ticket_id == ticket_id, Assignment.state.in_(OPEN))
    )
    return list(rows)
