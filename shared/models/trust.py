"""Written by tickets: identities that people checked, and what people said about senders."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Created, Id, Ref, choice


class IdentityMethod(StrEnum):
    PHONE = "phone"  # asked for account facts by telephone
    COUNTER = "counter"  # saw a document at the counter
    OTHER = "other"  # the note says how


class IdentityCheck(Base):
    """Somebody made sure, on this ticket, that an address is the customer's. It may end by itself: tickets/trust.py."""

    __tablename__ = "identity_check"

    id: Mapped[Id]
    ticket_id: Mapped[Ref] = mapped_column(ForeignKey("ticket.id"))
    entry_id: Mapped[Ref] = mapped_column(
        ForeignKey("entry.id")
    )  # its place on the timeline: what came later may end it
    address: Mapped[str] = mapped_column(Text)  # lower case
    method: Mapped[IdentityMethod] = mapped_column(choice(IdentityMethod, "method"))
    note: Mapped[str] = mapped_column(Text, server_default="")  # what was asked or seen
    checked_by_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    checked_at: Mapped[Created]
    ended_at: Mapped[datetime | None]  # taken back by a person
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    __table_args__ = (
        Index("ix_identity_check_ticket_id", "ticket_id"),
        CheckConstraint("address = lower(address) AND address <> ''", name="address"),
        CheckConstraint("(ended_at IS NULL) = (ended_by_id IS NULL)", name="ended"),
    )


class LeftSender(Base):
    """Somebody looked at held mail of this address and left it held: what the same policy holds next needs no look."""

    __tablename__ = "left_sender"

    id: Mapped[Id]
    address: Mapped[str] = mapped_column(Text)  # lower case
    policy: Mapped[str] = mapped_column(Text)  # as in intake.policy
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))  # the mail that was looked at
    decided_by_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[Created]

    __table_args__ = (
        UniqueConstraint("address", "policy"),
        CheckConstraint("address = lower(address) AND address <> ''", name="address"),
    )


class SenderJudgement(Base):
    """What a person said about an address, for its next mail. Revoking removes the row; the audit log remembers."""

    __tablename__ = "sender_judgement"

    id: Mapped[Id]
    address: Mapped[str] = mapped_column(Text, unique=True)  # lower case
    spam: Mapped[bool] = mapped_column(Boolean)  # false: a customer's, whatever the mail server calls it
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))  # the mail that was judged
    decided_by_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[Created]

    __table_args__ = (CheckConstraint("address = lower(address) AND address <> ''", name="address"),)
