"""The second opinion on topics: words in their order, whatever else the text holds."""

from dataclasses import replace

import numpy as np
import pytest

from services.tickets.topics import taxonomy
from services.tickets.triage.features import document
from services.tickets.triage.meaning import lexicon
from services.tickets.triage.model import model
from services.tickets.triage.reader import MOST


def scores(text: str) -> np.ndarray:
    return model().reader.scores(document(text).said)


def test_the_same_words_in_another_order_say_something_else() -> None:
    assert not np.allclose(scores("do not turn it off, pay the bill"), scores("turn it off, do not pay the bill"))


def test_spanish_is_read_through_english() -> None:
    topics = model().topics
    assert topics[int(scores("me cortaron la luz y no puedo pagar").argmax())] in (
        "shutoff_notice", "payment_assistance"
    )  # fmt: skip
    assert np.allclose(scores("quiero pagar"), scores("kiero pagar"))


@pytest.mark.parametrize("text", ["", "¿? … 4711", "xqzzt"])
def test_what_nobody_knows_says_nothing(text: str) -> None:
    assert np.allclose(scores(text), scores("zzxqv"))


def test_what_stands_far_behind_is_not_read() -> None:
    long = "please send the form " * MOST
    assert np.allclose(scores(long), scores(f"{long} gas leak"))


def test_a_reader_of_another_size_does_not_fit() -> None:
    reader, sizes = model().reader, (len(lexicon().places), len(taxonomy()))
    assert reader.fits(*sizes)
    assert not reader.fits(sizes[0] + 1, sizes[1])
    assert not reader.fits(sizes[0], sizes[1] - 1)
    assert not replace(reader, thresholds=reader.thresholds[:-1]).fits(*sizes)
    assert not replace(reader, bias=reader.bias * np.nan).fits(*sizes)
