"""Written by tickets: attempts to call customers, calls that are scheduled, what was promised, and waveforms."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, LargeBinary, Text
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Created, Id, Ref, choice


class CallOutcome(StrEnum):
    REACHED = "reached"
    NO_ANSWER = "no_answer"
    LEFT_MESSAGE = "left_message"
    WRONG_NUMBER = "wrong_number"
    NOT_MADE = "not_made"  # begun by mistake
    NOT_LOGGED = "not_logged"  # nobody said how it ended


class CallAttempt(Base):
    """One call to a customer. While it is open nobody else may call on its ticket."""

    __tablename__ = "call_attempt"

    id: Mapped[Id]
    ticket_id: Mapped[Ref] = mapped_column(ForeignKey("ticket.id"))
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    number: Mapped[str] = mapped_column(Text)  # E.164
    started_at: Mapped[Created]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[CallOutcome | None] = mapped_column(choice(CallOutcome, "outcome"))
    note: Mapped[str] = mapped_column(Text, server_default="")

    __table_args__ = (
        Index("uq_call_attempt_open", "ticket_id", unique=True, postgresql_where=sql("ended_at IS NULL")),
        Index("ix_call_attempt_ticket_id", "ticket_id", "id"),
        Index("ix_call_attempt_person_open", "person_id", postgresql_where=sql("ended_at IS NULL")),
        CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name="ended"),
        CheckConstraint("number LIKE '+%'", name="number"),
    )


class ScheduledEnd(StrEnum):
    DUE = "due"  # its time came
    CALLED = "called"  # somebody called before
    CHANGED = "changed"  # another time was set
    MOVED_ON = "moved_on"  # the customer wrote, or somebody went on with the ticket


class ScheduledCall(Base):
    """When a ticket that waits for its customer is called again."""

    __tablename__ = "scheduled_call"

    id: Mapped[Id]
    ticket_id: Mapped[Ref] = mapped_column(ForeignKey("ticket.id"))
    call_at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # null: the desk, after unanswered attempts
    created_at: Mapped[Created]
    ended_at: Mapped[datetime | None]
    ended_how: Mapped[ScheduledEnd | None] = mapped_column(choice(ScheduledEnd, "ended_how"))

    __table_args__ = (
        Index("uq_scheduled_call_open", "ticket_id", unique=True, postgresql_where=sql("ended_at IS NULL")),
        Index("ix_scheduled_call_due", "call_at", postgresql_where=sql("ended_at IS NULL")),
        Index("ix_scheduled_call_ticket_id", "ticket_id"),
        CheckConstraint("(ended_how IS NULL) = (ended_at IS NULL)", name="ended"),
    )


class Promise(Base):
    """What a representative promised a customer, until somebody says that it was kept."""

    __tablename__ = "promise"

    id: Mapped[Id]
    ticket_id: Mapped[Ref] = mapped_column(ForeignKey("ticket.id"))
    attempt_id: Mapped[int | None] = mapped_column(ForeignKey("call_attempt.id"))  # the call in which it was made
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    text: Mapped[str] = mapped_column(Text)
    due_on: Mapped[date | None]  # the last day, in the center's time zone
    remind_at: Mapped[datetime | None]  # from when on the lists show it
    reminded_at: Mapped[datetime | None]  # its reminder stands on the timeline
    created_at: Mapped[Created]
    kept_at: Mapped[datetime | None]
    kept_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    __table_args__ = (
        Index("ix_promise_ticket_id", "ticket_id"),
        Index("ix_promise_open", "remind_at", postgresql_where=sql("kept_at IS NULL")),
        CheckConstraint("(due_on IS NULL) = (remind_at IS NULL)", name="remind"),
        CheckConstraint("(kept_at IS NULL) = (kept_by_id IS NULL)", name="kept"),
        CheckConstraint("text <> ''", name="text"),
    )


class Waveform(Base):
    """The picture of a recording's loudness, worked out once from what browsers play."""

    __tablename__ = "waveform"

    recording_id: Mapped[Ref] = mapped_column(ForeignKey("recording.id"), primary_key=True, autoincrement=False)
    blob: Mapped[str] = mapped_column(Text)  # the playback that was looked at: another one is looked at anew
    duration_ms: Mapped[int] = mapped_column(Integer)
    peaks: Mapped[bytes] = mapped_column(LargeBinary)  # loudest sample of equal slices, 0 to 255
    quiet: Mapped[bytes] = mapped_column(LargeBinary)  # stretches without sound: pairs of uint32 milliseconds
    created_at: Mapped[Created]
