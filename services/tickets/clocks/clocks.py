"""The clocks of one locked ticket: started, stopped, set going again and ended, each in one place."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from prometheus_client import Counter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.clocks.count import Count, Run, Scale, runs
from services.tickets.clocks.rules import Rules, rules
from shared import clock as now_of
from shared.models import ClockEnd, ClockKind, PauseCause, SlaClock, SlaPause, Ticket
from shared.settings import Settings

RESPONSES = (ClockKind.FIRST_RESPONSE, ClockKind.NEXT_RESPONSE)
_BEGUN = (
    "kind", "started_at", "target_s", "around_clock", "used_s", "running_since", "due_at", "warn_at", "revision",
)  # fmt: skip
ENDED = Counter("centralita_promises_total", "Promises to customers that came to an end.", ["kind", "outcome"])


def new_clock(rules: Rules, ticket: Ticket, kind: ClockKind, at: datetime) -> SlaClock | None:
    """A clock that runs from `at`, not yet in the store; None: nothing is promised."""
    target = rules.target(ticket, kind)
    if target.minutes is None:
        return None
    clock = SlaClock(
        ticket_id=ticket.id,
        kind=kind,
        started_at=at,
        target_s=target.seconds,
        around_clock=target.around_clock,
        used_s=0.0,
        running_since=at,
        revision=rules.revision,
    )
    place(rules, clock, [(at, None)])
    return clock


def as_row(clock: SlaClock, ticket_id: int) -> dict[str, Any]:
    """What `new_clock` made, as a row of that ticket."""
    return {"ticket_id": ticket_id, **{name: getattr(clock, name) for name in _BEGUN}}


def count_of(clock: SlaClock) -> Count:
    return Count(clock.target_s, clock.used_s, clock.running_since)


def place(rules: Rules, clock: SlaClock, ran: list[Run]) -> None:
    """Work out when it is due and when to warn. A breach that is none any more, as the target grew, is forgotten."""
    scale, count = rules.scale(clock.around_clock), count_of(clock)
    clock.due_at = count.reaches(scale, clock.target_s, ran)
    clock.warn_at = count.reaches(scale, rules.warn_share * clock.target_s, ran)
    at = now_of.now()
    if clock.breached_at is not None and (clock.due_at is None or clock.due_at > at):
        clock.breached_at = None
    if clock.warned_at is not None and (clock.warn_at is None or clock.warn_at > at):
        clock.warned_at = None


def due_next(clocks: Iterable[SlaClock]) -> SlaClock | None:
    """Of a ticket's running clocks the one that is due first."""
    running = [each for each in clocks if each.ended_at is None and each.running_since is not None and each.due_at]
    return min(running, key=lambda each: (each.due_at, each.kind), default=None)


def mirror(ticket: Ticket, clocks: Iterable[SlaClock]) -> None:
    """The ticket shows, and queues by, whatever is due next."""
    first = due_next(clocks)
    ticket.due_at, ticket.due_kind = (None, None) if first is None else (first.due_at, first.kind)


