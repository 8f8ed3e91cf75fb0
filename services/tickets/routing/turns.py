"""Whose turn it is to route: of many routers one leads, and the others stand by until they hear nothing of it.

Every router hears the same news. If each looked at the queue each time, fifty would do the work of one and keep the one
from it. So whoever leads gives a sign with its passes, and who hears signs looks at nothing. No promise rests on this:
whoever hears nothing looks itself, and the lock of a pass decides in the end.
"""

import random
from dataclasses import dataclass, field

SIGN = "routing"  # the kind of news that a sign is
SIGN_EVERY_S = 0.1  # at most: a sign is news to everybody
PATIENCE_S = (0.25, 1.0)  # how long others wait for a sign after news; drawn, so that they do not all look at once


@dataclass
class Turns:
    """One router's view. Times are seconds of a monotonic clock."""

    number: int = field(default_factory=lambda: random.getrandbits(62))  # tells routers apart
    leads: bool = True
    _heard: float = float("-inf")
    _signed: float = float("-inf")

    def sign(self, now: float) -> int | None:
        """What the pass that begins now shall publish: our number, if we lead and gave no sign just now."""
        if not self.leads or now - self._signed < SIGN_EVERY_S:
            return None
        self._signed = now
        return self.number

    def heard(self, number: int, now: float) -> None:
        """A sign. Of two that lead, the one with the smaller number goes on."""
        if number == self.number:
            return
        self._heard = now
        if number < self.number:
            self.leads = False

    def heard_since(self, moment: float) -> bool:
        return self._heard >= moment

    def patience(self) -> float:
        """How long to wait for a sign after news: whoever leads does not."""
        return 0.0 if self.leads else random.uniform(*PATIENCE_S)  # noqa: S311

    def passed(self) -> None:
        """We made a pass since we had heard nothing: from now on we lead."""
        self.leads = True
