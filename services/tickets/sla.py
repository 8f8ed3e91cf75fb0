"""What the center promises its customers in time, and the alerts before a promise breaks."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Text, and_, cast, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.alerts import raise_alert
from services.tickets.routing.staff import staff, today_at_the_center
from services.tickets.routing.terms import PersonState, Policy
from shared import clock
from shared.calendar import OpenTime, load_open_time
from shared.database import Database
from shared.events import Event, publish
from shared.models import UNOFFERED, Alert, AlertKind, Channel, GreetingDrift, Intent, Priority, Ticket, TicketState
from shared.people import CHANNEL_MODE
from shared.settings import Settings

DUE_SOON_SHARE = 0.75  # of the time to a due time that has passed
NO_BILINGUAL_SHARE = 0.5  # when the language is not certain, or the doors are closed
# Once somebody has taken the alert that no bilingual is there, they know for a while.
QUIET = timedelta(minutes=30)
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
    """Tell shift leads what is due soon and which Spanish tickets have nobody. Returns how many alerts are new."""
    async with database.transaction() as session:
        open_time = await load_open_time(session, settings)
        now = clock.now()
        raised = await _due_soon(session, open_time, now)
        raised += await _no_bilingual(session, settings, open_time, now)
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


async def _no_bilingual(session: AsyncSession, settings: Settings, open_time: OpenTime, now: datetime) -> int:
    """A Spanish ticket waits and nobody who may take it is there: one alert for each way of answering at a time."""
    policy = Policy.of(settings)
    language = policy.verified_language
    tickets = list(
        await session.scalars(
            select(Ticket)
            .where(
                Ticket.state == TicketState.QUEUED,
                Ticket.kind.not_in(UNOFFERED),
                Ticket.language.in_([language, "mixed", "unknown"]),
            )
            .order_by(Ticket.priority_rank, Ticket.due_order, Ticket.id)
            .limit(BATCH)
        )
    )
    if not tickets:
        return 0
    people = await staff(session, now, today_at_the_center(settings), zone=open_time.zone)
    raised = 0
    for mode in sorted({_mode(ticket) for ticket in tickets}):
        if any(_is_there(person, language, mode) for person in people):
            continue
        waiting = [
            ticket for ticket in tickets if _mode(ticket) == mode and _worth_telling(open_time, ticket, language, now)
        ]
        raised += await _tell_no_bilingual(session, waiting, language, mode, now)
    return raised


def _mode(ticket: Ticket) -> str:
    return CHANNEL_MODE[ticket.channel.value].value


def _is_there(person: PersonState, language: str, mode: str) -> bool:
    at_work = person.intent in (Intent.AVAILABLE, Intent.BUSY)
    return person.active and person.live and at_work and person.on_shift and person.speaks(language, mode)


def _worth_telling(open_time: OpenTime, ticket: Ticket, language: str, now: datetime) -> bool:
    """At once while the center is open; else, and when it may turn out to be English, at half the time."""
    if ticket.priority is Priority.EMERGENCY:
        return True
    if ticket.language in (language, "mixed") and open_time.is_open(now):
        return True
    due = ticket.first_response_due_at
    if due is None:
        return False
    whole = open_time.open_between(ticket.queued_at, due)
    return open_time.open_between(ticket.queued_at, now) >= NO_BILINGUAL_SHARE * whole


async def _tell_no_bilingual(
    session: AsyncSession, waiting: Sequence[Ticket], language: str, mode: str, now: datetime
) -> int:
    if not waiting:
        return 0
    same = and_(Alert.kind == AlertKind.NO_BILINGUAL, Alert.detail["mode"].astext == mode)
    known = await session.scalar(
        select(Alert.id).where(same, or_(Alert.taken_at.is_(None), Alert.taken_at > now - QUIET)).limit(1)
    )
    told = set(await session.scalars(select(Alert.ticket_id).where(same)))
    detail: dict[str, object] = {"language": language, "mode": mode, "waiting": len(waiting)}
    raised = 0
    for ticket in waiting:
        emergency = ticket.priority is Priority.EMERGENCY and ticket.id not in told
        if emergency or (known is None and not raised):
            raised += await raise_alert(session, AlertKind.NO_BILINGUAL, ticket.id, detail)
    return raised
