"""What a text is about: the bilingual phrase taxonomy, kept as data, and the scorer that reads it."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from itertools import islice
from typing import Any

import ahocorasick

from shared.language import fold
from shared.models import Level, Priority

EMERGENCY = "emergency_safety"
OTHER = "other"
MAX_REPEATS = 20  # of one phrase in one text: more of the same says nothing more
MAX_CHARACTERS = 50_000  # of one text: beyond lies nothing that says what it is about


@dataclass(frozen=True)
class Topic:
    key: str
    name_en: str
    name_es: str
    level: Level
    priority: Priority
    guidance_en: str
    guidance_es: str
    phrases: tuple[str, ...]
    outranks: tuple[str, ...] = ()

    def guidance(self, language: str) -> str:
        """What a representative should know and say."""
        return self.guidance_es if language == "es" else self.guidance_en


@dataclass(frozen=True)
class TopicMatch:
    """The topic, further topics that are raised besides, and the phrases that say so."""

    topic: str
    also: tuple[str, ...] = ()
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
            guidance_en=entry["guidance_en"],
            guidance_es=entry["guidance_es"],
            phrases=tuple(dict.fromkeys(phrase for part in ("en", "es", "other") for phrase in entry.get(part, ()))),
            outranks=tuple(entry.get("outranks", ())),
        )
        for entry in data["topics"]
    }
    topics[OTHER] = Topic(OTHER, "Other", "Otro", Level.CSR1, Priority.NORMAL, "", "", ())
    return topics


def known(key: str) -> bool:
    return key in taxonomy()


def normalised(text: str) -> str:
    """Lower case, no accents, straight quotes, no commas, one blank between words."""
    text = fold(text[:MAX_CHARACTERS].replace("’", "'").replace("‘", "'"))
    return " ".join(text.replace(",", " ").split())


class Phrases:
    """Finds the phrases of several groups in normalised text, at word boundaries.

    A star ends a stem, a plural may follow any phrase.
    """

    def __init__(self, groups: Mapping[str, Iterable[str]]) -> None:
        self._positions = {name: position for position, name in enumerate(groups)}
        self._whose: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for name, phrases in groups.items():
            for phrase in dict.fromkeys(phrases):
                self._whose[normalised(phrase.rstrip("*"))].append((name, phrase))
        # One walk over the text tells which of thousands it holds (Aho-Corasick): of these boundaries are looked at.
        self._automaton = ahocorasick.Automaton()
        for plain in self._whose:
            self._automaton.add_word(plain, plain)
        self._automaton.make_automaton()

    def found_in(self, text: str) -> dict[str, list[str]]:
        """Group → those of its phrases that stand in the text, as it writes them; only groups of which any does.

        Of phrases of one group, those that only are part of a longer one are left out.
        """
        spans: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for plain in {plain for _, plain in self._automaton.iter(text)}:
            for name, phrase in self._whose[plain]:
                if found := [match.span() for match in islice(_boundaries(phrase).finditer(text), MAX_REPEATS)]:
                    spans[name] += found
        return {name: _whole(text, spans[name]) for name in sorted(spans, key=self._positions.__getitem__)}


def _whole(text: str, spans: list[tuple[int, int]]) -> list[str]:
    """What stands at these places, each once, without what lies within another of them."""
    whole = [
        (start, end)
        for start, end in spans
        if not any(s <= start and end <= e and (s, e) != (start, end) for s, e in spans)
    ]
    return list(dict.fromkeys(text[start:end] for start, end in sorted(whole)))


@cache  # of data that came with the software; compiled when a text first has the phrase
def _boundaries(phrase: str) -> re.Pattern[str]:
    plain = normalised(phrase.rstrip("*"))
    if not plain.isascii():  # scripts that write no blanks have no word boundaries
        return re.compile(re.escape(plain))
    end = "" if phrase.endswith("*") else r"(?:e?s)?(?![^\W_])"
    return re.compile(rf"(?<![^\W_]){re.escape(plain)}{end}")


@lru_cache(maxsize=1)
def _phrases() -> Phrases:
    return Phrases({key: topic.phrases for key, topic in taxonomy().items() if topic.phrases})


@lru_cache(maxsize=1)
def _emergencies() -> Phrases:
    return Phrases({EMERGENCY: taxonomy()[EMERGENCY].phrases})


def emergency_phrases(text: str) -> list[str]:
    """What in this text says gas, sparks, a fallen line… Empty: no emergency."""
    return _emergencies().found_in(normalised(text)).get(EMERGENCY, [])


def match_topic(text: str, subject: str = "") -> TopicMatch:
    """Emergencies first and from `text` alone; else the topic whose phrases weigh most.

    `subject` is what the author put there, empty for a reply, whose subject is somebody else's.
    """
    found = emergency_phrases(text)
    if found:
        return TopicMatch(EMERGENCY, evidence={"phrases": {EMERGENCY: found}})
    both = f"{normalised(subject)} · {normalised(text)}"
    return weighed(_phrases().found_in(both))


def weighed(phrases: dict[str, list[str]]) -> TopicMatch:
    """The topic whose phrases, as they were found, weigh most. Those of an emergency do not count here."""
    phrases = {key: hits for key, hits in phrases.items() if key != EMERGENCY}
    scores: dict[str, float] = {}
    for key, hits in phrases.items():
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
        (),  # phrases alone do not tell a second topic from a second guess
        {"phrases": phrases, "scores": {key: round(scores[key], 1) for key in ranked}},
    )


def _order(key: str) -> int:
    return list(taxonomy()).index(key)
