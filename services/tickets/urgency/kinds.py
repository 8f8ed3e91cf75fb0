"""The kinds of urgency: what each makes of a ticket, whom it tells, and what takes a sign of it back."""

from dataclasses import dataclass
from enum import StrEnum

from shared.models import AlertKind, Level, Priority


class Kind(StrEnum):
    """What makes a message urgent. Gas, wires and fire are read elsewhere (triage/understand.py)."""

    CRISIS = "crisis"  # somebody may harm themselves
    THREAT = "threat"  # somebody means to harm others
    LIFE_SUPPORT = "life_support"  # equipment that a life hangs on
    DISCONNECTED = "disconnected"  # the power is off for a debt
    DISCONNECTION = "disconnection"  # it will be
    VULNERABLE = "vulnerable"  # a baby, an elder, an ill person without power or heat
    PRESS = "press"
    REGULATOR = "regulator"  # the commission, or somebody elected
    LEGAL = "legal"  # lawyers, courts, requests with a deadline in law
    REPEATED = "repeated"  # the third message
    DATA_GIVEN = "data_given"  # somebody who was not us has the account number or a payment


class Reason(StrEnum):
    """Why words of a kind do not count."""

    NOT = "not"  # denied
    PAST = "past"  # long ago
    OVER = "over"  # it was, and is settled
    IF = "if"  # what if
    ASK = "ask"  # a question about such things in general
    OTHERS = "others"  # elsewhere, or in a film
    JOKE = "joke"
    WIND = "wind"  # for the wind or for work on the lines, not for a debt
    SCAM = "scam"  # somebody threatens it who is not us


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a kind does: the least priority, the alert that supervisors get, whether the shift lead is mailed at any
    hour, the level of who may close it (None: the topic's), and what takes a sign back."""

    priority: Priority
    alert: AlertKind | None = None
    page: bool = False
    level: Level | None = None
    takes_back: frozenset[Reason] = frozenset()


_NOT_FOR_DEBT = frozenset({Reason.WIND, Reason.SCAM})
_STATED = frozenset({Reason.NOT, Reason.PAST, Reason.OVER, Reason.IF, Reason.ASK, Reason.OTHERS})

MEANINGS: dict[Kind, Meaning] = {
    # «If you cut me off I will kill myself» is no hypothesis, and «nobody would miss me» no denial.
    Kind.CRISIS: Meaning(
        Priority.EMERGENCY, AlertKind.CRISIS, page=True, level=Level.CSR1,
        takes_back=frozenset({Reason.PAST, Reason.OTHERS, Reason.JOKE}),
    ),
    Kind.THREAT: Meaning(
        Priority.HIGH, AlertKind.THREAT, page=True, level=Level.CSR2,
        takes_back=frozenset({Reason.PAST, Reason.OTHERS, Reason.JOKE}),
    ),
    Kind.LIFE_SUPPORT: Meaning(Priority.HIGH, takes_back=(_STATED - {Reason.NOT}) | {Reason.JOKE}),
    Kind.DISCONNECTED: Meaning(Priority.HIGH, takes_back=_STATED | _NOT_FOR_DEBT),
    Kind.DISCONNECTION: Meaning(Priority.HIGH, takes_back=_STATED | _NOT_FOR_DEBT),
    Kind.VULNERABLE: Meaning(Priority.HIGH, takes_back=frozenset({Reason.PAST, Reason.OVER, Reason.IF})),
    Kind.PRESS: Meaning(
        Priority.HIGH, AlertKind.PRESS, level=Level.CSR2, takes_back=frozenset({Reason.PAST, Reason.ASK, Reason.JOKE})
    ),
    Kind.REGULATOR: Meaning(Priority.HIGH, takes_back=frozenset({Reason.NOT, Reason.PAST, Reason.ASK})),
    Kind.LEGAL: Meaning(
        Priority.HIGH, AlertKind.LEGAL, level=Level.CSR2, takes_back=frozenset({Reason.NOT, Reason.JOKE})
    ),
    Kind.REPEATED: Meaning(Priority.HIGH),
    Kind.DATA_GIVEN: Meaning(Priority.HIGH),
}  # fmt: skip
# Equipment that a life hangs on, where the power is off or will be.
AT_RISK = AlertKind.LIFE_SUPPORT
