"""Written by inbox: mailboxes, the ledger of every mail seen, messages and attachments.

One exception: replaying at the desk, tickets puts a dead receipt back to `stored`, where the inbox's sweep finds it.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, SmallInteger, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Created, Id, Json, Ref, choice


class MailboxState(StrEnum):
    STARTING = "starting"
    WATCHING = "watching"  # IDLE
    POLLING = "polling"
    FAILED = "failed"  # backing off; last_error says why


class Mailbox(Base):
    """One account that is watched. Server and secret come from the settings, never from here."""

    __tablename__ = "mailbox"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(Text, unique=True)
    address: Mapped[str] = mapped_column(Text)
    state: Mapped[MailboxState] = mapped_column(choice(MailboxState, "state"), server_default="starting")
    last_seen_at: Mapped[datetime | None]  # last good answer of the server
    last_error_code: Mapped[str | None] = mapped_column(Text)  # of shared/mailbox_errors.py
    last_error: Mapped[str | None] = mapped_column(Text)  # the server's own words
    last_error_at: Mapped[datetime | None]
    created_at: Mapped[Created]


class MailFolder(Base):
    """One watched folder: who may read it, how far it was read, and what comparing it with the ledger found last.

    `reconcile_wanted_at` is written by tickets: somebody asks for a comparison now.
    """

    __tablename__ = "mail_folder"

    mailbox_id: Mapped[Ref] = mapped_column(ForeignKey("mailbox.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    uidvalidity: Mapped[int | None] = mapped_column(BigInteger)  # null: never opened
    last_uid: Mapped[int] = mapped_column(BigInteger, server_default="0")
    state: Mapped[MailboxState] = mapped_column(choice(MailboxState, "state"), server_default="starting")
    state_at: Mapped[datetime | None]  # when its reader said so

    # The lease. Only the process named here writes receipts of this folder; times are the database's.
    holder: Mapped[str | None] = mapped_column(Text)
    holder_until: Mapped[datetime | None]
    standby: Mapped[str | None] = mapped_column(Text)  # the process that last asked and has to wait
    standby_at: Mapped[datetime | None]

    # The last comparison with the server, under `uidvalidity`; null: none was finished yet.
    reconcile_wanted_at: Mapped[datetime | None]
    reconciled_at: Mapped[datetime | None]
    on_server: Mapped[int | None] = mapped_column(Integer)  # UIDs on the server
    in_ledger: Mapped[int | None] = mapped_column(Integer)  # of these, in the ledger when it was over
    missing: Mapped[int | None] = mapped_column(Integer)  # of these, not in the ledger when it began
    repaired: Mapped[int | None] = mapped_column(Integer)  # of the missing, fetched meanwhile
    gone: Mapped[int | None] = mapped_column(Integer)  # in the ledger, not on the server any more
    refused_uids: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'::jsonb"))  # the server cannot deliver them

    __table_args__ = (CheckConstraint("(holder IS NULL) = (holder_until IS NULL)", name="lease"),)


class ReceiptState(StrEnum):
    STORED = "stored"  # bytes kept, not yet parsed
    PARSED = "parsed"  # a message row stands; what became of it is in `intake`
    DEAD = "dead"  # our code failed on it; the bytes are kept, replay it


class MailReceipt(Base):
    """The ledger: one row per mail per folder, committed with its raw bytes before anything parses them."""

    __tablename__ = "mail_receipt"

    id: Mapped[Id]
    mailbox_id: Mapped[Ref] = mapped_column(ForeignKey("mailbox.id"))
    folder: Mapped[str] = mapped_column(Text)
    uidvalidity: Mapped[int] = mapped_column(BigInteger)
    uid: Mapped[int] = mapped_column(BigInteger)
    blob: Mapped[str] = mapped_column(Text)  # SHA-256 of the raw bytes, hexadecimal
    size: Mapped[int] = mapped_column(BigInteger)  # bytes
    internal_date: Mapped[datetime | None]
    state: Mapped[ReceiptState] = mapped_column(choice(ReceiptState, "state"), server_default="stored")
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    error: Mapped[str | None] = mapped_column(Text)  # traceback
    received_at: Mapped[Created]

    __table_args__ = (
        UniqueConstraint("mailbox_id", "folder", "uidvalidity", "uid"),
        CheckConstraint("(state = 'parsed') = (message_id IS NOT NULL)", name="parsed_has_message"),
        CheckConstraint("state <> 'dead' OR error IS NOT NULL", name="dead_has_error"),
        Index("ix_mail_receipt_stored", "id", postgresql_where=sql("state = 'stored'")),
        Index("ix_mail_receipt_message_id", "message_id"),
    )


class Machine(StrEnum):
    """What kind of machine wrote a mail; null when a person did."""

    AUTO_REPLY = "auto_reply"
    BOUNCE = "bounce"
    LIST = "list"
    LOOP = "loop"  # our own mail, come back
    COMPLAINT = "complaint"  # somebody pressed «this is spam» on a mail of ours (ARF, RFC 5965)
    RECEIPT = "receipt"  # a mail of ours was read, or arrived (RFC 8098, RFC 3464)
    CHALLENGE = "challenge"  # «prove that you are a person and your mail will be delivered»


class Message(Base):
    """One mail, parsed. The same mail in two of our mailboxes is one message with two receipts."""

    __tablename__ = "message"

    id: Mapped[Id]
    mailbox_id: Mapped[Ref] = mapped_column(ForeignKey("mailbox.id"))  # where it was first seen
    blob: Mapped[str] = mapped_column(Text)  # raw bytes
    rfc_message_id: Mapped[str | None] = mapped_column(Text)  # with its angle brackets
    in_reply_to: Mapped[list[str]] = mapped_column(server_default=sql("'[]'::jsonb"))
    references: Mapped[list[str]] = mapped_column(server_default=sql("'[]'::jsonb"))
    reply_token: Mapped[str | None] = mapped_column(Text)  # found in an address it was sent to
    from_address: Mapped[str] = mapped_column(Text)  # lower case; '' when there is none
    from_name: Mapped[str] = mapped_column(Text, server_default="")
    reply_to: Mapped[list[str]] = mapped_column(server_default=sql("'[]'::jsonb"))
    to_addresses: Mapped[list[str]] = mapped_column(server_default=sql("'[]'::jsonb"))
    cc_addresses: Mapped[list[str]] = mapped_column(server_default=sql("'[]'::jsonb"))
    subject: Mapped[str] = mapped_column(Text, server_default="")
    sent_at: Mapped[datetime | None]  # what the Date header claims
    received_at: Mapped[datetime]  # INTERNALDATE, or when we took it
    text_new: Mapped[str] = mapped_column(Text, server_default="")  # what the author wrote
    signature: Mapped[str] = mapped_column(Text, server_default="")  # below it, of the author's own mail
    text_full: Mapped[str] = mapped_column(Text, server_default="")  # with quotes, signature and footers
    # Mails that the author passed on, outermost first: [{"name", "address", "date", "to", "subject", "text"}], all of
    # them text, '' where unknown. They are content, and not part of text_new.
    forwarded: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'::jsonb"))
    html: Mapped[str | None] = mapped_column(Text)  # as received: sanitise before showing
    machine: Mapped[Machine | None] = mapped_column(choice(Machine, "machine"))
    machine_evidence: Mapped[str | None] = mapped_column(Text)
    # Of bounces, complaints and delivery receipts: {"recipients": [{"address", "status", "kind": failed | delayed |
    # delivered, "permanent": bool, "diagnostic"}], "original_message_id", "evidence", "feedback_type" of complaints}.
    bounce: Mapped[Json | None]
    headers: Mapped[Json] = mapped_column(server_default=sql("'{}'::jsonb"))  # those a screen or a rule reads
    # {"verdict": pass | fail | none | unknown, "verified_by": server | here | null, "domain": which authenticated,
    # "spf", "dkim", "dmarc", "arc": results, "dkim_domain", "authserv_id", "trusted"}: inbox/authentication.py.
    authentication: Mapped[Json] = mapped_column(server_default=sql("'{}'::jsonb"))
    spam: Mapped[str | None] = mapped_column(Text)  # by which header the receiving server called it spam
    # Of mail that tells of a voicemail: {"system": which phone system's shape it has, "accepted": whether it came from
    # there, "why": folder | authenticated | host; or unauthenticated | failed | not_listed}: inbox/voicemails.py.
    voicemail: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    defects: Mapped[list[str]] = mapped_column(server_default=sql("'[]'::jsonb"))  # what the parser had to guess
    created_at: Mapped[Created]

    __table_args__ = (
        Index("ix_message_rfc_message_id", "rfc_message_id"),
        Index("ix_message_voicemail", "id", postgresql_where=sql("voicemail IS NOT NULL")),
        Index("ix_message_in_reply_to", "in_reply_to", postgresql_using="gin"),
        Index("ix_message_references", "references", postgresql_using="gin"),
        UniqueConstraint("blob"),
    )


class Attachment(Base):
    __tablename__ = "attachment"

    id: Mapped[Id]
    message_id: Mapped[Ref] = mapped_column(ForeignKey("message.id"))
    position: Mapped[int] = mapped_column(Integer)
    filename: Mapped[str] = mapped_column(Text)
    content_type: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    blob: Mapped[str] = mapped_column(Text)
    content_id: Mapped[str | None] = mapped_column(Text)  # without angle brackets
    inline: Mapped[bool] = mapped_column(server_default=sql("false"))
    voicemail: Mapped[bool] = mapped_column(server_default=sql("false"))  # handed to the voicemail service

    __table_args__ = (UniqueConstraint("message_id", "position"),)
