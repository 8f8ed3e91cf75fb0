"""A second opinion on what a text is about, by its words in their order: a small convolutional network.

The linear model counts what is said and hardly knows what stands beside what: «turn my power back on» and «back out of
your power» are much alike to it. Here filters of one, three and five words look for what they have learned to look for
anywhere in the text, and a topic is weighed by how well each was met at best and on the whole (Kim 2014, «Convolutional
Neural Networks for Sentence Classification»). Words are those of meaning.py, so it reads Spanish through English, and
`training/reader.py` taught it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

import numpy as np

from services.tickets.triage.features import Array
from services.tickets.triage.meaning import Said

MOST = 200  # words that are read: what a customer wants is said before
FEW = 5  # words of a text in which a filter met once is met little


@dataclass(frozen=True)
class Reader:
    """Weights. `words`: a row for each place of the lexicon, in steps of `step`. `filters`: of each span, words × width
    of a row × number of filters, each of which has its `thresholds`. `topics`: what it says that each filter is met, at
    best and on the whole."""

    words: Array
    step: Array
    filters: tuple[Array, ...]
    thresholds: tuple[Array, ...]
    topics: Array
    bias: Array

    def scores(self, said: Said) -> Array:
        """What speaks for each topic; the same for every text of which no word is known."""
        said = said[:MOST] or ((),)
        widest = max(len(weights) for weights in self.filters) // 2
        padded = self._rows(said, widest)
        met = []
        for weights, threshold in zip(self.filters, self.thresholds, strict=True):
            span, width, number = weights.shape
            # As numpy's sliding_window_view, which takes longer than all the rest.
            row, item = padded.strides
            first = (widest - span // 2) * row
            windows: Array = np.ndarray((len(said), span * width), padded.dtype, padded, first, (row, item))
            hits = np.maximum(windows.copy() @ weights.reshape(span * width, number) + threshold, 0)
            met += [np.maximum.reduce(hits), np.add.reduce(hits) / (len(said) + FEW)]
        scores: Array = np.concatenate(met) @ self.topics + self.bias
        return scores

    def _rows(self, said: Sequence[tuple[int, ...]], empty: int) -> Array:
        """Of each word the mean of the rows of its English ones, nought of a word that nobody knows; so many empty rows
        before them and behind."""
        places = np.fromiter(chain.from_iterable(said), dtype=np.intp)
        counts = list(map(len, said))
        parts = (self.step / np.arange(1, max(counts) + 1)[:, None]).astype(np.float32)
        of_how_many = np.fromiter(chain.from_iterable(map(repeat, counts, counts)), dtype=np.intp)
        of = np.fromiter(chain.from_iterable(map(repeat, range(empty, empty + len(said)), counts)), dtype=np.intp)
        rows = np.zeros((len(said) + 2 * empty, self.words.shape[1]), dtype=np.float32)
        np.add.at(rows, of, self.words[places] * parts[of_how_many - 1])
        return rows

    def fits(self, places: int, topics: int) -> bool:
        """Whether it is whole, and of so many places and topics."""
        widths = {self.words.shape[1:], self.step.shape, *(weights.shape[1:2] for weights in self.filters)}
        filters = [weights.shape[2] for weights in self.filters]
        return (
            len(self.words) == places
            and len(widths) == 1
            and [threshold.shape for threshold in self.thresholds] == [(number,) for number in filters]
            and self.topics.shape == (2 * sum(filters), topics)
            and self.bias.shape == (topics,)
            and all(
                np.isfinite(part).all() for part in (self.step, *self.filters, *self.thresholds, self.topics, self.bias)
            )
        )


def parts(reader: Reader) -> dict[str, Array]:
    """Names and arrays, as a file keeps them."""
    kept = {"words": reader.words, "step": reader.step, "topics": reader.topics, "bias": reader.bias}
    for number, (weights, threshold) in enumerate(zip(reader.filters, reader.thresholds, strict=True)):
        kept |= {f"filters_{number}": weights, f"thresholds_{number}": threshold}
    return {f"reader_{name}": part if part.dtype == np.int8 else part.astype(np.float16) for name, part in kept.items()}


def of_parts(data: Any) -> Reader:
    """What parts() gave, from an open npz file. Raises KeyError, ValueError."""

    def part(name: str) -> Array:
        found: Array = data[f"reader_{name}"]
        return found if name == "words" else found.astype(np.float32)

    numbers = range(sum(name.startswith("reader_filters_") for name in data))
    return Reader(
        part("words"),
        part("step"),
        tuple(part(f"filters_{number}") for number in numbers),
        tuple(part(f"thresholds_{number}") for number in numbers),
        part("topics"),
        part("bias"),
    )
