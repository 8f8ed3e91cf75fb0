"""Reads what `export-corrections` wrote: texts that people judged, as samples that the model learns from.

A correction says more than a message of the corpus, for it is of the center's own customers; an agreement says as much.
What nobody judged of a text is not learned from it. One text in five is kept, always the same ones, to see whether
learning from the others helps.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from services.tickets.priority import triage
from services.tickets.topics import EMERGENCY, OTHER, taxonomy
from services.tickets.triage.model import Model
from services.tickets.triage.understand import topic_of
from shared.language import read_text
from shared.language.words import Learned
from shared.models import Priority
from training.samples import CHANNELS, EMERGENCIES, LANGUAGES, CorpusError, Sample, Says, Split

WRITER = "corrections"
CORRECTED = 3.0  # weight of a text that was decided otherwise
AGREED = 1.0
KEPT_OF = 5  # one in so many is kept
FEWEST = 50  # texts below which all are learned from: those kept would say nothing


def lessons_in(folder: Path) -> list[Sample]:
    """Every text of which somebody judged anything, in the order of the files and lines. Raises CorpusError."""
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


def agreement(model: Model, languages: Learned, samples: Sequence[Sample]) -> list[bool]:
    """For each thing that a person said of a text, whether it is read so now, by model and rules together."""
    return [right for each in samples for right in _agreed(model, languages, each)]


def _agreed(model: Model, languages: Learned, sample: Sample) -> Iterator[bool]:
    found = triage(topic_of(sample.text, sample.subject, model), sample.text, sample.subject)
    if sample.tells(Says.TOPIC):
        yield sample.accepts(found.topic)
    elif sample.tells(Says.DANGER) and not sample.tells(Says.PRIORITY):  # which says it too
        yield (found.topic == EMERGENCY) == sample.emergency
    if sample.tells(Says.PRIORITY):
        yield found.priority == sample.priority
    if sample.tells(Says.LANGUAGE):
        yield read_text(whole(sample), languages).language == sample.language


def whole(sample: Sample) -> str:
    """Subject and text, as a language is read in them."""
    return f"{sample.subject}.\n\n{sample.text}" if sample.subject else sample.text


def against_people(new: Sequence[bool], old: Sequence[bool]) -> str | None:
    """Why the new model must not replace the old one: more of the kept texts are lost than won, by more than chance
    explains (two standard deviations of a fair coin). None: it may."""
    lost = sum(was and not now for was, now in zip(old, new, strict=True))
    won = sum(now and not was for was, now in zip(old, new, strict=True))
    if lost - won > 2 * (lost + won) ** 0.5:
        return f"of {len(new)} judgements that it did not learn from it loses {lost} and wins {won}"
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
    for name, value in (("id", line.get("id")), ("text", line.get("text")), ("subject", line.get("subject", ""))):
        if not isinstance(value, str):
            raise CorpusError(path, number, f"«{name}» is missing")
    if line.get("channel") not in CHANNELS:
        raise CorpusError(path, number, f"«{line.get('channel')}» is none of {', '.join(CHANNELS)}")
    for name, values in (
        ("topic", taxonomy()), ("about", taxonomy()), ("priority", tuple(Priority)), ("language", LANGUAGES),
    ):  # fmt: skip
        if line.get(name) is not None and line[name] not in values:
            raise CorpusError(path, number, f"there is no {name} «{line[name]}»")
    emergency = bool(line.get("emergency"))
    weights = _weights(line)
    if not weights:
        return None
    return Sample(
        id=line["id"],
        writer=WRITER,
        split=Split.TRAIN,
        language=line.get("language") or "unknown",
        channel=line["channel"],
        priority=Priority.EMERGENCY if emergency else Priority(line.get("priority") or Priority.NORMAL),
        # An emergency is one whatever its topic was called, as in the corpus.
        topic=line.get("topic") or (EMERGENCY if emergency else line.get("about") or OTHER),
        also=(),
        acceptable=(),
        flags=EMERGENCIES if emergency else frozenset(),  # which of them nobody said
        subject=line.get("subject", ""),
        text=line["text"],
        facts=(),
        weights=weights,
    )


def _weights(line: dict[str, Any]) -> dict[Says, float]:
    """What was judged, and how much it counts."""
    judged = {
        kind: CORRECTED if _differs(line, kind) else AGREED
        for kind in (Says.LANGUAGE, Says.TOPIC, Says.PRIORITY)
        if line.get(kind) is not None
    }
    if line.get("emergency") is not None:
        of = Says.TOPIC if Says.TOPIC in judged else Says.PRIORITY
        judged[Says.DANGER] = judged.get(of, CORRECTED)
        if line["emergency"]:
            judged.setdefault(Says.TOPIC, judged[Says.DANGER])
    return judged


def _was_corrected(line: dict[str, Any]) -> bool:
    return any(_differs(line, kind) for kind in (Says.TOPIC, Says.PRIORITY, Says.LANGUAGE))


def _differs(line: dict[str, Any], kind: Says) -> bool:
    return line.get(kind) not in (None, (line.get("decided") or {}).get(kind))
