"""Written by tickets: mailboxes that administrators manage, checks they ask for, sign-ins at a provider.

The inbox writes what it learns meanwhile: tokens, the steps of a check, how a sign-in ended. Every secret is sealed by
`shared/secrets.py`, bound to its row and column.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, Text
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Created, Id, Ref, choice


class SignInWith(StrEnum):
    """How Centralita proves to the mail servers that it may use a mailbox."""

    PASSWORD = "password"  # noqa: S105
    CLIENT_CREDENTIALS = "client_credentials"  # RFC 6749 section 4.4: the application itself, Microsoft 365
    REFRESH_TOKEN = "refresh_token"  # noqa: S105  # RFC 6749 section 6: a person allowed it once, Gmail and Microsoft


class Security(StrEnum):
    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"  # loopback only


class MailboxAccount(Base):
    """How to reach a mailbox that an administrator manages. A `mailbox` row without one comes from the settings."""

    __tablename__ = "mailbox_account"

    mailbox_id: Mapped[Ref] = mapped_column(ForeignKey("mailbox.id"), primary_key=True)
    display_name: Mapped[str] = mapped_column(Text)
    username: Mapped[str] = mapped_column(Text)
    sign_in_with: Mapped[SignInWith] = mapped_column(choice(SignInWith, "sign_in_with"))
    password: Mapped[bytes | None] = mapped_column(LargeBinary)  # sealed
    client_id: Mapped[str | None] = mapped_column(Text)
    client_secret: Mapped[bytes | None] = mapped_column(LargeBinary)  # sealed
    client_secret_expires_on: Mapped[date | None]  # as the provider said when it was made
    token_endpoint: Mapped[str | None] = mapped_column(Text)
    authorization_endpoint: Mapped[str | None] = mapped_column(Text)
    scope: Mapped[str | None] = mapped_column(Text)
    imap_host: Mapped[str] = mapped_column(Text)
    imap_port: Mapped[int] = mapped_column(Integer)
    imap_security: Mapped[Security] = mapped_column(choice(Security, "imap_security"))
    folders: Mapped[list[str]]
    voicemail_folders: Mapped[list[str]] = mapped_column(server_default=sql("'[]'::jsonb"))
    voicemail_senders: Mapped[list[str]] = mapped_column(server_default=sql("'[]'::jsonb"))
    voicemail_hosts: Mapped[list[str]] = mapped_column(server_default=sql("'[]'::jsonb"))
    authserv_ids: Mapped[list[str]] = mapped_column(server_default=sql("'[]'::jsonb"))
    arc_sealers: Mapped[list[str]] = mapped_column(server_default=sql("'[]'::jsonb"))
    spam_headers: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))  # null: the usual ones
    form_senders: Mapped[list[str]] = mapped_column(server_default=sql("'[]'::jsonb"))
    smtp_host: Mapped[str | None] = mapped_column(Text)  # null: receives only
    smtp_port: Mapped[int | None] = mapped_column(Integer)
    smtp_security: Mapped[Security | None] = mapped_column(choice(Security, "smtp_security"))
    smtp_username: Mapped[str | None] = mapped_column(Text)  # null: the same as username
    keep_sent: Mapped[bool | None]  # null: unless the server is known to do it
    sent_folder: Mapped[str | None] = mapped_column(Text)  # null: the one the server marks, or one named so
    sends_per_minute: Mapped[int | None] = mapped_column(Integer)  # what the provider lets us send; null: no limit
    max_parse_bytes: Mapped[int | None] = mapped_column(BigInteger)  # null: as in the settings
    rev: Mapped[int] = mapped_column(Integer, server_default="1")  # every change counts it up
    paused_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
    created_at: Mapped[Created]

    __table_args__ = (
        CheckConstraint("(smtp_host IS NULL) = (smtp_port IS NULL)", name="smtp_port"),
        CheckConstraint("(smtp_host IS NULL) = (smtp_security IS NULL)", name="smtp_secure"),
        CheckConstraint(
            "sign_in_with = 'password' OR (client_id IS NOT NULL AND token_endpoint IS NOT NULL)", name="oauth_client"
        ),
        CheckConstraint(
            "removed_at IS NULL OR (password IS NULL AND client_secret IS NULL)", name="removed_has_no_secret"
        ),
    )


class MailboxToken(Base):
    """The tokens of a mailbox. Whoever fetches new ones holds this row locked, so that nobody else spends the same
    refresh token."""

    __tablename__ = "mailbox_token"

    mailbox_id: Mapped[Ref] = mapped_column(ForeignKey("mailbox.id"), primary_key=True)
    refresh_token: Mapped[bytes | None] = mapped_column(LargeBinary)  # sealed
    access_token: Mapped[bytes | None] = mapped_column(LargeBinary)  # sealed
    obtained_at: Mapped[datetime | None]  # by the database's clock
    expires_at: Mapped[datetime | None]  # obtained_at and the life that the token server named; never its clock
    refresh_expires_at: Mapped[datetime | None]  # when the provider gave the refresh token an end
    failed_at: Mapped[datetime | None]  # of the last try, while none has succeeded since
    error: Mapped[str | None] = mapped_column(Text)  # RFC 6749's code and the token server's own words


class MailboxSignIn(Base):
    """A person on the way to a provider and back (RFC 6749 section 4.1, PKCE by RFC 7636)."""

    __tablename__ = "mailbox_sign_in"

    id: Mapped[Id]
    mailbox_id: Mapped[Ref] = mapped_column(ForeignKey("mailbox.id"))
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    session: Mapped[bytes] = mapped_column(LargeBinary)  # SHA-256 of what only that browser session knows
    state: Mapped[bytes] = mapped_column(LargeBinary, unique=True)  # SHA-256
    redirect_uri: Mapped[str] = mapped_column(Text)
    verifier: Mapped[bytes | None] = mapped_column(LargeBinary)  # sealed; gone when it was spent
    code: Mapped[bytes | None] = mapped_column(LargeBinary)  # sealed; there between the return and the exchange
    created_at: Mapped[Created]
    returned_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_mailbox_sign_in_returned", "mailbox_id", postgresql_where=sql("code IS NOT NULL")),)


class CheckState(StrEnum):
    ASKED = "asked"
    RUNNING = "running"
    GOOD = "good"
    FAILED = "failed"


class MailboxCheck(Base):
    """A test of a mailbox: asked for by tickets, done step by step by an inbox."""

    __tablename__ = "mailbox_check"

    id: Mapped[Id]
    mailbox_id: Mapped[Ref] = mapped_column(ForeignKey("mailbox.id"))
    asked_by_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    state: Mapped[CheckState] = mapped_column(choice(CheckState, "state"), server_default="asked")
    # [{"step", "state": running | good | failed | skipped, "message", "hint", "words", "found": [names of folders]}]
    steps: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'::jsonb"))
    probes: Mapped[list[str]] = mapped_column(server_default=sql("'[]'::jsonb"))  # Message-IDs of mails to itself
    asked_at: Mapped[Created]
    leased_until: Mapped[datetime | None]  # by the inbox that does it
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_mailbox_check_open", "mailbox_id", unique=True, postgresql_where=sql("state IN ('asked', 'running')")
        ),
        Index("ix_mailbox_check_mailbox_id", "mailbox_id", "id"),
        Index("ix_mailbox_check_probes", "probes", postgresql_using="gin"),
    )
