"""Written by tickets: what the center promises its customers in time, the clocks that measure it, and their pauses."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, Integer, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Created, Id, Ref, choice
from shared.models.ticket import Channel, ClockKind, Priority


class SlaTarget(Base):
    """A target that somebody set, for the tickets it names; null names all of them. See tickets/clocks/targets.py."""

    __tablename__ = "sla_target"

    id: Mapped[Id]
    kind: Mapped[ClockKind] = mapped_column(choice(ClockKind, "kind"))
    channel: Mapped[Channel | None] = mapped_column(choice(Channel, "channel"))
    priority: Mapped[Priority | None] = mapped_column(choice(Priority, "priority"))
    language: Mapped[str | None] = mapped_column(Text)
    minutes: Mapped[int | None] = mapped_column(Integer)  # null: nothing is promised
    around_clock: Mapped[bool] = mapped_column(server_default=sql("false"))  # nights count, else only open time
    updated_at: Mapped[Created]
    updated_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    __table_args__ = (
        UniqueConstraint("kind", "channel", "priority", "language", postgresql_nulls_not_distinct=True),
        CheckConstraint("minutes BETWEEN 1 AND 525600", name="minutes"),
        CheckConstraint("language ~ '^([a-z]{2}|mixed|unknown)$'", name="language"),
    )


class ClockEnd(StrEnum):
    MET = "met"
    DROPPED = "dropped"  # nobody waits for it any more: merged, without words, closed without an answer


class SlaClock(Base):
    """One promise on one ticket. What it has counted is kept in open seconds (`used_s`, up to `running_since`), so
    that a pause is a number and an edit of the calendar changes the time that it is about and no other."""

    __tablename__ = "sla_clock"

    id: Mapped[Id]
    ticket_id: Mapped[Ref] = mapped_column(ForeignKey("ticket.id"))
    kind: Mapped[ClockKind] = mapped_column(choice(ClockKind, "kind"))
    started_at: Mapped[datetime]
    target_s: Mapped[int] = mapped_column(Integer)
    around_clock: Mapped[bool] = mapped_column(server_default=sql("false"))
    used_s: Mapped[float] = mapped_column(Float, server_default="0")
    running_since: Mapped[datetime | None]  # null: it stands still, or has ended
    due_at: Mapped[datetime | None]  # null: it stands still, or the center never opens again
    warn_at: Mapped[datetime | None]
    warned_at: Mapped[datetime | None]
    breached_at: Mapped[datetime | None]  # the moment it was due and not kept
    ended_at: Mapped[datetime | None]
    ended_how: Mapped[ClockEnd | None] = mapped_column(choice(ClockEnd, "ended_how"))
    late_s: Mapped[float | None] = mapped_column(Float)  # over the target when it ended; 0: kept in time
    revision: Mapped[int] = mapped_column(Integer, server_default="0")  # newest SlaChange that it knows

    __table_args__ = (
        Index("uq_sla_clock_open", "ticket_id", "kind", unique=True, postgresql_where=sql("ended_at IS NULL")),
        Index("ix_sla_clock_ticket_id", "ticket_id"),
        Index("ix_sla_clock_due", "due_at", postgresql_where=sql("ended_at IS NULL AND breached_at IS NULL")),
        Index(
            "ix_sla_clock_warn",
            "warn_at",
            postgresql_where=sql("ended_at IS NULL AND breached_at IS NULL AND warned_at IS NULL"),
        ),
        Index("ix_sla_clock_revision", "revision", postgresql_where=sql("ended_at IS NULL")),
        CheckConstraint("(ended_how IS NULL) = (ended_at IS NULL)", name="ended"),
        CheckConstraint("ended_at IS NULL OR running_since IS NULL", name="stopped"),
        CheckConstraint("target_s > 0", name="target"),
    )


class PauseCause(StrEnum):
    CUSTOMER = "customer"  # the ticket waits for the customer
    CALL = "call"  # the customer did not answer, again and again, and is called later


class SlaPause(Base):
    """While a clock stands still. Its length and its place are open seconds, counted when they happened."""

    __tablename__ = "sla_pause"

    id: Mapped[Id]
    clock_id: Mapped[Ref] = mapped_column(ForeignKey("sla_clock.id"))
    cause: Mapped[PauseCause] = mapped_column(choice(PauseCause, "cause"))
    stopped_at: Mapped[datetime]
    at_s: Mapped[float] = mapped_column(Float)  # what the clock had counted
    resumed_at: Mapped[datetime | None]
    passed_s: Mapped[float | None] = mapped_column(Float)  # of open time meanwhile

    __table_args__ = (
        Index("uq_sla_pause_open", "clock_id", unique=True, postgresql_where=sql("resumed_at IS NULL")),
        Index("ix_sla_pause_clock_id", "clock_id"),
        CheckConstraint("(resumed_at IS NULL) = (passed_s IS NULL)", name="resumed"),
        CheckConstraint("resumed_at >= stopped_at", name="forward"),
    )


class ChangeKind(StrEnum):
    TARGETS = "targets"
    WEEK = "week"
    DAY = "day"


class SlaChange(Base):
    """Targets or opening hours changed, and what was open has to follow. A clock knows how far it did (`revision`)."""

    __tablename__ = "sla_change"

    id: Mapped[Id]
    kind: Mapped[ChangeKind] = mapped_column(choice(ChangeKind, "kind"))
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    before: Mapped[dict[str, Any] | None]  # of hours: the calendar as it was
    after: Mapped[dict[str, Any] | None]
    # The past that is counted anew; both null: none of it, what was counted stays.
    recount_from: Mapped[datetime | None]
    recount_until: Mapped[datetime | None]
    moved: Mapped[int] = mapped_column(Integer, server_default="0")  # tickets whose due time it changed
    done_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_sla_change_open", "id", postgresql_where=sql("done_at IS NULL")),
        CheckConstraint("(kind = 'targets') = (before IS NULL)", name="before"),
        CheckConstraint("(before IS NULL) = (after IS NULL)", name="after"),
    )
