"""Reads the labelled corpus: one plain text file for each writer, whose form `corpus/README.md` describes.

A file that says something impossible (an unknown topic, a fact that is not closed, a Spanish label on no text) is
refused as a whole with the line that is wrong: a corpus that is quietly half read teaches the wrong thing.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from services.tickets.topics import EMERGENCY, taxonomy
from shared.models import Priority

CORPUS = Path(__file__).parent / "corpus"
CHANNELS = ("email", "voicemail")
LANGUAGES = ("en", "es", "mixed", "unknown", "tl", "zh", "vi", "pt", "fr", "ko", "ru")
# Why a message is urgent or only looks so.
EMERGENCIES = frozenset({"gas", "wire", "fire", "shock", "monoxide"})
URGENT = EMERGENCIES | {"crisis"}  # cannot wait for the morning
FLAGS = EMERGENCIES | {
    "decoy", "disconnection", "life_support", "vulnerable", "crisis", "threat", "press", "legal", "repeated",
    "data_given", "angry", "praise", "history",
}  # fmt: skip
_HEADER = re.compile(r"@\s+(?P<language>\S+)\s+(?P<channel>\S+)\s+(?P<priority>\S+)\s+(?P<topic>\S+)(?P<rest>.*)")
_FACT = re.compile(r"\{(?P<kind>[a-z]+):(?P<surface>[^{}=]+)(?:=(?P<value>[^{}]*))?\}")
_SUBJECT = re.compile(r"Subject:[ \t]*(?P<subject>.*)")


class Split(StrEnum):
    """What a writer's messages are for. No message of one serves another."""

    TRAIN = "train"
    TUNE = "tune"
    TEST = "test"
    URGENCY = "urgency"  # held out too, for the kinds of urgency only: their topics are beside the point


class Says(StrEnum):
    """What somebody judged of a message: of the corpus everything, of a customer's what was in the way."""

    LANGUAGE = "language"
    TOPIC = "topic"
    DANGER = "danger"
    PRIORITY = "priority"


class FactKind(StrEnum):
    PHONE = "phone"
    ACCOUNT = "account"
    AGREEMENT = "agreement"
    AMOUNT = "amount"
    DATE = "date"
    ADDRESS = "address"
    NAME = "name"


_VALUES = {
    FactKind.PHONE: re.compile(r"\+\d{10,14}|\d{7}"),
    FactKind.ACCOUNT: re.compile(r"\d{10}(?:-\d)?"),
    FactKind.AGREEMENT: re.compile(r"\d{10}"),
    FactKind.AMOUNT: re.compile(r"\d+(?:\.\d\d)?"),
    FactKind.DATE: re.compile(r"\d{4}-\d\d-\d\d|\d\d-\d\d|mon|tue|wed|thu|fri|sat|sun|today|tomorrow|\+\d+[dh]"),
}


WHOLE = dict.fromkeys(Says, 1.0)


class CorpusError(ValueError):
    """What is wrong with a file of the corpus, and where."""

    def __init__(self, path: Path, line: int, what: str) -> None:
        super().__init__(f"{path.name}, line {line}: {what}")


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that a message states, where it states it, and the form in which it is kept."""

    kind: FactKind
    start: int  # into Sample.text
    end: int
    value: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One message and what its readers should understand."""

    id: str  # writer and place in the file: ana/12
    writer: str
    split: Split
    language: str
    channel: str
    priority: Priority
    topic: str
    also: tuple[str, ...]  # further topics that it raises
    acceptable: tuple[str, ...]  # first topics that are right too
    flags: frozenset[str]
    subject: str
    text: str
    facts: tuple[Fact, ...]
    # What it tells, and how much that counts in training beside the others.
    weights: Mapping[Says, float] = field(default_factory=lambda: dict(WHOLE), hash=False)

    def tells(self, what: Says) -> bool:
        return what in self.weights

    @property
    def emergency(self) -> bool:
        """Gas, wires, fire, shock, monoxide: the topic is emergency_safety."""
        return bool(self.flags & EMERGENCIES) and "decoy" not in self.flags

    def accepts(self, topic: str) -> bool:
        """Whether a CSR would let this stand as the message's topic."""
        return topic == self.topic or topic in self.acceptable or topic in self.also


def corpus(folder: Path = CORPUS) -> list[Sample]:
    """Every message of every writer, in the order of the files' names."""
    return [sample for path in sorted(folder.glob("*.txt")) for sample in read(path)]


