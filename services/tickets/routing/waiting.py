"""What keeps a queued ticket waiting: for every person the rule of the router that refuses them, and what changes next.

Pure, like the plan: the same rules, asked in the order in which an answer helps. First whether somebody may answer the
ticket at all (language, level); only of those, what keeps them now.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from services.tickets.routing.plan import RESERVE
from services.tickets.routing.rules import (
    BARRED,
    CAPACITY,
    INTERN,
    LANGUAGE,
    LEVEL,
    OFFER_RULES,
    ROLE,
    SHIFT_END,
    STICKY,
    Situation,
    refused_by,
)
from services.tickets.routing.terms import PersonState, TicketState, required_language
from services.tickets.shift_plan import Duty
from shared.calendar import OpenTime
from shared.models import Intent, Level

UNSUITED = (LANGUAGE, LEVEL, INTERN)  # no time changes these


class Change(StrEnum):
    """What makes a difference, by the clock alone."""

    BREAK_ENDS = "break_ends"
    SHIFT_BEGINS = "shift_begins"
    MAY_BE_ASKED_AGAIN = "may_be_asked_again"
    OFFER_ENDS = "offer_ends"  # one that may take it has not answered another offer
    OPEN_TO_OTHERS = "open_to_others"  # it has waited long enough for whoever knows it, or for other work


@dataclass(frozen=True, slots=True)
class Moments:
    """What of the people is known beside their state, by the clock."""

    back_from_break: Mapping[int, datetime] = field(default_factory=dict)
    next_shift: Mapping[int, datetime] = field(default_factory=dict)
    refused_at: Mapping[int, datetime] = field(default_factory=dict)  # this ticket: declined, missed or given back
    offers_end: Mapping[int, datetime] = field(default_factory=dict)  # of what they are asked now


@dataclass(frozen=True, slots=True)
class Kept:
    """One who may answer the ticket, and by what they are kept from being asked now. `rule` None: by nothing."""

    person: PersonState
    rule: str | None
    since: datetime | None = None
    until: datetime | None = None
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    could: tuple[Kept, ...]  # may answer it
    cannot: Mapping[str, tuple[PersonState, ...]]  # by the rule that no time changes

    @property
    def free(self) -> tuple[Kept, ...]:
        return tuple(each for each in self.could if each.rule is None)

    @property
    def next_change(self) -> Kept | None:
        """What comes first of what the clock brings."""
        known = [each for each in self.could if each.until is not None and each.change is not None]
        return min(known, key=lambda each: (each.until, each.person.id), default=None)


def keeps(
    ticket: TicketState,
    people: Iterable[PersonState],
    situation: Situation,
    moments: Moments,
    open_time: OpenTime,
    now: datetime,
) -> Answer:
    """Managers, who are offered nothing, do not stand in it."""
    everybody = sorted(people, key=lambda each: each.id)
    cannot: dict[str, list[PersonState]] = {}
    suited: list[PersonState] = []
    for person in everybody:
        if not ROLE.allows(ticket, person, situation):
            continue
        rule = refused_by(UNSUITED, ticket, person, situation)
        if rule is None:
            suited.append(person)
        else:
            cannot.setdefault(rule.name, []).append(person)
    spared = _spared(ticket, everybody, situation)
    could = tuple(_kept(ticket, person, situation, moments, open_time, now, spared) for person in suited)
    return Answer(could, {rule: tuple(each) for rule, each in cannot.items()})


def _kept(
    ticket: TicketState,
    person: PersonState,
    situation: Situation,
    moments: Moments,
    open_time: OpenTime,
    now: datetime,
    spared: frozenset[int],
) -> Kept:
    rule = refused_by(OFFER_RULES, ticket, person, situation)
    policy, id_ = situation.policy, person.id
    if rule is None:
        if id_ in spared:
            minutes = policy.reserve_share * ticket.target - ticket.waited
            return _until(person, RESERVE, _after(open_time, now, minutes), Change.OPEN_TO_OTHERS)
        return Kept(person, None)
    if rule is BARRED:
        refused_at = moments.refused_at.get(id_)
        until = refused_at + timedelta(minutes=policy.barred_minutes) if refused_at else None
        return Kept(person, rule.name, refused_at, until, Change.MAY_BE_ASKED_AGAIN)
    if rule is STICKY:
        minutes = policy.sticky_share * ticket.target - ticket.since_previous
        return _until(person, rule.name, _after(open_time, now, minutes), Change.OPEN_TO_OTHERS)
    if rule is CAPACITY:
        return _until(person, rule.name, moments.offers_end.get(id_), Change.OFFER_ENDS)
    if person.duty is Duty.BREAK or (person.duty is Duty.UNPLANNED and person.intent is Intent.BREAK):
        return _until(person, "break", moments.back_from_break.get(id_), Change.BREAK_ENDS)
    if person.duty is Duty.OFF:
        return _until(person, "on_shift", moments.next_shift.get(id_), Change.SHIFT_BEGINS)
    if rule is SHIFT_END:
        return _until(person, rule.name, moments.next_shift.get(id_), Change.SHIFT_BEGINS)
    if rule.name == "available":
        return Kept(person, person.intent.value)  # busy, break, offline
    return Kept(person, rule.name)


def _until(person: PersonState, rule: str, until: datetime | None, change: Change) -> Kept:
    return Kept(person, rule, until=until, change=change)


def _after(open_time: OpenTime, now: datetime, minutes: float) -> datetime | None:
    return open_time.add_open(now, timedelta(minutes=max(0.0, minutes)))


def _spared(ticket: TicketState, people: Iterable[PersonState], situation: Situation) -> frozenset[int]:
    """The last free bilingual, while the plan spares them easy English work (plan.py)."""
    policy = situation.policy
    easy = required_language(ticket.language, policy) is None and not ticket.urgent and ticket.level is not Level.CSR2
    if not easy or ticket.waited >= policy.reserve_share * ticket.target:
        return frozenset()
    free = [person for person in people if person.routable and person.spare > 0 and person.bilingual(policy)]
    return frozenset(person.id for person in free) if len(free) == 1 else frozenset()
