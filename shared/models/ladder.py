"""Written by tickets: the steps that were taken for a ticket that nobody there may answer."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Created, Id, Json, Ref, choice


class Rung(StrEnum):
    CONFIRM_LANGUAGE = "confirm_language"  # somebody must read or listen and say which language it is
    ALERT = "alert"  # the shift leads were told
    TELL_CUSTOMER = "tell_customer"  # the customer was told when to expect somebody, or nobody could be
    SUPERVISOR = "supervisor"  # a supervisor must decide
    INTERPRETER = "interpreter"  # the way on is the interpreter line


class Missing(StrEnum):
    """What nobody has who is there."""

    LANGUAGE = "language"  # is verified in the ticket's language
    LEVEL = "level"  # may close tickets of its level
    BOTH = "both"  # each has somebody; nobody has both


class LadderStep(Base):
    """One step for one ticket, once in each wait of its customer."""

    __tablename__ = "ladder_step"

    id: Mapped[Id]
    ticket_id: Mapped[Ref] = mapped_column(ForeignKey("ticket.id"))
    rung: Mapped[Rung] = mapped_column(choice(Rung, "rung"))
    missing: Mapped[Missing] = mapped_column(choice(Missing, "missing"))
    language: Mapped[str] = mapped_column(Text)  # the ticket's at that time
    wait_began_at: Mapped[datetime]  # Ticket.queued_at at that time
    share: Mapped[float] = mapped_column(Float)  # of the promise that had passed
    told_address: Mapped[str | None] = mapped_column(Text)  # of the mail that told the customer
    detail: Mapped[Json] = mapped_column(server_default=sql("'{}'::jsonb"))
    at: Mapped[Created]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    __table_args__ = (
        UniqueConstraint("ticket_id", "wait_began_at", "rung"),
        # However often the customer waits on it: they are told once.
        Index("uq_ladder_step_told", "ticket_id", unique=True, postgresql_where=sql("rung = 'tell_customer'")),
        Index("ix_ladder_step_told_address", "told_address", "at", postgresql_where=sql("told_address IS NOT NULL")),
        CheckConstraint("(acknowledged_at IS NULL) = (acknowledged_by_id IS NULL)", name="acknowledged"),
    )
