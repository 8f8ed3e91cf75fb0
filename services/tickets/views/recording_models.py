"""The shapes of recordings, their transcripts, and what people corrected in them."""

from datetime import datetime
from typing import Any

from pydantic import Field

from services.tickets.views.shapes import PersonRef, View
from shared.models import RecordingState, Situation


class GreetingHeard(View):
    """What a caller had heard before leaving a message."""

    version_id: int | None = Field(description="null: what somebody had recorded on the phone system itself")
    number: int | None
    slot_id: int | None
    language: str
    situation: Situation


class CorrectionView(View):
    """What somebody who listened says was said."""

    version: int
    text: str
    language: str | None = Field(description="When the language was corrected too.")
    by: PersonRef
    at: datetime


class TranscriptView(View):
    id: int
    text: str
    language: str
    language_confidence: float
    flags: list[str]
    segments: list[dict[str, Any]] = Field(
        description="`start`, `end` (seconds), `text`, `flags`, and `words` of `word`, `start`, `end`, `probability`; "
        "those of a number that was heard twice also `readings`: the probability in this hearing and in the other, "
        "0 where that heard something else; `probability` is then the better one, or 0."
    )
    regions: list[dict[str, Any]] = Field(
        default=[],
        description="The whole recording: `start`, `end`, `kind` (speech, faint, sound, silence), `language`.",
    )
    model: str
    created_at: datetime
    corrections: list[CorrectionView] = Field(default=[], description="Newest first; the first one counts.")

    @property
    def said(self) -> str:
        """The text that counts."""
        return self.corrections[0].text if self.corrections else self.text


class RecordingView(View):
    id: int
    caller_id: str | None
    caller_name: str
    line: str
    mailbox: str
    menu_language: str | None
    urgent: bool
    called_at: datetime
    duration_s: float | None
    state: RecordingState
    error: str | None
    vendor: dict[str, Any] | None = Field(
        default=None, description="The phone system's own word: `by`, `text` (its transcript), `link`, `duration_s`."
    )
    playable: bool
    greeting: GreetingHeard | None = Field(default=None, description="What the caller had heard, where that is known.")
    transcript: TranscriptView | None = Field(description="The newest one.")
