"""Compares what was found in a message with what its writer marked: found, right to the last digit, or wrong."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from services.tickets.callers.runs import numbers
from services.tickets.callers.words import of_text
from services.tickets.facts import FactKind, Found
from services.tickets.facts.street_words import CITIES
from services.tickets.plain import folded
from training.samples import Fact, Sample

RECEIVED = date(2026, 11, 26)  # the corpus was written as if it came in then, a Thursday
Reader = Callable[[str, date], Iterable[Found]]
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass
class Score:
    """Of one kind: marks, those that were found at their place, those of them with the right value, and what else was
    found. `where` collects them for a look: (what, sample, kind, words, value)."""

    marks: int = 0
    found: int = 0
    exact: int = 0
    wrong: int = 0
    where: list[tuple[str, str, str, str, str]] = field(default_factory=list)

    @property
    def precision(self) -> float:
        return self.found / max(1, self.found + self.wrong)

    @property
    def recall(self) -> float:
        return self.found / max(1, self.marks)

    @property
    def right(self) -> float:
        """Share of the marks of which place and value are right."""
        return self.exact / max(1, self.marks)

    def __add__(self, other: "Score") -> "Score":
        return Score(
            self.marks + other.marks, self.found + other.found, self.exact + other.exact, self.wrong + other.wrong,
            self.where + other.where,
        )  # fmt: skip


def score(samples: Iterable[Sample], reader: Reader) -> dict[FactKind, Score]:
    total = {kind: Score() for kind in FactKind}
    for sample in samples:
        for kind, each in of_one(sample, list(reader(sample.text, RECEIVED))).items():
            total[kind] += each
    return total


def of_one(sample: Sample, found: Sequence[Found]) -> dict[FactKind, Score]:
    """A mark is found by a fact of its kind that overlaps it. More facts in one mark are wrong from the second on."""
    scores: dict[FactKind, Score] = {}
    used: set[int] = set()
    for mark in sample.facts:
        kind = FactKind(mark.kind.value)
        mine = scores.setdefault(kind, Score())
        mine.marks += 1
        hits = [
            place
            for place, each in enumerate(found)
            if each.kind is kind and each.start < mark.end and mark.start < each.end and place not in used
        ]
        hits.sort(key=lambda place: not same(mark, found[place], sample.text))
        said = sample.text[mark.start : mark.end]
        if not hits:
            mine.where.append(("missed", sample.id, kind, said, mark.value))
            continue
        used.add(hits[0])
        mine.found += 1
        if same(mark, found[hits[0]], sample.text):
            mine.exact += 1
        else:
            mine.where.append(("differs", sample.id, kind, said, f"{mark.value} / {found[hits[0]].value}"))
    told = {(FactKind(mark.kind.value), mark.value) for mark in sample.facts} | {
        (found[at].kind, found[at].value) for at in used
    }
    for place, each in enumerate(found):
        if place not in used and (each.kind, each.value) not in told:  # said again, it is marked once
            mine = scores.setdefault(each.kind, Score())
            mine.wrong += 1
            around = sample.text[max(0, each.start - 30) : each.end + 15].replace("\n", "/")
            mine.where.append(("wrong", sample.id, each.kind, around, each.value))
    return scores


def same(mark: Fact, found: Found, text: str) -> bool:
    """Whether the value is the one that was marked, in whatever form the mark writes it."""
    value = mark.value
    match found.kind:
        case FactKind.AMOUNT:
            return float(value) == float(found.value)
        case FactKind.DATE:
            return date.fromisoformat(found.value) in _days(value)
        case FactKind.ADDRESS | FactKind.NAME:
            said = text[mark.start : mark.end]
            return words_of(found.value) in (words_of(value), words_of(said))
        case _:
            return value == found.value


def _days(value: str) -> set[date]:
    """The days that a mark allows; a day of the week is the nearest before or after."""
    if value in ("today", "tomorrow"):
        return {RECEIVED + timedelta(days=value == "tomorrow")}
    if value in _WEEKDAYS:
        near = (RECEIVED + timedelta(days=shift) for shift in range(-7, 12))
        return {day for day in near if day.weekday() == _WEEKDAYS.index(value)}
    if value.startswith("+"):
        number = int(value[1:-1])
        return {RECEIVED + timedelta(days=number // 24 if value.endswith("h") else number)}
    if len(value) == 5:
        month, day = int(value[:2]), int(value[3:])
        return {date(year, month, day) for year in (2025, 2026, 2027)}
    return {date.fromisoformat(value)}


def words_of(words: str) -> list[str]:
    """Without capitals, accents, signs and a city at the end; numbers in digits, however said; without «the», «el»."""
    speech = of_text(words)
    plain = folded(words)
    for number in reversed(numbers(speech)):
        start, end = speech.words[number.first].start, speech.words[number.last].end
        plain = f"{plain[:start]}{number.digits}{plain[end:]}"
    plain = re.sub(rf",?\s(?:(?:en|in)\s)?(?:{'|'.join(CITIES)})$", "", plain)
    left_out = ("the", "el", "la", "de", "don", "dona", "mr", "mrs", "ms", "senor", "senora", "calle")
    return [word for word in re.findall(r"[a-z0-9]+", plain) if word not in left_out]


def counted(scores: Iterable[Score]) -> Counter[str]:
    return Counter(what for each in scores for what, *_ in each.where)
