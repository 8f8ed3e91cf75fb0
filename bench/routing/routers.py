"""Ways to share work out: the planner of the service, and those it is measured against.

The others are shapes, written from how systems describe themselves, not the products. All of them keep to the same
rules of language, level and interns, to the same breaks, and to the same last minutes of a shift.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from heapq import merge
from itertools import islice

from bench.routing.center import Contact
from bench.routing.run import Kind, Router, Run, Worker, kind_of
from services.tickets.routing.plan import plan
from services.tickets.routing.rules import reviewer_live
from services.tickets.routing.terms import Snapshot, TicketState
from shared.models import Level, Priority, Role

MARGIN = 10  # of each kind that must not go to everybody, beyond one for everybody who is free
CHOOSES_FROM = 10  # whoever picks what is easy picks among so many of the oldest
EASE = {Level.INTERN: 0, Level.CSR1: 1, Level.CSR2: 2}


class Queue:
    """What waits, by kind, the oldest first."""

    def __init__(self) -> None:
        self.kinds: dict[Kind, list[tuple[float, int, Contact]]] = defaultdict(list)
        self.size = 0

    def add(self, contact: Contact) -> None:
        insort(self.kinds[kind_of(contact)], (contact.at, contact.id, contact))
        self.size += 1

    def remove(self, contact: Contact) -> None:
        self.kinds[kind_of(contact)].remove((contact.at, contact.id, contact))
        self.size -= 1

    def oldest(self, kinds: Iterable[Kind]) -> Iterator[Contact]:
        yield from (contact for _, _, contact in merge(*(self.kinds[kind] for kind in kinds)))

    def everything(self) -> Iterator[Contact]:
        return self.oldest(list(self.kinds))


class Planned:
    """The service: the same function on the same kind of snapshot, offers that may run out."""

    def __init__(self) -> None:
        self.plain, self.special = Queue(), Queue()  # special: somebody knows it, or has just let it run out

    def queue(self, run: Run, contact: Contact) -> None:
        (self.special if contact.previous or contact.barred else self.plain).add(contact)

    def waiting(self) -> list[Contact]:
        return [*self.plain.everything(), *self.special.everything()]

    def dispatch(self, run: Run) -> None:
        while self.plain.size or self.special.size:
            free = [worker for worker in run.workers if run.askable(worker)]
            if not free:
                return
            wanted = [*_few(run, self.plain, free, len(free)), *_few(run, self.special, free, len(free) + MARGIN)]
            if not wanted:
                return
            people = tuple(run.state(worker) for worker in run.workers if worker.on)
            queued = {contact.id: contact for contact in wanted}
            tickets = tuple(ticket_state(run, contact) for contact in wanted)
            proposals = plan(Snapshot(people, tickets, reviewer_live(people)), run.policy, explain=False)
            if not proposals:
                return
            for proposal in proposals:
                contact = queued[proposal.ticket_id]
                (self.special if contact.previous or contact.barred else self.plain).remove(contact)
                run.offer(run.workers[proposal.person_id - 1], contact)


def _few(run: Run, queue: Queue, free: list[Worker], most: int) -> Iterator[Contact]:
    """What a plan can use, as the service reads it: of each kind that somebody free may take, the first that are late
    and the first that are not, no more than there are people."""
    soon = run.opening.elapsed(run.now) + run.policy.answer_minutes
    for kind, line in queue.kinds.items():
        if not line or not any(run.able(worker, kind) for worker in free):
            continue
        # The oldest come first, and all of a kind were promised the same: what is late stands in front.
        late = bisect_left(line, True, key=lambda each: soon - each[2].queued_open <= each[2].target)
        yield from (contact for _, _, contact in line[: min(most, late)])
        yield from (contact for _, _, contact in line[late : late + most])


def ticket_state(run: Run, contact: Contact) -> TicketState:
    waited = run.opening.elapsed(run.now) - contact.queued_open
    return TicketState(
        id=contact.id,
        channel=contact.channel,
        language=contact.tagged,
        level=contact.level,
        priority=contact.priority,
        waited=waited,
        target=contact.target,
        previous_id=contact.previous,
        since_previous=waited,
        barred=frozenset(id_ for id_, until in contact.barred.items() if until > run.now) if contact.barred else NOBODY,
    )


NOBODY: frozenset[int] = frozenset()


class Pull:
    """Whoever is free takes the oldest they may, urgent ones first; or the easiest of the oldest ones."""

    def __init__(self, *, easiest: bool = False) -> None:
        self.line, self.easiest = Queue(), easiest

    def queue(self, run: Run, contact: Contact) -> None:
        self.line.add(contact)

    def waiting(self) -> list[Contact]:
        return list(self.line.everything())

    def dispatch(self, run: Run) -> None:
        if not self.line.size:
            return
        free = [worker for worker in run.workers if worker.present() and run.may_begin(worker)]
        for worker in sorted(free, key=lambda each: (each.idle_since, each.id)):
            if worker.role is Role.INTERN and not run.reviewer_live():
                continue
            may = [kind for kind, line in self.line.kinds.items() if line and run.able(worker, kind)]
            may = [kind for kind in may if kind[3] is Priority.HIGH] or may
            oldest = islice(self.line.oldest(may), CHOOSES_FROM) if self.easiest else self._heads(may)
            chosen = min(oldest, key=self._order, default=None)
            if chosen is not None:
                self.line.remove(chosen)
                run.give(worker, chosen)

    def _heads(self, kinds: Iterable[Kind]) -> Iterator[Contact]:
        return (self.line.kinds[kind][0][2] for kind in kinds)

    def _order(self, contact: Contact) -> tuple[int, float, int]:
        return (EASE[contact.level] if self.easiest else 0, contact.at, contact.id)


class Push:
    """Everything is given away as soon as anybody on shift may have it and has fewer than `cap` open.

    To whom: in turn, or to who has the fewest open; urgent ones are first in line where `urgent_first`. A follow-up
    goes to whoever knows it, when they are on shift.
    """

    def __init__(self, *, cap: int | None, in_turn: bool = False, urgent_first: bool = False) -> None:
        self.line, self.cap, self.in_turn, self.urgent_first = Queue(), cap, in_turn, urgent_first
        self._last: dict[int, int] = defaultdict(int)  # person -> number of the last assignment
        self._given = 0

    def queue(self, run: Run, contact: Contact) -> None:
        self.line.add(contact)

    def waiting(self) -> list[Contact]:
        return list(self.line.everything())

    def dispatch(self, run: Run) -> None:
        if not self.line.size:
            return
        reviewed = run.reviewer_live()
        here = [
            worker
            for worker in run.workers
            if run.may_begin(worker)
            and not worker.paused
            and (reviewed or worker.role is not Role.INTERN)
            and (self.cap is None or worker.open_work < self.cap)
        ]
        if not here:
            return
        waiting = list(self.line.everything())
        if self.urgent_first:
            waiting.sort(key=lambda each: not each.urgent)
        for contact in waiting:
            kind = kind_of(contact)
            may = [worker for worker in here if run.able(worker, kind)]
            if not may:
                continue
            knows = [worker for worker in may if worker.id == contact.previous]
            worker = knows[0] if knows else min(may, key=self._order)
            self.line.remove(contact)
            self._given += 1
            self._last[worker.id] = self._given
            self._give(run, worker, contact)
            if self.cap is not None and worker.open_work >= self.cap:
                here.remove(worker)
                if not here:
                    return

    def _order(self, worker: Worker) -> tuple[int, int, int]:
        return (0 if self.in_turn else worker.open_work, self._last[worker.id], worker.id)

    def _give(self, run: Run, worker: Worker, contact: Contact) -> None:
        run.give(worker, contact)
        if self.urgent_first and contact.urgent and worker.inbox and worker.inbox[-1] is contact:
            worker.inbox.rotate(1)  # whoever opens their list sees what is urgent on top


ROUTERS: dict[str, Callable[[], Router]] = {
    "plan": Planned,
    "fifo_pull": Pull,
    "cherry_pull": lambda: Pull(easiest=True),
    "rr": lambda: Push(cap=None, in_turn=True),
    "rr_cap5": lambda: Push(cap=5, in_turn=True),
    "least_open10": lambda: Push(cap=10),
    "least_open3": lambda: Push(cap=3),
    "least_open1": lambda: Push(cap=1),
    "spare_cap5": lambda: Push(cap=5, urgent_first=True),
}
