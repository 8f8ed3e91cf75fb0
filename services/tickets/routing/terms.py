"""The nouns of routing: a ticket, a person, and the policy's numbers, as plain values without a database."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Self

from services.tickets.shift_plan import Duty
from shared.models import Channel, Intent, Level, Priority, Role
from shared.people import CHANNEL_MODE
from shared.settings import Settings

# The highest level of ticket each role may close.
LEVEL_OF_ROLE = {
    Role.INTERN: 0,
    Role.CSR1: 1,
    Role.CSR2: 2,
    Role.SUPERVISOR: 2,
    Role.MANAGER: 2,
    Role.ADMINISTRATOR: 2,
}
# Who is offered work. Supervisors are when they set themselves available, and are asked last; managers and
# administrators never are, though they may take a ticket from the queue.
OFFERED_ROLES = frozenset({Role.INTERN, Role.CSR1, Role.CSR2, Role.SUPERVISOR})
LEVEL_OF_TICKET = {Level.INTERN: 0, Level.CSR1: 1, Level.CSR2: 2}
REVIEWERS = frozenset({Role.CSR2, Role.SUPERVISOR, Role.MANAGER})
URGENT = frozenset({Priority.EMERGENCY, Priority.HIGH})
MODE_OF_CHANNEL = {channel: CHANNEL_MODE[channel.value].value for channel in Channel}


@dataclass(frozen=True, slots=True)
class Policy:
    """What routing promises, in numbers. Defaults were tuned in simulation; see docs/decisions."""

    offer_s: float = 180.0
    # A ticket in this language needs somebody verified in it; what is mixed or unknown may be in it, so it does too.
    verified_language: str = "es"
    language_weight: Mapping[str, float] = field(default_factory=lambda: {"es": 2.0, "mixed": 2.0})
    # What only few may close counts more: among tickets that have waited alike, those few take it first.
    complex_weight: float = 1.25
    # What is late, or has so few minutes left that no answer comes in time, counts for so much of its wait, so that it
    # lets pass what can still be kept; until it has waited so many times its promise. Then it comes before everything
    # that is not urgent.
    answer_minutes: float = 6.0
    late_weight: float = 0.5
    late_limit: float = 2.0
    # Languages the center does not answer in: any CSR with an interpreter, or somebody who speaks two languages.
    other_languages: Literal["any", "bilingual"] = "any"
    barred_minutes: float = 10.0  # after a decline, a missed offer or a release, the same pair is not tried again
    sticky_share: float = 0.125  # of the target: how long a returning ticket waits for the CSR who knows it
    reserve_share: float = 0.25  # of the target: how long an easy English ticket spares the last free bilingual
    shift_end_minutes: float = 10.0  # of a planned shift: who goes home then begins nothing new, emergencies apart

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            offer_s=settings.offer_s,
            complex_weight=settings.complex_weight,
            answer_minutes=settings.answer_minutes,
            late_weight=settings.late_weight,
            late_limit=settings.late_limit,
            other_languages=settings.other_languages,
            barred_minutes=settings.barred_minutes,
            sticky_share=settings.sticky_share,
            reserve_share=settings.reserve_share,
            shift_end_minutes=settings.shift_end_minutes,
        ).weighing(settings.bilingual_weight)

    def weighing(self, spanish: float) -> Self:
        """The same policy with another weight of Spanish."""
        return replace(self, language_weight={self.verified_language: spanish, "mixed": spanish})


@dataclass(frozen=True, slots=True)
class Certificate:
    language: str
    mode: str  # spoken or written


@dataclass(frozen=True, slots=True)
class PersonState:
    """One person, as a routing pass sees them."""

    id: int
    role: Role
    active: bool = True
    intent: Intent = Intent.AVAILABLE
    live: bool = True
    unresponsive: bool = False
    capacity: int = 1
    load: int = 0
    certificates: frozenset[Certificate] = frozenset()  # valid today
    idle_minutes: float = 0.0
    duty: Duty = Duty.UNPLANNED
    shift_minutes_left: float | None = None  # of the day's shift; None: no end is planned

    @property
    def on_shift(self) -> bool:
        return self.duty in (Duty.UNPLANNED, Duty.ON)

    @property
    def spare(self) -> int:
        return self.capacity - self.load

    @property
    def available(self) -> bool:
        return self.active and self.intent is Intent.AVAILABLE and self.live and not self.unresponsive and self.on_shift

    @property
    def routable(self) -> bool:
        return self.available and self.role in OFFERED_ROLES

    def speaks(self, language: str, mode: str) -> bool:
        return Certificate(language, mode) in self.certificates

    def bilingual(self, policy: Policy) -> bool:
        return any(certificate.language == policy.verified_language for certificate in self.certificates)


@dataclass(frozen=True, slots=True)
class TicketState:
    """One queued ticket. Times are open minutes, so that nights and holidays do not count."""

    id: int
    channel: Channel
    language: str
    level: Level
    priority: Priority
    weight: int = 1
    rev: int = 1
    waited: float = 0.0
    target: float = 240.0
    previous_id: int | None = None  # who worked on it last
    since_previous: float = 0.0  # open minutes since it came back to the queue
    barred: frozenset[int] = frozenset()

    @property
    def mode(self) -> str:
        """How the answer is given: a mail in writing, a voicemail by calling back."""
        return MODE_OF_CHANNEL[self.channel]

    @property
    def kind(self) -> "Kind":
        """What decides who may take it, apart from its own past."""
        return (self.language, MODE_OF_CHANNEL[self.channel], self.level, self.priority, self.weight)

    @property
    def urgent(self) -> bool:
        return self.priority in URGENT

    @property
    def needs_no_room(self) -> bool:
        """An emergency is offered at once, on top of whatever somebody holds."""
        return self.priority is Priority.EMERGENCY

    @property
    def passed(self) -> float:
        """Of the promise, as a share."""
        return self.waited / max(self.target, 1.0)

    def late(self, policy: Policy) -> bool:
        """No answer that is begun now comes in time."""
        return self.waited + policy.answer_minutes > max(self.target, 1.0)

    def overdue(self, policy: Policy) -> bool:
        """Late for so long that it lets nothing pass any more but what is urgent."""
        return self.passed >= policy.late_limit

    def urgency(self, policy: Policy) -> float:
        """Share of the promise that has passed, weighted. What is urgent or overdue has its own turn: see `plan`."""
        share = self.passed
        if self.late(policy) and not self.urgent and not self.overdue(policy):
            share *= policy.late_weight
        if self.level is Level.CSR2:
            share *= policy.complex_weight
        return share * policy.language_weight.get(self.language, 1.0)


Kind = tuple[str, str, Level, Priority, int]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything one plan is made from."""

    people: tuple[PersonState, ...]
    tickets: tuple[TicketState, ...]
    reviewer_live: bool = False  # somebody who checks an intern's work is there


def required_language(language: str, policy: Policy) -> str | None:
    """The language somebody must be verified in to take a ticket in `language`; "*" for any certificate at all."""
    if language in (policy.verified_language, "mixed", "unknown"):
        return policy.verified_language
    if language == "en" or policy.other_languages == "any":
        return None
    return ANY_CERTIFICATE


ANY_CERTIFICATE = "*"
