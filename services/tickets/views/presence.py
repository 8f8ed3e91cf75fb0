"""Who is there: what each person set, and whether any of their browser tabs is alive."""

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.views.models import PersonRef, PresenceView
from shared import clock
from shared.models import Assignment, AssignmentState, Intent, Person, Presence, PresenceLease, Ticket, TicketState

ABSENT = PresenceView(intent=Intent.OFFLINE, since=None, live=False, unresponsive=False)


async def presences(session: AsyncSession, people: Collection[int]) -> dict[int, PresenceView]:
    live = set(
        await session.scalars(
            select(PresenceLease.person_id).where(
                PresenceLease.person_id.in_(people), PresenceLease.expires_at > clock.now()
            )
        )
    )
    rows = await session.execute(
        select(Presence, Person.name)
        .outerjoin(Person, Person.id == Presence.set_by_id)
        .where(Presence.person_id.in_(people))
    )
    found = {
        presence.person_id: PresenceView(
            intent=presence.intent,
            since=presence.since,
            live=presence.person_id in live,
            unresponsive=presence.unresponsive_since is not None,
            set_by=None if presence.set_by_id is None else PersonRef(id=presence.set_by_id, name=name),
            set_reason=presence.set_reason,
        )
        for presence, name in rows
    }
    return {
        person: found.get(person, ABSENT if person not in live else ABSENT.model_copy(update={"live": True}))
        for person in people
    }


async def loads(session: AsyncSession, people: Collection[int]) -> dict[int, int]:
    """Weight of open work per person: what waits on the customer weighs nothing."""
    statement = (
        select(Assignment.person_id, func.sum(Assignment.weight))
        .join(Ticket, Ticket.id == Assignment.ticket_id)
        .where(
            Assignment.person_id.in_(people),
            Assignment.state.in_([AssignmentState.OFFERED, AssignmentState.ACCEPTED]),
            Ticket.state != TicketState.WAITING,
        )
        .group_by(Assignment.person_id)
    )
    found = {person: int(load) for person, load in (await session.execute(statement))}
    return {person: found.get(person, 0) for person in people}
