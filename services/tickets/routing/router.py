"""One routing pass after another until there is nothing left to offer: snapshot, plan, apply under lock."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import structlog
from prometheus_client import Counter, Histogram
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.locks import lock_people, lock_ticket, open_assignment
from services.tickets.routing import repository
from services.tickets.routing.balance import policy_in_force
from services.tickets.routing.handover import take_back
from services.tickets.routing.plan import plan
from services.tickets.routing.rules import FIT_RULES, LEVEL, Situation, refused_by
from services.tickets.routing.staff import staff, today_at_the_center
from services.tickets.routing.terms import PersonState, Policy
from services.tickets.routing.terms import TicketState as TicketValues
from services.tickets.routing.turns import SIGN
from shared import clock
from shared.calendar import load_open_time
from shared.database import Database
from shared.events import Event, publish, publish_all
from shared.models import AssignmentState, EntryKind
from shared.settings import Settings

log = structlog.get_logger(__name__)

OFFERS = Counter("centralita_routing_offers_total", "Offers made by the router.")
WITHDRAWN = Counter("centralita_routing_withdrawn_total", "Offers and work that no longer fitted their person.")
PASS_SECONDS = Histogram("centralita_routing_pass_seconds", "How long one routing pass took.")
WAIT_SECONDS = Histogram(
    "centralita_routing_wait_seconds",
    "From the start of a customer's wait to an offer.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600),
)
MAX_PASSES = 100  # of one call: whatever were to keep it busy, sweeps get their turn
DEPTHS = (1, 8, 64)  # how deep a pass looks into the queue when the most urgent tickets can go to nobody


@dataclass(frozen=True, slots=True)
class Routed:
    """`offered`: how many offers were made. `had_turn` is false when another router was at it all the time. `all`: what
    was queued when it looked is offered."""

    offered: int = 0
    had_turn: bool = False
    all: bool = False


async def route_once(database: Database, settings: Settings, *, withdraw: bool = True) -> int:
    """Offer everything that can be offered now. Returns how many offers were made.

    `withdraw`: first take back what no longer fits its person. That looks at all open work; what changes a ticket
    takes it back itself, so only a change of people makes it worth while.

    0 also when another router is at it: that one, or the next sweep, covers what was queued meanwhile.
    """
    return (await route(database, settings, withdraw=withdraw)).offered


async def route(
    database: Database, settings: Settings, *, withdraw: bool = True, sign: Callable[[], int | None] = lambda: None
) -> Routed:
    """The same, and whether it was our turn. What `sign` returns goes out with each pass, to the other routers."""
    async with database.transaction() as session:
        policy = await policy_in_force(session, settings)
    if withdraw:
        await withdraw_unfit(database, settings, policy)
    made, had_turn = 0, False
    for _ in range(MAX_PASSES):
        found = await _pass(database, settings, policy, sign())
        made, had_turn = made + found.offered, had_turn or found.had_turn
        if not found.offered or found.all:  # what was queued since is news of its own
            break
    return Routed(made, had_turn)


async def _pass(database: Database, settings: Settings, policy: Policy, sign: int | None = None) -> Routed:
    started = perf_counter()
    now, today = clock.now(), today_at_the_center(settings)
    async with database.transaction() as session:
        if not await repository.only_router(session):
            return Routed()
        if sign is not None:
            await publish(session, Event(SIGN, sign, what="pass"))
        open_time = await load_open_time(session, settings)
        for depth in DEPTHS:
            reading = await repository.snapshot(session, policy, open_time, now, today, depth=depth)
            proposals = plan(reading.view, policy) if reading.view.tickets else []
            if proposals or not reading.more:
                break
        if not proposals:
            return Routed(0, had_turn=True)
        await lock_people(session, [proposal.person_id for proposal in proposals])
        offered = await repository.apply(session, proposals, policy, now, today)
        await publish_all(
            session,
            [
                event
                for each in offered
                for event in (
                    Event("offer", each.assignment_id, (each.person_id,), "offered"),
                    Event("ticket", each.ticket_id, (each.person_id,), "offered"),
                )
            ],
        )
    OFFERS.inc(len(offered))
    for each in offered:
        WAIT_SECONDS.observe(max(0.0, (now - each.queued_at).total_seconds()))
    PASS_SECONDS.observe(perf_counter() - started)
    log.info("routing.pass", proposed=len(proposals), offered=len(offered), queued=len(reading.view.tickets))
    return Routed(len(offered), had_turn=True, all=reading.all and len(offered) == len(reading.view.tickets))


async def withdraw_unfit(database: Database, settings: Settings, policy: Policy) -> int:
    """Take back offers and work whose ticket turned out to need somebody else: another language, a higher level.

    What a supervisor assigned stays where it is.
    """
    async with database.transaction() as session:
        if not await repository.only_router(session):
            return 0
        found = await _unfit(session, settings, policy)
    taken_back = 0
    for ticket_id in found:
        async with database.transaction() as session:
            taken_back += await _withdraw(session, settings, policy, ticket_id)
    WITHDRAWN.inc(taken_back)
    return taken_back


async def _unfit(session: AsyncSession, settings: Settings, policy: Policy) -> list[int]:
    rows = await repository.unfit(session, policy.verified_language)
    if not rows:
        return []
    people = await staff(session, clock.now(), today_at_the_center(settings), {row.person_id for row in rows})
    by_id = {person.id: person for person in people}
    return [
        row.ticket.id
        for row in rows
        if _misfit(policy, row.ticket, by_id[row.person_id], accepted=row.accepted) is not None
    ]


async def _withdraw(session: AsyncSession, settings: Settings, policy: Policy, ticket_id: int) -> int:
    ticket = await lock_ticket(session, ticket_id)
    assignment = await open_assignment(session, ticket_id)
    if assignment is None or assignment.pinned:
        return 0  # it moved on
    people = await staff(session, clock.now(), today_at_the_center(settings), {assignment.person_id})
    values = TicketValues(ticket.id, ticket.channel, ticket.language, ticket.level, ticket.priority, ticket.weight)
    cause = _misfit(policy, values, people[0], accepted=assignment.state is AssignmentState.ACCEPTED)
    if cause is None:
        return 0
    await take_back(session, ticket, assignment, state=AssignmentState.WITHDRAWN, kind=EntryKind.RELEASED, cause=cause)
    await publish(session, Event("offer", assignment.id, (assignment.person_id,), "withdrawn"))
    return 1


def _misfit(policy: Policy, ticket: TicketValues, person: PersonState, *, accepted: bool) -> str | None:
    """The rule that the person no longer meets; accepted work in an unknown language stays until it is known."""
    rules = (LEVEL,) if accepted and ticket.language == "unknown" else FIT_RULES
    rule = refused_by(rules, ticket, person, Situation(policy))
    return None if rule is None else rule.name
