"""Created by tickets, marked sent or failed by inbox: every mail that leaves."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, Text
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Created, Id, Ref, choice


class DeliveryKind(StrEnum):
    REPLY = "reply"
    ACKNOWLEDGEMENT = "acknowledgement"
    SAFETY = "safety"  # the acknowledgement of an emergency
    PAGE = "page"  # to the shift lead, not to the customer


class DeliveryState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"  # handed to the SMTP server, answer not yet recorded; see leased_until
    SENT = "sent"
    FAILED = "failed"


class Delivery(Base):
    __tablename__ = "delivery"

    id: Mapped[Id]
    ticket_id: Mapped[Ref] = mapped_column(ForeignKey("ticket.id"))
    kind: Mapped[DeliveryKind] = mapped_column(choice(DeliveryKind, "kind"))
    mailbox_id: Mapped[int | None] = mapped_column(ForeignKey("mailbox.id"))  # null: the first one that can send
    state: Mapped[DeliveryState] = mapped_column(choice(DeliveryState, "state"), server_default="queued")
    to_addresses: Mapped[list[str]]
    cc_addresses: Mapped[list[str]] = mapped_column(server_default=sql("'[]'::jsonb"))
    subject: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    rfc_message_id: Mapped[str] = mapped_column(Text, unique=True)  # stable: the same at every try
    in_reply_to: Mapped[str | None] = mapped_column(Text)
    references: Mapped[list[str]] = mapped_column(server_default=sql("'[]'::jsonb"))
    reply_token: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=sql("now()"))
    leased_until: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    failure_noted: Mapped[bool] = mapped_column(server_default=sql("false"))  # by tickets, on the timeline
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Created]
    sent_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_delivery_one_acknowledgement",
            "ticket_id",
            "kind",  # a plain one, and the safety instructions if a later mail speaks of an emergency
            unique=True,
            postgresql_where=sql("kind IN ('acknowledgement', 'safety')"),
        ),
        Index("ix_delivery_to_note", "id", postgresql_where=sql("state IN ('sent', 'failed') AND NOT failure_noted")),
        Index("ix_delivery_due", "next_attempt_at", postgresql_where=sql("state IN ('queued', 'sending')")),
        Index("ix_delivery_ticket_id", "ticket_id"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent"),
        CheckConstraint("state <> 'failed' OR last_error IS NOT NULL", name="failed"),
        CheckConstraint("jsonb_array_length(to_addresses) > 0", name="to"),
    )
