"""How urgent a contact is and who may close it: the topic's defaults, raised by what the text says (urgency/).

Where no rule finds anything urgent, what people call such messages may take the place of the default
(triage/leaning.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.tickets.topics import EMERGENCY, TopicMatch, taxonomy
from services.tickets.triage.heard import joined
from services.tickets.triage.leaning import leaned
from services.tickets.urgency.find import Finding, find, says
from services.tickets.urgency.kinds import MEANINGS, Kind
from shared.models import Level, Priority

URGENCY = [Priority.EMERGENCY, Priority.HIGH, Priority.NORMAL, Priority.LOW]
# Topics that speak of a shut-off which is not for a debt: an impostor's, and the wind's.
_NOT_OURS = {"scam_report": (Kind.DISCONNECTION, Kind.DISCONNECTED), "outage_psps": (Kind.DISCONNECTION,)}
_LEVELS = list(Level)  # from the lowest to the highest
_EQUIPMENT = ("medical_baseline", "outage_psps", "shutoff_notice")


@dataclass(frozen=True)
class Triage:
    """Topic, priority and level; what decided the topic, and what in the words is urgent."""

    topic: str
    priority: Priority
    level: Level
    evidence: dict[str, Any]
    also: tuple[str, ...] = ()  # further topics
    findings: tuple[Finding, ...] = ()

    def has(self, *kinds: Kind) -> bool:
        return any(each.kind in kinds for each in self.findings)

    @property
    def raised(self) -> bool:
        """Whether its words make it as urgent as it is, whatever its topic."""
        instead_of = self.evidence.get("instead_of")
        return bool(self.findings) or (instead_of is not None and more_urgent(self.priority, Priority(instead_of)))


def triage(match: TopicMatch, text: str, subject: str = "", today: date | None = None) -> Triage:
    """Priority and level of a contact on this topic in these words. `today`: the center's day when it came."""
    topic = taxonomy()[match.topic]
    findings = tuple(_of_topic(joined(find(text, subject, today), match.evidence.get("heard", [])), topic.key))
    if topic.key == EMERGENCY:
        return Triage(EMERGENCY, Priority.EMERGENCY, topic.level, match.evidence, findings=findings)
    priority = raised(topic.priority, (each.kind for each in findings))
    level = topic.level
    for found in reversed(findings):  # the most urgent has the last word
        level = MEANINGS[found.kind].level or level
    kinds = {each.kind for each in findings}
    # De-escalation is CSR II work; anger alone is not urgent.
    if Kind.CRISIS not in kinds and (is_angry(text) or (Kind.LIFE_SUPPORT in kinds and topic.key in _EQUIPMENT)):
        level = Level.CSR2
    if topic.key == "complaint_feedback" and not findings and says("praise", text):
        priority, level = Priority.LOW, Level.CSR1
    # Who answers must be able to answer all of it, and the more urgent matter does not wait for the other.
    if Kind.CRISIS not in kinds:
        level = max(level, *(taxonomy()[each].level for each in match.also), key=_LEVELS.index) if match.also else level
    for each in match.also:
        priority = min(priority, taxonomy()[each].priority, key=URGENCY.index)
    evidence = match.evidence
    if not findings and not match.also and (learned := leaned(priority, evidence.get("priorities", {}))) != priority:
        priority, evidence = learned, {**evidence, "instead_of": priority.value}
    return Triage(topic.key, priority, level, evidence, match.also, findings)


def more_urgent(one: Priority, other: Priority) -> bool:
    return URGENCY.index(one) < URGENCY.index(other)


def raised(priority: Priority, kinds: Iterable[Kind]) -> Priority:
    """At least what the most urgent of these kinds asks for."""
    return min([priority, *(MEANINGS[kind].priority for kind in kinds)], key=URGENCY.index)


def _of_topic(findings: Iterable[Finding], topic: str) -> Iterable[Finding]:
    for each in findings:
        if each.kind is Kind.DATA_GIVEN and topic != "scam_report":
            continue  # to us, who asked for it
        if each.kind in _NOT_OURS.get(topic, ()):
            continue
        yield each


def is_angry(text: str) -> bool:
    """Written in capitals at length. Transcripts never are."""
    letters = [c for c in text if c.isalpha()]
    return len(letters) >= 80 and sum(c.isupper() for c in letters) > 0.8 * len(letters)
