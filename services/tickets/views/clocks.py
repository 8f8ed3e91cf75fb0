"""Promises as pages and API show them: a ticket's, and how many are open of each kind."""

from collections import defaultdict
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.clocks import edit
from services.tickets.clocks.clocks import count_of
from services.tickets.clocks.rules import Rules, rules
from services.tickets.clocks.targets import Target, ranked
from services.tickets.views.clock_models import (
    ChosenTarget,
    ClockCount,
    ClockState,
    ClockView,
    PauseView,
    TargetView,
)
from shared import clock
from shared.models import Channel, ClockEnd, ClockKind, Priority, SlaClock, SlaPause
from shared.settings import Settings


async def clock_views(session: AsyncSession, settings: Settings, ticket_id: int) -> list[ClockView]:
    """Open ones first, and of those what is due next; then the newest."""
    known, now = await rules(session, settings), clock.now()
    clocks = list(await session.scalars(select(SlaClock).where(SlaClock.ticket_id == ticket_id)))
    pauses: dict[int, list[SlaPause]] = defaultdict(list)
    for pause in await session.scalars(
        select(SlaPause).where(SlaPause.clock_id.in_([each.id for each in clocks])).order_by(SlaPause.id)
    ):
        pauses[pause.clock_id].append(pause)
    views = [_view(each, pauses[each.id], known, now) for each in clocks]
    still = [each for each in views if each.ended_at is None]
    ended = [each for each in views if each.ended_at is not None]
    return [
        *sorted(still, key=lambda each: (each.due_at is None, each.due_at, each.kind)),
        *sorted(ended, key=lambda each: (each.ended_at, each.kind), reverse=True),
    ]


def _view(each: SlaClock, pauses: list[SlaPause], known: Rules, now: datetime) -> ClockView:
    used = each.used_s if each.ended_at is not None else count_of(each).used(known.scale(each.around_clock), now)
    late = each.late_s if each.late_s is not None else max(0.0, used - each.target_s)
    return ClockView(
        kind=each.kind,
        state=state_of(each, now),
        started_at=each.started_at,
        target_minutes=each.target_s // 60,
        around_clock=each.around_clock,
        used_minutes=round(used / 60, 1),
        due_at=each.due_at,
        warned_at=each.warned_at,
        breached_at=each.breached_at,
        ended_at=each.ended_at,
        late_minutes=round(late / 60, 1),
        pauses=[
            PauseView(
                cause=pause.cause,
                stopped_at=pause.stopped_at,
                resumed_at=pause.resumed_at,
                minutes=None if pause.passed_s is None else round(pause.passed_s / 60, 1),
            )
            for pause in pauses
        ],
    )


def state_of(each: SlaClock, now: datetime) -> ClockState:
    if each.ended_how is ClockEnd.DROPPED:
        return ClockState.DROPPED
    if each.ended_how is ClockEnd.MET:
        return ClockState.KEPT_LATE if each.late_s else ClockState.KEPT
    if each.running_since is None:
        return ClockState.STANDING
    if each.due_at is not None and each.due_at <= now:
        return ClockState.LATE
    return ClockState.NEARLY_DUE if each.warn_at is not None and each.warn_at <= now else ClockState.RUNNING


async def clock_counts(session: AsyncSession) -> list[ClockCount]:
    """How many promises are open, of each kind, also where there are none."""
    now = clock.now()
    runs = SlaClock.running_since.is_not(None)
    rows = await session.execute(
        select(
            SlaClock.kind,
            func.count().filter(runs).label("running"),
            func.count().filter(runs, SlaClock.warn_at <= now, SlaClock.due_at > now).label("nearly_due"),
            func.count().filter(runs, SlaClock.due_at <= now).label("late"),
            func.count().filter(~runs).label("standing"),
        )
        .where(SlaClock.ended_at.is_(None))
        .group_by(SlaClock.kind)
    )
    found = {
        row.kind: ClockCount(
            kind=row.kind, running=row.running, nearly_due=row.nearly_due, late=row.late, standing=row.standing
        )
        for row in rows
    }
    none = {kind: ClockCount(kind=kind, running=0, nearly_due=0, late=0, standing=0) for kind in ClockKind}
    return [found.get(kind, none[kind]) for kind in ClockKind]


def target_view(target: Target) -> TargetView:
    return TargetView(
        id=target.id,
        kind=target.key.kind,
        channel=target.key.channel,
        priority=target.key.priority,
        language=target.key.language,
        minutes=target.minutes,
        around_clock=target.around_clock,
        default=target.default,
    )


async def chosen_targets(
    session: AsyncSession, channel: Channel, priority: Priority, language: str
) -> list[ChosenTarget]:
    """For such a ticket: of each kind the target that counts, and those that would count without it."""
    targets = await edit.targets(session)
    found = []
    for kind in ClockKind:
        first, *others = ranked(targets, kind, channel, priority, language)
        found.append(ChosenTarget(target=target_view(first), others=[target_view(each) for each in others]))
    return found
