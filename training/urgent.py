"""What makes a message urgent, learned kind by kind beside the rules: weights, and an alarm that few others reach.

Alarms are set where each writer is judged by a model that has not met him: what a model says of its own lessons would
put them far too high.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from services.tickets.triage.features import Array
from services.tickets.urgency.kinds import Kind
from training.corrections import WRITER
from training.samples import Sample

# Kinds that are learned, by the flag of the corpus, and how many messages without it may reach the alarm. Not learned
# is what rules alone find in nearly every stranger's message (lawyers), or what its topic makes urgent (a shut-off).
ALLOWED = {
    Kind.CRISIS: 0.005, Kind.THREAT: 0.005, Kind.LIFE_SUPPORT: 0.005, Kind.VULNERABLE: 0.01, Kind.PRESS: 0.005,
    Kind.REPEATED: 0.005,
}  # fmt: skip
LEAST = 0.5  # probability: what is heard is more likely than not
FOLDS = 4
NEVER = -20.0  # bias of a kind that nobody wrote about


@dataclass(frozen=True)
class Learned:
    """One row for each kind of `kinds`."""

    kinds: tuple[str, ...]
    weights: Array
    bias: Array
    alarms: Array


def learn(features: csr_matrix, samples: Sequence[Sample], *, strength: float) -> Learned:
    """`features`: one row for each sample. What people corrected says nothing of these kinds and is left out."""
    rows = np.array([at for at, sample in enumerate(samples) if sample.writer != WRITER])
    known, judged = features[rows], [samples[row] for row in rows]
    weights = np.zeros((len(ALLOWED), features.shape[1]))
    bias, alarms = np.full(len(ALLOWED), NEVER), np.ones(len(ALLOWED))
    for number, (kind, allowed) in enumerate(ALLOWED.items()):
        labels = np.array([says(sample, kind) for sample in judged])
        if not labels.any() or labels.all():
            continue
        found = _classifier(strength).fit(known, labels)
        weights[number], bias[number] = found.coef_[0], found.intercept_[0]
        alarms[number] = _alarm(known, labels, [sample.writer for sample in judged], allowed, strength)
    return Learned(tuple(kind.value for kind in ALLOWED), weights, bias, alarms)


def says(sample: Sample, kind: Kind) -> bool:
    return kind.value in sample.flags and "decoy" not in sample.flags


def _classifier(strength: float) -> LogisticRegression:
    return LogisticRegression(C=strength, class_weight="balanced", solver="liblinear")


def _alarm(features: csr_matrix, labels: Array, writers: Sequence[str], allowed: float, strength: float) -> float:
    order = {writer: place for place, writer in enumerate(dict.fromkeys(writers))}
    folds = np.array([order[writer] % FOLDS for writer in writers])
    strangers = []
    for fold in range(FOLDS):
        out = folds == fold
        if not out.any() or not labels[~out].any():
            continue
        probable = _classifier(strength).fit(features[~out], labels[~out]).predict_proba(features[out])[:, 1]
        strangers.append(probable[~labels[out]])
    return max(LEAST, float(np.quantile(np.concatenate(strangers), 1 - allowed))) if strangers else 0.5
