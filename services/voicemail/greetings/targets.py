"""The door to a phone system: what publishing a greeting means, whoever plays it."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from services.voicemail.greetings.studio import Format


class PublishError(Exception):
    """The phone system does not play what it should, and why; `hint` says what somebody can do about it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class Playing:
    """What callers in one language hear, as read back now."""

    content: bytes
    name: str  # of the file, for whoever looks at it
    override: bool = False  # it is played from the place for emergencies

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


class Target(Protocol):
    """One line of one phone system. Every implementation passes tests/voicemail/greetings/test_targets.py."""

    @property
    def format(self) -> Format:
        """What `publish` must be given."""

    @property
    def overrides(self) -> bool:
        """Whether it has a place of its own for emergencies."""

    def languages(self, wanted: list[str]) -> list[str]:
        """Those of the wanted languages that it can tell apart, in the order in which an override is to be written."""

    def playing(self, language: str) -> Playing | None:
        """What callers in this language hear, as read back now; None when nothing or no single thing.

        Raises PublishError when it cannot be told.
        """

    def found(self, language: str) -> Playing | None:
        """Where `playing` finds no single thing: the newest of what is there, for a person to listen to."""

    def publish(self, language: str, rendition: bytes, *, override: bool = False) -> None:
        """Replace the greeting as one step that callers cannot see half of, and prove it by reading it back.

        `override`: it is an emergency somewhere on the line, and goes where the phone system plays it instead of
        everything else, if it has such a place. Safe to repeat. Raises PublishError, after which callers hear what
        they heard before.
        """
