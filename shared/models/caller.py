"""Written by tickets: what a caller wants, as it was heard in a recording or noted by a person."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, SmallInteger, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Created, Id, Ref, choice


class CallerFactKind(StrEnum):
    CALLBACK = "callback"
    ACCOUNT = "account"
    NAME = "name"
    AGREEMENT = "agreement"  # a service agreement's id


class CallerFactState(StrEnum):
    HEARD = "heard"  # by a machine; nothing is done with it yet
    CONFIRMED = "confirmed"  # by a person
    REJECTED = "rejected"  # by a person: not proposed again
    GONE = "gone"  # a later transcript no longer says it


class CallerFact(Base):
    """One value of one recording. It belongs to the recording, so it goes where the recording goes when a ticket is
    split or merged; what a person decided outlives every new transcript."""

    __tablename__ = "caller_fact"

    id: Mapped[Id]
    recording_id: Mapped[Ref] = mapped_column(ForeignKey("recording.id"))
    kind: Mapped[CallerFactKind] = mapped_column(choice(CallerFactKind, "kind"))
    value: Mapped[str] = mapped_column(Text)  # see tickets/callers/facts.py
    extension: Mapped[str] = mapped_column(Text, server_default="")
    state: Mapped[CallerFactState] = mapped_column(choice(CallerFactState, "state"), server_default="heard")
    position: Mapped[int] = mapped_column(SmallInteger, server_default="0")  # in the order in which they are shown
    places: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'::jsonb"))  # said, from_s, to_s, confidence
    confidence: Mapped[float | None] = mapped_column(Float)  # null: not known, or a person wrote it
    doubts: Mapped[list[str]] = mapped_column(server_default=sql("'[]'::jsonb"))
    unclear_digits: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'::jsonb"))  # counted from 1
    earlier: Mapped[str] = mapped_column(Text, server_default="")  # what the caller said before correcting it
    agrees_with_caller_id: Mapped[bool | None]
    for_other: Mapped[bool] = mapped_column(server_default=sql("false"))  # of a name: the caller speaks for them
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("caller_fact.id"))  # what a person corrected
    by_hand_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # who wrote it; null: it was heard
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    created_at: Mapped[Created]

    __table_args__ = (
        UniqueConstraint("recording_id", "kind", "value"),
        Index("ix_caller_fact_replaces_id", "replaces_id", postgresql_where=sql("replaces_id IS NOT NULL")),
        CheckConstraint("value <> ''", name="value"),
        CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
        CheckConstraint("(state IN ('confirmed', 'rejected')) = (decided_at IS NOT NULL)", name="decided"),
        CheckConstraint("(decided_at IS NULL) = (decided_by_id IS NULL)", name="decided_by"),
    )
