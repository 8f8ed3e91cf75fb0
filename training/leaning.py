"""Learns how urgent people call messages in which no rule finds a sign of urgency, by their words and topics."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.linear_model import LogisticRegression

from services.tickets.topics import EMERGENCY
from services.tickets.triage.leaning import PRIORITIES, Leaning
from services.tickets.urgency.find import find
from training.meanings import Scaled
from training.samples import Sample, Says

STRENGTH = 3.0
TOPIC = 3.0  # how much a topic says beside the words, each block of which has length one
UNSEEN = 0.01  # of a message without words that has each priority: none is impossible because nobody gave it


def learn(features: csr_matrix, samples: Sequence[Sample], topics: Sequence[str], scaled: Scaled) -> Leaning:
    """`features`: one row for each sample, as `scaled` made them."""
    rows = [at for at, sample in enumerate(samples) if _teaches(sample)]
    judged = [samples[row] for row in rows]
    width, unseen = features.shape[1], len(PRIORITIES)
    known = vstack(
        [hstack([features[rows], _topics(judged, topics)]), csr_matrix((unseen, width + len(topics)))], format="csr"
    )
    given = [PRIORITIES.index(each.priority) for each in judged] + list(range(unseen))
    counted = [each.weights[Says.PRIORITY] for each in judged] + [UNSEEN] * unseen
    classifier = LogisticRegression(C=STRENGTH, max_iter=300).fit(known, given, sample_weight=counted)
    weights, bias = scaled.of_words(classifier.coef_[:, :width], classifier.intercept_)
    return Leaning(np.ascontiguousarray(weights.T), np.ascontiguousarray(classifier.coef_[:, width:].T) * TOPIC, bias)


def _teaches(sample: Sample) -> bool:
    """Whether somebody said how urgent it is, and rules have nothing to say: what they find stays urgent."""
    if not sample.tells(Says.PRIORITY) or sample.priority not in PRIORITIES or sample.topic == EMERGENCY:
        return False
    return not find(sample.text, sample.subject).findings


def _topics(samples: Sequence[Sample], topics: Sequence[str]) -> csr_matrix:
    """A column for each topic; `TOPIC` where a message has it."""
    columns = [topics.index(sample.topic) for sample in samples]
    values = np.full(len(columns), TOPIC)
    return csr_matrix((values, (np.arange(len(columns)), columns)), shape=(len(columns), len(topics)))