class Clocks:
    """Those that have not ended, with all their pauses. `mirror` is called by `done`, once everything has moved."""

    def __init__(
        self,
        session: AsyncSession,
        rules: Rules,
        ticket: Ticket,
        clocks: Iterable[SlaClock],
        pauses: Iterable[SlaPause],
    ) -> None:
        self.session, self.rules, self.ticket = session, rules, ticket
        self.open = {clock.kind: clock for clock in clocks}
        self._pauses: dict[int, list[SlaPause]] = defaultdict(list)
        for pause in pauses:
            self._pauses[pause.clock_id].append(pause)

    @classmethod
    async def of(
        cls, session: AsyncSession, settings: Settings, ticket: Ticket, known: Rules | None = None
    ) -> "Clocks":
        """The caller holds the lock on the ticket."""
        await session.flush()
        found = list(
            await session.scalars(
                select(SlaClock)
                .where(SlaClock.ticket_id == ticket.id, SlaClock.ended_at.is_(None))
                .execution_options(populate_existing=True)
            )
        )
        pauses = await session.scalars(
            select(SlaPause).where(SlaPause.clock_id.in_([each.id for each in found])).order_by(SlaPause.id)
        )
        return cls(session, known or await rules(session, settings), ticket, found, pauses if found else [])

    def ran(self, clock: SlaClock) -> list[Run]:
        return runs(clock.started_at, [(each.stopped_at, each.resumed_at) for each in self._pauses[clock.id]])

    def scale(self, clock: SlaClock) -> Scale:
        return self.rules.scale(clock.around_clock)

    async def start(self, kind: ClockKind, at: datetime) -> SlaClock | None:
        """None: nothing is promised. One that runs already goes on as it was."""
        if kind in self.open:
            return self.open[kind]
        clock = new_clock(self.rules, self.ticket, kind, at)
        if clock is not None:
            self.session.add(clock)
            await self.session.flush()
            self.open[kind] = clock
        return clock

    def stop(self, clock: SlaClock, at: datetime, cause: PauseCause) -> None:
        if clock.running_since is None:
            return
        at = max(at, clock.running_since)
        stopped = count_of(clock).stop(self.scale(clock), at)
        clock.used_s, clock.running_since = stopped.used_s, None
        pause = SlaPause(clock_id=clock.id, cause=cause, stopped_at=at, at_s=stopped.used_s)
        self.session.add(pause)
        self._pauses[clock.id].append(pause)
        place(self.rules, clock, self.ran(clock))

    def go_on(self, clock: SlaClock, at: datetime) -> None:
        if clock.running_since is not None:
            return
        clock.running_since = self._end_pause(clock, at)
        place(self.rules, clock, self.ran(clock))

    def _end_pause(self, clock: SlaClock, at: datetime) -> datetime:
        for pause in self._pauses[clock.id]:
            if pause.resumed_at is None:
                at = max(at, pause.stopped_at)
                pause.passed_s = self.scale(clock).between(pause.stopped_at, at)
                pause.resumed_at = at
        return at

    def end(self, kind: ClockKind, at: datetime, how: ClockEnd) -> None:
        """It counts until `at`. Kept before it was due though somebody was told of a breach: then it was none."""
        clock = self.open.pop(kind, None)
        if clock is None:
            return
        at = max(at, clock.started_at)
        late = -count_of(clock).left(self.scale(clock), at)
        if clock.running_since is not None:
            clock.used_s = count_of(clock).used(self.scale(clock), at)
        else:
            self._end_pause(clock, at)
        clock.running_since = None
        clock.ended_at, clock.ended_how, clock.late_s = at, how, max(0.0, late)
        if late <= 0:
            clock.breached_at = None
        elif clock.breached_at is None:
            clock.breached_at = clock.due_at or at
        outcome = "dropped" if how is ClockEnd.DROPPED else "late" if late > 0 else "in_time"
        ENDED.labels(clock.kind.value, outcome).inc()

    def retarget(self, clock: SlaClock, since: datetime | None = None) -> None:
        """The ticket's target may be another now. `since`: when nights begin to count, where they did not before."""
        target = self.rules.target(self.ticket, clock.kind)
        if target.minutes is None:
            self.end(clock.kind, now_of.now(), ClockEnd.DROPPED)
            return
        if target.around_clock is not clock.around_clock:
            self._change_scale(clock, target.around_clock, since)
        clock.target_s = target.seconds
        place(self.rules, clock, self.ran(clock))

    def _change_scale(self, clock: SlaClock, around_clock: bool, since: datetime | None) -> None:
        clock.around_clock = around_clock
        scale = self.scale(clock)
        if since is not None and clock.running_since is not None:
            clock.used_s, clock.running_since = 0.0, max(since, clock.started_at)
            return
        ended = [(start, end) for start, end in self.ran(clock) if end is not None]
        clock.used_s = sum(scale.between(start, end) for start, end in ended)
        if clock.running_since is not None:
            clock.running_since = self.ran(clock)[-1][0]

    def done(self) -> None:
        mirror(self.ticket, self.open.values())
