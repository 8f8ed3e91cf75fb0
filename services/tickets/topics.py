"""What a text is about: the bilingual phrase taxonomy, kept as data, and the scorer that reads it."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

from shared.language import fold
from shared.models import Level, Priority

EMERGENCY = "emergency_safety"
OTHER = "other"
MAX_CHARACTERS = 50_000  # of one text: beyond lies nothing that says what it is about


@dataclass(frozen=True)
class Topic:
    key: str
    name_en: str
    name_es: str
    level: Level
    priority: Priority
    guidance: str
    phrases: tuple[str, ...]
    outranks: tuple[str, ...] = ()


@dataclass(frozen=True)
class TopicMatch:
    """The topic, the runners-up, and the phrases that say so."""

    topic: str
    secondary: tuple[str, ...] = ()
    evidence: dict[str, Any] = field(default_factory=dict)


@lru_cache(maxsize=1)
def taxonomy() -> dict[str, Topic]:
    """Topic by key, in the order of the data; `other` last."""
    data = json.loads(files("services.tickets").joinpath("data/topics.json").read_text("utf-8"))
    topics = {
        entry["key"]: Topic(
            key=entry["key"],
            name_en=entry["name_en"],
            name_es=entry["name_es"],
            level=Level(entry["level"]),
            priority=Priority(entry["priority"]),
            guidance=entry["guidance"],
            phrases=tuple(dict.fromkeys(phrase for part in ("en", "es", "other") for phrase in entry.get(part, ()))),
            outranks=tuple(entry.get("outranks", ())),
        )
        for entry in data["topics"]
    }
    topics[OTHER] = Topic(OTHER, "Other", "Otro", Level.CSR1, Priority.NORMAL, "", ())
    return topics


def known(key: str) -> bool:
    return key in taxonomy()


def normalised(text: str) -> str:
    """Lower case, no accents, straight quotes, one blank between words."""
    text = fold(text[:MAX_CHARACTERS].replace("’", "'").replace("‘", "'"))
    return " ".join(text.split())


def phrase_pattern(phrases: Iterable[str]) -> re.Pattern[str]:
    """One pattern for many phrases, longest first, at word boundaries; a star ends a stem, a plural may follow."""
    parts = []
    for phrase in sorted(phrases, key=len, reverse=True):
        stem = phrase.endswith("*")
        body = re.escape(fold(phrase.rstrip("*"))).replace(r"\ ", r"[\s,]+")
        parts.append(body if stem or not phrase.isascii() else rf"{body}(?:e?s)?(?![^\W_])")
    return re.compile(r"(?:(?<![^\W_])|(?<=[^\x00-\x7f]))(?:" + "|".join(parts) + ")")


@lru_cache(maxsize=1)
def _patterns() -> dict[str, re.Pattern[str]]:
    return {key: phrase_pattern(topic.phrases) for key, topic in taxonomy().items() if topic.phrases}


def emergency_phrases(text: str) -> list[str]:
    """What in this text says gas, sparks, a fallen line… Empty: no emergency."""
    return list(dict.fromkeys(match.group() for match in _patterns()[EMERGENCY].finditer(normalised(text))))


def match_topic(text: str, subject: str = "") -> TopicMatch:
    """Emergencies first and from `text` alone; else the topic whose phrases weigh most.

    `subject` is what the author put there, empty for a reply, whose subject is somebody else's.
    """
    found = emergency_phrases(text)
    if found:
        return TopicMatch(EMERGENCY, evidence={"phrases": {EMERGENCY: found}})
    both = f"{normalised(subject)} · {normalised(text)}"
    scores: dict[str, float] = {}
    phrases: dict[str, list[str]] = {}
    for key, pattern in _patterns().items():
        if key == EMERGENCY:
            continue
        hits = list(dict.fromkeys(match.group() for match in pattern.finditer(both)))
        if hits:
            phrases[key] = hits
            # The longest phrase says most; further ones add little, so that many short words do not outweigh it.
            longest = sorted((len(hit) for hit in hits), reverse=True)
            scores[key] = longest[0] + 0.4 * sum(longest[1:4])
    if not scores:
        return TopicMatch(OTHER, evidence={})
    for key, score in list(scores.items()):
        outranked = [scores[other] for other in taxonomy()[key].outranks if other in scores]
        scores[key] = max([score, *(other + 0.1 for other in outranked)])
    ranked = sorted(scores, key=lambda key: (-scores[key], _order(key)))
    return TopicMatch(
        ranked[0],
        tuple(ranked[1:4]),
        {"phrases": phrases, "scores": {key: round(scores[key], 1) for key in ranked}},
    )


def _order(key: str) -> int:
    return list(taxonomy()).index(key)
