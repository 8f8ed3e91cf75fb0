"""The SQL of the forecast: what came by day and hour, and what was worked on from when until when."""

from collections import Counter
from datetime import date, datetime

from sqlalchemy import Date, Integer, cast, exists, extract, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.tickets.forecast.demand import Worked
from services.tickets.routing.terms import Policy, required_language
from shared.models import UNOFFERED, Assignment, AssignmentState, Entry, EntryKind, Intake, Ticket

NEWEST = 1000  # closed assignments that handling times are counted from
Arrivals = Counter[tuple[date, int]]


async def arrivals(
    session: AsyncSession, policy: Policy, timezone: str, since: datetime, until: datetime
) -> tuple[Arrivals, Arrivals]:
    """(what anybody may answer, what needs a bilingual), by the center's own days and hours.

    Counted when the customer began to wait. Not counted: calls without words, spam, and what went on in another ticket.
    """
    local = func.timezone(timezone, Ticket.queued_at)
    day, hour = cast(local, Date), cast(extract("hour", local), Integer)
    statement = (
        select(day, hour, Ticket.language, func.count())
        .where(
            Ticket.queued_at >= since,
            Ticket.queued_at < until,
            Ticket.kind.not_in(UNOFFERED),
            Ticket.merged_into_id.is_(None),
            ~exists().where(Intake.taken_off_ticket_id == Ticket.id),
        )
        .group_by(day, hour, Ticket.language)
    )
    plain: Arrivals = Counter()
    bilingual: Arrivals = Counter()
    for on, at, language, number in await session.execute(statement):
        (plain if required_language(language, policy) is None else bilingual)[on, at] += number
    return plain, bilingual


async def first_arrival(session: AsyncSession) -> datetime | None:
    found: datetime | None = await session.scalar(select(func.min(Ticket.queued_at)))
    return found


async def worked(session: AsyncSession, since: datetime) -> list[tuple[str, Worked]]:
    """The newest work that ended with the ticket's being done: the language, and the times it was in hand.

    What waited on the customer was not in hand: between two changes of state the work stands still.
    """
    accepted = aliased(Entry)
    began = (
        select(func.max(accepted.at))
        .where(
            accepted.ticket_id == Assignment.ticket_id,
            accepted.kind == EntryKind.ACCEPTED,
            accepted.actor_id == Assignment.person_id,
            accepted.at >= Assignment.offered_at,
        )
        .correlate(Assignment)
        .scalar_subquery()
    )
    rows = (
        await session.execute(
            select(
                Assignment.ticket_id,
                Assignment.person_id,
                func.coalesce(began, Assignment.offered_at).label("began"),
                Assignment.ended_at,
                Ticket.language,
            )
            .join(Ticket, Ticket.id == Assignment.ticket_id)
            .where(Assignment.state == AssignmentState.DONE, Assignment.ended_at >= since)
            .order_by(Assignment.id.desc())
            .limit(NEWEST)
        )
    ).all()
    pauses = await _pauses(session, [row.ticket_id for row in rows])
    found = []
    for row in rows:
        start = row.began
        for paused_at, resumed_at in pauses.get(row.ticket_id, []):
            if start < paused_at < row.ended_at:
                found.append((row.language, Worked(row.ticket_id, row.person_id, start, paused_at)))
                start = max(start, resumed_at or row.ended_at)
        if start < row.ended_at:
            found.append((row.language, Worked(row.ticket_id, row.person_id, start, row.ended_at)))
    return found


async def _pauses(session: AsyncSession, ticket_ids: list[int]) -> dict[int, list[tuple[datetime, datetime | None]]]:
    """From when until when each ticket waited on its customer; None: until its end."""
    entries = await session.execute(
        select(Entry.ticket_id, Entry.at, Entry.detail["to"].astext.label("to"))
        .where(Entry.ticket_id.in_(ticket_ids), Entry.kind == EntryKind.STATE)
        .order_by(Entry.id)
    )
    found: dict[int, list[tuple[datetime, datetime | None]]] = {}
    for ticket_id, at, to in entries:
        spans = found.setdefault(ticket_id, [])
        if spans and spans[-1][1] is None:
            spans[-1] = (spans[-1][0], at)
        if to == "waiting":
            spans.append((at, None))
    return found
