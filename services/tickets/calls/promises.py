"""What was promised to a customer: written down, shown from the day it is due, and crossed off when it was kept."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.calls.when import remind_at
from services.tickets.new_ticket import clean_line
from shared import audit, clock
from shared.calendar import load_open_time
from shared.database import Database
from shared.errors import Invalid, NotFound
from shared.events import Event, publish
from shared.models import Entry, EntryKind, Promise, Ticket
from shared.people import Actor, Permission
from shared.settings import Settings

MAX_TEXT = 500
LATEST = timedelta(days=366)
BATCH = 200


async def make(
    session: AsyncSession,
    settings: Settings,
    me: Actor,
    ticket_id: int,
    *,
    text: str,
    due_on: date | None = None,
    attempt_id: int | None = None,
) -> Promise:
    """Write a promise down; on the last day for it, from the opening on, the lists remind of it."""
    me.require(Permission.TICKET_WORK)
    text = clean_line(text)
    if not text:
        raise Invalid("Say what was promised.", field="promise")
    if len(text) > MAX_TEXT:
        raise Invalid("Please keep the text under {limit} characters.", field="promise", limit=MAX_TEXT)
    ticket = await session.get(Ticket, ticket_id)
    if ticket is None:
        raise NotFound("There is no ticket {number}.", number=ticket_id)
    remind = None
    if due_on is not None:
        today = clock.now().astimezone(ZoneInfo(settings.timezone)).date()
        if not today <= due_on <= today + LATEST:
            raise Invalid("Choose a day from today on, within a year.", field="promise_by")
        remind = remind_at(await load_open_time(session, settings), due_on)
    promise = Promise(
        ticket_id=ticket_id, attempt_id=attempt_id, person_id=me.id, text=text, due_on=due_on, remind_at=remind
    )
    session.add(promise)
    await session.flush()
    _write(session, promise, "made", me.id)
    audit.record(
        session, me.id, "promise.make", object_type="promise", object_id=promise.id, ticket_id=ticket_id,
        detail={"due_on": due_on.isoformat() if due_on else None}, ip=me.ip,
    )  # fmt: skip
    await _tell(session, ticket, promise, "promise")
    return promise


async def keep(session: AsyncSession, me: Actor, promise_id: int) -> Promise:
    """It was kept. Anybody who works on tickets may say so; saying it twice changes nothing."""
    me.require(Permission.TICKET_WORK)
    promise = await session.scalar(select(Promise).where(Promise.id == promise_id).with_for_update())
    if promise is None:
        raise NotFound("There is no promise {number}.", number=promise_id)
    if promise.kept_at is None:
        promise.kept_at, promise.kept_by_id = clock.now(), me.id
        _write(session, promise, "kept", me.id)
        audit.record(
            session, me.id, "promise.keep", object_type="promise", object_id=promise.id, ticket_id=promise.ticket_id,
            ip=me.ip,
        )  # fmt: skip
        await _tell(session, await session.get_one(Ticket, promise.ticket_id), promise, "promise")
    return promise


async def remind(database: Database) -> int:
    """Put what has come due on the timeline, once, and tell the screens; returns how many."""
    async with database.transaction() as session:
        due = list(
            await session.scalars(
                select(Promise)
                .where(Promise.kept_at.is_(None), Promise.reminded_at.is_(None), Promise.remind_at <= clock.now())
                .order_by(Promise.id)
                .limit(BATCH)
                .with_for_update(skip_locked=True)
            )
        )
        for promise in due:
            promise.reminded_at = clock.now()
            _write(session, promise, "due", None)
            await _tell(session, await session.get_one(Ticket, promise.ticket_id), promise, "promise_due")
        return len(due)


def _write(session: AsyncSession, promise: Promise, what: str, actor_id: int | None) -> None:
    session.add(
        Entry(
            ticket_id=promise.ticket_id,
            kind=EntryKind.PROMISE,
            actor_id=actor_id,
            detail={
                "what": what,
                "promise_id": promise.id,
                "promise": promise.text,
                "due_on": promise.due_on.isoformat() if promise.due_on else None,
            },
        )
    )


async def _tell(session: AsyncSession, ticket: Ticket, promise: Promise, what: str) -> None:
    people = {promise.person_id, *([ticket.assignee_id] if ticket.assignee_id is not None else [])}
    await publish(session, Event("ticket", ticket.id, tuple(sorted(people)), what))
