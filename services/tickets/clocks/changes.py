"""Targets or opening hours were changed: what is open follows, a batch of tickets at a time, and says so.

A change is a row in the transaction that makes it. Each clock knows the newest one that it has followed, so that the
work can stop and go on anywhere, and a clock that was started by rules a few seconds old is found as well.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.clocks.clocks import Clocks, count_of
from services.tickets.clocks.count import Scale, counted_anew
from services.tickets.clocks.rules import Rules, load_rules
from shared import audit, clock
from shared.calendar import OpenTime, Special, WeeklyHours
from shared.database import Database
from shared.events import Event, publish, publish_all
from shared.models import (
    ChangeKind,
    Entry,
    EntryKind,
    OpeningHours,
    SlaChange,
    SlaClock,
    SlaPause,
    SpecialDay,
    Ticket,
)
from shared.people import Actor
from shared.settings import Settings

BATCH = 200
MOVED = timedelta(seconds=1)  # a due time that differs by less did not move


async def calendar(session: AsyncSession) -> dict[str, Any]:
    """The hours and special days as they stand now, to keep beside a change."""
    hours = await session.scalars(select(OpeningHours).order_by(OpeningHours.weekday, OpeningHours.opens))
    days = await session.scalars(select(SpecialDay).order_by(SpecialDay.day))
    return {
        "week": [[each.weekday, each.opens.isoformat(), each.closes.isoformat()] for each in hours],
        "days": [
            [
                each.day.isoformat(),
                each.opens.isoformat() if each.opens else None,
                each.closes.isoformat() if each.closes else None,
            ]
            for each in days
        ],
    }


def open_time_of(kept: dict[str, Any], zone: ZoneInfo) -> OpenTime:
    return OpenTime(
        [
            WeeklyHours(day, time.fromisoformat(opens), time.fromisoformat(closes))
            for day, opens, closes in kept["week"]
        ],
        [
            Special(
                date.fromisoformat(day),
                time.fromisoformat(opens) if opens else None,
                time.fromisoformat(closes) if closes else None,
            )
            for day, opens, closes in kept["days"]
        ],
        zone,
    )


async def targets_changed(session: AsyncSession, me: Actor) -> SlaChange:
    return await _record(session, SlaChange(kind=ChangeKind.TARGETS, at=clock.now(), by_id=me.id))


async def week_changed(session: AsyncSession, me: Actor, before: dict[str, Any], *, also_past: bool) -> SlaChange:
    """The hours were replaced. They count from now on; `also_past`: they were in force before and written down late."""
    at = clock.now()
    change = SlaChange(kind=ChangeKind.WEEK, at=at, by_id=me.id, before=before, after=await calendar(session))
    if also_past:
        change.recount_from, change.recount_until = datetime(1970, 1, 1, tzinfo=UTC), at
    return await _record(session, change)


async def day_changed(
    session: AsyncSession, settings: Settings, me: Actor, before: dict[str, Any], day: date
) -> SlaChange:
    """A special day was entered or removed: all of that day counts anew, also what of it is past."""
    zone = ZoneInfo(settings.timezone)
    starts = datetime.combine(day, time(0), zone).astimezone(UTC)
    ends = datetime.combine(day + timedelta(days=1), time(0), zone).astimezone(UTC)
    change = SlaChange(
        kind=ChangeKind.DAY, at=clock.now(), by_id=me.id, before=before, after=await calendar(session),
        recount_from=starts, recount_until=ends,
    )  # fmt: skip
    return await _record(session, change)


async def _record(session: AsyncSession, change: SlaChange) -> SlaChange:
    session.add(change)
    await session.flush()
    await publish(session, Event("promises", change.id))
    return change


async def follow_changes(database: Database, settings: Settings) -> int:
    """Let every open clock follow what it has not followed yet; returns how many tickets were looked at."""
    total, last = 0, 0
    while True:
        async with database.transaction() as session:
            found = await _follow_some(session, settings, after=last)
        total += len(found)
        if len(found) < BATCH:
            break
        last = found[-1]
    await _finish(database)
    return total


async def _follow_some(session: AsyncSession, settings: Settings, *, after: int) -> list[int]:
    newest = int(await session.scalar(select(func.max(SlaChange.id))) or 0)
    behind = select(SlaClock.ticket_id).where(SlaClock.ended_at.is_(None), SlaClock.revision < newest)
    tickets = list(
        await session.scalars(
            select(Ticket)
            .where(Ticket.id.in_(behind), Ticket.id > after)
            .order_by(Ticket.id)
            .limit(BATCH)
            .with_for_update(skip_locked=True)  # whoever holds it is waited for at the next turn
            .execution_options(populate_existing=True)
        )
    )
    if not tickets:
        return []
    ids = [ticket.id for ticket in tickets]
    rules = await load_rules(session, settings)
    changes = await _changes(session, rules)
    clocks, pauses = defaultdict(list), defaultdict(list)
    for each in await session.scalars(select(SlaClock).where(SlaClock.ticket_id.in_(ids), SlaClock.ended_at.is_(None))):
        clocks[each.ticket_id].append(each)
    for pause, ticket_id in await session.execute(
        select(SlaPause, SlaClock.ticket_id)
        .join(SlaClock, SlaClock.id == SlaPause.clock_id)
        .where(SlaClock.ticket_id.in_(ids), SlaClock.ended_at.is_(None))
        .order_by(SlaPause.id)
    ):
        pauses[ticket_id].append(pause)
    moved = []
    for ticket in tickets:
        own = Clocks(session, rules, ticket, clocks[ticket.id], pauses[ticket.id])
        if _follow(own, changes):
            moved.append(ticket)
    await _tell(session, moved, changes)
    return ids


@dataclass(frozen=True, slots=True)
class _Change:
    id: int
    kind: ChangeKind
    at: datetime
    before: OpenTime | None
    after: OpenTime | None
    window: tuple[datetime, datetime] | None


async def _changes(session: AsyncSession, rules: Rules) -> list[_Change]:
    """Those that some clock has not followed, the oldest first."""
    oldest = await session.scalar(select(func.min(SlaClock.revision)).where(SlaClock.ended_at.is_(None)))
    zone = rules.open_time.zone
    found = []
    for row in await session.scalars(
        select(SlaChange).where(SlaChange.id > (oldest or 0), SlaChange.id <= rules.revision).order_by(SlaChange.id)
    ):
        window = (row.recount_from, row.recount_until) if row.recount_from and row.recount_until else None
        found.append(
            _Change(
                row.id,
                row.kind,
                row.at,
                open_time_of(row.before, zone) if row.before else None,
                open_time_of(row.after, zone) if row.after else None,
                window,
            )
        )
    return found


def _follow(own: Clocks, changes: Sequence[_Change]) -> bool:
    """True: a promise of this ticket is due at another time now, or would be if it did not stand still."""
    moved = False
    for each in list(own.open.values()):
        was = each.due_at, each.used_s if each.running_since is None else None, each.target_s
        for change in changes:
            if change.id > each.revision and change.before is not None and change.after is not None:
                _recount(own, each, change, change.before, change.after)
        each.revision = max(each.revision, own.rules.revision)
        own.retarget(each)
        is_now = each.due_at, each.used_s if each.running_since is None else None, each.target_s
        moved = moved or _differs(was, is_now)
    own.done()
    return moved


def _recount(own: Clocks, each: SlaClock, change: _Change, before: OpenTime, after: OpenTime) -> None:
    """What was counted by the old hours stays counted; the past that the change is about is counted anew."""
    old, new = Scale(before, each.around_clock), Scale(after, each.around_clock)
    if each.running_since is not None and each.running_since < change.at:
        each.used_s, each.running_since = count_of(each).used(old, change.at), change.at
    if change.window is not None:
        each.used_s = max(0.0, each.used_s + counted_anew(old, new, own.ran(each), change.window, change.at))


def _differs(was: tuple[datetime | None, float | None, int], now: tuple[datetime | None, float | None, int]) -> bool:
    if (was[0] is None) is not (now[0] is None) or was[2] != now[2]:
        return True
    if was[0] is not None and now[0] is not None and abs(was[0] - now[0]) >= MOVED:
        return True
    return was[1] is not None and now[1] is not None and abs(was[1] - now[1]) >= MOVED.total_seconds()


async def _tell(session: AsyncSession, moved: Sequence[Ticket], changes: Sequence[_Change]) -> None:
    if not moved or not changes:
        return
    newest = changes[-1]
    for ticket in moved:
        session.add(
            Entry(
                ticket_id=ticket.id,
                kind=EntryKind.CLOCK,
                detail={
                    "what": "moved",
                    "change_id": newest.id,
                    "cause": newest.kind.value,
                    "promise": ticket.due_kind.value if ticket.due_kind else None,
                    "due_at": ticket.due_at.isoformat() if ticket.due_at else None,
                },
            )
        )
    await session.execute(
        update(SlaChange)
        .where(SlaChange.id.in_([each.id for each in changes]), SlaChange.done_at.is_(None))
        .values(moved=SlaChange.moved + len(moved))
    )
    await publish_all(
        session,
        [
            Event("ticket", ticket.id, (ticket.assignee_id,) if ticket.assignee_id is not None else (), "due")
            for ticket in moved
        ],
    )


async def _finish(database: Database) -> None:
    """A change that every open clock has followed is done, and the audit says what it moved."""
    async with database.transaction() as session:
        behind = await session.scalar(select(func.min(SlaClock.revision)).where(SlaClock.ended_at.is_(None)))
        statement = select(SlaChange).where(SlaChange.done_at.is_(None)).with_for_update(skip_locked=True)
        if behind is not None:
            statement = statement.where(SlaChange.id <= behind)
        for change in await session.scalars(statement):
            change.done_at = clock.now()
            audit.record(
                session, change.by_id, "promise.recalculate", object_type="sla_change", object_id=change.id,
                detail={"cause": change.kind.value, "moved": change.moved},
            )  # fmt: skip
