"""What programs get told of greetings, field by field; pages are drawn from the same."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, Field

from services.voicemail.greetings.rules import CONFIRMABLE, Obstacle
from shared.models import (
    ApprovalDecision,
    DriftDecision,
    DriftOutcome,
    GreetingCheckState,
    GreetingSource,
    Situation,
)


class ActivationState(StrEnum):
    IN_FORCE = "in_force"  # stands in its slot now
    COVERED = "covered"  # runs, but one that began later stands before it
    SCHEDULED = "scheduled"
    ENDED = "ended"
    CANCELLED = "cancelled"


class LiveState(StrEnum):
    LIVE = "live"  # read back from the phone system and equal
    PENDING = "pending"  # about to be published
    FAILED = "failed"  # the old greeting stays; `error` says why
    DRIFTED = "drifted"  # somebody changed it on the phone system; `drift` says what
    NOTHING = "nothing"  # nothing is active for this language, nor for the fallback language


class ApprovalView(BaseModel):
    decision: ApprovalDecision
    by: str
    note: str
    at: datetime


class CheckView(BaseModel):
    """What a machine heard. Advice, except for a language that is surely wrong."""

    state: GreetingCheckState
    text: str
    language: str | None
    language_confidence: float | None
    wrong_language: bool
    remarks: list[str] = Field(description="In the reader's language")
    model: str | None
    checked_at: datetime | None


class ObstacleView(BaseModel):
    obstacle: Obstacle
    message: str = Field(description="In the reader's language")
    confirmable: bool = Field(description="Whether `confirm` may name it when publishing")


class VersionView(BaseModel):
    id: int
    slot_id: int
    number: int = Field(description="1, 2, 3… within the slot")
    original_name: str
    duration_s: float
    loudness_lufs: float
    script: str
    warnings: list[str] = Field(description="What was remarked when it was made, in the reader's language")
    calendar: list[str] = Field(description="Where the script contradicts the calendar as it is now")
    source: GreetingSource = Field(description="`tts` is a draft read aloud by a machine")
    treatment: dict[str, bool] = Field(description="What was done to the recording: `trim`, `normalise`")
    measured: dict[str, dict[str, float]] = Field(description="Figures `before` and `after` the treatment")
    check: CheckView | None
    approval: ApprovalView | None = Field(description="The newest decision of a second person")
    obstacles: list[ObstacleView] = Field(description="What stands between it and its callers")
    author: str
    author_id: int
    created_at: datetime
    audio_url: str

    @property
    def is_draft(self) -> bool:
        return self.source is GreetingSource.TTS

    @property
    def forbidden(self) -> bool:
        return any(each.obstacle not in CONFIRMABLE for each in self.obstacles)


class ActivationView(BaseModel):
    id: int
    slot_id: int
    version_id: int
    number: int
    state: ActivationState
    starts_at: datetime
    ends_at: datetime | None
    cancelled_at: datetime | None
    by: str
    cancelled_by: str | None
    pair_id: int | None = Field(description="The activation in the other language that was published with it")
    alone_because: str = Field(description="Why it was published without the other language")
    confirmed: list[str]


class SlotView(BaseModel):
    id: int
    line: str
    language: str
    situation: Situation
    in_force: ActivationView | None
    activations: list[ActivationView]
    versions: list[VersionView]

    @property
    def current(self) -> VersionView | None:
        return next((v for v in self.versions if self.in_force and v.id == self.in_force.version_id), None)

    @property
    def scheduled(self) -> list[ActivationView]:
        return [each for each in reversed(self.activations) if each.state is ActivationState.SCHEDULED]

    @property
    def can_roll_back(self) -> bool:
        began = (ActivationState.IN_FORCE, ActivationState.COVERED, ActivationState.ENDED, ActivationState.CANCELLED)
        return self.in_force is not None and any(
            each.version_id != self.in_force.version_id
            and each.state in began
            and (each.cancelled_at is None or each.cancelled_at > each.starts_at)
            for each in self.activations
        )


class GreetingRef(BaseModel):
    """Which greeting; its language and situation may be borrowed."""

    version_id: int
    number: int
    slot_id: int
    language: str
    situation: Situation
    audio_url: str


class DriftView(BaseModel):
    """A change behind our back."""

    id: int
    line: str
    language: str
    target: str
    expected: GreetingRef
    name: str = Field(description="Of the file that was found; empty: it was removed")
    found_sha256: str | None
    noticed_at: datetime
    decision: DriftDecision | None
    decided_by: str | None
    adopted: GreetingRef | None
    settled_at: datetime | None
    outcome: DriftOutcome | None
    audio_url: str | None


class AiringView(BaseModel):
    """From when to when callers in a language could hear what."""

    line: str
    language: str
    target: str
    situation: Situation
    greeting: GreetingRef | None = Field(description="null: what somebody had recorded on the phone system")
    drift_id: int | None
    starts_at: datetime
    ends_at: datetime | None


class LiveView(BaseModel):
    """One language on one target: what callers hear, and what they should."""

    target: str
    language: str
    state: LiveState
    live: GreetingRef | None
    wanted: GreetingRef | None
    live_since: datetime | None
    checked_at: datetime | None
    sha256: str | None
    error: str | None
    drift: DriftView | None


class LineView(BaseModel):
    line: str
    situation: Situation = Field(description="What the calendar says now, emergencies aside")
    emergency_languages: list[str] = Field(description="Languages in which an emergency greeting is in force")
    fallback_language: str
    slots: list[SlotView]
    places: list[LiveView]

    def slot(self, language: str, situation: Situation) -> SlotView:
        return next(s for s in self.slots if s.language == language and s.situation is situation)


class StretchView(BaseModel):
    starts_at: datetime
    ends_at: datetime | None
    situation: Situation
    greeting: GreetingRef | None


class UpcomingView(BaseModel):
    line: str
    language: str
    stretches: list[StretchView]
