"""Who may take which ticket: hard rules that no timer relaxes, each with a name and a check without side effects."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from services.tickets.routing.terms import (
    ANY_CERTIFICATE,
    LEVEL_OF_ROLE,
    LEVEL_OF_TICKET,
    OFFERED_ROLES,
    REVIEWERS,
    PersonState,
    Policy,
    TicketState,
    required_language,
)
from shared.models import Intent, Level, Role


@dataclass(frozen=True, slots=True)
class Situation:
    """What a rule may look at beside the ticket and the person."""

    policy: Policy
    reviewer_live: bool = False
    people: Mapping[int, PersonState] = field(default_factory=dict)  # of this pass, by id


class Scope(IntEnum):
    """What of a ticket a rule looks at, so that a pass asks it once for all tickets that are alike to it."""

    PERSON = 0  # nothing
    KIND = 1  # `TicketState.kind`
    TICKET = 2  # this very ticket's past


@dataclass(frozen=True, slots=True)
class Rule:
    """`hard`: nothing but the facts makes it yield. The others yield with time, and are named so."""

    name: str
    description: str
    allows: Callable[[TicketState, PersonState, Situation], bool]
    scope: Scope
    hard: bool = True


def _role(_ticket: TicketState, person: PersonState, _situation: Situation) -> bool:
    return person.active and person.role in OFFERED_ROLES


def _works(_ticket: TicketState, person: PersonState, _situation: Situation) -> bool:
    return person.active and person.role in LEVEL_OF_ROLE


def _available(_ticket: TicketState, person: PersonState, _situation: Situation) -> bool:
    return person.intent is Intent.AVAILABLE


def _live(_ticket: TicketState, person: PersonState, _situation: Situation) -> bool:
    return person.live


def _responsive(_ticket: TicketState, person: PersonState, _situation: Situation) -> bool:
    return not person.unresponsive


def _on_shift(_ticket: TicketState, person: PersonState, _situation: Situation) -> bool:
    return person.on_shift


def _shift_end(ticket: TicketState, person: PersonState, situation: Situation) -> bool:
    left = person.shift_minutes_left
    return left is None or ticket.needs_no_room or left > situation.policy.shift_end_minutes


def _language(ticket: TicketState, person: PersonState, situation: Situation) -> bool:
    required = required_language(ticket.language, situation.policy)
    if required is None:
        return True
    if required == ANY_CERTIFICATE:
        return bool(person.certificates)
    return person.speaks(required, ticket.mode)


def _level(ticket: TicketState, person: PersonState, _situation: Situation) -> bool:
    return LEVEL_OF_ROLE.get(person.role, -1) >= LEVEL_OF_TICKET[ticket.level]


def _intern(ticket: TicketState, person: PersonState, situation: Situation) -> bool:
    if person.role is not Role.INTERN:
        return True
    return ticket.level is Level.INTERN and not ticket.urgent and situation.reviewer_live


def _capacity(ticket: TicketState, person: PersonState, _situation: Situation) -> bool:
    return ticket.needs_no_room or ticket.weight <= person.spare


def _barred(ticket: TicketState, person: PersonState, _situation: Situation) -> bool:
    return person.id not in ticket.barred


def _sticky(ticket: TicketState, person: PersonState, situation: Situation) -> bool:
    if ticket.previous_id is None or ticket.previous_id == person.id or ticket.urgent:
        return True
    previous = situation.people.get(ticket.previous_id)
    # Never held for somebody who is off or goes home, who just said no, or whom the ticket has outgrown.
    if previous is None or not previous.routable or previous.id in ticket.barred:
        return True
    if not _shift_end(ticket, previous, situation):
        return True
    if not (_language(ticket, previous, situation) and _level(ticket, previous, situation)):
        return True
    return ticket.since_previous >= situation.policy.sticky_share * ticket.target


ROLE = Rule("role", "An active intern, CSR or supervisor.", _role, Scope.PERSON)
WORKS = Rule("works", "Somebody active whose role works on tickets.", _works, Scope.PERSON)
AVAILABLE = Rule("available", "Has set themselves available.", _available, Scope.PERSON)
LIVE = Rule("live", "Has a browser open.", _live, Scope.PERSON)
RESPONSIVE = Rule("responsive", "Has not just missed an offer.", _responsive, Scope.PERSON)
ON_SHIFT = Rule(
    "on_shift", "On shift, and not on a planned break; who is in no plan always is.", _on_shift, Scope.PERSON
)
SHIFT_END = Rule("shift_end", "Does not go home in a moment; an emergency does not ask.", _shift_end, Scope.KIND)
LANGUAGE = Rule("language", "Verified in the ticket's language, in the way it is answered.", _language, Scope.KIND)
LEVEL = Rule("level", "May close tickets of this level.", _level, Scope.KIND)
INTERN = Rule("intern", "Interns take simple, unhurried work while a reviewer is there.", _intern, Scope.KIND)
CAPACITY = Rule("capacity", "Has room for it; an emergency needs none.", _capacity, Scope.KIND)
BARRED = Rule(
    "barred", "Did not decline, miss or give back this ticket in the last minutes.", _barred, Scope.TICKET, hard=False
)
STICKY = Rule(
    "sticky", "The CSR who knows the ticket is there and comes first for a while.", _sticky, Scope.TICKET, hard=False
)

# What somebody must satisfy to be offered a ticket, in the order in which a refusal is explained: by scope.
OFFER_RULES = (
    ROLE, AVAILABLE, LIVE, RESPONSIVE, ON_SHIFT, LANGUAGE, LEVEL, INTERN, CAPACITY, SHIFT_END, BARRED, STICKY,
)  # fmt: skip
OFFER_RULES_BY_SCOPE = {scope: tuple(rule for rule in OFFER_RULES if rule.scope is scope) for scope in Scope}
# And to take one from the queue themselves: they are evidently there, and the choice is theirs.
TAKE_RULES = (WORKS, LANGUAGE, LEVEL, INTERN, CAPACITY)
# What depends on the ticket's own facts: when these change, an offer or accepted work may have to go elsewhere.
FIT_RULES = (WORKS, LANGUAGE, LEVEL)


def refused_by(rules: tuple[Rule, ...], ticket: TicketState, person: PersonState, situation: Situation) -> Rule | None:
    """The first rule that this person fails for this ticket; None: eligible."""
    for rule in rules:
        if not rule.allows(ticket, person, situation):
            return rule
    return None


def reviewer_live(people: tuple[PersonState, ...]) -> bool:
    """Somebody who reviews interns is at work: there, and neither on a break nor gone."""
    return any(
        person.role in REVIEWERS and person.active and person.live and person.intent in (Intent.AVAILABLE, Intent.BUSY)
        for person in people
    )
