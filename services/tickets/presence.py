"""Two facts that are never merged: what people set (intent), and whether a browser of theirs is there (leases).

Offers of whoever leaves return at once. Accepted work waits for its owner in open time: a quarter of an hour when
nothing was done on it, an hour when something was. What waits on the customer, and what a supervisor assigned, stays.
"""

import re
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.tickets.locks import OPEN, lock_people, lock_ticket, open_assignment
from services.tickets.routing.handover import take_back
from services.tickets.shift_plan import Duty
from services.tickets.shifts import duties
from shared import audit, clock
from shared.calendar import OpenTime, load_open_time
from shared.database import Database
from shared.errors import Invalid, NotFound
from shared.events import Event, publish
from shared.models import (
    Assignment,
    AssignmentState,
    Entry,
    EntryKind,
    Intent,
    Person,
    Presence,
    PresenceLease,
    Ticket,
    TicketState,
)
from shared.people import PERMISSIONS, Actor, Permission
from shared.settings import Settings

# Browsers slow the timers of hidden tabs down to one a minute: a lease must outlive that with room to spare.
LEASE = timedelta(seconds=150)
# A page that is left is usually followed by the next one.
LEAVE_GRACE = timedelta(seconds=10)
KEEP_LEASES = timedelta(days=7)  # the newest one tells when somebody was last there
UNTOUCHED = timedelta(minutes=15)  # of open time
TOUCHED = timedelta(minutes=60)
REASON_LIMIT = 500
AT_WORK = (Intent.AVAILABLE, Intent.BUSY)
TAB_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


async def set_intent(session: AsyncSession, me: Actor, intent: Intent) -> Presence:
    """What I say about myself. Going on a break or offline gives my offers back at once."""
    me.require(Permission.PRESENCE_SET)
    return await _set(session, me, me.id, intent, "")


async def set_intent_of(session: AsyncSession, me: Actor, person_id: int, intent: Intent, reason: str) -> Presence:
    """What a supervisor says about somebody, with a reason, which that person reads.

    «Available» also says that they are there again after a missed offer. It opens no browser and plans no shift:
    `routing/obstacles.py` says what still keeps offers away.
    """
    me.require(Permission.PRESENCE_SET_OTHERS)
    reason = reason.strip()
    if not reason:
        raise Invalid("Please give a reason.", field="reason")
    if len(reason) > REASON_LIMIT:
        raise Invalid("Please keep the reason under {limit} characters.", field="reason", limit=REASON_LIMIT)
    return await _set(session, me, person_id, intent, reason)


async def _set(session: AsyncSession, me: Actor, person_id: int, intent: Intent, reason: str) -> Presence:
    await lock_people(session, [person_id])
    person = await session.get(Person, person_id)
    if person is None or not person.active or Permission.PRESENCE_SET not in PERMISSIONS[person.role]:
        raise NotFound("There is no such person.")
    before = await session.get(Presence, person_id, populate_existing=True)
    previous = Intent.OFFLINE if before is None else before.intent
    values: dict[str, object] = {"intent": intent}
    if previous is not intent or before is None:
        values["since"] = clock.now()
    own = me.id == person_id
    if own or intent is Intent.AVAILABLE:
        values["unresponsive_since"] = None
    values["set_by_id"], values["set_reason"] = (None, "") if own else (me.id, reason)
    statement = insert(Presence).values(person_id=person_id, **{"since": clock.now(), **values})
    presence = (
        await session.scalars(
            statement.on_conflict_do_update(index_elements=["person_id"], set_=values).returning(Presence),
            execution_options={"populate_existing": True},
        )
    ).one()
    if previous is not intent or not own:
        audit.record(
            session, me.id, "presence.set", object_type="person", object_id=person_id,
            detail={"from": previous.value, "to": intent.value, "reason": reason}, ip=me.ip,
        )  # fmt: skip
    if intent not in AT_WORK:
        await _return_offers(session, person_id, intent.value)
    await publish(session, Event("presence", person_id, (person_id,), intent.value))
    return presence


async def acted(session: AsyncSession, person_id: int) -> None:
    """Somebody clicked: whatever they missed before, they are there now."""
    cleared = await session.scalar(
        update(Presence)
        .where(Presence.person_id == person_id, Presence.unresponsive_since.is_not(None))
        .values(unresponsive_since=None)
        .returning(Presence.person_id)
    )
    if cleared is not None:
        await publish(session, Event("presence", person_id, (person_id,), "responsive"))


