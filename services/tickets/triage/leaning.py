"""How urgent people would call a message, by its words and its topic, where no rule finds a sign of urgency.

Rules know what is urgent by its signs (urgency/); everything else has the default of its topic, an outage as much as a
question what one does in an outage. What people said of such messages is learned here. It may lower a default or raise
it where it is sure, and never takes back what a rule has found.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.tickets.triage.features import Array, Features
from shared.models import Priority

PRIORITIES = (Priority.HIGH, Priority.NORMAL, Priority.LOW)  # emergencies are read elsewhere
# Chosen in cross-validation over the training writers (decision 40).
SURE = 0.8  # from this share on a priority takes the place of the default
CALM = 0.1  # a default that is high stays while it has more than this: to miss one is worse


@dataclass(frozen=True)
class Leaning:
    """Weights, one column for each of PRIORITIES: of features, and of topics in the model's order."""

    weights: Array
    topics: Array
    bias: Array

    def pushes(self, features: Features) -> tuple[float, ...]:
        """What the words say."""
        pushed = np.add.reduce(features.values[:, None] * self.weights[features.columns])
        return tuple(pushed.tolist())

    def shares(self, pushes: tuple[float, ...], topic: int) -> dict[str, float]:
        """How probable each priority is for these words on this topic; they sum to 1."""
        scores = np.array(pushes) + self.topics[topic] + self.bias
        shares = np.exp(scores - scores.max())
        return dict(zip((each.value for each in PRIORITIES), (shares / shares.sum()).tolist(), strict=True))

    def fits(self, features: int, topics: int) -> bool:
        """Whether it is made for so many features and topics."""
        shapes = [(features, len(PRIORITIES)), (topics, len(PRIORITIES)), (len(PRIORITIES),)]
        return [each.shape for each in (self.weights, self.topics, self.bias)] == shapes


def leaned(priority: Priority, shares: Mapping[str, float]) -> Priority:
    """The default, or what people would say instead where that is sure enough. `shares` may be empty."""
    if priority not in PRIORITIES or not shares:
        return priority
    if priority is Priority.HIGH:
        if shares[Priority.HIGH] > CALM:
            return priority
        return max((Priority.NORMAL, Priority.LOW), key=lambda each: shares[each])
    likeliest = max(PRIORITIES, key=lambda each: shares[each])
    return likeliest if shares[likeliest] >= SURE else priority
