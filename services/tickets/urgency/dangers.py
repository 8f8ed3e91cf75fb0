"""Finds danger to life said now and about now: gas, a fallen wire, electrical fire, a shock, carbon monoxide.

Beside the trained model (triage/), and independent of it: a miss of both is rarer than a miss of one. Pure: the same
words, the same findings. What only sounds like danger is set aside first («gas bill», «live wire of the party»); a sign
does not count where it is long past, settled, supposed, asked about in general, somewhere else's, or a joke, and what
is said to go on («still», «ahorita») is neither past nor settled.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from services.tickets.urgency.kinds import Reason
from services.tickets.urgency.quotes import Quote, quoted
from services.tickets.urgency.signs import Hit, Line, danger_signs, near

PRESENT = "!"  # ends the name of a rule whose words are about now
# How many words a reason reaches: before the sign, behind it, and over how many ends of sentences.
_REACH = {
    Reason.PAST: (14, 10, 0),
    Reason.OVER: (14, 16, 2),
    Reason.IF: (4, 0, 0),
    Reason.ASK: (8, 8, 0),
    Reason.NOT: (60, 60, 8),
    Reason.OTHERS: (12, 8, 0),
    Reason.JOKE: (20, 20, 2),
}
_NOW = (12, 12, 1)
_BUT = frozenset(("but", "however", "except", "though", "pero", "aunque", "sino"))


class DangerKind(StrEnum):
    """The sections of `data/dangers.txt` that hold signs of one."""

    GAS = "gas"
    WIRE = "wire"
    FIRE = "fire"
    SHOCK = "shock"
    MONOXIDE = "monoxide"


@dataclass(frozen=True, slots=True)
class Danger:
    """One danger of which a message speaks, and the words that do."""

    kind: DangerKind
    rule: str
    quote: Quote

    def as_json(self) -> dict[str, Any]:
        return {"kind": self.kind.value, "rule": self.rule, "quote": self.quote.as_json()}


@dataclass(frozen=True, slots=True)
class Said:
    """What a message says of danger. `doubtful`: it has signs of it, and each is taken back or only sounds like one."""

    dangers: tuple[Danger, ...] = ()
    doubtful: bool = False


def dangers(text: str, subject: str = "") -> Said:
    """One of each kind with the words that say most. `subject`: the author's own."""
    read = [_read("text", text)]
    if subject.strip() and subject.strip() != text.strip():
        read.append(_read("subject", subject))
    found: dict[DangerKind, Danger] = {}
    for each in read:
        for danger in each.dangers:
            found.setdefault(danger.kind, danger)
    return Said(tuple(found.values()), not found and any(each.doubtful for each in read))


def _read(part: str, text: str) -> Said:
    signs = danger_signs()
    line = Line(signs.words(text))
    plain = line.without(signs.hits(line, "nothing"))
    found = []
    for kind in DangerKind:
        counted = [hit for hit in signs.hits(plain, kind.value) if _taken_back(line, hit) is None]
        if counted:
            most = max(counted, key=lambda hit: hit.last - hit.first)
            found.append(Danger(kind, most.rule, quoted(part, text, line, most)))
    return Said(tuple(found), not found and any(True for _ in signs.hits(line, *DangerKind)))


def _taken_back(line: Line, hit: Hit) -> Reason | None:
    signs = danger_signs()
    goes_on = {
        Reason.PAST: hit.rule.endswith(PRESENT) or near(line.words, hit, signs.hits(line, "now"), _NOW),
        Reason.OVER: near(line.words, hit, signs.hits(line, "again"), _NOW),
        Reason.NOT: _goes_on(line, hit),
    }
    for reason, reach in _REACH.items():
        if goes_on.get(reason):
            continue
        reasons = list(signs.hits(line, reason.value))
        if reason is Reason.IF:  # «I am not sure if it is gas» supposes nothing
            unsure = list(signs.hits(line, "if_not"))
            reasons = [each for each in reasons if not any(each.overlaps(other) for other in unsure)]
        if reason is Reason.NOT:  # «no actual leak on the stove, but we smell gas outside»
            reasons = [
                each for each in reasons if not any(w.key in _BUT for w in line.words[each.last + 1 : hit.first])
            ]
        if near(line.words, hit, reasons, reach):
            return reason
    return None


def _goes_on(line: Line, hit: Hit) -> bool:
    """Whether «no actual leak» or «where do I hang it» takes this back nowhere: it is about now, or something sounds,
    or somebody is sick."""
    signs = danger_signs()
    if hit.rule.endswith(PRESENT) or hit.rule == "sick" or near(line.words, hit, signs.hits(line, "now"), _NOW):
        return True
    denied = list(signs.hits(line, "not"))
    return any(not any(each.overlaps(other) for other in denied) for each in signs.hits(line, "sounds"))