async def heartbeat(session: AsyncSession, person_id: int, tab_id: str) -> None:
    """This tab is open. Says so to others only when the person was not there before."""
    if not TAB_ID.fullmatch(tab_id):
        raise Invalid("This is not the name of a tab.", field="tab_id")
    now = clock.now()
    was_live = await is_live(session, person_id, now)
    statement = insert(PresenceLease).values(person_id=person_id, tab_id=tab_id, expires_at=now + LEASE)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["person_id", "tab_id"], set_={"expires_at": statement.excluded.expires_at}
        )
    )
    if not was_live:
        await publish(session, Event("presence", person_id, (person_id,), "live"))


async def leave_tab(session: AsyncSession, person_id: int, tab_id: str) -> None:
    """A tab says that it closes. Only a hint: the next page of the same person may be on its way."""
    soon = clock.now() + LEAVE_GRACE
    await session.execute(
        update(PresenceLease)
        .where(PresenceLease.person_id == person_id, PresenceLease.tab_id == tab_id, PresenceLease.expires_at > soon)
        .values(expires_at=soon)
    )


async def is_live(session: AsyncSession, person_id: int, now: datetime) -> bool:
    statement = select(PresenceLease.tab_id).where(PresenceLease.person_id == person_id, PresenceLease.expires_at > now)
    return (await session.scalar(statement.limit(1))) is not None


async def keeps_work(session: AsyncSession, settings: Settings, person_id: int) -> bool:
    """Whether somebody is there for their own work when its customer writes again. On a break they will be in a moment.

    Whoever is offline, off shift or without a browser will not: the customer would wait for them.
    """
    person, now = await session.get_one(Person, person_id), clock.now()
    state = await session.get(Presence, person_id)
    if not person.active or state is None or state.intent is Intent.OFFLINE:
        return False
    if (await duties(session, settings, now, {person_id}))[person_id].duty is Duty.OFF:
        return False
    return await is_live(session, person_id, now)


async def _return_offers(session: AsyncSession, person_id: int, cause: str) -> int:
    """Give back every offer of somebody who is locked."""
    offers = list(
        await session.scalars(
            select(Assignment.ticket_id)
            .where(Assignment.person_id == person_id, Assignment.state == AssignmentState.OFFERED)
            .order_by(Assignment.ticket_id)
        )
    )
    for ticket_id in offers:
        ticket = await lock_ticket(session, ticket_id, people=(person_id,))
        assignment = await open_assignment(session, ticket_id)
        if assignment is None or assignment.person_id != person_id or assignment.state is not AssignmentState.OFFERED:
            continue
        await take_back(
            session,
            ticket,
            assignment,
            state=AssignmentState.WITHDRAWN,
            kind=EntryKind.RELEASED,
            cause=cause,
        )
        await publish(session, Event("offer", assignment.id, (person_id,), "withdrawn"))
    return len(offers)


async def sweep_presence(database: Database, settings: Settings, *, trust_leases: bool = True) -> int:
    """Take back what is held by people who left. Returns how many tickets went back to the queue.

    `trust_leases` is false for a while after a start: browsers could not renew their leases while we were down.
    """
    now = clock.now()
    async with database.transaction() as session:
        await _tell_who_left(session, now, settings)
        open_time = await load_open_time(session, settings)
        held = [held for held in await _held(session, now) if held.gone_since(now, trust_leases) is not None]
    moved = 0
    for each in held:
        since = each.gone_since(now, trust_leases)
        if since is None or not _is_due(each, since, now, open_time):
            continue
        async with database.transaction() as session:
            moved += await _requeue(session, each, now, trust_leases)
    return moved


class _Held:
    """A person's open assignment, with what is needed to say whether its owner is gone and since when."""

    def __init__(
        self,
        assignment: Assignment,
        ticket: Ticket,
        active: bool,
        presence: Presence | None,
        last_lease: datetime | None,
        touched: bool,
    ) -> None:
        self.assignment, self.ticket, self.active = assignment, ticket, active
        self.presence, self.last_lease, self.touched = presence, last_lease, touched

    @property
    def offered(self) -> bool:
        return self.assignment.state is AssignmentState.OFFERED

    def gone_since(self, now: datetime, trust_leases: bool) -> datetime | None:
        """None: still there. A break is no leaving for accepted work, but for an offer it is."""
        intent = Intent.OFFLINE if self.presence is None else self.presence.intent
        since = self.assignment.offered_at if self.presence is None else self.presence.since
        if not self.active:
            return self.assignment.offered_at
        if intent is Intent.OFFLINE or (self.offered and intent is Intent.BREAK):
            return max(since, self.assignment.offered_at)
        if not trust_leases or (self.last_lease is not None and self.last_lease > now):
            return None
        return max(self.last_lease or since, self.assignment.offered_at)

    def cause(self) -> str:
        return "left" if self.active else "deactivated"


