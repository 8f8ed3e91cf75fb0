"""Written by voicemail: how each door of recordings is, and the work that is left to do with telephone systems."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, SmallInteger, Text
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Json, Ref, choice


class DoorKind(StrEnum):
    SPOOL = "spool"
    AMI = "ami"
    FREESWITCH = "freeswitch"  # its storage folder
    ESL = "esl"
    EMAIL = "email"
    CALLBACK = "callback"
    UPLOAD = "upload"


class DoorState(StrEnum):
    STARTING = "starting"
    OPEN = "open"  # connected or read; or, where the other side calls us, ready
    FAILED = "failed"  # tried again by itself; `error` says why


class Door(Base):
    """One way in for recordings, as its process last saw it."""

    __tablename__ = "door"

    name: Mapped[str] = mapped_column(Text, primary_key=True)  # `spool:pbx`, `ami:pbx`, `callback:twilio`, `email`
    kind: Mapped[DoorKind] = mapped_column(choice(DoorKind, "kind"))
    state: Mapped[DoorState] = mapped_column(choice(DoorState, "state"), server_default="starting")
    state_at: Mapped[datetime]  # since when it is so
    seen_at: Mapped[datetime]  # when its process last said so
    error: Mapped[str | None] = mapped_column(Text)
    last_message_at: Mapped[datetime | None]  # when a recording last came through
    last_recording_id: Mapped[int | None] = mapped_column(ForeignKey("recording.id"))
    messages: Mapped[int] = mapped_column(BigInteger, server_default="0")
    refused: Mapped[int] = mapped_column(BigInteger, server_default="0")  # wrong signature, sender not authenticated
    last_refused_at: Mapped[datetime | None]


class RecordingFetch(Base):
    """Audio that is to be fetched from a telephone provider while it keeps it."""

    __tablename__ = "recording_fetch"

    recording_id: Mapped[Ref] = mapped_column(ForeignKey("recording.id"), primary_key=True)
    callback: Mapped[str] = mapped_column(Text)  # by the name that the settings give it
    url: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    next_attempt_at: Mapped[datetime | None]  # null: it is over
    leased_until: Mapped[datetime | None]
    give_up_at: Mapped[datetime]  # the provider keeps it no longer
    error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index("ix_recording_fetch_waiting", "next_attempt_at", postgresql_where=sql("next_attempt_at IS NOT NULL")),
    )


class PhoneTask(Base):
    """What a telephone system is to be told of a message once its ticket stands: mark it read, move it, remove it."""

    __tablename__ = "phone_task"

    recording_id: Mapped[Ref] = mapped_column(ForeignKey("recording.id"), primary_key=True)
    system: Mapped[str] = mapped_column(Text)  # `spool:pbx`, `freeswitch:pbx`
    message: Mapped[
        Json
    ]  # how that system knows it: {"context", "mailbox", "folder", "id"} or {"user", "domain", "uuid"}
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    next_attempt_at: Mapped[datetime | None]  # null: done, or given up when there is an error
    error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index("ix_phone_task_waiting", "next_attempt_at", postgresql_where=sql("next_attempt_at IS NOT NULL")),
    )
