"""Which steps a ticket is due for that nobody there may answer: a pure decision.

No step gives the ticket to anybody. The rules of routing hold at every one of them; each only tells somebody more.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Self

from services.tickets.routing.rules import INTERN, LANGUAGE, LEVEL, LIVE, ON_SHIFT, RESPONSIVE, ROLE, Situation
from services.tickets.routing.terms import ANY_CERTIFICATE, PersonState, TicketState, required_language
from shared.models import Intent, Level, Missing, Rung
from shared.settings import Settings

AT_WORK = (Intent.AVAILABLE, Intent.BUSY)  # who is busy now takes something soon
_PRESENT = (ROLE, LIVE, RESPONSIVE, ON_SHIFT)
_SUITED = (LANGUAGE, LEVEL, INTERN)


@dataclass(frozen=True, slots=True)
class Shares:
    """At which share of the promise each step is due; the reference policy's defaults, each a setting."""

    confirm: float = 0.25
    alert: float = 0.5
    tell: float = 0.5
    supervisor: float = 0.75
    interpreter: float = 0.75
    level: float = 0.75

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            confirm=settings.ladder_confirm_share,
            alert=settings.ladder_alert_share,
            tell=settings.ladder_tell_share,
            supervisor=settings.ladder_supervisor_share,
            interpreter=settings.ladder_interpreter_share,
            level=settings.ladder_level_share,
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One step, and the share of the promise at which it is due."""

    rung: Rung
    share: float


def is_there(ticket: TicketState, person: PersonState, situation: Situation) -> bool:
    """At work and at the screen, with room or without, and not one who has just let an offer run out."""
    return person.intent in AT_WORK and all(rule.allows(ticket, person, situation) for rule in _PRESENT)


def suited(ticket: TicketState, person: PersonState, situation: Situation) -> bool:
    """May answer the ticket at all, whenever they are there."""
    return ROLE.allows(ticket, person, situation) and all(rule.allows(ticket, person, situation) for rule in _SUITED)


def missing(ticket: TicketState, people: Iterable[PersonState], situation: Situation) -> Missing | None:
    """What nobody has who is there; None: somebody may answer it, now or when they have room.

    That nobody at all is there says nothing about an ordinary English ticket: that is no ladder's matter.
    """
    there = [person for person in people if is_there(ticket, person, situation)]
    if any(suited(ticket, person, situation) for person in there):
        return None
    if required_language(ticket.language, situation.policy) is not None and not any(
        LANGUAGE.allows(ticket, person, situation) for person in there
    ):
        return Missing.LANGUAGE
    if ticket.level is Level.CSR2 and not any(LEVEL.allows(ticket, person, situation) for person in there):
        return Missing.LEVEL
    return Missing.BOTH if required_language(ticket.language, situation.policy) is not None else None


def wants_interpreter(ticket: TicketState, people: Iterable[PersonState], situation: Situation) -> bool:
    """Anybody may take it although the center does not answer in its language, and nobody there speaks it."""
    policy = situation.policy
    if ticket.language == "en" or required_language(ticket.language, policy) is not None:
        return False
    return not any(
        is_there(ticket, person, situation) and person.speaks(ticket.language, ticket.mode) for person in people
    )


def path(
    ticket: TicketState, people: Collection[PersonState], situation: Situation, shares: Shares
) -> tuple[Missing | None, list[Step]]:
    """The steps that this ticket climbs as things are, in their order; none while somebody may answer it.

    An emergency takes all of its steps at once, and its customer has had the safety instructions already.
    """
    lacks = missing(ticket, people, situation)
    steps: list[Step] = []
    if lacks in (Missing.LANGUAGE, Missing.BOTH):
        if ticket.language in ("unknown", "mixed"):
            steps.append(Step(Rung.CONFIRM_LANGUAGE, shares.confirm))
        steps.append(Step(Rung.ALERT, shares.alert))
        # The text is about somebody who speaks the center's second language: for others it would say nothing true.
        if required_language(ticket.language, situation.policy) != ANY_CERTIFICATE and not ticket.needs_no_room:
            steps.append(Step(Rung.TELL_CUSTOMER, shares.tell))
        steps.append(Step(Rung.SUPERVISOR, shares.supervisor))
        steps.append(Step(Rung.INTERPRETER, shares.interpreter))
    else:
        if wants_interpreter(ticket, people, situation):
            lacks = lacks or Missing.LANGUAGE
            steps.append(Step(Rung.INTERPRETER, 0.0))
        if lacks is Missing.LEVEL:
            steps += [Step(Rung.ALERT, shares.level), Step(Rung.SUPERVISOR, shares.level)]
    if ticket.needs_no_room:
        steps = [Step(step.rung, 0.0) for step in steps]
    return lacks, sorted(steps, key=lambda step: step.share)  # stable: equals keep the order above


def due(steps: Iterable[Step], taken: Collection[Rung], used: float | None) -> list[Step]:
    """Those that are due and not taken. `used`: share of the promise that has passed; None: nothing is promised."""
    return [step for step in steps if step.rung not in taken and (used or 0.0) >= step.share]


def next_step(steps: Iterable[Step], taken: Collection[Rung], used: float | None) -> Step | None:
    """The step that comes next while things stay as they are."""
    return next((step for step in steps if step.rung not in taken and (used or 0.0) < step.share), None)
