"""Which kinds of queued tickets anybody could be offered now: what nobody who is free may take is not even read."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from services.tickets.routing.rules import INTERN, LANGUAGE, LEVEL, SHIFT_END, Situation, refused_by
from services.tickets.routing.terms import PersonState, TicketState
from shared.models import Channel, Level, Priority

KIND_RULES = (LANGUAGE, LEVEL, INTERN, SHIFT_END)  # of those for offers, the ones that look at no more than a kind


class Kind(NamedTuple):
    """What decides who may take a ticket, apart from what it went through and from its weight."""

    language: str
    level: Level
    channel: Channel
    priority: Priority

    @property
    def example(self) -> TicketState:
        return TicketState(0, self.channel, self.language, self.level, self.priority)


def for_anybody(kinds: Iterable[Kind], people: Sequence[PersonState], situation: Situation) -> list[Kind]:
    """The kinds that somebody who is there may take and has room for; an emergency needs no room."""
    there = {_alike(person, situation): person for person in people if person.routable}
    free = {_alike(person, situation): person for person in people if person.routable and person.spare > 0}
    found = []
    for kind in kinds:
        example = kind.example
        takers = there if example.needs_no_room else free
        if any(refused_by(KIND_RULES, example, person, situation) is None for person in takers.values()):
            found.append(kind)
    return found


def _alike(person: PersonState, situation: Situation) -> tuple[object, ...]:
    """All that the rules above look at."""
    left = person.shift_minutes_left
    return person.role, person.certificates, left is not None and left <= situation.policy.shift_end_minutes
