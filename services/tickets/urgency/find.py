"""Finds what makes a message urgent, said now and about now, with the words that say so and their place in the text.

Pure: the same words on the same day, the same findings. An idiom is set aside before anything is looked for («me muero
de risa»), and a sign does not count where it is denied, long past, settled, only supposed, or somebody else's; what
takes which kind back stands in kinds.py.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from services.tickets.urgency.kinds import MEANINGS, Kind, Reason
from services.tickets.urgency.quotes import Quote, quoted
from services.tickets.urgency.signs import Hit, Line, near, signs
from services.tickets.urgency.when import When, days_in, nearest
from services.tickets.urgency.words import STOP

NEAR = 4  # words between a sign and the day that is quoted with it
# How many words a reason reaches: before the sign, behind it, and over how many ends of sentences.
_REACH = {
    Reason.NOT: (3, 0, 0),
    Reason.PAST: (14, 12, 0),
    Reason.OVER: (14, 16, 1),
    Reason.IF: (9, 0, 0),
    Reason.ASK: (10, 3, 0),
    Reason.OTHERS: (10, 10, 0),
    Reason.JOKE: (25, 25, 2),
    Reason.WIND: (14, 14, 1),
    Reason.SCAM: (25, 25, 3),
}
_REASONS = {kind: [reason for reason in Reason if reason in meaning.takes_back] for kind, meaning in MEANINGS.items()}
_POWER_OFF = (Kind.DISCONNECTED, Kind.DISCONNECTION)


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of urgency in one message. `on`: the day of a disconnection. `at_risk`: of life-support equipment, that
    its power is off or will be."""

    kind: Kind
    rule: str
    quotes: tuple[Quote, ...]
    on: date | None = None
    at_risk: bool = False

    def as_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"kind": self.kind.value, "rule": self.rule}
        told["quotes"] = [quote.as_json() for quote in self.quotes]
        if self.on is not None:
            told["on"] = self.on.isoformat()
        if self.at_risk:
            told["at_risk"] = True
        return told


@dataclass(frozen=True, slots=True)
class Signs:
    """All that was found in one message. `taken_back`: kinds whose signs stand there and do not count, and why."""

    findings: tuple[Finding, ...] = ()
    taken_back: dict[Kind, Reason] = field(default_factory=dict)

    def of(self, kind: Kind) -> Finding | None:
        return next((each for each in self.findings if each.kind is kind), None)

    @property
    def kinds(self) -> frozenset[Kind]:
        return frozenset(each.kind for each in self.findings)


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    text: str
    line: Line  # as written
    plain: Line  # without idioms
    today: date | None

    def days(self) -> list[When]:
        """That it names. Asked for only where one matters: to look for them costs as much as for some signs."""
        return days_in(self.text, self.line.words, self.today) if self.today is not None else []


@dataclass(frozen=True, slots=True)
class _Sign:
    part: _Part
    hit: Hit

    def quote(self) -> Quote:
        return quoted(self.part.name, self.part.text, self.part.line, self.hit)

    @property
    def length(self) -> int:
        return self.hit.last - self.hit.first

    def shares_words(self, other: "_Sign") -> bool:
        return self.part is other.part and self.hit.overlaps(other.hit)


def find(text: str, subject: str = "", today: date | None = None) -> Signs:
    """What the message says. `subject`: the author's own. `today`: the day on which it came, for dates."""
    parts = [_part("text", text, today)]
    if subject.strip() and subject.strip() != text.strip():
        parts.append(_part("subject", subject, today))
    taken_back: dict[Kind, Reason] = {}
    said: dict[Kind, list[_Sign]] = {}
    for kind in Kind:
        said[kind] = [] if kind is Kind.VULNERABLE else _counted(parts, kind, taken_back)
    # «I am going to kill myself» is not meant for others.
    said[Kind.THREAT] = [each for each in said[Kind.THREAT] if not any(each.shares_words(s) for s in said[Kind.CRISIS])]
    if said[Kind.DISCONNECTED]:  # it is over; what was announced before has happened
        said[Kind.DISCONNECTION] = []
    dark = _need(parts)
    off = [sign for kind in _POWER_OFF for sign in said[kind]]
    announced = taken_back.get(Kind.DISCONNECTION) is Reason.WIND or _announced(parts)
    if dark or off or announced or _at_stake(parts):
        said[Kind.LIFE_SUPPORT] += _counted(parts, Kind.LIFE_SUPPORT, taken_back, section="life_support_weak")
    findings = [
        Finding(
            kind,
            signs_of[0].hit.rule,
            (signs_of[0].quote(),),
            at_risk=kind is Kind.LIFE_SUPPORT and bool(dark or off or announced),
        )
        for kind, signs_of in said.items()
        if signs_of and kind is not Kind.DISCONNECTION
    ]
    if said[Kind.DISCONNECTION]:
        findings.append(_disconnection(said[Kind.DISCONNECTION]))
    fragile = _counted(parts, Kind.VULNERABLE, taken_back, section="fragile")
    if fragile and (dark or off):
        need = (dark or off)[0]
        findings.append(Finding(Kind.VULNERABLE, fragile[0].hit.rule, (fragile[0].quote(), need.quote())))
    order = list(Kind)
    findings.sort(key=lambda each: order.index(each.kind))
    found = {each.kind for each in findings}
    return Signs(tuple(findings), {kind: why for kind, why in taken_back.items() if kind not in found})


