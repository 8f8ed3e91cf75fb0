"""What the languages are learned from: words without names, and each writer read as a stranger."""

from dataclasses import replace
from pathlib import Path

import pytest

from shared.language import read_text
from shared.language.words import learned
from training import language
from training.samples import Sample, read

WRITER = """split: train
A writer.

@ es email normal other
{name:Zutano Perengano} quiere que la zarandaja de {address:12 Chisgarabís Road} funcione. Otra zarandaja.
@ en email normal other
The doohickey is broken, and the doohickey beside it as well, call {phone:707-555-0118=+17075550118}.
"""


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    path = tmp_path / "writer.txt"
    path.write_text(WRITER)
    return read(path)


def test_words_are_counted_without_names(samples: list[Sample]) -> None:
    counts = language.counted(samples)
    assert (counts["zarandaja"], counts["doohickey"]) == ((0, 2), (2, 0))
    assert {"zutano", "chisgarabis"}.isdisjoint(counts)
    # Taken out again, the writer is a stranger, and everyday words are still known.
    left = language.without(counts, samples)
    assert left["zarandaja"] == (0, 0)
    assert sum(left["the"]) == language.COUNTED


def test_a_piece_is_a_clause_without_facts(samples: list[Sample]) -> None:
    assert dict(language.pieces(samples[0]))[1, 2] == "Otra zarandaja"
    assert dict(language.pieces(samples[1]))[3, 7] == "The doohickey is broken"


def test_what_was_learned_counts() -> None:
    strange = replace(learned(), counts={**learned().counts, "zarandaja": (0, 9)})
    assert read_text("zarandaja", strange).language == "es"
    assert len(learned().version.split("-")[1]) == 8
