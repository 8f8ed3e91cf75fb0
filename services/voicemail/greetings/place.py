"""One language on one target: where something is heard, as the publisher and the records name it."""

from dataclasses import dataclass

from services.voicemail.greetings.targets import Target
from shared import health
from shared.database import Database
from shared.greeting_targets import AnyGreetingTarget

SERVICE = "voicemail"


@dataclass(frozen=True)
class Place:
    target: AnyGreetingTarget
    door: Target
    language: str
    emergency: bool = False  # somewhere on the line

    @property
    def override(self) -> bool:
        """Whether it belongs in the place for emergencies."""
        return self.emergency and self.door.overrides

    @property
    def problem(self) -> str:
        return f"greeting:{self.target.name}:{self.target.line}:{self.language}"

    @property
    def language_problem(self) -> str:
        return language_problem(self.target.line, self.language)

    def __str__(self) -> str:
        return f"{self.target.name}, {self.target.line} ({self.language})"


def language_problem(line: str, language: str) -> str:
    """What callers hear is in another language than theirs."""
    return f"greeting_language:{line}:{language}"


async def tell_wrong_language(database: Database, line: str, language: str) -> None:
    """On the health page, until another greeting is live."""
    await health.report(
        database,
        SERVICE,
        language_problem(line, language),
        f"The greeting that callers hear on {line} ({language}) is in another language.",
        "Open the page Greetings and go back to the one before, or record it again.",
    )
