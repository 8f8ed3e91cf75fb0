"""What the center promises its customers in time, and the alerts before a promise breaks."""

from datetime import datetime, timedelta

from sqlalchemy import Text, cast, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.alerts import raise_alert
from shared import clock
from shared.calendar import OpenTime, load_open_time
from shared.database import Database
from shared.events import Event, publish
from shared.models import Alert, AlertKind, Channel, GreetingDrift, Priority, Ticket, TicketState
from shared.settings import Settings

DUE_SOON_SHARE = 0.75  # of the time to a due time that has passed
BATCH = 500
ANSWERABLE = (TicketState.QUEUED, TicketState.OFFERED, TicketState.ASSIGNED)


def target_minutes(settings: Settings, channel: Channel, priority: Priority) -> float:
    """Minutes to the first response: by priority when urgent, else by channel."""
    targets = settings.first_response_minutes
    for key in (priority.value, channel.value, "default"):
        if key in targets:
            return float(targets[key])
    return 240.0


def first_response_due(
    open_time: OpenTime, settings: Settings, channel: Channel, priority: Priority, queued_at: datetime
) -> datetime | None:
    """When the customer must have heard from a person. An emergency does not wait for the doors to open.

    None: the center has no opening hours ahead.
    """
    target = timedelta(minutes=target_minutes(settings, channel, priority))
    if priority is Priority.EMERGENCY:
        return queued_at + target
    return open_time.add_open(queued_at, target)


async def raise_alerts(database: Database, settings: Settings) -> int:
    """Tell shift leads what is due soon and which greetings were changed. Returns how many alerts are new."""
    async with database.transaction() as session:
        open_time = await load_open_time(session, settings)
        now = clock.now()
        raised = await _due_soon(session, open_time, now)
        return raised + await _changed_greetings(session)


async def _changed_greetings(session: AsyncSession) -> int:
    """Once for each greeting that somebody changed on the phone system, while nobody has decided about it."""
    told = select(Alert.detail["drift_id"].astext).where(Alert.kind == AlertKind.GREETING)
    undecided = select(GreetingDrift).where(GreetingDrift.settled_at.is_(None), GreetingDrift.decision.is_(None))
    found = (await session.scalars(undecided.where(cast(GreetingDrift.id, Text).not_in(told)))).all()
    for drift in found:
        detail = {"drift_id": drift.id, "line": drift.line, "language": drift.language, "target": drift.target}
        alert = Alert(kind=AlertKind.GREETING, detail=detail)
        session.add(alert)
        await session.flush()
        await publish(session, Event("alert", alert.id, what=AlertKind.GREETING.value))
    return len(found)


async def _due_soon(session: AsyncSession, open_time: OpenTime, now: datetime) -> int:
    """Once for each due time: a ticket that is due again later is told again."""
    told = exists().where(
        Alert.kind == AlertKind.DUE_SOON,
        Alert.ticket_id == Ticket.id,
        or_(Alert.taken_at.is_(None), Alert.created_at > Ticket.queued_at),
    )
    tickets = await session.scalars(
        select(Ticket)
        .where(
            Ticket.state.in_(ANSWERABLE),
            Ticket.first_response_due_at.is_not(None),
            or_(Ticket.first_responded_at.is_(None), Ticket.first_responded_at < Ticket.queued_at),
            # Three quarters of the open time cannot have passed before the clock on the wall has moved that far:
            # whatever is due in more than a week waits for a later look.
            Ticket.first_response_due_at < now + timedelta(days=8),
            ~told,
        )
        .order_by(Ticket.first_response_due_at)
        .limit(BATCH)
    )
    raised = 0
    for ticket in tickets:
        due = ticket.first_response_due_at
        if due is None or not _nearly_due(open_time, ticket, due, now):
            continue
        detail: dict[str, object] = {"due_at": due.isoformat(), "overdue": due <= now, "state": ticket.state.value}
        raised += await raise_alert(session, AlertKind.DUE_SOON, ticket.id, detail)
    return raised


def _nearly_due(open_time: OpenTime, ticket: Ticket, due: datetime, now: datetime) -> bool:
    if due <= now:
        return True
    if ticket.priority is Priority.EMERGENCY:  # by the clock on the wall
        return now - ticket.queued_at >= DUE_SOON_SHARE * (due - ticket.queued_at)
    whole = open_time.open_between(ticket.queued_at, due)
    return open_time.open_between(ticket.queued_at, now) >= DUE_SOON_SHARE * whole
