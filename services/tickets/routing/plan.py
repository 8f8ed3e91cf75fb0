"""The pure, deterministic plan of one routing pass: which queued tickets to offer to whom, and why."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from services.tickets.routing.rules import OFFER_RULES_BY_SCOPE, Rule, Scope, Situation, refused_by
from services.tickets.routing.terms import (
    ANY_CERTIFICATE,
    Kind,
    PersonState,
    Policy,
    Snapshot,
    TicketState,
    required_language,
)
from shared.models import Level, Role

VERSION = 3  # of the policy, kept with each explanation
RESERVE = "reserve"  # not a hard rule: spares the last free bilingual for a while
CANDIDATES = 8  # named in an explanation
Costs = np.ndarray[Any, np.dtype[np.float64]]
FORBIDDEN = 1e9
TIE = 1e-5  # equals are told apart by id

# What using somebody costs, so that those who can do least else are asked first.
FLEXIBILITY = {Role.INTERN: 0, Role.CSR1: 1, Role.CSR2: 2, Role.SUPERVISOR: 6}
BILINGUAL = 2


@dataclass(frozen=True, slots=True)
class Proposal:
    """Offer this ticket to this person. `required` is re-checked when the plan is applied."""

    ticket_id: int
    person_id: int
    rev: int
    required: str | None
    mode: str
    explanation: dict[str, Any]


class _Pass:
    """One pass's bookkeeping: who has room left, and which verdicts are already known."""

    def __init__(self, snapshot: Snapshot, policy: Policy, explain: bool) -> None:
        self.policy, self.explain = policy, explain
        self.people = {person.id: person for person in sorted(snapshot.people, key=lambda each: each.id)}
        self.present = [person.id for person in self.people.values() if person.routable]
        self.bilinguals = {person.id for person in snapshot.people if person.bilingual(policy)}
        self.situation = Situation(policy, snapshot.reviewer_live, self.people)
        self.urgency = {ticket.id: ticket.urgency(policy) for ticket in snapshot.tickets}
        self.open = sorted(snapshot.tickets, key=lambda ticket: (-self.urgency[ticket.id], ticket.id))
        self.proposals: list[Proposal] = []
        numbers: dict[Kind, int] = {}
        self.kinds = {ticket.id: numbers.setdefault(ticket.kind, len(numbers)) for ticket in snapshot.tickets}
        self._refusals: dict[int, dict[int, Rule | None]] = defaultdict(dict)  # by person; void once their load changes

    def routable(self, *, full: bool = False) -> list[PersonState]:
        """Who can be offered something now; `full`: also those who have no room left."""
        people = [self.people[id_] for id_ in self.present]
        return people if full else [person for person in people if person.spare > 0]

    def refusal(self, ticket: TicketState, person: PersonState) -> Rule | None:
        """The first rule that this person fails for this ticket. What does not depend on the ticket's past is known."""
        known, kind = self._refusals[person.id], self.kinds[ticket.id]
        if kind not in known:
            known[kind] = refused_by(KIND_RULES, ticket, person, self.situation)
        rule = known[kind]
        if rule is None and not _plain(ticket):
            rule = refused_by(OFFER_RULES_BY_SCOPE[Scope.TICKET], ticket, person, self.situation)
        return rule

    def spares_bilinguals(self, ticket: TicketState) -> bool:
        """Easy English work that has not waited long leaves the last free bilingual alone."""
        return (
            ticket.waited < self.policy.reserve_share * ticket.target
            and not ticket.urgent
            and ticket.level is not Level.CSR2
            and required_language(ticket.language, self.policy) is None
        )

    def propose(self, ticket: TicketState, person: PersonState, costs: dict[int, float]) -> None:
        self.proposals.append(
            Proposal(
                ticket.id,
                person.id,
                ticket.rev,
                required_language(ticket.language, self.policy),
                ticket.mode,
                self._explain(ticket, person, costs) if self.explain else {},
            )
        )
        self.people[person.id] = replace(person, load=person.load + ticket.weight, idle_minutes=0.0)
        self._refusals.pop(person.id, None)
        self.open.remove(ticket)

    def _explain(self, ticket: TicketState, person: PersonState, costs: dict[int, float]) -> dict[str, Any]:
        rejected: dict[str, list[int]] = defaultdict(list)
        for other in self.people.values():
            rule = self.refusal(ticket, other)
            if rule is not None:
                rejected[rule.name].append(other.id)
            elif other.id not in costs:
                rejected[RESERVE].append(other.id)
        ranked = sorted(costs.items(), key=lambda each: (each[1], each[0]))[:CANDIDATES]
        flags = []
        required = required_language(ticket.language, self.policy)
        if ticket.language not in ("en", self.policy.verified_language, "mixed", "unknown") and not person.speaks(
            ticket.language, ticket.mode
        ):
            flags.append("interpreter")  # nobody verified this person in the customer's language
        if ticket.language in ("mixed", "unknown"):
            flags.append(f"language_{ticket.language}")
        if ticket.weight > person.spare:
            flags.append("over_capacity")  # an emergency: nobody who may take it has room
        return {
            "version": VERSION,
            "urgent": ticket.urgent,
            "overdue": ticket.overdue(self.policy),
            "urgency": round(self.urgency[ticket.id], 3),
            "waited_minutes": round(ticket.waited, 1),
            "target_minutes": round(ticket.target, 1),
            "required_language": "any" if required == ANY_CERTIFICATE else required,
            "mode": ticket.mode,
            "idle_minutes": round(person.idle_minutes, 1),
            "previous": ticket.previous_id == person.id,
            "candidates": [{"person_id": id_, "cost": round(cost, 2)} for id_, cost in ranked],
            "rejected": dict(rejected),
            "flags": flags,
        }


