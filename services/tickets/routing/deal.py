"""Who gets which of the tickets that a supervisor moves, and what is unusual about it: pure, for preview and deed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from services.tickets.routing.rules import INTERN, LANGUAGE, LEVEL, Situation
from services.tickets.routing.terms import PersonState, TicketState


class Flag(StrEnum):
    """What is unusual about an assignment that is made all the same."""

    UNVERIFIED_LANGUAGE = "unverified_language"
    LANGUAGE_UNCERTAIN = "language_uncertain"  # the ticket's language is unknown and the person no bilingual
    OVER_CAPACITY = "over_capacity"
    BELOW_LEVEL = "below_level"
    NOT_AT_WORK = "not_at_work"  # offline, on a break, off shift, or without a browser


# What spreading avoids first: a customer who is not understood, then work that cannot be closed, then nobody there.
BURDEN = {
    Flag.UNVERIFIED_LANGUAGE: 100,
    Flag.LANGUAGE_UNCERTAIN: 30,
    Flag.BELOW_LEVEL: 30,
    Flag.NOT_AT_WORK: 10,
    Flag.OVER_CAPACITY: 3,
}


def flags_of(ticket: TicketState, person: PersonState, situation: Situation) -> list[Flag]:
    """All but the capacity, which depends on what else they get."""
    flags = []
    if not LANGUAGE.allows(ticket, person, situation):
        certain = ticket.language in (situation.policy.verified_language, "mixed")
        flags.append(Flag.UNVERIFIED_LANGUAGE if certain else Flag.LANGUAGE_UNCERTAIN)
    if not LEVEL.allows(ticket, person, situation) or not INTERN.allows(ticket, person, situation):
        flags.append(Flag.BELOW_LEVEL)
    if not person.available:
        flags.append(Flag.NOT_AT_WORK)
    return flags


@dataclass(frozen=True, slots=True)
class Dealt:
    person_id: int
    flags: list[Flag] = field(default_factory=list)


class Deal:
    """Deals tickets in the order they come, each to who fits best and then has the least for their room.

    Among one person there is no choice; what the choice weighs is for spreading over several.
    """

    def __init__(self, people: Sequence[PersonState], situation: Situation) -> None:
        self._people = list(people)
        self._situation = situation
        self._load = {person.id: person.load for person in people}

    def deal(self, ticket: TicketState, *, held_by: int | None, weighs: bool = True) -> Dealt:
        """`held_by`: who holds it or is offered it now. `weighs`: false for what waits on its customer."""
        weight = ticket.weight if weighs else 0
        if held_by in self._load:
            self._load[held_by] -= weight
        options = [self._option(ticket, person, weight) for person in self._people]
        best, person, flags = min(options, key=lambda each: (*each[0], each[1].id != held_by, each[1].id))
        del best
        self._load[person.id] += weight
        return Dealt(person.id, flags)

    def refused(self, ticket: TicketState, dealt: Dealt, *, held_by: int | None, weighs: bool = True) -> None:
        """It stays where it is after all."""
        weight = ticket.weight if weighs else 0
        self._load[dealt.person_id] -= weight
        if held_by in self._load:
            self._load[held_by] += weight

    def load(self, person_id: int) -> int:
        return self._load[person_id]

    def _option(
        self, ticket: TicketState, person: PersonState, weight: int
    ) -> tuple[tuple[float, float], PersonState, list[Flag]]:
        flags = flags_of(ticket, person, self._situation)
        load = self._load[person.id] + weight
        if load > person.capacity:
            flags.append(Flag.OVER_CAPACITY)
        return (sum(BURDEN[flag] for flag in flags), load / max(1, person.capacity)), person, flags