async def _held(session: AsyncSession, now: datetime, ticket_id: int | None = None) -> list[_Held]:
    last_lease = (
        select(func.max(PresenceLease.expires_at))
        .where(PresenceLease.person_id == Assignment.person_id)
        .scalar_subquery()
    )
    beginning = aliased(Entry)
    began = (
        select(func.max(beginning.id))
        .where(
            beginning.ticket_id == Assignment.ticket_id, beginning.kind.in_([EntryKind.ACCEPTED, EntryKind.ASSIGNED])
        )
        .correlate(Assignment)
        .scalar_subquery()
    )
    touched = (
        select(Entry.id)
        .where(
            Entry.ticket_id == Assignment.ticket_id,
            Entry.actor_id == Assignment.person_id,
            Entry.id > func.coalesce(began, 0),
        )
        .correlate(Assignment)
        .exists()
    )
    statement = (
        select(Assignment, Ticket, Person.active, Presence, last_lease.label("last_lease"), touched.label("touched"))
        .join(Ticket, Ticket.id == Assignment.ticket_id)
        .join(Person, Person.id == Assignment.person_id)
        .outerjoin(Presence, Presence.person_id == Assignment.person_id)
        .where(
            Assignment.state.in_(OPEN),
            Ticket.state.in_([TicketState.OFFERED, TicketState.ASSIGNED]),
            (~Assignment.pinned) | (~Person.active),
            # Whoever may be gone; `gone_since` decides.
            or_(
                ~Person.active,
                Presence.person_id.is_(None),
                Presence.intent.in_([Intent.OFFLINE, Intent.BREAK]),
                func.coalesce(last_lease <= now, true()),
            ),
        )
        .order_by(Assignment.id)
        .execution_options(populate_existing=True)
    )
    if ticket_id is not None:
        statement = statement.where(Ticket.id == ticket_id)
    return [
        _Held(row.Assignment, row.Ticket, row.active, row.Presence, row.last_lease, row.touched)
        for row in await session.execute(statement)
    ]


def _is_due(held: _Held, since: datetime, now: datetime, open_time: OpenTime) -> bool:
    if held.offered or not held.active:
        return True
    return open_time.open_between(since, now) >= (TOUCHED if held.touched else UNTOUCHED)


async def _requeue(session: AsyncSession, seen: _Held, now: datetime, trust_leases: bool) -> int:
    ticket = await lock_ticket(session, seen.ticket.id, people=(seen.assignment.person_id,))
    again = [held for held in await _held(session, now, ticket.id) if held.assignment.id == seen.assignment.id]
    if not again or again[0].gone_since(now, trust_leases) is None or again[0].touched != seen.touched:
        return 0  # came back, or moved on; the next sweep looks again
    assignment = again[0].assignment
    was_offer = again[0].offered
    await take_back(
        session,
        ticket,
        assignment,
        state=AssignmentState.WITHDRAWN,
        kind=EntryKind.RELEASED,
        cause=seen.cause(),
    )
    if was_offer:
        await publish(session, Event("offer", assignment.id, (assignment.person_id,), "withdrawn"))
    return 1


async def _tell_who_left(session: AsyncSession, now: datetime, settings: Settings) -> None:
    """Boards show somebody whose last lease ran out as gone; leases of long ago are forgotten."""
    lately = now - timedelta(seconds=2 * settings.sweep_s)
    last = func.max(PresenceLease.expires_at)
    people = await session.scalars(
        select(PresenceLease.person_id).group_by(PresenceLease.person_id).having(last <= now, last > lately)
    )
    for person_id in people:
        await publish(session, Event("presence", person_id, (person_id,), "gone"))
    await session.execute(delete(PresenceLease).where(PresenceLease.expires_at < now - KEEP_LEASES))
