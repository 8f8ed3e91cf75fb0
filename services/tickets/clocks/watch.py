"""Warns before a promise is broken and says so when it is, at the second it happens.

`mark` is safe to call at any time and from several processes; `next_at` is when it has something to do again.
"""

from datetime import datetime

from prometheus_client import Counter
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.alerts import raise_alert
from services.tickets.clocks.clocks import RESPONSES
from shared import clock
from shared.database import Database
from shared.events import Event, publish_all
from shared.models import Alert, AlertKind, Entry, EntryKind, SlaClock, Ticket

BATCH = 200
TOLD = Counter("centralita_promise_news_total", "Warnings and breaches of promises that were told.", ["kind", "news"])


async def mark(database: Database) -> int:
    """Every promise that is nearly due or late from now on, once each; returns how many."""
    total = 0
    while True:
        async with database.transaction() as session:
            found = await _mark_some(session, clock.now())
        total += found
        if found < BATCH:
            return total


async def next_at(database: Database) -> datetime | None:
    """When the next promise is nearly due or late."""
    open_ = SlaClock.ended_at.is_(None), SlaClock.breached_at.is_(None)
    async with database.transaction() as session:
        due = await session.scalar(select(func.min(SlaClock.due_at)).where(*open_))
        warn = await session.scalar(select(func.min(SlaClock.warn_at)).where(*open_, SlaClock.warned_at.is_(None)))
    return min((each for each in (due, warn) if each is not None), default=None)


async def _mark_some(session: AsyncSession, now: datetime) -> int:
    # The ticket's lock is what keeps an answer from being taken in meanwhile: whoever holds it is waited for next time.
    rows = (
        await session.execute(
            select(SlaClock, Ticket)
            .join(Ticket, Ticket.id == SlaClock.ticket_id)
            .where(
                SlaClock.ended_at.is_(None),
                SlaClock.breached_at.is_(None),
                or_(SlaClock.due_at <= now, (SlaClock.warn_at <= now) & SlaClock.warned_at.is_(None)),
            )
            .order_by(SlaClock.due_at, SlaClock.id)
            .limit(BATCH)
            .with_for_update(of=[Ticket, SlaClock], skip_locked=True)
            .execution_options(populate_existing=True)
        )
    ).all()
    for promise, ticket in rows:
        late = promise.due_at is not None and promise.due_at <= now
        if late:
            promise.breached_at = promise.due_at
        promise.warned_at = promise.warned_at or now
        _write(session, promise, "late" if late else "soon")
        await _alert(session, promise, ticket, late)
        TOLD.labels(promise.kind.value, "late" if late else "soon").inc()
    await publish_all(session, [_news(promise, ticket) for promise, ticket in rows])
    return len(rows)


def _write(session: AsyncSession, promise: SlaClock, what: str) -> None:
    session.add(
        Entry(
            ticket_id=promise.ticket_id,
            kind=EntryKind.CLOCK,
            detail={
                "what": what,
                "promise": promise.kind.value,
                "due_at": promise.due_at.isoformat() if promise.due_at else None,
                "target_minutes": promise.target_s // 60,
            },
        )
    )


async def _alert(session: AsyncSession, promise: SlaClock, ticket: Ticket, late: bool) -> None:
    """On the board until somebody takes it. An end that is nearly due is its assignee's matter alone."""
    if not late and promise.kind not in RESPONSES:
        return
    detail: dict[str, object] = {
        "promise": promise.kind.value,
        "due_at": promise.due_at.isoformat() if promise.due_at else None,
        "overdue": late,
        "state": ticket.state.value,
    }
    if await raise_alert(session, AlertKind.DUE_SOON, promise.ticket_id, detail):
        return
    known = await session.scalar(
        select(Alert).where(
            Alert.kind == AlertKind.DUE_SOON, Alert.ticket_id == promise.ticket_id, Alert.taken_at.is_(None)
        )
    )
    if known is not None and late:
        known.detail = {**known.detail, **detail}
        await publish_all(session, [Event("alert", known.id, what="overdue")])


def _news(promise: SlaClock, ticket: Ticket) -> Event:
    people = (ticket.assignee_id,) if ticket.assignee_id is not None else ()
    return Event("ticket", ticket.id, people, "late" if promise.breached_at is not None else "due_soon")
