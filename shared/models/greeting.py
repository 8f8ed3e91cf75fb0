"""Written by voicemail: greeting slots, immutable versions, who approved them, when they stand, what is live."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, Integer, SmallInteger, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Created, Id, Json, Ref, choice


class Situation(StrEnum):
    OPEN = "open"
    AFTER_HOURS = "after_hours"
    HOLIDAY = "holiday"
    EMERGENCY = "emergency"


class GreetingSlot(Base):
    __tablename__ = "greeting_slot"

    id: Mapped[Id]
    line: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    situation: Mapped[Situation] = mapped_column(choice(Situation, "situation"))

    __table_args__ = (
        UniqueConstraint("line", "language", "situation"),
        CheckConstraint("language IN ('en', 'es')", name="language"),
    )


class GreetingSource(StrEnum):
    UPLOAD = "upload"
    RECORD = "record"  # in the browser
    TTS = "tts"  # spoken by a machine: a draft
    ADOPTED = "adopted"  # found on the phone system


class GreetingVersion(Base):
    """One recording of one greeting; never changed (a trigger holds it)."""

    __tablename__ = "greeting_version"

    id: Mapped[Id]
    slot_id: Mapped[Ref] = mapped_column(ForeignKey("greeting_slot.id"))
    number: Mapped[int] = mapped_column(Integer)  # 1, 2, 3 within the slot
    original_blob: Mapped[str] = mapped_column(Text)
    original_name: Mapped[str] = mapped_column(Text)
    master_blob: Mapped[str] = mapped_column(Text)  # mono 48 kHz PCM16 WAV, loudness normalised
    duration_s: Mapped[float] = mapped_column(Float)
    loudness_lufs: Mapped[float] = mapped_column(Float)
    script: Mapped[str] = mapped_column(Text, server_default="")
    warnings: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'::jsonb"))  # [{message, values}]
    source: Mapped[GreetingSource] = mapped_column(choice(GreetingSource, "source"), server_default="upload")
    treatment: Mapped[Json] = mapped_column(server_default=sql("'{}'::jsonb"))  # {trim, normalise}: what was done
    measured: Mapped[Json] = mapped_column(server_default=sql("'{}'::jsonb"))  # {before, after}: checks.Findings
    author_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Created]

    __table_args__ = (UniqueConstraint("slot_id", "number"),)


class ApprovalDecision(StrEnum):
    APPROVED = "approved"
    REJECTED = "rejected"


class GreetingApproval(Base):
    """What a second person said of a version; the newest counts, none is ever changed (a trigger holds it)."""

    __tablename__ = "greeting_approval"

    id: Mapped[Id]
    version_id: Mapped[Ref] = mapped_column(ForeignKey("greeting_version.id"))
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    decision: Mapped[ApprovalDecision] = mapped_column(choice(ApprovalDecision, "decision"))
    note: Mapped[str] = mapped_column(Text, server_default="")
    at: Mapped[Created]

    __table_args__ = (Index("ix_greeting_approval_version_id", "version_id"),)


class GreetingCheckState(StrEnum):
    WAITING = "waiting"
    HEARD = "heard"
    NO_ENGINE = "no_engine"  # there is no speech model; taken up when there is
    FAILED = "failed"


class GreetingCheck(Base):
    """What a machine heard in a version, and what it thinks of that. Advice, except for a language surely wrong."""

    __tablename__ = "greeting_check"

    version_id: Mapped[Ref] = mapped_column(ForeignKey("greeting_version.id"), primary_key=True, autoincrement=False)
    state: Mapped[GreetingCheckState] = mapped_column(choice(GreetingCheckState, "state"), server_default="waiting")
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    next_attempt_at: Mapped[datetime | None] = mapped_column(server_default=sql("now()"))  # null: done with it
    text: Mapped[str] = mapped_column(Text, server_default="")
    language: Mapped[str | None] = mapped_column(Text)
    language_confidence: Mapped[float | None] = mapped_column(Float)
    wrong_language: Mapped[bool] = mapped_column(server_default=sql("false"))
    remarks: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'::jsonb"))  # [{message, values}]
    engine: Mapped[str | None] = mapped_column(Text)
    model: Mapped[str | None] = mapped_column(Text)
    model_sha256: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)
    checked_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_greeting_check_waiting", "next_attempt_at", postgresql_where=sql("next_attempt_at IS NOT NULL")),
    )


class GreetingRendition(Base):
    """A version in the format of one target."""

    __tablename__ = "greeting_rendition"

    id: Mapped[Id]
    version_id: Mapped[Ref] = mapped_column(ForeignKey("greeting_version.id"))
    target: Mapped[str] = mapped_column(Text)
    blob: Mapped[str] = mapped_column(Text)  # the SHA-256 that a read-back must match

    __table_args__ = (UniqueConstraint("version_id", "target"),)


class GreetingActivation(Base):
    """From when to when a version stands in its slot. Of those that cover an instant, the one that began last wins."""

    __tablename__ = "greeting_activation"

    id: Mapped[Id]
    slot_id: Mapped[Ref] = mapped_column(ForeignKey("greeting_slot.id"))
    version_id: Mapped[Ref] = mapped_column(ForeignKey("greeting_version.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    created_by_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Created]
    cancelled_at: Mapped[datetime | None]
    cancelled_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    pair_id: Mapped[int | None] = mapped_column(ForeignKey("greeting_activation.id"))  # the other language's, mutual
    alone_because: Mapped[str] = mapped_column(Text, server_default="")  # why without a pair
    confirmed: Mapped[list[str]] = mapped_column(server_default=sql("'[]'::jsonb"))  # which warnings were accepted

    __table_args__ = (
        CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="times"),
        Index("ix_greeting_activation_slot_id", "slot_id"),
    )


class PublicationState(StrEnum):
    LIVE = "live"  # written, read back and equal
    FAILED = "failed"  # the old greeting stays; error says why
    DRIFTED = "drifted"  # somebody else's recording plays until a person decides; see GreetingDrift


class GreetingLive(Base):
    """What the phone system plays on one line in one language, as last read back."""

    __tablename__ = "greeting_live"

    line: Mapped[str] = mapped_column(Text, primary_key=True)
    language: Mapped[str] = mapped_column(Text, primary_key=True)
    target: Mapped[str] = mapped_column(Text, primary_key=True)
    version_id: Mapped[int | None] = mapped_column(ForeignKey("greeting_version.id"))  # last one proven live
    wanted_version_id: Mapped[int | None] = mapped_column(ForeignKey("greeting_version.id"))
    situation: Mapped[Situation | None] = mapped_column(choice(Situation, "situation"))
    sha256: Mapped[str | None] = mapped_column(Text)
    state: Mapped[PublicationState] = mapped_column(choice(PublicationState, "state"))
    error: Mapped[str | None] = mapped_column(Text)
    checked_at: Mapped[datetime]
    live_since: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("state <> 'failed' OR error IS NOT NULL", name="failed_has_error"),)


class DriftDecision(StrEnum):
    PUT_BACK = "put_back"
    ADOPT = "adopt"  # theirs became a version, which plays on until that or another is published


class DriftOutcome(StrEnum):
    PUT_BACK = "put_back"
    REPLACED = "replaced"  # by what was published next
    WENT_BACK = "went_back"  # by itself: ours was found again


class GreetingDrift(Base):
    """Somebody changed what a phone system plays, behind our back. What was found is kept."""

    __tablename__ = "greeting_drift"

    id: Mapped[Id]
    line: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    target: Mapped[str] = mapped_column(Text)
    version_id: Mapped[Ref] = mapped_column(ForeignKey("greeting_version.id"))  # what should have been there
    expected_sha256: Mapped[str] = mapped_column(Text)
    found_sha256: Mapped[str | None] = mapped_column(Text)  # null: nothing, or no single thing
    blob: Mapped[str | None] = mapped_column(Text)  # what was found, where it could be read
    name: Mapped[str] = mapped_column(Text, server_default="")
    noticed_at: Mapped[Created]
    decision: Mapped[DriftDecision | None] = mapped_column(choice(DriftDecision, "decision"))
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    adopted_version_id: Mapped[int | None] = mapped_column(ForeignKey("greeting_version.id"))
    settled_at: Mapped[datetime | None]
    outcome: Mapped[DriftOutcome | None] = mapped_column(choice(DriftOutcome, "outcome"))

    __table_args__ = (
        CheckConstraint("(settled_at IS NULL) = (outcome IS NULL)", name="settled"),
        Index(
            "uq_greeting_drift_open", "line", "language", "target", unique=True,
            postgresql_where=sql("settled_at IS NULL"),
        ),
    )  # fmt: skip


class GreetingAiring(Base):
    """From when to when callers heard what: a version of ours, or (drift) what somebody else had put there."""

    __tablename__ = "greeting_airing"

    id: Mapped[Id]
    line: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)  # of the callers; the greeting's own may be borrowed
    target: Mapped[str] = mapped_column(Text)
    mailbox: Mapped[str] = mapped_column(Text, server_default="")  # as recordings of this phone system name it
    is_fallback: Mapped[bool]  # what is heard where nobody knows the caller's language
    version_id: Mapped[int | None] = mapped_column(ForeignKey("greeting_version.id"))
    drift_id: Mapped[int | None] = mapped_column(ForeignKey("greeting_drift.id"))
    situation: Mapped[Situation] = mapped_column(choice(Situation, "situation"))
    started_at: Mapped[datetime]  # when it was proven, seconds after it could be heard
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("(version_id IS NULL) <> (drift_id IS NULL)", name="one_thing"),
        Index(
            "uq_greeting_airing_open", "line", "language", "target", unique=True,
            postgresql_where=sql("ended_at IS NULL"),
        ),
        Index("ix_greeting_airing_started_at", "started_at"),
    )  # fmt: skip
