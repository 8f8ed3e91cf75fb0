"""Kinds of urgency as they are learned: an alarm that few others reach, and nothing of what nobody wrote about."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from services.tickets.urgency.kinds import Kind
from shared.models import Priority
from training.corrections import WRITER
from training.samples import Sample, Split
from training.urgent import ALLOWED, NEVER, learn

PLAIN = Sample(
    "w/1", "w", Split.TRAIN, "en", "email", Priority.NORMAL, "other", (), (), frozenset(), "", "words", ()
)  # fmt: skip


def samples() -> list[Sample]:
    """Four writers with a hundred messages each, one in ten of them a threat."""
    return [
        replace(PLAIN, id=f"{writer}/{n}", writer=writer, flags=frozenset({"threat"} if n % 10 == 0 else ()))
        for writer in ("ana", "bea", "cal", "dee")
        for n in range(100)
    ]


def features(said: list[Sample], noise: float = 0.3) -> csr_matrix:
    chance = np.random.default_rng(3)
    sign = np.array([[float("threat" in each.flags)] for each in said])
    return csr_matrix(np.hstack([sign + chance.normal(scale=noise, size=sign.shape), chance.random((len(said), 3))]))


def test_few_messages_of_others_reach_an_alarm() -> None:
    said = samples()
    rows = features(said)
    learned = learn(rows, said, strength=10.0)
    number = learned.kinds.index("threat")
    scores = np.asarray(rows @ learned.weights[number]).ravel() + learned.bias[number]
    alarmed = 1 / (1 + np.exp(-scores)) >= learned.alarms[number]
    threats = np.array(["threat" in each.flags for each in said])
    assert alarmed[threats].mean() > 0.8
    assert alarmed[~threats].mean() <= 2 * ALLOWED[Kind.THREAT]


def test_what_nobody_wrote_about_is_never_heard() -> None:
    said = samples()
    learned = learn(features(said), said, strength=10.0)
    number = learned.kinds.index("crisis")
    assert (learned.bias[number], learned.alarms[number]) == (NEVER, 1.0)


@pytest.mark.parametrize(("writer", "flags"), [(WRITER, {"threat"}), ("eva", {"threat", "decoy"})])
def test_corrections_and_decoys_teach_no_kind(writer: str, flags: set[str]) -> None:
    said = [replace(each, writer=writer, flags=frozenset(flags)) if each.flags else each for each in samples()]
    learned = learn(features(said), said, strength=10.0)
    assert learned.bias[learned.kinds.index("threat")] == NEVER
