"""A smaller world with a known best: every job takes ten minutes, everybody works in the same ten-minute slots.

Here one can say what knowing the future would be worth: all jobs and all slots of a week are matched at once by
`linear_sum_assignment`, for the fewest missed promises and then the shortest waits. That bounds every way of routing
*in this world*: none that gives the same people the same jobs by the same rules can keep more promises, whatever it
knows. It does not bound the simulation of `run.py`, whose work takes as long as it takes, whose customers write again
and whose people are away without a word.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from bench.routing.center import BY_WEEKDAY, DAY_MINUTES, SEATS, SPANISH, Contact, Scenario, Shift, World, draw
from bench.routing.run import KINDS_RULES
from services.tickets.routing.plan import plan
from services.tickets.routing.rules import Situation, refused_by, reviewer_live
from services.tickets.routing.terms import PersonState, Policy, Snapshot, TicketState
from shared.models import Role

SLOT = 10.0  # minutes
AFTER = 2  # days in which what is left is done
MISSED = 1e6  # more than all waits of a week together
IMPOSSIBLE = 1e9


Begun = dict[int, float]  # job -> beginning of its slot


@dataclass(frozen=True, slots=True)
class Week:
    world: World
    jobs: list[Contact]
    slots: list[tuple[float, tuple[int, ...]]]  # when it begins, and the seats that work in it

    def waited(self, job: Contact, begins: float) -> float:
        """Open minutes from arrival until the slot's end."""
        opening = self.world.opening
        return opening.elapsed(begins + SLOT) - opening.elapsed(job.at)

    def met(self, begun: Begun, language: str | None = None) -> float:
        """Percentage of promises kept, of all or of those in a language."""
        jobs = [job for job in self.jobs if language in (None, job.language)]
        kept = sum(job.id in begun and self.waited(job, begun[job.id]) <= job.target for job in jobs)
        return 100 * kept / len(jobs)


def week_at(load: float, seed: int, *, first_day: int = 0, days: int = 7) -> Week:
    """Jobs for `load` of the slots of a week that begins with nothing waiting, on a Monday (0) or a Saturday (5)."""
    scenario = Scenario(f"unit, load {load}", weeks=3)
    begins, ends = first_day * DAY_MINUTES, (first_day + days) * DAY_MINUTES
    slots = _slots(draw(replace(scenario, per_day=1), seed), begins, ends + AFTER * DAY_MINUTES)
    room = sum(len(seats) for at, seats in slots if at < ends)
    weight = sum(BY_WEEKDAY[(first_day + day) % 7] for day in range(days))
    world = draw(replace(scenario, per_day=load * room / weight), seed)
    return Week(world, [contact for contact in world.contacts if begins <= contact.at < ends], slots)


def _slots(world: World, begins: float, ends: float) -> list[tuple[float, tuple[int, ...]]]:
    """Whoever is on shift for the whole of a slot and on no break in it."""
    found = []
    for at in np.arange(begins, ends, SLOT).tolist():
        seats = tuple(seat for seat, shifts in enumerate(world.shifts) if any(_works(shift, at) for shift in shifts))
        if seats:
            found.append((at, seats))
    return found


def _works(shift: Shift, begins: float) -> bool:
    if not (shift.starts <= begins and begins + SLOT <= shift.ends):
        return False
    middle = begins + SLOT / 2
    return not any(each.said and each.at <= middle < each.at + each.minutes for each in shift.interruptions)


def _person(seat: int, idle: float = 0.0) -> PersonState:
    return PersonState(
        seat + 1, SEATS[seat].role, certificates=SPANISH if SEATS[seat].spanish else frozenset(), idle_minutes=idle
    )


def _ticket(week: Week, job: Contact, now: float) -> TicketState:
    waited = week.world.opening.elapsed(now) - week.world.opening.elapsed(job.at)
    return TicketState(job.id, job.channel, job.tagged, job.level, job.priority, waited=waited, target=job.target)


Choose = Callable[[Week, float, list[PersonState], list[Contact]], list[tuple[int, int]]]  # pairs of job and person


def planned(policy: Policy) -> Choose:
    """The planner of the service, asked at the beginning of each slot."""

    def choose(week: Week, now: float, people: list[PersonState], jobs: list[Contact]) -> list[tuple[int, int]]:
        tickets = tuple(_ticket(week, job, now) for job in jobs)
        snapshot = Snapshot(tuple(people), tickets, reviewer_live(tuple(people)))
        return [(made.ticket_id, made.person_id) for made in plan(snapshot, policy, explain=False)]

    return choose


def first_come(week: Week, now: float, people: list[PersonState], jobs: list[Contact]) -> list[tuple[int, int]]:
    """Each in turn, the longest idle first, takes the oldest they may, urgent ones first."""
    situation = Situation(Policy(), reviewer_live(tuple(people)))
    left = sorted(jobs, key=lambda job: (not job.urgent, job.at, job.id))
    chosen = []
    for person in sorted(people, key=lambda each: (-each.idle_minutes, each.id)):
        for job in left:
            if refused_by(KINDS_RULES, _ticket(week, job, now), person, situation) is None:
                chosen.append((job.id, person.id))
                left.remove(job)
                break
    return chosen


def simulate(week: Week, choose: Choose) -> Begun:
    """When each job is begun."""
    begun: Begun = {}
    last = dict.fromkeys(range(len(SEATS)), 0.0)
    queue: list[Contact] = []
    arriving = list(reversed(week.jobs))
    for begins, seats in week.slots:
        while arriving and arriving[-1].at <= begins:
            queue.append(arriving.pop())
        if not queue:
            if not arriving:
                break
            continue
        people = [_person(seat, begins - last[seat]) for seat in seats]
        for job_id, person_id in choose(week, begins, people, queue):
            begun[job_id] = begins
            last[person_id - 1] = begins + SLOT
        queue = [job for job in queue if job.id not in begun]
    return begun


def omniscient(week: Week) -> Begun:
    """When each job is begun by somebody who knows all jobs of the week beforehand."""
    begins = np.array([begins for begins, seats in week.slots for _ in seats])
    seats = np.array([seat for _, seats in week.slots for seat in seats])
    reviewed = np.array([_reviewed(present) for _, present in week.slots for _ in present])
    open_at_end = np.array([week.world.opening.elapsed(each + SLOT) for each in begins])
    costs = np.full((len(week.jobs), len(begins)), IMPOSSIBLE)
    able: dict[object, np.ndarray[tuple[int, ...], np.dtype[np.bool_]]] = {}
    for row, job in enumerate(week.jobs):
        ticket = _ticket(week, job, job.at)
        if ticket.kind not in able:
            able[ticket.kind] = np.array([_may(ticket, seat) for seat in range(len(SEATS))])
        waits = open_at_end - week.world.opening.elapsed(job.at)
        possible = able[ticket.kind][seats] & (begins >= job.at)
        possible &= reviewed | (np.array([SEATS[seat].role is not Role.INTERN for seat in range(len(SEATS))])[seats])
        costs[row, possible] = waits[possible] + np.where(waits[possible] > job.target, MISSED, 0.0)
    rows, columns = linear_sum_assignment(costs)
    return {
        week.jobs[row].id: float(begins[column])
        for row, column in zip(rows, columns, strict=True)
        if costs[row, column] < IMPOSSIBLE
    }


def _may(ticket: TicketState, seat: int) -> bool:
    return refused_by(KINDS_RULES, ticket, _person(seat), Situation(Policy(), reviewer_live=True)) is None


def _reviewed(present: tuple[int, ...]) -> bool:
    return reviewer_live(tuple(_person(seat) for seat in present))
