"""Reads what `export-corrections` wrote: texts that people judged, as samples that the model learns from.

A correction says more than a message of the corpus, for it is of the center's own customers; an agreement says as much.
One text in five is kept, always the same ones, to see whether learning from the others helps.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from services.tickets.topics import EMERGENCY, OTHER, taxonomy
from services.tickets.triage.model import Model
from shared.models import Priority
from training.samples import CHANNELS, EMERGENCIES, CorpusError, Sample, Split

WRITER = "corrections"
CORRECTED = 3.0  # weight of a text that was decided otherwise
AGREED = 1.0
KEPT_OF = 5  # one in so many is kept
FEWEST = 50  # texts below which all are learned from: those kept would say nothing


def lessons_in(folder: Path) -> list[Sample]:
    """Every text whose topic or danger somebody judged, in the order of the files and lines. Raises CorpusError.

    What was said of the language alone teaches this model nothing; `summary` counts it.
    """
    found: dict[str, Sample] = {}
    for path, number, line in _lines(folder):
        sample = _sample(path, number, line)
        if sample is not None:
            found[sample.id] = sample  # a text that two files hold was exported again
    return list(found.values())


def summary(folder: Path) -> dict[str, int]:
    """How many texts there are, and of how many topic, danger and language were judged. Raises CorpusError."""
    counted = {"texts": 0, "topic": 0, "emergency": 0, "priority": 0, "language": 0, "corrected": 0}
    for path, number, line in _lines(folder):
        _sample(path, number, line)
        counted["texts"] += 1
        counted["corrected"] += _was_corrected(line)
        for kind in ("topic", "emergency", "priority", "language"):
            counted[kind] += line.get(kind) is not None
    return counted


def divided(samples: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    """What is learned from and what is kept; which is which depends on a text's name alone."""
    if len(samples) < FEWEST:
        return list(samples), []
    kept = [each for each in samples if hashlib.sha256(each.id.encode()).digest()[0] % KEPT_OF == 0]
    names = {each.id for each in kept}
    return [each for each in samples if each.id not in names], kept


def agreement(model: Model, samples: Sequence[Sample]) -> list[bool]:
    """For each text, whether the model says what the person said."""
    understood = [(each, model.understand(each.text, each.subject)) for each in samples]
    return [
        each.accepts(found.topic) if each.tells_topic else found.emergency == each.emergency
        for each, found in understood
    ]


def against_people(new: Sequence[bool], old: Sequence[bool]) -> str | None:
    """Why the new model must not replace the old one: more of the kept texts are lost than won, by more than chance
    explains (two standard deviations of a fair coin). None: it may."""
    lost = sum(was and not now for was, now in zip(old, new, strict=True))
    won = sum(now and not was for was, now in zip(old, new, strict=True))
    if lost - won > 2 * (lost + won) ** 0.5:
        return f"of {len(new)} corrections that it did not learn from it loses {lost} and wins {won}"
    return None


def _lines(folder: Path) -> Iterator[tuple[Path, int, dict[str, Any]]]:
    paths = sorted(folder.glob("*.jsonl"))
    if not paths:
        raise CorpusError(folder, 0, "there is no file «*.jsonl» in this folder")
    for path in paths:
        for number, text in enumerate(path.read_text("utf-8").splitlines(), 1):
            try:
                line = json.loads(text)
            except ValueError:
                raise CorpusError(path, number, "this is no JSON") from None
            if not isinstance(line, dict):
                raise CorpusError(path, number, "this is no object")
            yield path, number, line


def _sample(path: Path, number: int, line: dict[str, Any]) -> Sample | None:
    topic, emergency = line.get("topic"), line.get("emergency")
    for name, value in (("id", line.get("id")), ("text", line.get("text")), ("subject", line.get("subject", ""))):
        if not isinstance(value, str):
            raise CorpusError(path, number, f"«{name}» is missing")
    if topic is not None and topic not in taxonomy():
        raise CorpusError(path, number, f"there is no topic «{topic}»")
    if line.get("channel") not in CHANNELS:
        raise CorpusError(path, number, f"«{line.get('channel')}» is none of {', '.join(CHANNELS)}")
    if topic is None and emergency is None:
        return None
    return Sample(
        id=line["id"],
        writer=WRITER,
        split=Split.TRAIN,
        language=line.get("language") or "unknown",
        channel=line["channel"],
        priority=Priority.EMERGENCY if emergency else Priority.NORMAL,
        # An emergency is one whatever its topic was called, as in the corpus.
        topic=topic or (EMERGENCY if emergency else OTHER),
        also=(),
        acceptable=(),
        flags=EMERGENCIES if emergency else frozenset(),  # which of them nobody said
        subject=line.get("subject", ""),
        text=line["text"],
        facts=(),
        weight=CORRECTED if _was_corrected(line) else AGREED,
        tells_topic=topic is not None or bool(emergency),
    )


def _was_corrected(line: dict[str, Any]) -> bool:
    decided = line.get("decided") or {}
    return any(line.get(kind) not in (None, decided.get(kind)) for kind in ("topic", "priority", "language"))
