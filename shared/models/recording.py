"""Written by voicemail: recordings as they arrived, and what the machine heard in them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, Integer, SmallInteger, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Created, Id, Json, Ref, choice


class RecordingSource(StrEnum):
    UPLOAD = "upload"
    SPOOL = "spool"
    EMAIL = "email"
    CALLBACK = "callback"
    FREESWITCH = "freeswitch"


class RecordingState(StrEnum):
    RECEIVED = "received"  # waits for a transcriber
    TRANSCRIBED = "transcribed"
    FAILED = "failed"  # tried; retried at next_attempt_at, or given up when that is null
    NO_ENGINE = "no_engine"  # no weights configured; taken up when there are
    UNREADABLE = "unreadable"  # not audio, empty or corrupt: the bytes are kept
    FETCHING = "fetching"  # the call is known, its audio is still with the telephone provider
    MISSING = "missing"  # its audio is not here and will not come: a mail with a link only, or given up fetching


class Recording(Base):
    __tablename__ = "recording"

    id: Mapped[Id]
    source: Mapped[RecordingSource] = mapped_column(choice(RecordingSource, "source"))
    source_id: Mapped[str] = mapped_column(Text)  # the source's own id of the message; see voicemail/intake.py
    attachment_id: Mapped[int | None] = mapped_column(ForeignKey("attachment.id"), unique=True)
    line: Mapped[str] = mapped_column(Text, server_default="")  # number or name that was called
    mailbox: Mapped[str] = mapped_column(Text, server_default="")
    caller_id: Mapped[str | None] = mapped_column(Text)  # E.164 when it could be read as a number
    caller_name: Mapped[str] = mapped_column(Text, server_default="")
    menu_language: Mapped[str | None] = mapped_column(Text)  # what the caller chose or the line implies
    urgent: Mapped[bool] = mapped_column(server_default=sql("false"))
    called_at: Mapped[datetime]
    received_at: Mapped[Created]
    blob: Mapped[str | None] = mapped_column(Text)  # the bytes as they came; null while there are none
    content_type: Mapped[str] = mapped_column(Text)
    playback_blob: Mapped[str | None] = mapped_column(Text)  # what browsers play: mono PCM16 WAV
    duration_s: Mapped[float | None] = mapped_column(Float)
    state: Mapped[RecordingState] = mapped_column(choice(RecordingState, "state"), server_default="received")
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    next_attempt_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]  # a worker is on it
    taken_up_at: Mapped[datetime | None]  # by a worker, last: mailboxes take turns
    # What was heard so far, while it is being transcribed: as Transcript.segments, and growing. After a failure it
    # stays until the next attempt has heard something; it goes when the transcript is stored.
    partial_segments: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    engine_deaths: Mapped[int] = mapped_column(SmallInteger, server_default="0")  # crashes and kills while at it
    error: Mapped[str | None] = mapped_column(Text)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))  # the mail that told of it
    # What the phone system says of it, as its own word: {"by": "RingCentral", "text": its transcript, "link": where it
    # keeps the audio, "duration_s"}; each only where it says so.
    vendor: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    # The same call through another door, at the same time: that row is the recording, this one only says that it came.
    same_as: Mapped[int | None] = mapped_column(ForeignKey("recording.id"))
    compare_until: Mapped[datetime | None]  # until then it is compared with other doors' recordings: no ticket yet

    __table_args__ = (
        UniqueConstraint("source", "source_id"),
        CheckConstraint("blob IS NOT NULL OR state IN ('fetching', 'missing')", name="bytes"),
        CheckConstraint("same_as <> id", name="same_as_another"),
        Index("ix_recording_blob", "blob"),
        Index("ix_recording_taken_up", "line", "mailbox", "taken_up_at"),
        Index("ix_recording_called_at", "called_at"),
        Index("ix_recording_message_id", "message_id"),
        Index("ix_recording_comparing", "id", postgresql_where=sql("compare_until IS NOT NULL")),
        Index("ix_recording_waiting", "id", postgresql_where=sql("state IN ('received', 'failed', 'no_engine')")),
    )


class Transcript(Base):
    """One decoding of one recording; never changed. The newest is shown."""

    __tablename__ = "transcript"

    id: Mapped[Id]
    recording_id: Mapped[Ref] = mapped_column(ForeignKey("recording.id"))
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)  # es, en, mixed or unknown
    language_confidence: Mapped[float] = mapped_column(Float)
    language_evidence: Mapped[Json]  # probabilities per window
    segments: Mapped[list[Any]]  # see voicemail/engine.py
    # {start, end, kind, language, …}: the whole recording from its first second to its last; see voicemail/engine.py
    regions: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'::jsonb"))
    flags: Mapped[list[str]] = mapped_column(server_default=sql("'[]'::jsonb"))
    engine: Mapped[str] = mapped_column(Text)
    model: Mapped[str] = mapped_column(Text)
    model_sha256: Mapped[str] = mapped_column(Text)
    options: Mapped[Json]
    took_ms: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[Created]

    __table_args__ = (
        CheckConstraint("language_confidence BETWEEN 0 AND 1", name="confidence"),
        Index("ix_transcript_recording_id", "recording_id"),
    )


class TranscriptCorrection(Base):
    """What a representative says was said. Written by tickets. Never changed, and the transcript stays beside it."""

    __tablename__ = "transcript_correction"

    id: Mapped[Id]
    recording_id: Mapped[Ref] = mapped_column(ForeignKey("recording.id"))
    transcript_id: Mapped[Ref] = mapped_column(ForeignKey("transcript.id"))
    version: Mapped[int] = mapped_column(Integer)  # 1, 2, …; the highest is what counts
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(Text)  # when the language was corrected too
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Created]

    __table_args__ = (
        UniqueConstraint("transcript_id", "version"),
        CheckConstraint("version > 0", name="version"),
        Index("ix_transcript_correction_recording_id", "recording_id"),
    )
