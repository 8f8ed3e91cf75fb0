"""The door to a phone system: what publishing a greeting means, whoever plays it."""

from typing import Protocol

from services.voicemail.greetings.studio import Format


class PublishError(Exception):
    """The phone system does not play what it should, and why; `hint` says what somebody can do about it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class Target(Protocol):
    """One line of one phone system. Every implementation passes tests/voicemail/greetings/test_targets.py."""

    @property
    def format(self) -> Format:
        """What `publish` must be given."""

    def playing(self, language: str) -> str | None:
        """SHA-256 of what callers in this language hear, as read back now; None when nothing or no single thing.

        Raises PublishError when it cannot be told.
        """

    def publish(self, language: str, rendition: bytes) -> None:
        """Replace the greeting as one step that callers cannot see half of, and prove it by reading it back.

        Safe to repeat. Raises PublishError, after which callers hear what they heard before.
        """
