"""Written by tickets: our mail that did not arrive and waits for a person."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Created, Id, Ref, choice


class ReturnedSettled(StrEnum):
    RESENT = "resent"  # sent again, to the same address or to the right one
    CALLED = "called"  # the customer was reached by telephone
    DISMISSED = "dismissed"  # nothing needs to be done
    CLOSED = "closed"  # with its ticket


class ReturnedMail(Base):
    """A person's answer that somebody did not get. On its CSR's screen until it is settled."""

    __tablename__ = "returned_mail"

    id: Mapped[Id]
    delivery_id: Mapped[Ref] = mapped_column(ForeignKey("delivery.id"), unique=True)
    ticket_id: Mapped[Ref] = mapped_column(ForeignKey("ticket.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # who is told; null: nobody's yet
    recipients: Mapped[list[Any]]  # {"address", "permanent", "status", "diagnostic"} of those who did not get it
    at: Mapped[Created]
    settled: Mapped[ReturnedSettled | None] = mapped_column(choice(ReturnedSettled, "settled"))
    settled_at: Mapped[datetime | None]
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    __table_args__ = (
        CheckConstraint("(settled IS NULL) = (settled_at IS NULL)", name="settled_at"),
        Index("ix_returned_mail_open", "person_id", postgresql_where=sql("settled IS NULL")),
        Index("ix_returned_mail_ticket_id", "ticket_id"),
    )
