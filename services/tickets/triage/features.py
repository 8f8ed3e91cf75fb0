"""A text as numbers for a linear model: its words and pairs of words, its letters, its ideas and pairs of ideas.

Words and letters are hashed, so that nothing has to be remembered of the texts that were learned from; ideas keep their
names, for they are what a CSR is told. Each block is weighted by how rare its features were in training (idf) and
brought to length one, so that a long mail does not outweigh a short one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_matrix, hstack

from services.tickets.topics import normalised
from services.tickets.triage.ideas import MAX_CHARACTERS, found_in, names

_WORD = r"[^\W_]+"
WORDS = 2**15  # buckets
LETTERS = 2**16
PAIRS = 2**14
# How much each block says beside the others; chosen on the writers that are kept for choosing.
WEIGHTS = (1.0, 1.0, 1.0, 0.5)
Array = np.ndarray[Any, np.dtype[Any]]

# scikit-learn takes half a second to import: a process that never reads a message does not pay for it.
if TYPE_CHECKING:
    from sklearn.feature_extraction.text import HashingVectorizer


@dataclass(frozen=True, slots=True)
class Document:
    """One text, ready to be counted."""

    words: str
    ideas: dict[str, list[str]]


def document(text: str, subject: str = "") -> Document:
    """The text as the model reads it: subject and text, without capitals and accents."""
    words = normalised(text[:MAX_CHARACTERS])
    if subject:
        words = f"{normalised(subject[:500])} · {words}"
    return Document(words, found_in(words))


@lru_cache(maxsize=1)
def _vectorizers() -> "tuple[HashingVectorizer, HashingVectorizer, HashingVectorizer]":
    from sklearn.feature_extraction.text import HashingVectorizer

    return (
        HashingVectorizer(
            ngram_range=(1, 2), n_features=WORDS, alternate_sign=False, norm=None, token_pattern=_WORD
        ),
        HashingVectorizer(
            analyzer="char_wb", ngram_range=(2, 4), n_features=LETTERS, alternate_sign=False, norm=None
        ),
        HashingVectorizer(analyzer=_pairs, n_features=PAIRS, alternate_sign=False, norm=None),
    )  # fmt: skip


def _pairs(document: Document) -> list[str]:
    return ["+".join(pair) for pair in combinations(sorted(document.ideas), 2)]


@lru_cache(maxsize=1)
def _columns() -> dict[str, int]:
    return {name: column for column, name in enumerate(names())}


def counts(documents: Sequence[Document]) -> list[csr_matrix]:
    """The four blocks, one row for each text: words, letters, ideas, pairs of ideas."""
    words, letters, pairs = _vectorizers()
    rows = [(row, _columns()[idea]) for row, each in enumerate(documents) for idea in each.ideas]
    at = np.array(rows, dtype=np.int32).reshape(-1, 2)
    ideas = csr_matrix((np.ones(len(rows)), (at[:, 0], at[:, 1])), shape=(len(documents), len(_columns())))
    texts = [each.words for each in documents]
    return [words.transform(texts), letters.transform(texts), ideas, pairs.transform(documents)]


class Weighting:
    """Turns counts into weighted features; `idf` of each block comes from training.

    What scikit-learn's TfidfTransformer does with sublinear_tf, without its checks, which cost more than one mail does.
    """

    def __init__(self, idf: Sequence[Array]) -> None:
        self.idf = tuple(np.asarray(values, dtype=np.float64) for values in idf)

    @classmethod
    def learned_from(cls, blocks: Sequence[csr_matrix]) -> "Weighting":
        from sklearn.feature_extraction.text import TfidfTransformer

        # Kept in half precision, so that training sees what the shipped model will.
        return cls([TfidfTransformer(sublinear_tf=True).fit(block).idf_.astype(np.float16) for block in blocks])

    def __call__(self, blocks: Sequence[csr_matrix]) -> csr_matrix:
        return hstack(
            [_weighted(block, idf, share) for block, idf, share in zip(blocks, self.idf, WEIGHTS, strict=True)]
        ).tocsr()


def _weighted(block: csr_matrix, idf: Array, share: float) -> csr_matrix:
    values = (1 + np.log(block.data)) * idf[block.indices]
    rows = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
    lengths = np.sqrt(np.bincount(rows, weights=values**2, minlength=block.shape[0]))
    values *= share / lengths[rows]
    # Single precision like the weights: to convert those for each text would cost more than to use them.
    return csr_matrix((values.astype(np.float32), block.indices, block.indptr), shape=block.shape)


def idea_column(name: str) -> int:
    """Where an idea stands among all features."""
    return WORDS + LETTERS + _columns()[name]