KIND_RULES = OFFER_RULES_BY_SCOPE[Scope.PERSON] + OFFER_RULES_BY_SCOPE[Scope.KIND]


def _plain(ticket: TicketState) -> bool:
    """Has no past that matters to who may take it."""
    return not ticket.barred and ticket.previous_id is None


Allowed = Callable[[_Pass, TicketState, PersonState], bool]


def plan(snapshot: Snapshot, policy: Policy, *, explain: bool = True) -> list[Proposal]:
    """Same snapshot, same plan: ties are broken by id. Never more than anybody has room for, emergencies apart.

    `explain`: say why with each proposal; who makes a million plans to measure them reads none of it.
    """
    state = _Pass(snapshot, policy, explain)
    # Emergencies before anything else, to who has room and else to who has not; then all that is urgent, however long
    # other work has waited; then what is late beyond the limit; then whoever is not needed as the last free bilingual,
    # then the rest.
    emergencies = [ticket for ticket in state.open if ticket.needs_no_room]
    _match(state, emergencies, _with_room)
    _match(state, emergencies, _anybody, full=True)
    _match(state, [ticket for ticket in state.open if ticket.urgent], _anybody)
    _match(state, [ticket for ticket in state.open if ticket.overdue(policy)], _anybody)
    _match(state, list(state.open), _not_reserved)
    _match_reserved(state)
    return state.proposals


def _anybody(_state: _Pass, _ticket: TicketState, _person: PersonState) -> bool:
    return True


def _with_room(_state: _Pass, ticket: TicketState, person: PersonState) -> bool:
    return ticket.weight <= person.spare


def _not_reserved(state: _Pass, ticket: TicketState, person: PersonState) -> bool:
    return not (person.id in state.bilinguals and state.spares_bilinguals(ticket))


def _match_reserved(state: _Pass) -> None:
    """Easy English work may have all free bilinguals but one, the most flexible."""
    free = [person for person in state.routable() if person.id in state.bilinguals]
    free.sort(key=lambda person: (FLEXIBILITY[person.role], person.id))
    usable = {person.id for person in free[:-1]}
    tickets = [ticket for ticket in state.open if state.spares_bilinguals(ticket)]
    if usable and tickets:
        _match(state, tickets, lambda _state, _ticket, person: person.id in usable, rounds=1)


def _match(
    state: _Pass, tickets: list[TicketState], allowed: Allowed, *, rounds: int | None = None, full: bool = False
) -> None:
    """Match in rounds of at most one ticket per person, so that nobody gets a second before others have one."""
    from scipy.optimize import linear_sum_assignment  # here: it is a fifth of the web process, which never matches

    while tickets and rounds != 0:
        people = state.routable(full=full)
        chosen = _worth_matching(state, tickets, people, allowed)
        if not chosen:
            return
        costs = _costs(state, chosen, people, allowed)
        matched = [
            (chosen[row], people[column])
            for row, column in zip(*linear_sum_assignment(costs), strict=True)
            if costs[row, column] < FORBIDDEN
        ]
        positions = {ticket.id: row for row, ticket in enumerate(chosen)}
        for ticket, person in sorted(matched, key=lambda pair: (-state.urgency[pair[0].id], pair[0].id)):
            row = costs[positions[ticket.id]]
            state.propose(
                ticket,
                person,
                {other.id: float(row[column]) for column, other in enumerate(people) if row[column] < FORBIDDEN},
            )
            tickets.remove(ticket)
        rounds = None if rounds is None else rounds - 1


def _worth_matching(
    state: _Pass, tickets: Iterable[TicketState], people: Sequence[PersonState], allowed: Allowed
) -> list[TicketState]:
    """The most urgent tickets that can matter: no person needs more choices of a kind than there are people."""
    chosen: list[TicketState] = []
    seen: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    full: set[int] = set()
    for ticket in tickets:
        kind = state.kinds[ticket.id]
        plain = _plain(ticket)
        if plain and kind in full:
            continue
        counts = seen[kind]
        takers = [person.id for person in people if _may(state, ticket, person, allowed)]
        if any(counts[id_] < len(people) for id_ in takers):
            chosen.append(ticket)
            for id_ in takers:
                counts[id_] += 1
        elif plain:
            full.add(kind)
    return chosen


def _may(state: _Pass, ticket: TicketState, person: PersonState, allowed: Allowed) -> bool:
    return state.refusal(ticket, person) is None and allowed(state, ticket, person)


def _costs(state: _Pass, tickets: Sequence[TicketState], people: Sequence[PersonState], allowed: Allowed) -> Costs:
    costs = np.full((len(tickets), len(people)), FORBIDDEN)
    for row, ticket in enumerate(tickets):
        for column, person in enumerate(people):
            if _may(state, ticket, person, allowed):
                costs[row, column] = _cost(state, ticket, person) + TIE * column
    return costs


def _cost(state: _Pass, ticket: TicketState, person: PersonState) -> float:
    policy = state.policy
    flexibility = FLEXIBILITY[person.role] + (BILINGUAL if person.id in state.bilinguals else 0)
    if required_language(ticket.language, policy) is not None and ticket.level is Level.CSR2:
        flexibility = 0  # this is what they are there for
    knows_ticket = ticket.previous_id == person.id
    # A language the center does not require: somebody verified in it is still the better choice.
    knows_language = ticket.language != policy.verified_language and person.speaks(ticket.language, ticket.mode)
    return (
        -100.0 * (state.urgency[ticket.id] + 1)
        + 6.0 * flexibility
        + 6.0 * person.load
        - 0.05 * min(60.0, person.idle_minutes)
        - (15.0 if knows_ticket else 0.0)
        - (15.0 if knows_language else 0.0)
    )
