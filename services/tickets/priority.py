"""How urgent a contact is and who may close it: the topic's defaults, raised by what the text says."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from services.tickets.topics import EMERGENCY, Phrases, TopicMatch, normalised, taxonomy
from shared.models import Level, Priority

# Each raises to at least high, whatever the topic.
_RAISES: dict[str, tuple[str, ...]] = {
    "disconnection_notice": (
        "48 hour", "48-hour", "48 hr", "forty eight hour", "forty-eight hour", "15 day notice", "15-day notice",
        "fifteen day notice", "final notice", "48 horas", "cuarenta y ocho horas", "aviso de 15 dias",
        "aviso de quince dias", "ultimo aviso", "aviso final",
    ),
    "life_support": (
        "oxygen", "oxygen concentrator", "ventilator", "dialysis", "life support", "oxigeno", "respirador",
        "ventilador mecanico", "dialisis", "soporte vital",
    ),
    "repeated_contact": (
        "third message", "third time i", "nobody calls back", "no one calls back", "nobody called back",
        "no one has called", "nobody has called", "never called back", "still no callback", "tercer mensaje",
        "tercera vez", "nadie me contesta", "nadie me llama", "nadie me ha llamado", "nadie me devuelve la llamada",
    ),
    "regulator_or_press": (
        "cpuc", "public utilities commission", "the puc", "press democrat", "county supervisor", "board of supervisors",
        "assembly member", "assemblymember", "congressman", "congresswoman", "senator", "newspaper", "attorney general",
        "comision de servicios publicos", "la puc", "periodico", "noticiero", "las noticias", "senador", "abogado",
    ),
    "statutory_request": (
        "public records act", "public records request", "records request", "gov. code", "government code",
        "subpoena", "registros publicos", "ley de registros publicos", "citatorio",
    ),
}  # fmt: skip
_LEVELS = list(Level)  # from the lowest to the highest
_URGENCY = list(Priority)  # the most urgent first
# Somebody who was not us got hold of the bill, the account number or a payment: only beside a scam.
_DATA_GIVEN = (
    "account number", "photo of it", "photo of my bill", "gave him", "gave her", "gave them", "i let him", "i paid",
    "gift card", "social security", "numero de cuenta", "le di", "les di", "foto de mi", "tarjeta de regalo", "pague",
)  # fmt: skip
_PRAISE = (
    "just wanted to say", "thank you so much", "give him a raise", "give her a raise", "felicitar",
    "excelente servicio", "muy agradecid*",
)  # fmt: skip


@dataclass(frozen=True)
class Triage:
    """Topic, priority and level, with what decided them."""

    topic: str
    priority: Priority
    level: Level
    evidence: dict[str, Any]
    also: tuple[str, ...] = ()  # further topics


@lru_cache(maxsize=1)
def _signs() -> Phrases:
    return Phrases({**_RAISES, "data_given": _DATA_GIVEN, "praise": _PRAISE})


def triage(match: TopicMatch, text: str, subject: str = "") -> Triage:
    """Priority and level of a contact on this topic in these words."""
    topic = taxonomy()[match.topic]
    if topic.key == EMERGENCY:
        return Triage(EMERGENCY, Priority.EMERGENCY, topic.level, match.evidence)
    both = f"{normalised(subject)} · {normalised(text)}"
    found = _signs().found_in(both)
    raises = {name: hits for name, hits in found.items() if name in _RAISES}
    if topic.key == "scam_report" and "data_given" in found:
        raises["data_given"] = found["data_given"]
    priority, level = topic.priority, topic.level
    # Being asked about equipment is one thing, depending on it another: a plain question keeps its topic's priority.
    if raises and priority in (Priority.NORMAL, Priority.LOW):
        priority = Priority.HIGH
    if "life_support" in raises and topic.key in ("medical_baseline", "outage_psps", "shutoff_notice"):
        level = Level.CSR2
    if is_angry(text):
        raises["capitals"] = []
        level = Level.CSR2  # de-escalation is CSR II work; anger alone is not urgent
    if topic.key == "complaint_feedback" and "praise" in found and not raises:
        priority, level = Priority.LOW, Level.CSR1
    # Who answers must be able to answer all of it, and the more urgent matter does not wait for the other.
    level = max(level, *(taxonomy()[each].level for each in match.also), key=_LEVELS.index) if match.also else level
    for each in match.also:
        priority = min(priority, taxonomy()[each].priority, key=_URGENCY.index)
    evidence = dict(match.evidence)
    if raises:
        evidence["raised_by"] = raises
    return Triage(topic.key, priority, level, evidence, match.also)


def is_angry(text: str) -> bool:
    """Written in capitals at length. Transcripts never are."""
    letters = [c for c in text if c.isalpha()]
    return len(letters) >= 80 and sum(c.isupper() for c in letters) > 0.8 * len(letters)
