"""One simulated month: a queue of events, people who work, pause, leave and do not notice, and whoever routes."""

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from bench.routing.center import (
    INTERN_TAKES,
    READING_IN,
    SEATS,
    SPANISH,
    WEEK_MINUTES,
    WRONG_LANGUAGE,
    Contact,
    Interruption,
    Shift,
    World,
)
from services.tickets.routing.rules import INTERN, LANGUAGE, LEVEL, Situation, refused_by, reviewer_live
from services.tickets.routing.terms import PersonState, Policy, TicketState
from services.tickets.shift_plan import Duty
from shared.models import Channel, Intent, Level, Priority, Role

SWEEP_MINUTES = 1.0  # the service looks every five seconds; nothing here changes so fast
KINDS_RULES = (LANGUAGE, LEVEL, INTERN)

Kind = tuple[str, Channel, Level, Priority]


def kind_of(contact: Contact) -> Kind:
    return (contact.tagged, contact.channel, contact.level, contact.priority)


@dataclass(slots=True, eq=False)
class Worker:
    """A seat, as it is at this moment."""

    id: int
    role: Role
    spanish: bool
    on: bool = False
    until: float = 0.0
    busy: Contact | None = None
    offered: Contact | None = None
    paused: bool = False  # on a break, and has said so
    away: bool = False  # and has not
    unresponsive: bool = False
    idle_since: float = 0.0
    shift: int = 0  # number of shifts begun: what belongs to an earlier one is void
    pending: list[Interruption] = field(default_factory=list)
    inbox: deque[Contact] = field(default_factory=deque)
    worked: float = 0.0
    worked_english: float = 0.0
    online: float = 0.0

    @property
    def load(self) -> int:
        return (self.busy is not None) + (self.offered is not None)

    @property
    def open_work(self) -> int:
        return self.load + len(self.inbox)

    def present(self) -> bool:
        """Would begin something now."""
        return self.on and self.busy is None and not self.paused and not self.away


class Router(Protocol):
    """One way to share work out. It keeps what is queued."""

    def queue(self, run: "Run", contact: Contact) -> None:
        """Something arrived, came back or was not answered."""

    def dispatch(self, run: "Run") -> None:
        """Something happened: give or offer what should be given or offered now."""

    def waiting(self) -> list[Contact]:
        """What is left."""


@dataclass(slots=True)
class Tally:
    """What must not happen, and what is worth counting."""

    over_capacity: int = 0
    unverified: int = 0  # tagged Spanish, given to somebody not verified in it
    wrong_language: int = 0  # Spanish under a wrong tag that reached somebody who could not answer it
    missed_offers: int = 0
    handovers: int = 0  # follow-ups that somebody else took
    follow_ups: int = 0


