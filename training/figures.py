"""How a model fares on writers whom it never met, and whether it may take the place of the present one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.tickets.priority import triage
from services.tickets.triage.features import document
from services.tickets.triage.model import Model, Tested
from services.tickets.triage.understand import topic_of
from shared.models import Priority
from training import language
from training.samples import Sample

WORSE = 0.005  # of a share; below, a difference is chance


@dataclass(frozen=True)
class Figures:
    """How a model fares on some writers. Shares of 1."""

    messages: int
    acceptable: float  # of first topics
    recall: float  # of emergencies
    false_alarms: float  # of everything else
    false_decoys: float  # of what only looks like one
    calibration: float  # expected calibration error of the first topic's confidence, ten bins
    priority: float  # of messages that get the priority of their label, by model and rules together

    def __str__(self) -> str:
        return (
            f"{self.messages} messages: topic acceptable {self.acceptable:.1%}, emergencies found {self.recall:.1%},"
            f" false alarms {self.false_alarms:.1%} (of decoys {self.false_decoys:.1%}),"
            f" calibration error {self.calibration:.3f}, priority right {self.priority:.1%}"
        )


def figures(model: Model, samples: Sequence[Sample]) -> Figures:
    """How the model fares on these messages."""
    understood = [model.understand_document(document(each.text, each.subject)) for each in samples]
    right = np.array([s.accepts(u.topic) for s, u in zip(samples, understood, strict=True)])
    sure = np.array([each.confidence for each in understood])
    alarms = np.array([each.emergency for each in understood])
    emergencies = np.array([sample.emergency for sample in samples])
    decoys = np.array(["decoy" in sample.flags for sample in samples])
    bins = np.minimum((sure * 10).astype(int), 9)
    error = sum(abs(right[bins == b].mean() - sure[bins == b].mean()) * (bins == b).mean() for b in set(bins))
    return Figures(
        len(samples),
        float(right.mean()),
        float(alarms[emergencies].mean()) if emergencies.any() else 1.0,
        float(alarms[~emergencies].mean()),
        float(alarms[decoys].mean()) if decoys.any() else 0.0,
        float(error),
        float(np.mean([priority(model, sample) is sample.priority for sample in samples])),
    )


def priority(model: Model, sample: Sample) -> Priority:
    """As a ticket gets it."""
    return triage(topic_of(sample.text, sample.subject, model), sample.text, sample.subject).priority


def worse(new: Figures | Tested, old: Figures | Tested) -> str | None:
    """Why the new model must not replace the old one; None: it may."""
    if new.recall < old.recall:
        return f"it finds {new.recall:.1%} of emergencies where the present one finds {old.recall:.1%}"
    if new.acceptable < old.acceptable - WORSE:
        return f"it finds {new.acceptable:.1%} of topics where the present one finds {old.acceptable:.1%}"
    if new.priority < old.priority - WORSE:
        return f"it gives {new.priority:.1%} their priority where the present one gives it to {old.priority:.1%}"
    return None


def worse_languages(new: language.Figures, old: language.Figures) -> str | None:
    """Why these counts of words must not replace the old ones; None: they may."""
    if new.right < old.right - WORSE or new.both[0] < old.both[0] - 1 or new.false > old.false + 1:
        return f"languages are read worse: {new}; now {old}"
    return None
