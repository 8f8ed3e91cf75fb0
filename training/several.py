"""`python -m training several`: what the two limits for further topics do on some writers' messages.

Nobody who is kept for choosing wrote about two matters at once, so pairs are made: two of their messages in one
language and channel, one after the other. What is wrongly found is counted on the messages as they were written.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from services.tickets.topics import EMERGENCY, OTHER
from services.tickets.triage.model import Model, Understanding
from services.tickets.triage.several import further
from training.model import documents_of
from training.samples import Sample

PAIRS = 150
TRACES = (0.03, 0.05, 0.08, 0.12)
SURES = (0.5, 0.65, 0.8, 0.9, 0.95)


@dataclass(frozen=True)
class Tried:
    """One pair of limits, on messages as written and on pairs of them."""

    trace: float
    sure: float
    right: int  # further topics that were written about
    wrong: int
    singles: int
    both: int  # pairs of which both topics were found
    pairs: int

    def __str__(self) -> str:
        return (
            f"trace {self.trace:.2f}, sure {self.sure:.2f}: of {self.singles} messages {self.right} right and"
            f" {self.wrong} wrong; of {self.pairs} pairs both topics of {self.both}"
        )


def pairs_of(samples: Sequence[Sample], seed: int = 1) -> list[tuple[Sample, Sample]]:
    """Messages about different things, in one language and channel; the same every time."""
    plain = [each for each in samples if not (each.emergency or each.also or each.topic == OTHER)]
    chance, found = random.Random(seed), list[tuple[Sample, Sample]]()  # noqa: S311 - a fixed choice, no secret
    for _ in range(PAIRS * 100):
        one, other = chance.sample(plain, 2) if len(plain) > 1 else (None, None)
        if one is None or other is None or len(found) == PAIRS:
            break
        alike = (one.language, one.channel) == (other.language, other.channel)
        if alike and not one.accepts(other.topic) and not other.accepts(one.topic):
            found.append((one, other))
    return found


def tried(model: Model, samples: Sequence[Sample]) -> list[Tried]:
    """All limits, on these messages."""
    singles = [each for each in samples if not each.emergency]
    pairs = pairs_of(samples)
    joined = [f"{one.text}\n\n{other.text}" for one, other in pairs]
    alone = [model.understand_document(each) for each in documents_of(singles)]
    together = [model.understand(text, one.subject) for text, (one, _) in zip(joined, pairs, strict=True)]
    read = list(zip(singles, alone, strict=True))
    read_pairs = list(zip(pairs, joined, together, strict=True))
    return [_tried(model, trace, sure, read, read_pairs) for trace in TRACES for sure in SURES]


def _tried(
    model: Model,
    trace: float,
    sure: float,
    singles: Sequence[tuple[Sample, Understanding]],
    pairs: Sequence[tuple[tuple[Sample, Sample], str, Understanding]],
) -> Tried:
    def more(understood: Understanding, text: str) -> tuple[str, ...]:
        if understood.topic in (OTHER, EMERGENCY):
            return ()
        return further(model, understood, understood.topic, text, trace=trace, sure=sure)

    found = [(sample, topic) for sample, understood in singles for topic in more(understood, sample.text)]
    right = sum(sample.accepts(topic) for sample, topic in found)
    both = sum(
        {one.topic, other.topic} <= {understood.topic, *more(understood, text)}
        for (one, other), text, understood in pairs
    )
    return Tried(trace, sure, right, len(found) - right, len(singles), both, len(pairs))
