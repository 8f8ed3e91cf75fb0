"""`python -m training.language`: count the words of both languages, and choose the thresholds of reading them.

Counted are the training writers, without names and addresses. Thresholds are chosen on training and tuning writers,
each read with counts from which their own words were taken out, as if they were strangers. Nothing here looks at the
test writers but the figures at the end. The same corpus gives the same bytes.
"""

import json
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from services.tickets.learning.masking import NAME
from shared.language import MIXED, UNKNOWN, own
from shared.language.text import read_text, second_language, weigh
from shared.language.words import KNOWN_FROM, Learned
from training.corrections import WRITER, whole
from training.samples import FactKind, Sample, Says, Split, corpus

SHIPPED = Path(__file__).parents[1] / "shared" / "language" / "learned.json"
EVERYDAY = Path(__file__).parent / "everyday.txt"
BOTH = ("en", "es")
COUNTED = 5  # times that an everyday word counts before it was met
# Words of a piece: from, to, and how many are cut off where nothing divides the text.
LENGTHS = ((1, 2, 2), (3, 7, 5), (8, 20, 14))
Counts = dict[str, tuple[int, int]]


def main() -> int:
    """Count, choose, write the file, and print how it fares on writers that it has not met."""
    samples = corpus()
    mine = [sample for sample in samples if sample.split is not Split.TEST]
    using = chosen(mine)
    SHIPPED.write_text(as_json(using), "utf-8")
    size = SHIPPED.stat().st_size // 1024
    print(f"{len(using.counts)} words; mixed from {using.mixed}, scale {using.scale}: {size} KiB")
    print("tuning writers:", figures([each for each in samples if each.split is Split.TUNE], using))
    print("test writers:  ", figures([each for each in samples if each.split is Split.TEST], using))
    return 0


def chosen(samples: Sequence[Sample]) -> Learned:
    """Counts of the training writers, and thresholds that are best when each is read as a stranger."""
    counts = counted([each for each in samples if each.split is Split.TRAIN])
    using = Learned(counts, mixed=math.inf, scale=1.0)
    strangers = {
        writer: replace(using, counts=without(counts, [each for each in samples if each.writer == writer]))
        for writer in {each.writer for each in samples}
    }
    using = replace(using, mixed=_mixed(samples, strangers), scale=_scale(samples, strangers))
    kept = {word: count for word, count in counts.items() if sum(count) >= KNOWN_FROM}
    return replace(using, counts=dict(sorted(kept.items())))


def taught(using: Learned, judged: Sequence[Sample]) -> Learned:
    """With the words of texts of which people said the language, as often as each weighs; thresholds stay."""
    return replace(using, counts=dict(sorted(counted(judged, using.counts).items())))


def counted(samples: Sequence[Sample], before: Mapping[str, tuple[int, int]] | None = None) -> Counts:
    """How often each word was written in English and in Spanish, on top of `before`; None: of everyday words."""
    counts = _everyday() if before is None else dict(before)
    for sample in samples:
        times = round(sample.weights.get(Says.LANGUAGE, 0.0))
        for word, (english, spanish) in _words(sample).items() if times else ():
            said = counts.get(word, (0, 0))
            counts[word] = said[0] + times * english, said[1] + times * spanish
    return counts


def pieces(sample: Sample) -> Iterator[tuple[tuple[int, int], str]]:
    """One short piece of a message for each length, without its facts: a clause, or its beginning where it has none."""
    text = _masked(sample, tuple(FactKind))
    for low, high, cut in LENGTHS:
        clauses = (clause.split() for clause in re.split(r"[.!?;:…\n¿¡,]+", text))
        fitting = (words for words in clauses if low <= len(words) <= high and not _has_digit(words))
        words = next((words for words in fitting if any(map(str.isalpha, "".join(words)))), None)
        if words is None and len(text.split()) > cut + 2 and not _has_digit(text.split()[:cut]):
            words = text.split()[:cut]
        if words:
            yield (low, high), " ".join(words)


def _everyday() -> Counts:
    counts: Counts = {}
    place = 0
    for line in EVERYDAY.read_text("utf-8").splitlines():
        if line.startswith("["):
            place = BOTH.index(line.strip("[] "))
        elif not line.startswith("#"):
            counts |= {own.fold(word): (COUNTED, 0) if place == 0 else (0, COUNTED) for word in line.split()}
    return counts


