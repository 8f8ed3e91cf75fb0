"""Written by tickets: what a supervisor moved in one action, and what is needed to put it back."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Created, Id, Ref, choice


class Reassignment(Base):
    """One action on one or many tickets."""

    __tablename__ = "reassignment"

    id: Mapped[Id]
    by_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    to_ids: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'::jsonb"))  # people asked for; none: the queue
    reason: Mapped[str] = mapped_column(Text)
    override: Mapped[bool] = mapped_column(server_default=sql("false"))  # also to who is not verified in the language
    at: Mapped[Created]
    undone_at: Mapped[datetime | None]
    undone_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    __table_args__ = (
        CheckConstraint("(undone_at IS NULL) = (undone_by_id IS NULL)", name="undone"),
        Index("ix_reassignment_at", "at"),
    )


class MoveOutcome(StrEnum):
    ASSIGNED = "assigned"
    QUEUED = "queued"  # sent back
    UNCHANGED = "unchanged"  # it was theirs, or in the queue, already
    NEEDS_OVERRIDE = "needs_override"  # nothing was changed: the person is not verified in the ticket's language
    CLOSED = "closed"
    NOT_FOUND = "not_found"  # never stored


class UndoOutcome(StrEnum):
    BACK = "back"
    TOUCHED = "touched"  # somebody has worked on it since
    MOVED_ON = "moved_on"  # somebody else has it now
    CLOSED = "closed"
    LEFT = "left"  # who had it no longer works on tickets


class ReassignedTicket(Base):
    """One ticket of the action. `from_id`: who had accepted it; null: it waited in the queue."""

    __tablename__ = "reassigned_ticket"

    reassignment_id: Mapped[Ref] = mapped_column(ForeignKey("reassignment.id"), primary_key=True)
    ticket_id: Mapped[Ref] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    outcome: Mapped[MoveOutcome] = mapped_column(choice(MoveOutcome, "outcome"))
    flags: Mapped[list[str]] = mapped_column(server_default=sql("'[]'::jsonb"))
    from_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    to_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    assignment_id: Mapped[int | None] = mapped_column(ForeignKey("assignment.id"))  # that came of it
    # How it was pinned before: undoing puts that back too.
    was_pinned: Mapped[bool] = mapped_column(server_default=sql("false"))
    was_pinned_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    was_pin_reason: Mapped[str] = mapped_column(Text, server_default="")
    last_entry_id: Mapped[int] = mapped_column(BigInteger, server_default="0")  # what is younger happened since
    undo_outcome: Mapped[UndoOutcome | None] = mapped_column(choice(UndoOutcome, "undo_outcome"))

    __table_args__ = (
        CheckConstraint("outcome <> 'not_found'", name="found"),
        Index("ix_reassigned_ticket_ticket_id", "ticket_id"),
        Index("ix_reassigned_ticket_from_id", "from_id", postgresql_where=sql("from_id IS NOT NULL")),
        Index("ix_reassigned_ticket_to_id", "to_id", postgresql_where=sql("to_id IS NOT NULL")),
    )
