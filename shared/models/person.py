"""Written by tickets: the staff, their sign-ins, tokens, certifications and presence."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, Text, UniqueConstraint, func
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Created, Id, Json, Ref, choice


class Role(StrEnum):
    INTERN = "intern"
    CSR1 = "csr1"
    CSR2 = "csr2"
    SUPERVISOR = "supervisor"
    MANAGER = "manager"
    ADMINISTRATOR = "administrator"
    SERVICE = "service"


class Person(Base):
    __tablename__ = "person"

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(Text)  # stored in lower case
    name: Mapped[str] = mapped_column(Text)
    role: Mapped[Role] = mapped_column(choice(Role, "role"))
    password_hash: Mapped[str | None] = mapped_column(Text)  # null: cannot sign in with a password
    ui_language: Mapped[str] = mapped_column(Text, server_default="en")
    capacity: Mapped[int] = mapped_column(SmallInteger, server_default="1")  # open work at one time, in weight units
    active: Mapped[bool] = mapped_column(server_default=sql("true"))
    last_assigned_at: Mapped[datetime | None]
    created_at: Mapped[Created]

    __table_args__ = (
        UniqueConstraint("email"),
        CheckConstraint("email = lower(email) AND email <> ''", name="email_lower"),
        CheckConstraint("ui_language IN ('en', 'es')", name="ui_language"),
        CheckConstraint("capacity BETWEEN 0 AND 50", name="capacity"),
    )


class PersonSignature(Base):
    """What stands under a person's replies in one language, instead of their name alone."""

    __tablename__ = "person_signature"

    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"), primary_key=True)
    language: Mapped[str] = mapped_column(Text, primary_key=True)
    body: Mapped[str] = mapped_column(Text)  # Markdown
    updated_at: Mapped[Created]

    __table_args__ = (CheckConstraint("language IN ('en', 'es')", name="language"),)


class CertificationMode(StrEnum):
    SPOKEN = "spoken"
    WRITTEN = "written"


class Certification(Base):
    """A language test that somebody passed. Valid on day d: verified_on <= d <= valid_until, not revoked."""

    __tablename__ = "certification"

    id: Mapped[Id]
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    language: Mapped[str] = mapped_column(Text)  # ISO 639-1
    mode: Mapped[CertificationMode] = mapped_column(choice(CertificationMode, "mode"))
    verified_by_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    verified_on: Mapped[date]
    valid_until: Mapped[date | None]
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[Created]

    __table_args__ = (
        CheckConstraint("valid_until IS NULL OR valid_until >= verified_on", name="dates"),
        CheckConstraint("verified_by_id <> person_id", name="verified_by_another"),
        Index("ix_certification_person_id", "person_id"),
    )


class WebSession(Base):
    """A signed-in browser. The cookie holds the token; the row only its SHA-256."""

    __tablename__ = "web_session"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    csrf_token: Mapped[str] = mapped_column(Text)
    user_agent: Mapped[str] = mapped_column(Text, server_default="")
    ip: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[Created]
    last_seen_at: Mapped[Created]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_web_session_person_id", "person_id"),)


class SignInAttempt(Base):
    """What throttles guessing: every try at a password, right or wrong."""

    __tablename__ = "sign_in_attempt"

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(Text)
    ip: Mapped[str] = mapped_column(Text)
    succeeded: Mapped[bool]
    at: Mapped[Created]

    __table_args__ = (
        Index("ix_sign_in_attempt_email_at", "email", "at"),
        Index("ix_sign_in_attempt_ip_at", "ip", "at"),
    )


class AccessToken(Base):
    """A personal access token for the API. Shown once; the row only holds its SHA-256."""

    __tablename__ = "access_token"

    id: Mapped[Id]
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    name: Mapped[str] = mapped_column(Text)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    scopes: Mapped[list[str]] = mapped_column(server_default=sql("'[]'::jsonb"))
    created_at: Mapped[Created]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class IdempotencyKey(Base):
    """The answer already given to a request that a client may repeat (`Idempotency-Key` header)."""

    __tablename__ = "idempotency_key"

    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"), primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int] = mapped_column(SmallInteger)
    body: Mapped[Json]
    created_at: Mapped[Created]


class Intent(StrEnum):
    AVAILABLE = "available"
    BUSY = "busy"
    BREAK = "break"
    OFFLINE = "offline"


class Presence(Base):
    """What the CSR set. Whether a browser is there is another fact: `PresenceLease`."""

    __tablename__ = "presence"

    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"), primary_key=True)
    intent: Mapped[Intent] = mapped_column(choice(Intent, "intent"))
    since: Mapped[datetime] = mapped_column(server_default=func.now())
    unresponsive_since: Mapped[datetime | None]  # missed an offer; cleared by any click
    set_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # a supervisor; null: they themselves
    set_reason: Mapped[str] = mapped_column(Text, server_default="")


class PresenceLease(Base):
    """One open browser tab, alive until it expires. A person is live while any lease is."""

    __tablename__ = "presence_lease"

    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"), primary_key=True)
    tab_id: Mapped[str] = mapped_column(Text, primary_key=True)
    expires_at: Mapped[datetime]
