"""Written by tickets: what people said about what the machine had decided, for the model to learn from."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Created, Id, Json, Ref, choice


class CorrectionKind(StrEnum):
    LANGUAGE = "language"
    TOPIC = "topic"
    PRIORITY = "priority"


class Correction(Base):
    """One person's word on one decision of the machine; the same value twice means that it was right.

    At most one of a kind counts for a ticket: a later word, or taking it back, ends the one before. It names the words
    that were judged and has no copy of them; they are read, and masked, when they are exported.
    """

    __tablename__ = "correction"

    id: Mapped[Id]
    ticket_id: Mapped[Ref] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    kind: Mapped[CorrectionKind] = mapped_column(choice(CorrectionKind, "kind"))
    decided: Mapped[str] = mapped_column(Text)  # by the machine
    corrected: Mapped[str] = mapped_column(Text)  # by the person
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    model: Mapped[str] = mapped_column(Text, server_default="")  # version that read the words; empty: unknown
    evidence: Mapped[Json] = mapped_column(server_default=sql("'{}'::jsonb"))  # figures and codes, no words
    before: Mapped[Json] = mapped_column(server_default=sql("'{}'::jsonb"))  # what taking it back restores
    # Whose words were read. None of them: nothing was written or said yet.
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id", ondelete="SET NULL"))
    transcript_id: Mapped[int | None] = mapped_column(ForeignKey("transcript.id", ondelete="SET NULL"))
    entry_id: Mapped[int | None] = mapped_column(ForeignKey("entry.id", ondelete="SET NULL"))
    at: Mapped[Created]
    ended_at: Mapped[datetime | None]  # corrected again, or taken back
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    __table_args__ = (
        CheckConstraint("num_nonnulls(message_id, transcript_id, entry_id) <= 1", name="one_source"),
        CheckConstraint("(ended_at IS NULL) = (ended_by_id IS NULL)", name="ended"),
        Index("uq_correction_counts", "ticket_id", "kind", unique=True, postgresql_where=sql("ended_at IS NULL")),
        Index("ix_correction_ticket_id", "ticket_id"),
        Index("ix_correction_at", "at"),
    )