def read(path: Path) -> list[Sample]:
    """One writer's messages. Raises CorpusError."""
    lines = path.read_text("utf-8").splitlines()
    split = _split_of(path, lines)
    samples = [
        _sample(path, at, header, body, Split(split), number)
        for number, (at, header, body) in enumerate(_blocks(lines), 1)
    ]
    seen: dict[str, str] = {}
    for sample in samples:
        words = " ".join(f"{sample.subject} {sample.text}".lower().split())
        if words in seen:
            raise CorpusError(path, 0, f"{sample.id} says what {seen[words]} says")
        seen[words] = sample.id
    return samples


def _split_of(path: Path, lines: list[str]) -> str:
    for at, line in enumerate(lines, 1):
        if line.startswith("split:"):
            split = line.partition(":")[2].strip()
            if split not in Split.__members__.values():
                raise CorpusError(path, at, f"«{split}» is none of {', '.join(Split)}")
            return split
        if line.startswith("@"):
            break
    raise CorpusError(path, 1, "there is no line «split: train» (or tune, or test) before the first message")


def _blocks(lines: list[str]) -> Iterator[tuple[int, str, list[str]]]:
    """(line number, header, lines of the body) of each message."""
    at, header, body = 0, "", list[str]()
    for number, line in enumerate(lines, 1):
        if line.startswith("@"):
            if header:
                yield at, header, body
            at, header, body = number, line, []
        elif header:
            body.append(line)
    if header:
        yield at, header, body


def _sample(path: Path, at: int, header: str, body: list[str], split: Split, number: int) -> Sample:
    match = _HEADER.fullmatch(header.strip())
    if match is None:
        raise CorpusError(path, at, "a message begins «@ language channel priority topic»")
    language, channel, topic = match["language"], match["channel"], match["topic"]
    for value, known in ((language, LANGUAGES), (channel, CHANNELS), (match["priority"], tuple(Priority))):
        if value not in known:
            raise CorpusError(path, at, f"«{value}» is none of {', '.join(known)}")
    also, acceptable, flags = _rest(path, at, match["rest"].split())
    for each in (topic, *also, *acceptable):
        if each not in taxonomy():
            raise CorpusError(path, at, f"there is no topic «{each}»")
    subject = ""
    if body and (found := _SUBJECT.match(body[0])):
        subject, body = found["subject"].strip(), body[1:]
    text, facts = _facts(path, at, "\n".join(body).strip())
    if not text and not subject:
        raise CorpusError(path, at, "the message is empty")
    priority = Priority(match["priority"])
    if (priority is Priority.EMERGENCY) != bool(flags & URGENT and "decoy" not in flags):
        raise CorpusError(
            path, at, "an emergency has priority emergency and one of !gas !wire !fire !shock !monoxide, or !crisis"
        )
    if topic == EMERGENCY and priority is not Priority.EMERGENCY:
        raise CorpusError(path, at, "what speaks of a danger and is none has another topic, at least safety_question")
    return Sample(
        id=f"{path.stem}/{number}",
        writer=path.stem,
        split=split,
        language=language,
        channel=channel,
        priority=priority,
        topic=topic,
        also=also,
        acceptable=acceptable,
        flags=flags,
        subject=subject,
        text=text,
        facts=facts,
    )


def _rest(path: Path, at: int, words: list[str]) -> tuple[tuple[str, ...], tuple[str, ...], frozenset[str]]:
    marks: dict[str, list[str]] = {"+": [], "/": [], "!": []}
    for word in words:
        if word[0] not in marks:
            raise CorpusError(path, at, f"«{word}»: write +topic, /topic or !flag")
        marks[word[0]].append(word[1:])
    unknown = set(marks["!"]) - FLAGS
    if unknown:
        raise CorpusError(path, at, f"there is no flag {', '.join(sorted(unknown))}")
    return tuple(marks["+"]), tuple(marks["/"]), frozenset(marks["!"])


def _facts(path: Path, at: int, marked: str) -> tuple[str, tuple[Fact, ...]]:
    """The text as the customer wrote it, and the facts that were marked in it."""
    text, facts, last = "", list[Fact](), 0
    for match in _FACT.finditer(marked):
        text += marked[last : match.start()]
        if match["kind"] not in FactKind.__members__.values():
            raise CorpusError(path, at, f"there is no kind of fact «{match['kind']}»")
        kind, surface = FactKind(match["kind"]), match["surface"]
        value = (match["value"] or surface).strip()
        if kind in _VALUES and not _VALUES[kind].fullmatch(value):
            raise CorpusError(path, at, f"«{value}» is no {kind}")
        facts.append(Fact(kind, len(text), len(text) + len(surface), value))
        text += surface
        last = match.end()
    text += marked[last:]
    if "{" in text or "}" in text:
        raise CorpusError(path, at, "a brace stands alone: a fact is {kind:words} or {kind:words=value}")
    return text, tuple(facts)