def _words(sample: Sample) -> Counts:
    """Of a message in one of the two; names and addresses are words of neither."""
    counts: Counts = {}
    if sample.language not in BOTH:
        return counts
    place = BOTH.index(sample.language)
    text = f"{sample.subject}. {_masked(sample, (FactKind.NAME, FactKind.ADDRESS))}"
    for clause in own.clauses(own.without_boilerplate(text)):
        for word in clause:
            if word.text == NAME or (word.capital and sample.writer == WRITER):
                continue  # a name that was masked, or may be one that was not
            before = counts.get(word.key, (0, 0))
            counts[word.key] = (before[0] + 1, before[1]) if place == 0 else (before[0], before[1] + 1)
    return counts


def without(counts: Counts, samples: Sequence[Sample]) -> Counts:
    """The counts as if these training messages had not been written."""
    left = dict(counts)
    for sample in samples:
        if sample.split is Split.TRAIN:
            for word, (english, spanish) in _words(sample).items():
                left[word] = left[word][0] - english, left[word][1] - spanish
    return left


def _masked(sample: Sample, kinds: Sequence[FactKind]) -> str:
    """The text with a nought in the place of these facts."""
    text = sample.text
    for fact in sorted(sample.facts, key=lambda each: -each.start):
        if fact.kind in kinds:
            text = f"{text[: fact.start]} 0 {text[fact.end :]}"
    return text


def _has_digit(words: Sequence[str]) -> bool:
    return any(char.isdigit() for word in words for char in word)


def _mixed(samples: Sequence[Sample], strangers: dict[str, Learned]) -> float:
    """Where errors of both kinds are fewest: missed ones, and ones that keep a bilingual from somebody else."""
    values: dict[bool, list[float]] = {True: [], False: []}
    for sample in samples:
        if sample.language in (*BOTH, MIXED):
            found = weigh(own.without_boilerplate(whole(sample)), strangers[sample.writer])
            values[sample.language == MIXED].append(second_language(found)[0])
    thresholds = np.arange(0.5, 12, 0.5)
    errors = [
        sum(value < threshold for value in values[True]) + sum(value >= threshold for value in values[False])
        for threshold in thresholds
    ]
    best = thresholds[np.array(errors) == min(errors)]
    return float(best[len(best) // 2])


def _scale(samples: Sequence[Sample], strangers: dict[str, Learned]) -> float:
    """Of the evidence, so that the confidence in short pieces is how often they are right (least log loss)."""
    right = []
    for sample in samples:
        for length, piece in pieces(sample) if sample.language in BOTH else ():
            if length[1] > 7:  # whatever is longer is sure
                continue
            balance = weigh(own.without_boilerplate(piece), strangers[sample.writer]).balance
            if balance:
                right.append(balance if sample.language == "en" else -balance)
    scales = np.arange(0.2, 1.05, 0.05)  # never more than the words say: real ones are stranger than the corpus
    losses = [np.logaddexp(0, -scale * np.array(right)).mean() for scale in scales]
    return round(float(scales[int(np.argmin(losses))]), 2)


@dataclass(frozen=True)
class Figures:
    """How languages of some writers' messages are read."""

    messages: int
    right: float  # of those named, a share of 1
    both: tuple[int, int]  # in both languages: found, of how many
    false: int  # in one, and taken for both

    def __str__(self) -> str:
        return (
            f"{self.messages} messages: {self.right:.1%} of those named are right,"
            f" mixed found {self.both[0]} of {self.both[1]}, taken for mixed {self.false}"
        )


def figures(samples: Sequence[Sample], using: Learned) -> Figures:
    """How they are read with these counts."""
    found = [(sample.language, read_text(whole(sample), using).language) for sample in samples]
    said = [pair for pair in found if pair[1] != UNKNOWN and pair[0] != UNKNOWN]
    both = [pair for pair in found if pair[0] == MIXED]
    false = [pair for pair in found if pair[0] in BOTH and pair[1] == MIXED]
    right = sum(label == language for label, language in said) / max(len(said), 1)
    seen = sum(language == MIXED for _, language in both)
    return Figures(len(found), right, (seen, len(both)), len(false))


def as_json(using: Learned) -> str:
    """As shared/language/words.py reads it."""
    words = ",\n".join(
        json.dumps([word, *count], ensure_ascii=False, separators=(",", ":")) for word, count in using.counts.items()
    )
    return f'{{"mixed": {using.mixed}, "scale": {using.scale}, "words": [\n{words}\n]}}\n'


if __name__ == "__main__":
    sys.exit(main())
