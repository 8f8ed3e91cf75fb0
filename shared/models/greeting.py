"""Written by voicemail: greeting slots, immutable versions, activations, and what is live on each target."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, Integer, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Created, Id, Ref, choice


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
    author_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Created]

    __table_args__ = (UniqueConstraint("slot_id", "number"),)


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

    __table_args__ = (
        CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="times"),
        Index("ix_greeting_activation_slot_id", "slot_id"),
    )


class PublicationState(StrEnum):
    LIVE = "live"  # written, read back and equal
    FAILED = "failed"  # the old greeting stays; error says why


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
