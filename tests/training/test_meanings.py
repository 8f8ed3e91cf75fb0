"""The vectors that words are learned from, and the weights of words that come of it."""

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from services.tickets.triage.features import blocks
from services.tickets.triage.meaning import lexicon
from training.meanings import LENGTHS, Meanings, OtherWords


@pytest.fixture(scope="module")
def meanings() -> Meanings:
    return Meanings.read()


def test_weights_of_words_say_what_weights_of_vectors_said(meanings: Meanings) -> None:
    chance = np.random.default_rng(7)
    texts = np.zeros((5, blocks()[-1]))
    texts[:, [3, 99, *range(blocks()[4], blocks()[4] + 40)]] = chance.random((5, 42))
    features, scaled = meanings.instead_of_words(csr_matrix(texts))
    weights, bias = chance.normal(size=(2, features.shape[1])), chance.normal(size=2)
    of_words, their_bias = scaled.of_words(weights, bias)
    assert np.allclose(features @ weights.T + bias, texts @ of_words.T + their_bias)


def test_texts_lie_about_their_middle_at_the_lengths_that_were_chosen(meanings: Meanings) -> None:
    texts = np.zeros((4, blocks()[-1]))
    texts[range(4), [blocks()[4] + place for place in (10, 500, 900, 4000)]] = 1
    features, _ = meanings.instead_of_words(csr_matrix(texts))
    vectors = features.toarray()[:, blocks()[4] :]
    assert np.allclose(vectors.mean(axis=0), 0, atol=1e-6)
    assert (vectors**2).sum(axis=1).mean() == pytest.approx(sum(length**2 for length in LENGTHS.values()), rel=1e-4)


def test_words_that_mean_much_the_same_are_near(meanings: Meanings) -> None:
    vectors = np.hstack(list(meanings.vectors.values()))

    def near(one: str, other: str) -> float:
        first, second = (vectors[lexicon().places[word]] for word in (one, other))
        return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))

    assert near("invoice", "bill") > near("invoice", "kitchen")
    assert near("refrigerator", "fridge") > near("refrigerator", "lawyer")


def test_vectors_of_other_words_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", words=np.array(["one", "two"]))
    with pytest.raises(OtherWords, match=r"english\.txt"):
        Meanings.read(tmp_path / "other.npz")
