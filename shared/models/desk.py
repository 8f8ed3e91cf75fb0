"""Written by tickets: opening hours, reply templates and alerts."""

from datetime import date, datetime, time
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Created, Id, Json, choice


class OpeningHours(Base):
    """A weekly interval in the center's own time zone. closes = 00:00 means midnight at the day's end."""

    __tablename__ = "opening_hours"

    id: Mapped[Id]
    weekday: Mapped[int] = mapped_column(SmallInteger)  # Monday is 0
    opens: Mapped[time]
    closes: Mapped[time]

    __table_args__ = (
        UniqueConstraint("weekday", "opens"),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("closes > opens OR closes = '00:00'", name="closes_after_opens"),
    )


class SpecialDay(Base):
    """A date that overrides the week: closed all day when opens is null, else one interval."""

    __tablename__ = "special_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    name_en: Mapped[str] = mapped_column(Text)
    name_es: Mapped[str] = mapped_column(Text)
    opens: Mapped[time | None]
    closes: Mapped[time | None]

    __table_args__ = (CheckConstraint("(opens IS NULL) = (closes IS NULL)", name="both_or_none"),)


class Template(Base):
    """Text sent to customers. A key is usable only when both languages stand."""

    __tablename__ = "template"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    language: Mapped[str] = mapped_column(Text, primary_key=True)
    subject: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)  # Markdown with {placeholders}
    updated_at: Mapped[Created]

    __table_args__ = (CheckConstraint("language IN ('en', 'es')", name="language"),)


class AlertKind(StrEnum):
    EMERGENCY = "emergency"
    NO_BILINGUAL = "no_bilingual"
    NO_CSR2 = "no_csr2"
    DUE_SOON = "due_soon"
    MISSED_OFFERS = "missed_offers"
    GREETING = "greeting"  # callers hear what nobody here published
    CRISIS = "crisis"  # somebody may harm themselves
    THREAT = "threat"  # somebody means to harm staff or others
    LIFE_SUPPORT = "life_support"  # equipment that a life hangs on loses its power
    PRESS = "press"
    LEGAL = "legal"  # lawyers, courts, deadlines in law


class Alert(Base):
    """Something a shift lead must know. Stays on the board until somebody takes it."""

    __tablename__ = "alert"

    id: Mapped[Id]
    kind: Mapped[AlertKind] = mapped_column(choice(AlertKind, "kind"))
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    detail: Mapped[Json] = mapped_column(server_default=sql("'{}'::jsonb"))
    created_at: Mapped[Created]
    taken_at: Mapped[datetime | None]
    taken_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    __table_args__ = (
        Index(
            "uq_alert_open",
            "kind",
            "ticket_id",
            unique=True,
            postgresql_where=sql("taken_at IS NULL AND ticket_id IS NOT NULL"),
        ),
        Index("ix_alert_open", "created_at", postgresql_where=sql("taken_at IS NULL")),
    )


class AuditEvent(Base):
    """Every view and every change of a customer's information. Written by all, changed by none (a trigger)."""

    __tablename__ = "audit_event"

    id: Mapped[Id]
    at: Mapped[Created]
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # null: the system
    action: Mapped[str] = mapped_column(Text)  # noun.verb: ticket.view, greeting.activate, permission.denied
    object_type: Mapped[str] = mapped_column(Text, server_default="")
    object_id: Mapped[str] = mapped_column(Text, server_default="")
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    detail: Mapped[Json] = mapped_column(server_default=sql("'{}'::jsonb"))
    ip: Mapped[str] = mapped_column(Text, server_default="")

    __table_args__ = (
        Index("ix_audit_event_at", "at"),
        Index("ix_audit_event_ticket_id", "ticket_id", postgresql_where=sql("ticket_id IS NOT NULL")),
        Index("ix_audit_event_actor_id", "actor_id"),
    )


class Problem(Base):
    """A machine's failure that somebody can act on, written by any service and shown on the health page.

    One open row per (service, key): repeated failures count up, success resolves it.
    """

    __tablename__ = "problem"

    id: Mapped[Id]
    service: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)  # e.g. imap:main, smtp:main, blob_store, whisper
    message: Mapped[str] = mapped_column(Text)  # what is wrong
    hint: Mapped[str] = mapped_column(Text, server_default="")  # what to do about it
    count: Mapped[int] = mapped_column(server_default="1")
    first_at: Mapped[Created]
    last_at: Mapped[Created]
    resolved_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_problem_open", "service", "key", unique=True, postgresql_where=sql("resolved_at IS NULL")),
    )
