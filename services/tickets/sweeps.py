"""What keeps tickets moving without anybody's ring: queries for work left undone, and routing that wakes at once.

This is the correctness path. It needs PostgreSQL and nothing else; a step that fails is reported, tried again at its
next turn, and never keeps the others from theirs.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from time import monotonic, perf_counter

import structlog
from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy import func, select

from services.tickets import greeting_alerts, housekeeping, intake, presence
from services.tickets.calls import promises, schedule
from services.tickets.clocks import changes, settle, watch
from services.tickets.ladder.climb import climb
from services.tickets.learning import installed
from services.tickets.routing.balance import balance
from services.tickets.routing.offers import expire_offers
from services.tickets.routing.router import route
from services.tickets.routing.turns import PATIENCE_S, SIGN, Turns
from services.tickets.views.clocks import clock_counts
from shared import clock, health
from shared.database import Database
from shared.events import Hearing
from shared.models import UNOFFERED, Alert, Ticket, TicketState
from shared.settings import Settings

log = structlog.get_logger(__name__)
SERVICE = "tickets"

SWEEP_FAILURES = Counter("centralita_sweep_failures_total", "Failed turns of a sweep.", ["step"])
SWEEP_SECONDS = Histogram("centralita_sweep_seconds", "How long one turn of a sweep took.", ["step"])
QUEUE_DEPTH = Gauge("centralita_queue_depth", "Tickets that wait for a person.", ["language", "state"])
QUEUE_OLDEST = Gauge("centralita_queue_oldest_seconds", "How long the oldest queued ticket has waited.", ["language"])
OPEN_PROMISES = Gauge("centralita_open_promises", "Promises to customers that are open.", ["kind", "state"])
OPEN_ALERTS = Gauge("centralita_open_alerts", "Alerts that nobody has taken.", ["kind"])

# What may let a pass place something that the last one could not. Our own offers are no news to us.
WAKING = frozenset({"ticket", "offer", "presence", "person", "hours", "resync"})
# Of a ticket: news that leaves everybody's work and room as they were.
IDLE_NEWS = frozenset({"offered", "sent", "delivery", "note", "reply", "caller", "ladder"})
# News of people, or none at all for a while: what somebody holds may no longer be theirs to hold.
ABOUT_PEOPLE = frozenset({"presence", "person", "hours", "resync"})
ABOUT_PROMISES = frozenset({"promises", "hours", "resync"})
BREATH_S = 0.02  # between passes while news keeps coming
LONGEST_BREATH_S = 0.1
LOCKED_BREATH_S = 0.1
SLOW_STEPS_S = 15.0
WOKEN_PAUSE_S = 2.0


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    run: Callable[[], Awaitable[object]]
    every_s: float
    woken: asyncio.Event | None = None  # looks at once when this is set


class Sweeps:
    def __init__(
        self,
        database: Database,
        settings: Settings,
        hearing: Hearing | None = None,
        *,
        doors: intake.Doors | None = None,
    ) -> None:
        self.database, self.settings = database, settings
        self._doors = doors or intake.Doors(database, settings)
        self._hearing = hearing or Hearing(settings)
        self._own_hearing = hearing is None
        self._woken = asyncio.Event()
        self._stuck = asyncio.Event()  # something may have become due that nobody can take
        self._promises_changed = asyncio.Event()
        self._next_promise: datetime | None = None
        self._old_have_clocks = False
        self._fit_doubtful = True
        self._turns = Turns()
        self._failed: set[str] = set()
        self._started = monotonic()
        slow = max(SLOW_STEPS_S, settings.sweep_s)
        self.steps = [
            Step("intake", self._intake, settings.sweep_s),
            Step("offers", self._offers, settings.sweep_s),
            Step("presence", self._presence, settings.sweep_s),
            Step("calls", self._calls, settings.sweep_s),
            Step("clocks", self._settle, slow),
            Step("alerts", lambda: greeting_alerts.tell_changed_greetings(database), slow),
            Step("ladder", lambda: climb(database, settings), slow, self._stuck),
            Step("figures", self._measure, slow),
            Step("model", lambda: installed.tell(database), 3600.0),
            Step("balance", lambda: balance(database, settings), 3600.0),
            Step("housekeeping", lambda: housekeeping.tidy(database), 3600.0),
        ]

    def wake(self) -> None:
        """Something may be there to route: look at once."""
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled."""
        if self._own_hearing:
            self._hearing.start()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen(), name="sweeps.listen")
                group.create_task(self._route_for_ever(), name="sweeps.route")
                group.create_task(self.watch_promises(), name="sweeps.promises")
                for step in self.steps:
                    group.create_task(self._repeat(step), name=f"sweeps.{step.name}")
        finally:
            if self._own_hearing:
                await self._hearing.stop()

    async def turn(self, step: Step) -> bool:
        """One turn of one step; whatever it raises ends here. False: it failed."""
        started = perf_counter()
        try:
            await step.run()
        except Exception as error:
            SWEEP_FAILURES.labels(step.name).inc()
            log.exception("sweep.failed", step=step.name)
            await self._report(step, error)
            return False
        SWEEP_SECONDS.labels(step.name).observe(perf_counter() - started)
        if step.name in self._failed:
            await self._resolve(step)
        return True

    async def _repeat(self, step: Step) -> None:
        while True:
            if step.woken is None:
                await self.turn(step)
                await asyncio.sleep(step.every_s)
                continue
            step.woken.clear()
            await self.turn(step)
            await asyncio.sleep(min(WOKEN_PAUSE_S, step.every_s))  # a burst of news is one look
            with suppress(TimeoutError):
                async with asyncio.timeout(step.every_s):
                    await step.woken.wait()

    async def _route_for_ever(self) -> None:
        checked = 0.0
        while True:
            news = self._woken.is_set()
            self._woken.clear()
            began = monotonic()
            if (news and self._turns.leads) or not await self._other_router_led(began, news=news):
                started = monotonic()
                withdraw = self._fit_doubtful or started - checked >= self.settings.sweep_s
                self._fit_doubtful = False
                if await self.turn(Step("routing", partial(self._route, withdraw=withdraw), 0.0)):
                    checked = started if withdraw else checked
                else:
                    self._fit_doubtful = withdraw
                # A long pass costs others: while a burst comes in, at most half of the time goes to passes.
                await asyncio.sleep(max(BREATH_S, min(monotonic() - started, LONGEST_BREATH_S)))
            with suppress(TimeoutError):
                async with asyncio.timeout(self.settings.sweep_s):
                    await self._woken.wait()

    async def _other_router_led(self, began: float, *, news: bool) -> bool:
        """Whether another router shows that it does what is to be done, and within the time that it has for it."""
        if not news:  # time for a sweep: none of ours while others make them
            return self._turns.heard_since(began - self.settings.sweep_s - PATIENCE_S[1])
        await asyncio.sleep(self._turns.patience())
        return self._turns.heard_since(began)

    async def _route(self, *, withdraw: bool) -> None:
        routed = await route(
            self.database, self.settings, withdraw=withdraw, sign=lambda: self._turns.sign(monotonic())
        )
        if routed.had_turn:
            self._turns.passed()

    async def _listen(self) -> None:
        async with self._hearing.subscribe() as events:
            while True:
                event = await events.get()
                if event.kind == SIGN:
                    self._turns.heard(event.id, monotonic())
                    continue
                self._fit_doubtful |= event.kind in ABOUT_PEOPLE
                if event.kind in ABOUT_PROMISES:
                    self._promises_changed.set()
                if event.kind in WAKING and event.what not in IDLE_NEWS:
                    self.wake()
                    self._stuck.set()

    async def watch_promises(self) -> None:
        """Each promise is told of at the second it is nearly due or late; a turn of the sweep finds the rest."""
        while True:
            self._promises_changed.clear()
            self._next_promise = None
            await self.turn(Step("promises", self._promises, 0.0))
            wait = self.settings.sweep_s
            if self._next_promise is not None:
                wait = min(wait, (self._next_promise - clock.now()).total_seconds())
            with suppress(TimeoutError):
                async with asyncio.timeout(max(LOCKED_BREATH_S, wait)):  # who holds a ticket now lets it go soon
                    await self._promises_changed.wait()

    async def _promises(self) -> None:
        await changes.follow_changes(self.database, self.settings)
        await watch.mark(self.database)
        self._next_promise = await watch.next_at(self.database)

    async def _settle(self) -> None:
        if not self._old_have_clocks:
            await settle.begin_old(self.database, self.settings)
            self._old_have_clocks = True
        await settle.settle(self.database, self.settings)

    async def _intake(self) -> None:
        if await self._doors.sweep():
            self.wake()

    async def _offers(self) -> None:
        if await expire_offers(self.database, self.settings):
            self.wake()

    async def _presence(self) -> None:
        # Browsers could not renew their leases while nobody was there to take them.
        trusted = monotonic() - self._started > presence.LEASE.total_seconds()
        if await presence.sweep_presence(self.database, self.settings, trust_leases=trusted):
            self.wake()

    async def _calls(self) -> None:
        if await schedule.come_due(self.database, self.settings):
            self.wake()
        await promises.remind(self.database)

    async def _measure(self) -> None:
        waiting = [TicketState.QUEUED, TicketState.OFFERED]
        async with self.database.transaction() as session:
            depths = (
                await session.execute(
                    select(Ticket.language, Ticket.state, func.count(), func.min(Ticket.queued_at))
                    .where(Ticket.state.in_(waiting), Ticket.kind.not_in(UNOFFERED))
                    .group_by(Ticket.language, Ticket.state)
                )
            ).all()
            promised = await clock_counts(session)
            alerts = (
                await session.execute(
                    select(Alert.kind, func.count()).where(Alert.taken_at.is_(None)).group_by(Alert.kind)
                )
            ).all()
        for gauge in (QUEUE_DEPTH, QUEUE_OLDEST, OPEN_ALERTS):
            gauge.clear()
        for language, state, count, oldest in depths:
            QUEUE_DEPTH.labels(language, state.value).set(count)
            if state is TicketState.QUEUED:
                QUEUE_OLDEST.labels(language).set((clock.now() - oldest).total_seconds())
        for kind, count in alerts:
            OPEN_ALERTS.labels(kind.value).set(count)
        for promise in promised:
            for name in ("running", "nearly_due", "late", "standing"):
                OPEN_PROMISES.labels(promise.kind.value, name).set(getattr(promise, name))

    async def _report(self, step: Step, error: Exception) -> None:
        self._failed.add(step.name)
        try:
            await health.report(
                self.database,
                SERVICE,
                f"sweep:{step.name}",
                f"The sweep «{step.name}» failed: {type(error).__name__}",
                "It is tried again every few seconds. The log of the tickets worker has the whole error.",
            )
        except Exception as unreported:  # the database itself is away: the log has to do
            log.warning("sweep.not_reported", step=step.name, error=repr(unreported))

    async def _resolve(self, step: Step) -> None:
        try:
            await health.resolve(self.database, SERVICE, f"sweep:{step.name}")
        except Exception as error:
            log.warning("sweep.not_resolved", step=step.name, error=repr(error))
        else:
            self._failed.discard(step.name)
