"""Written by tickets: what a message states, where in its text it stands, as the people who work on it see it."""

from enum import StrEnum

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, Text
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Created, Id, choice


class FactKind(StrEnum):
    PHONE = "phone"
    ACCOUNT = "account"
    AGREEMENT = "agreement"  # a service agreement's id
    AMOUNT = "amount"
    DATE = "date"
    ADDRESS = "address"
    NAME = "name"


class FactPart(StrEnum):
    """Which text the places of a fact count in."""

    TEXT = "text"
    SIGNATURE = "signature"  # of a mail


class MessageFact(Base):
    """One of a mail, a recording or a contact that somebody wrote down: exactly one of the three.

    Of a recording they are replaced whenever its words change; of the others they never do.
    """

    __tablename__ = "message_fact"

    id: Mapped[Id]
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    recording_id: Mapped[int | None] = mapped_column(ForeignKey("recording.id"))
    entry_id: Mapped[int | None] = mapped_column(ForeignKey("entry.id"))  # a contact
    kind: Mapped[FactKind] = mapped_column(choice(FactKind, "kind"))
    value: Mapped[str] = mapped_column(Text)  # in the form that is compared: services/tickets/facts/found.py
    part: Mapped[FactPart] = mapped_column(choice(FactPart, "part"), server_default=FactPart.TEXT.value)
    start: Mapped[int]  # characters of that part
    end: Mapped[int]
    confidence: Mapped[float] = mapped_column(Float)
    created_at: Mapped[Created]

    __table_args__ = (
        Index("ix_message_fact_message_id", "message_id", postgresql_where=sql("message_id IS NOT NULL")),
        Index("ix_message_fact_recording_id", "recording_id", postgresql_where=sql("recording_id IS NOT NULL")),
        Index("ix_message_fact_entry_id", "entry_id", postgresql_where=sql("entry_id IS NOT NULL")),
        CheckConstraint("num_nonnulls(message_id, recording_id, entry_id) = 1", name="source"),
        CheckConstraint("value <> ''", name="value"),
        CheckConstraint('start >= 0 AND "end" > start', name="place"),
        CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
    )
