"""Every mail that leaves: made, taken back and put back by tickets, sent by the inbox, which also paces the domains."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, SmallInteger, Text
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Created, Id, Json, Ref, choice


class DeliveryKind(StrEnum):
    REPLY = "reply"
    ACKNOWLEDGEMENT = "acknowledgement"
    SAFETY = "safety"  # the acknowledgement of an emergency
    EXPECTATION = "expectation"  # that it takes longer, and when to expect somebody who speaks their language
    PAGE = "page"  # to the shift lead, not to the customer


class DeliveryState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"  # handed to the SMTP server, answer not yet recorded; see leased_until
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"  # taken back before anything was handed over


class DeliveryFailure(StrEnum):
    """Why it failed, for whoever must decide what to do now; the server's own words stand in `last_error`."""

    ADDRESS = "address"  # not an address, or one that our server cannot write to
    RECIPIENT = "recipient"  # the server knows nobody there, or takes nothing for them
    CONTENT = "content"  # the server does not take this mail
    SIZE = "size"  # larger than the server takes
    SENDER = "sender"  # the server does not let us send
    FILE = "file"  # the bytes of an attachment are not in the store
    GAVE_UP = "gave_up"  # temporary failures for too long
    UNKNOWN = "unknown"  # handed over, no answer noted: it may have arrived


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
    undo_until: Mapped[datetime | None]  # held so long after somebody pressed Send; null: not held
    undo: Mapped[Json | None]  # what taking it back puts right: the ticket's state and who became a participant
    slot_at: Mapped[datetime | None]  # the turn it was given among the mails to its domain
    leased_until: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    failure: Mapped[DeliveryFailure | None] = mapped_column(choice(DeliveryFailure, "failure"))
    failure_noted: Mapped[bool] = mapped_column(server_default=sql("false"))  # by tickets, on the timeline
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Created]
    tried_since: Mapped[Created]  # when the time to give up began: at its creation, or when a person sent it again
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
        Index("ix_delivery_leased", "leased_until", postgresql_where=sql("leased_until IS NOT NULL")),
        Index("ix_delivery_ticket_id", "ticket_id"),
        Index(  # how lately an address had an automatic answer
            "ix_delivery_acknowledged",
            sql("(to_addresses ->> 0)"),
            "created_at",
            postgresql_where=sql("kind IN ('acknowledgement', 'safety')"),
        ),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent"),
        CheckConstraint("state <> 'failed' OR last_error IS NOT NULL", name="failed"),
        CheckConstraint("(state = 'failed') = (failure IS NOT NULL)", name="failure_named"),
        CheckConstraint("jsonb_array_length(to_addresses) > 0", name="to"),
    )


class DeliveryFile(Base):
    """A file that leaves with a reply. Written by tickets; uploaded before it is sent, so `delivery_id` comes later."""

    __tablename__ = "delivery_file"

    id: Mapped[Id]
    ticket_id: Mapped[Ref] = mapped_column(ForeignKey("ticket.id"))
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("delivery.id"))
    uploaded_by_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    position: Mapped[int] = mapped_column(Integer, server_default="0")  # in the mail
    filename: Mapped[str] = mapped_column(Text)
    content_type: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)  # bytes
    blob: Mapped[str] = mapped_column(Text)
    content_id: Mapped[str] = mapped_column(Text)  # without angle brackets; «cid:…» in the text shows it
    inline: Mapped[bool] = mapped_column(server_default=sql("false"))  # shown in the text
    created_at: Mapped[Created]

    __table_args__ = (
        Index("ix_delivery_file_delivery_id", "delivery_id"),
        Index("ix_delivery_file_unsent", "created_at", postgresql_where=sql("delivery_id IS NULL")),
        CheckConstraint("size >= 0", name="size"),
    )


class MailDomain(Base):
    """How fast mail may go to one domain. Written by inbox: what its processes agree on."""

    __tablename__ = "mail_domain"

    domain: Mapped[str] = mapped_column(Text, primary_key=True)  # lower case, A-labels
    last_at: Mapped[datetime | None]  # when the newest mail to it began
    next_slot_at: Mapped[datetime | None]  # the first turn that nobody has been given
    slowed_until: Mapped[datetime | None]  # it answered 4xx: nothing before this
    refusals: Mapped[int] = mapped_column(Integer, server_default="0")  # 4xx in a row
    last_error: Mapped[str | None] = mapped_column(Text)


class SentCopyState(StrEnum):
    WAITING = "waiting"
    KEPT = "kept"
    FAILED = "failed"  # given up; the customer has the mail all the same


class SentCopy(Base):
    """A sent mail's copy in the mailbox's Sent folder. Written by inbox, apart from the sending itself."""

    __tablename__ = "sent_copy"

    delivery_id: Mapped[Ref] = mapped_column(ForeignKey("delivery.id"), primary_key=True)
    mailbox: Mapped[str] = mapped_column(Text)  # name of the mailbox it left from
    state: Mapped[SentCopyState] = mapped_column(choice(SentCopyState, "state"), server_default="waiting")
    folder: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    next_attempt_at: Mapped[Created]
    leased_until: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[Created]

    __table_args__ = (
        Index("ix_sent_copy_waiting", "mailbox", "next_attempt_at", postgresql_where=sql("state = 'waiting'")),
    )


class NoAcknowledgement(Base):
    """An address whose owner asked for no automatic acknowledgements, or complained. Written by tickets."""

    __tablename__ = "no_acknowledgement"

    address: Mapped[str] = mapped_column(Text, primary_key=True)  # lower case
    asked_by: Mapped[str] = mapped_column(Text)  # mail, click, complaint
    at: Mapped[Created]