def says(section: str, text: str) -> bool:
    """Whether any sign of this section stands in the text."""
    return any(True for _ in signs().hits(Line(signs().words(text)), section))


def _part(name: str, text: str, today: date | None) -> _Part:
    line = Line(signs().words(text))
    return _Part(name, text, line, line.without(signs().hits(line, "idioms")), today)


def _counted(parts: Sequence[_Part], kind: Kind, taken_back: dict[Kind, Reason], section: str = "") -> list[_Sign]:
    """The signs of a kind that count, the one that says most first."""
    counted = []
    for part in parts:
        for hit in signs().hits(part.plain, section or kind.value):
            why = _taken_back(part, hit, kind)
            if why is None:
                counted.append(_Sign(part, hit))
            else:
                taken_back.setdefault(kind, why)
    return _joined(sorted(counted, key=lambda sign: -sign.length))


def _joined(found: list[_Sign]) -> list[_Sign]:
    """The first one with the words of those that overlap it: «me cortan» and «cortan la luz» are one."""
    if not found:
        return found
    one = found[0]
    for other in found[1:]:
        if one.shares_words(other):
            first, last = min(one.hit.first, other.hit.first), max(one.hit.last, other.hit.last)
            one = replace(one, hit=replace(one.hit, first=first, last=last))
    return [one, *found[1:]]


def _taken_back(part: _Part, hit: Hit, kind: Kind) -> Reason | None:
    for reason in _REASONS[kind]:
        if reason is Reason.WIND and any(True for _ in signs().hits(part.line, "owed")):
            continue  # «… Monday for the balance, and it is windy»
        line = part.plain if reason is Reason.JOKE else part.line  # «I am not joking» is set aside
        reasons: Iterable[Hit] = signs().hits(line, reason.value)
        if reason is Reason.NOT:
            unpaid = list(signs().hits(line, "not_denied"))
            reasons = [each for each in reasons if not any(each.overlaps(other) for other in unpaid)]
        if _within(part, hit, reasons, reason):
            return reason
    if kind is Kind.REGULATOR and list(signs().hits(part.line, "asks_regulator")):
        return Reason.ASK
    return None


def _within(part: _Part, hit: Hit, reasons: Iterable[Hit], why: Reason) -> bool:
    if why is not Reason.JOKE:  # a word of the sign itself takes nothing back: «do not want to live»
        reasons = (each for each in reasons if not (hit.first <= each.first and each.last <= hit.last))
    return near(part.line.words, hit, reasons, _REACH[why])


def _need(parts: Sequence[_Part]) -> list[_Sign]:
    """That the power or the heat is off now."""
    found = []
    for part in parts:
        asked = list(signs().hits(part.line, "power_back_when"))  # «how long till it is back on» says it is not
        back = [each for each in signs().hits(part.line, "power_back") if not any(each.overlaps(a) for a in asked)]
        for hit in signs().hits(part.plain, "no_power"):
            why = (Reason.PAST, Reason.IF)
            then = any(_within(part, hit, signs().hits(part.line, each.value), each) for each in why)
            if not then and not _within(part, hit, back, Reason.OVER):
                found.append(_Sign(part, hit))
    return sorted(found, key=lambda sign: -sign.length)


def _announced(parts: Sequence[_Part]) -> bool:
    """That the power will be turned off for wind and fire."""
    return any(hit.rule == "wind" for part in parts for hit in signs().hits(part.line, "idioms"))


def _at_stake(parts: Sequence[_Part]) -> bool:
    """That equipment stopped, lives on its battery, or would be without power."""
    return any(True for part in parts for _ in signs().hits(part.line, "life_support_risk"))


def _disconnection(signs_of: Sequence[_Sign]) -> Finding:
    """With the day that goes with one of the signs, those that say most first; a day close behind is quoted too."""
    for sign in signs_of:
        words = sign.part.line.words
        day = nearest(sign.part.days(), sign.hit.first, sign.hit.last, words)
        if day is None:
            continue
        between = words[sign.hit.last + 1 : day.first]
        if day.last > sign.hit.last and len(between) <= NEAR and all(word.key != STOP for word in between):
            sign = replace(sign, hit=replace(sign.hit, last=day.last))
        return Finding(Kind.DISCONNECTION, sign.hit.rule, (sign.quote(),), on=day.day)
    return Finding(Kind.DISCONNECTION, signs_of[0].hit.rule, (signs_of[0].quote(),))
