"""What all the evidence about the language of a message says together. Pure; the evidence is kept with the decision.

Each witness gives its language a weight, in log odds: text and voice what they believe, the others what they are worth.
The weights of the witnesses that agree add up. Only text and voice are measured (docs/decisions/0031); what a phone
menu, a line or earlier messages are worth are judgements, and never outweigh a clear text or voice.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.language.text import CLEAR, MIXED, THIN, UNKNOWN, TextEvidence
from shared.language.words import learned

_MENU, _LINE, _HISTORY = 0.8, 0.65, 0.8  # how often each is right, by itself
# What the newest earlier message of the same person adds, and the ones before it.
_EARLIER = (1.2, 0.6, 0.4)
EARLIER = len(_EARLIER)  # messages that have a say
_OTHER_VOICE = 0.8  # from here on the voice is in a language that nobody asked the recogniser for
_SURE = 0.99


@dataclass(frozen=True)
class Heard:
    """What a recognizer of speech says: en, es, mixed or unknown, and what else it would be likelier than not."""

    language: str
    confidence: float
    other: tuple[str, float] | None = None


@dataclass(frozen=True)
class Evidence:
    """All that may speak for a language. None: that witness was not there."""

    text: TextEvidence | None = None
    audio: Heard | None = None
    menu: str | None = None  # pressed by the caller
    line: str | None = None  # implied by the number that was called
    history: str | None = None  # the customer's, stated or corrected before
    earlier: tuple[str, ...] = ()  # of their earlier tickets, newest first
    correction: str | None = None  # by a representative, on this ticket


@dataclass(frozen=True)
class LanguageDecision:
    language: str
    confidence: float
    source: str  # a value of shared.models.LanguageSource
    evidence: dict[str, Any] = field(default_factory=dict)


def decide(evidence: Evidence) -> LanguageDecision:
    """Weigh all witnesses.

    A representative's correction wins. What the customer is known to prefer wins over a text or voice in English and
    over weak evidence; a clear other language wins over what was known. A text or voice that is not clear and
    contradicts what was pressed ends on the side of the one who can serve both: mixed. What tells nothing leans on the
    phone menu, the line and earlier messages.
    """
    kept = _as_json(evidence)
    if evidence.correction:
        return LanguageDecision(evidence.correction, 1.0, "correction", kept)
    language, confidence, source = _written_or_said(evidence)
    told = language != UNKNOWN and confidence >= THIN
    clear = told and confidence >= CLEAR
    weights: list[tuple[str, str, float]] = []  # witness, language, weight
    if told:
        weights.append((source, language, _log_odds(confidence)))
    pressed = evidence.menu or evidence.line
    if evidence.menu:
        weights.append(("menu", evidence.menu, _log_odds(_MENU)))
    if evidence.line:
        weights.append(("line", evidence.line, _log_odds(_LINE)))
    if evidence.history and evidence.history not in (UNKNOWN, MIXED):
        weights.append(("history", evidence.history, _log_odds(_HISTORY)))
        if not (clear and language not in ("en", evidence.history)):
            return _preferred(evidence.history, language, weights, kept)
    else:
        weights += _of_earlier(evidence.earlier)
    kept["weights"] = [[witness, each, round(weight, 2)] for witness, each, weight in weights]
    if not weights:
        return LanguageDecision(UNKNOWN, min(confidence, THIN), "none", kept)
    if clear:
        return LanguageDecision(language, max(CLEAR, _probability(language, weights)), source, kept)
    if told and pressed and language != pressed:
        return LanguageDecision(MIXED, 0.5, source, kept)
    sums = _sums(weights)
    best = max(sums, key=lambda each: (sums[each], each == language))
    by = source if told and best == language else _source(best, weights)
    return LanguageDecision(best, _probability(best, weights), by, kept)


def _written_or_said(evidence: Evidence) -> tuple[str, float, str]:
    """The text of a voicemail is only what the recognizer wrote: the voice decides, its words may add a language."""
    text = evidence.text or TextEvidence()
    heard = evidence.audio
    if heard is not None and heard.language == UNKNOWN and heard.other and heard.other[1] >= _OTHER_VOICE:
        return heard.other[0], heard.other[1], "audio"
    if heard is None or heard.language == UNKNOWN or heard.confidence < THIN:
        return text.language, text.confidence, "text"
    if text.language == MIXED or (
        text.language in ("en", "es") and text.language != heard.language and text.confidence >= CLEAR
    ):
        return MIXED, min(text.confidence, CLEAR), "audio"
    return heard.language, heard.confidence, "audio"


def _preferred(
    history: str, language: str, weights: list[tuple[str, str, float]], kept: dict[str, Any]
) -> LanguageDecision:
    """What the customer stated stands, also where they happen to write English."""
    kept["weights"] = [[witness, each, round(weight, 2)] for witness, each, weight in weights]
    if language == history:
        return LanguageDecision(history, max(0.9, _probability(history, weights)), _source(history, weights), kept)
    return LanguageDecision(history, _HISTORY, "history", kept)


def _of_earlier(earlier: tuple[str, ...]) -> list[tuple[str, str, float]]:
    """One witness for each language that earlier messages were in."""
    sums: dict[str, float] = {}
    for language, weight in zip(earlier, _EARLIER, strict=False):
        sums[language] = sums.get(language, 0.0) + weight
    return [("earlier", language, weight) for language, weight in sums.items() if language != UNKNOWN]


def _sums(weights: list[tuple[str, str, float]]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for _, language, weight in weights:
        sums[language] = sums.get(language, 0.0) + weight
    return sums


def _probability(language: str, weights: list[tuple[str, str, float]]) -> float:
    """Of a language against the others that were named, or against not being it."""
    sums = _sums(weights)
    others = sum(math.exp(weight) for each, weight in sums.items() if each != language) or 1.0
    mine = math.exp(sums.get(language, 0.0))
    return min(_SURE, mine / (mine + others))


def _source(language: str, weights: list[tuple[str, str, float]]) -> str:
    """The witness that says most for a language; earlier messages are history."""
    witness = max((each for each in weights if each[1] == language), key=lambda each: each[2])[0]
    return "history" if witness == "earlier" else witness


def _log_odds(probability: float) -> float:
    probability = min(max(probability, 1 - _SURE), _SURE)
    return math.log(probability / (1 - probability))


def _as_json(evidence: Evidence) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    if evidence.text is not None:
        kept["text"] = evidence.text.as_json()
        kept["version"] = learned().version
    if evidence.audio is not None:
        heard: Mapping[str, Any] = {
            "language": evidence.audio.language,
            "confidence": round(evidence.audio.confidence, 3),
        }
        kept["audio"] = {**heard, "other": list(evidence.audio.other)} if evidence.audio.other else dict(heard)
    for name in ("menu", "line", "history", "correction"):
        value = getattr(evidence, name)
        if value:
            kept[name] = value
    if evidence.earlier:
        kept["earlier"] = list(evidence.earlier)
    return kept