class Run:
    def __init__(
        self,
        world: World,
        router: Router,
        policy: Policy,
        *,
        each_week: Callable[["Run", int], None] | None = None,
    ) -> None:
        self.world, self.router, self.policy, self.each_week = world, router, policy, each_week
        self.opening = world.opening
        self.now = 0.0
        self.workers = [Worker(number + 1, seat.role, seat.spanish) for number, seat in enumerate(SEATS)]
        self.contacts: list[Contact] = []  # everything that was done or waits, follow-ups too
        self.tally = Tally()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0
        self._able: dict[tuple[int, Kind], bool] = {}
        self.situation = Situation(policy, reviewer_live=True)

    def go(self) -> "Run":
        for contact in self.world.contacts:
            self._at(contact.at, partial(self._arrive, replace(contact, barred={})))
        for worker, shifts in zip(self.workers, self.world.shifts, strict=True):
            for shift in shifts:
                self._at(shift.starts, partial(self._begin, worker, shift))
        for week in range(1, self.world.scenario.weeks + 1):
            self._at(week * WEEK_MINUTES, partial(self._week, week))
        self._sweep()
        events = self._events
        while events and events[0][0] <= self.world.ends:
            self.now = events[0][0]
            while events and events[0][0] <= self.now:
                heapq.heappop(events)[2]()
            if self.opening.is_open(self.now):
                self.router.dispatch(self)
        return self

    # What routers ask and say

    def able(self, worker: Worker, kind: Kind) -> bool:
        """By the product's own rules of language, level and interns."""
        found = self._able.get((worker.id, kind))
        if found is None:
            tagged, channel, level, priority = kind
            ticket = TicketState(0, channel, tagged, level, priority)
            found = refused_by(KINDS_RULES, ticket, self.state(worker), self.situation) is None
            self._able[worker.id, kind] = found
        return found

    def may_begin(self, worker: Worker) -> bool:
        """Whoever routes: nobody begins something new in the last minutes of a shift."""
        return worker.on and worker.until - self.now > self.policy.shift_end_minutes

    def reviewer_live(self) -> bool:
        return reviewer_live(tuple(self.state(worker) for worker in self.workers if worker.on))

    def askable(self, worker: Worker) -> bool:
        """Routable with room, as the planner would find; for passes that need not begin."""
        return (
            worker.on and not worker.paused and not worker.unresponsive and not worker.load and self.now < worker.until
        )

    def state(self, worker: Worker) -> PersonState:
        """As the service's snapshot has them: somebody away is available as far as anybody knows."""
        return PersonState(
            id=worker.id,
            role=worker.role,
            intent=Intent.BREAK if worker.paused else Intent.AVAILABLE,
            live=worker.on,
            unresponsive=worker.unresponsive,
            capacity=1,
            load=worker.load,
            certificates=SPANISH if worker.spanish else frozenset(),
            idle_minutes=self.now - worker.idle_since,
            duty=Duty.ON if worker.on and self.now < worker.until else Duty.OFF,
            shift_minutes_left=worker.until - self.now,
        )

    def give(self, worker: Worker, contact: Contact) -> None:
        """Their work from now on: begun at once if they are there and free, else in their inbox."""
        self._verify(worker, contact)
        if worker.present() and not worker.inbox:
            self._start(worker, contact)
        else:
            worker.inbox.append(contact)

    def offer(self, worker: Worker, contact: Contact) -> None:
        """Whoever is there takes it; whoever is away lets it run out."""
        self._verify(worker, contact)
        if worker.load:
            self.tally.over_capacity += 1
        if worker.present():
            self._start(worker, contact)
            return
        worker.offered = contact
        self._at(self.now + self.policy.offer_s / 60, partial(self._expire, worker, contact))

    def _verify(self, worker: Worker, contact: Contact) -> None:
        self.tally.unverified += contact.tagged == "es" and not worker.spanish

    # What happens

    def _at(self, time: float, what: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._events, (time, self._number, what))

    def _arrive(self, contact: Contact) -> None:
        self.contacts.append(contact)
        self._queue(contact)

    def _queue(self, contact: Contact) -> None:
        contact.queued_open = self.opening.elapsed(contact.at)
        self.router.queue(self, contact)

    def _begin(self, worker: Worker, shift: Shift) -> None:
        worker.on, worker.until, worker.shift = True, shift.ends, worker.shift + 1
        worker.paused = worker.away = worker.unresponsive = False
        worker.pending, worker.idle_since = [], self.now
        self._at(shift.ends, partial(self._end, worker, worker.shift))
        for interruption in shift.interruptions:
            self._at(interruption.at, partial(self._pause, worker, worker.shift, interruption))
        self._next(worker)

    def _end(self, worker: Worker, shift: int) -> None:
        if worker.shift != shift:
            return
        if worker.offered is not None:
            self._take_back(worker)
        if worker.busy is None:
            self._leave(worker)

    def _leave(self, worker: Worker) -> None:
        if worker.on and self.now >= self.world.counted_from:
            worker.online += worker.until - self._shift_start(worker)
        worker.on = False

    def _shift_start(self, worker: Worker) -> float:
        return self.world.shifts[worker.id - 1][worker.shift - 1].starts

    def _pause(self, worker: Worker, shift: int, interruption: Interruption) -> None:
        if worker.shift != shift or not worker.on:
            return
        if worker.busy is not None or worker.paused or worker.away:
            worker.pending.append(interruption)  # after what they do now
            return
        if interruption.said:
            worker.paused = True
            if self.now >= self.world.counted_from:
                worker.online -= interruption.minutes
        else:
            worker.away = True
        self._at(self.now + interruption.minutes, partial(self._resume, worker, shift))

    def _resume(self, worker: Worker, shift: int) -> None:
        if worker.shift != shift or not worker.on:
            return
        if worker.paused:
            worker.idle_since = self.now
        worker.paused = worker.away = worker.unresponsive = False
        if worker.offered is not None:  # back in time
            contact, worker.offered = worker.offered, None
            self._start(worker, contact)
        else:
            self._next(worker)

    def _next(self, worker: Worker) -> None:
        """Free again: go home, take a break that is due, or open what lies in the inbox."""
        if self.now >= worker.until:
            self._leave(worker)
        elif worker.pending:
            self._pause(worker, worker.shift, worker.pending.pop(0))
        elif worker.inbox and worker.present() and self.may_begin(worker):
            self._start(worker, worker.inbox.popleft())

    def _start(self, worker: Worker, contact: Contact) -> None:
        worker.busy = contact
        minutes = contact.work * (INTERN_TAKES if worker.role is Role.INTERN else 1.0)
        if contact.language == "es" and not worker.spanish:
            self.tally.wrong_language += 1
            minutes = WRONG_LANGUAGE
        elif not contact.first:
            other = contact.previous != worker.id
            minutes += READING_IN if other else 0.0
            self.tally.follow_ups += 1
            self.tally.handovers += other
        if self.now >= self.world.counted_from:
            worker.worked += minutes
            worker.worked_english += minutes if contact.language == "en" else 0.0
        self._at(self.now + minutes, partial(self._done, worker, contact))

    def _done(self, worker: Worker, contact: Contact) -> None:
        worker.busy, worker.idle_since = None, self.now
        if contact.language == "es" and not worker.spanish:
            contact.tagged = "es"  # corrected: back to the queue, with the clock it always had
            self.router.queue(self, contact)
        else:
            contact.done = self.now
            contact.waited = self.opening.elapsed(self.now) - contact.queued_open
            self._follow_up(worker, contact)
        self._next(worker)

    def _follow_up(self, worker: Worker, contact: Contact) -> None:
        if not contact.follow_ups:
            return
        (after, work), *later = contact.follow_ups
        again = replace(
            contact,
            id=contact.id + 1,
            at=self.now + after,
            tagged=contact.language,  # whoever answered has corrected it
            work=work,
            follow_ups=tuple(later),
            first=False,
            previous=worker.id,
            barred={},
            done=None,
        )
        self._at(again.at, partial(self._arrive, again))

    def _expire(self, worker: Worker, contact: Contact) -> None:
        if worker.offered is not contact:
            return
        self.tally.missed_offers += 1
        worker.unresponsive = True
        contact.barred[worker.id] = self.now + self.policy.barred_minutes
        self._take_back(worker)

    def _take_back(self, worker: Worker) -> None:
        contact, worker.offered = worker.offered, None
        assert contact is not None
        self.router.queue(self, contact)

    def _sweep(self) -> None:
        self._at(self.now + SWEEP_MINUTES, self._sweep)

    def _week(self, number: int) -> None:
        if self.each_week is not None:
            self.each_week(self, number)
