"""A text as numbers for a linear model: its words and pairs of words, letters, ideas and pairs of ideas, and meanings.

Words and letters are hashed, so that nothing has to be remembered of the texts that were learned from; ideas keep their
names, for they are what a CSR is told. Each of these blocks is weighted by how rare its features were in training (idf)
and brought to length one, so that a long mail does not outweigh a short one. The last block holds the English words
that the text's words mean (meaning.py), as shares that sum to one.

One text at a time and with numpy alone: a sparse matrix of one row costs several times what it holds.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise
from typing import Any

import mmh3
import numpy as np

from services.tickets.topics import normalised
from services.tickets.triage.ideas import MAX_CHARACTERS, found_in, names
from services.tickets.triage.meaning import Said, lexicon, meant, weight

WORDS = 2**15  # buckets
LETTERS = 2**16
PAIRS = 2**14
LETTERS_TOGETHER = (2, 3, 4)
# How much each block says beside the others; chosen on the writers that are kept for choosing.
WEIGHTS = (1.0, 1.0, 1.0, 0.5)
_WORD = re.compile(r"[^\W_]+")
FEW = 10  # words of a message that say little about what it means as a whole: the fewer, the less they count
_USUAL_LENGTH = 30  # of a word; what is longer is not kept
Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Document:
    """One text, ready to be counted."""

    words: str
    ideas: dict[str, list[str]]
    said: Said  # words in their order, as the lexicon knows them


@dataclass(frozen=True, slots=True)
class Features:
    """What a text has: the columns of its features, ascending, and a value for each of them."""

    columns: Array
    values: Array


def document(text: str, subject: str = "") -> Document:
    """The text as the model reads it: subject and text, without capitals and accents."""
    words = normalised(text[:MAX_CHARACTERS])
    if subject:
        words = f"{normalised(subject[:500])} · {words}"
    # Without accents some letters are capitals again.
    return Document(words, found_in(words), lexicon().said(words.lower()))


@lru_cache(maxsize=1)
def blocks() -> tuple[int, ...]:
    """Where each of the five begins among all columns, and how many columns there are."""
    sizes = (WORDS, LETTERS, len(names()), PAIRS, len(lexicon().places))
    return (0, *(int(end) for end in np.cumsum(sizes)))


def counted(document: Document) -> Features:
    """How often the text has each feature of the first four blocks."""
    text = document.words.lower()
    columns = [
        np.fromiter(_buckets(_words(text), 0, WORDS), dtype=np.intp),
        *(_usual_letters(word) if len(word) <= _USUAL_LENGTH else _letters(word) for word in text.split()),
        np.fromiter((idea_column(idea) for idea in document.ideas), dtype=np.intp),
        np.fromiter(_buckets(_pairs(document), blocks()[3], PAIRS), dtype=np.intp),
    ]
    return Features(*np.unique(np.concatenate(columns), return_counts=True))


def _words(text: str) -> Iterator[str]:
    words = _WORD.findall(text)
    yield from words
    for first, second in pairwise(words):
        yield f"{first} {second}"


def _letters(word: str) -> Array:
    """Columns of the pieces of a word, which has a blank on each side."""
    word = f" {word} "
    pieces = (word[at : at + n] for n in LETTERS_TOGETHER for at in range(len(word) - n + 1))
    return np.fromiter(_buckets(pieces, blocks()[1], LETTERS), dtype=np.intp)


_usual_letters = lru_cache(maxsize=8192)(_letters)  # people write with a few thousand words


def _pairs(document: Document) -> Iterator[str]:
    for pair in combinations(sorted(document.ideas), 2):
        yield "+".join(pair)


def _buckets(features: Iterable[str], first: int, buckets: int) -> Iterator[int]:
    return (first + abs(mmh3.hash(feature)) % buckets for feature in features)


@lru_cache(maxsize=1)
def _columns() -> dict[str, int]:
    return {name: column for column, name in enumerate(names(), start=blocks()[2])}


def idea_column(name: str) -> int:
    """Where an idea stands among all features."""
    return _columns()[name]


def _meant(document: Document) -> Features:
    """The last block."""
    counts = meant(document.said)
    places = sorted(counts)
    values = np.array([counts[place] * weight(place) for place in places], dtype=np.float32)
    return Features(np.array(places, dtype=np.intp) + blocks()[4], values / (values.sum() + FEW))


class Weighting:
    """Turns a text into weighted features; `idf`, of the columns that are counted, comes from training."""

    def __init__(self, idf: Array) -> None:
        self.idf = np.asarray(idf, dtype=np.float64)

    def __call__(self, document: Document) -> Features:
        counts = counted(document)
        values = (1 + np.log(counts.values)) * self.idf[counts.columns]
        block = np.searchsorted(blocks()[1:4], counts.columns, side="right")
        lengths = np.sqrt(np.bincount(block, weights=values**2, minlength=len(WEIGHTS)))
        values *= np.divide(WEIGHTS, lengths, out=np.zeros_like(lengths), where=lengths > 0)[block]
        means = _meant(document)
        # Single precision like the model's: to convert that for each text would cost more than to use it.
        return Features(
            np.concatenate([counts.columns, means.columns]), np.concatenate([values.astype(np.float32), means.values])
        )
