"""Written by tickets: customers, tickets, their timeline, assignments, and what was taken in."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    Float,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Created, Id, Json, Ref, choice


class Customer(Base):
    __tablename__ = "customer"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(Text, server_default="")
    language: Mapped[str | None] = mapped_column(Text)  # stated, or corrected by a CSR: remembered for the next contact
    created_at: Mapped[Created]


class IdentityKind(StrEnum):
    EMAIL = "email"
    PHONE = "phone"


class CustomerIdentity(Base):
    """An address (lower case) or number (E.164) by which a customer is known."""

    __tablename__ = "customer_identity"

    kind: Mapped[IdentityKind] = mapped_column(choice(IdentityKind, "kind"), primary_key=True)
    value: Mapped[str] = mapped_column(Text, primary_key=True)
    customer_id: Mapped[Ref] = mapped_column(ForeignKey("customer.id"))

    __table_args__ = (Index("ix_customer_identity_customer_id", "customer_id"),)


class Channel(StrEnum):
    EMAIL = "email"
    VOICEMAIL = "voicemail"
    PHONE = "phone"
    WALK_IN = "walk_in"


class TicketState(StrEnum):
    QUEUED = "queued"  # waits for a person
    OFFERED = "offered"  # one person is asked
    ASSIGNED = "assigned"  # somebody works on it
    WAITING = "waiting"  # on the customer; keeps its assignee, weighs nothing
    CLOSED = "closed"


class Level(StrEnum):
    """The lowest tier that may close it. Interns take what is INTERN; CSR II may take anything."""

    INTERN = "intern"
    CSR1 = "csr1"
    CSR2 = "csr2"


class Priority(StrEnum):
    EMERGENCY = "emergency"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class TicketKind(StrEnum):
    """Whether somebody asked for something. All but `contact` are calls in which nobody spoke: tickets/wordless.py."""

    CONTACT = "contact"
    HANG_UP = "hang_up"  # too short for words
    SILENCE = "silence"  # long enough, and nobody spoke
    REPEATED_CALLS = "repeated_calls"  # the same number again and again: that is a wish to be called


# Nobody is offered these.
UNOFFERED = (TicketKind.HANG_UP, TicketKind.SILENCE)


class ClockKind(StrEnum):
    """What a customer is promised in time."""

    FIRST_RESPONSE = "first_response"  # until a person has answered; it does not wait for the customer
    NEXT_RESPONSE = "next_response"  # from the customer's message to the answer to it
    RESOLUTION = "resolution"  # until the ticket closes; stands still while it waits for the customer


class LanguageSource(StrEnum):
    TEXT = "text"
    AUDIO = "audio"
    MENU = "menu"
    LINE = "line"
    HISTORY = "history"
    CORRECTION = "correction"
    NONE = "none"


class Ticket(Base):
    __tablename__ = "ticket"

    id: Mapped[Id]  # also the number people say
    channel: Mapped[Channel] = mapped_column(choice(Channel, "channel"))
    kind: Mapped[TicketKind] = mapped_column(choice(TicketKind, "kind"), server_default="contact")
    state: Mapped[TicketState] = mapped_column(choice(TicketState, "state"), server_default="queued")
    rev: Mapped[int] = mapped_column(
        Integer, server_default="1"
    )  # +1 on any change of language, level, state, assignee
    subject: Mapped[str] = mapped_column(Text, server_default="")
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    language: Mapped[str] = mapped_column(Text, server_default="unknown")  # es, en, another ISO 639-1, mixed, unknown
    language_confidence: Mapped[float] = mapped_column(Float, server_default="0")
    language_source: Mapped[LanguageSource] = mapped_column(
        choice(LanguageSource, "language_source"), server_default="none"
    )
    language_evidence: Mapped[Json] = mapped_column(server_default=sql("'{}'::jsonb"))
    topic: Mapped[str] = mapped_column(Text, server_default="other")
    topic_evidence: Mapped[Json] = mapped_column(server_default=sql("'{}'::jsonb"))
    topic_corrected: Mapped[bool] = mapped_column(server_default=sql("false"))
    also_topics: Mapped[list[str]] = mapped_column(server_default=sql("'[]'::jsonb"))  # that it raises besides
    level: Mapped[Level] = mapped_column(choice(Level, "level"), server_default="csr1")
    priority: Mapped[Priority] = mapped_column(choice(Priority, "priority"), server_default="normal")
    # What its messages say that is urgent: kind, rule, words with their places, and which message (tickets/urgency).
    urgency: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'::jsonb"))
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # of the open assignment, once accepted
    # What the queue is sorted by: emergencies first, then what is due first.
    priority_rank: Mapped[int] = mapped_column(
        SmallInteger,
        Computed(
            "CASE priority WHEN 'emergency' THEN 0 WHEN 'high' THEN 1 WHEN 'normal' THEN 2 ELSE 3 END", persisted=True
        ),
    )
    due_order: Mapped[datetime] = mapped_column(Computed("coalesce(due_at, 'infinity'::timestamptz)", persisted=True))
    weight: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    callback_number: Mapped[str | None] = mapped_column(Text)
    linked_ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    split_from_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))  # its first entries stood there
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))  # goes on there; never a chain
    reply_token: Mapped[str] = mapped_column(Text, unique=True)  # unguessable; the plus part of our reply address
    queued_at: Mapped[datetime]  # when the customer's wait began; kept through requeues
    # Of the promise that is due next (sla_clock): null while none runs. Only tickets/clocks/ writes them.
    due_at: Mapped[datetime | None]
    due_kind: Mapped[ClockKind | None] = mapped_column(choice(ClockKind, "due_kind"))
    first_responded_at: Mapped[datetime | None]
    created_at: Mapped[Created]
    updated_at: Mapped[Created]
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_at"),
        CheckConstraint("(state IN ('assigned', 'waiting')) = (assignee_id IS NOT NULL)", name="assignee"),
        CheckConstraint("language_confidence BETWEEN 0 AND 1", name="confidence"),
        CheckConstraint("language ~ '^([a-z]{2}|mixed|unknown)$'", name="language"),
        CheckConstraint("linked_ticket_id <> id", name="linked"),
        CheckConstraint("split_from_id <> id", name="split"),
        CheckConstraint("merged_into_id IS NULL OR (state = 'closed' AND merged_into_id <> id)", name="merged"),
        Index(
            "ix_ticket_queued",
            "language",
            "level",
            "channel",
            "priority",
            "due_order",
            "id",
            postgresql_where=sql("state = 'queued'"),
        ),
        Index("ix_ticket_urgency", "priority_rank", "due_order", "id", postgresql_where=sql("state <> 'closed'")),
        Index("ix_ticket_wordless", "id", postgresql_where=sql("kind <> 'contact' AND state <> 'closed'")),
        Index("ix_ticket_assignee_open", "assignee_id", postgresql_where=sql("state IN ('assigned', 'waiting')")),
        Index("ix_ticket_customer_id", "customer_id"),
        Index("ix_ticket_linked_ticket_id", "linked_ticket_id"),
        Index("ix_ticket_split_from_id", "split_from_id", postgresql_where=sql("split_from_id IS NOT NULL")),
        Index("ix_ticket_merged_into_id", "merged_into_id", postgresql_where=sql("merged_into_id IS NOT NULL")),
        Index("ix_ticket_created_at", "created_at"),
        Index(
            "ix_ticket_also_topics",
            "also_topics",
            postgresql_using="gin",
            postgresql_where=sql("also_topics <> '[]'::jsonb"),
        ),
    )


class EntryKind(StrEnum):
    MAIL_IN = "mail_in"
    MAIL_OUT = "mail_out"
    ACKNOWLEDGEMENT = "acknowledgement"
    MACHINE_MAIL = "machine_mail"  # auto-replies and the like: shown, never answered
    BOUNCE = "bounce"
    VOICEMAIL = "voicemail"
    TRANSCRIPT = "transcript"
    TRANSCRIPT_CORRECTED = "transcript_corrected"  # somebody listened and wrote what was said
    CONTACT = "contact"  # phone or counter, entered by hand
    NOTE = "note"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    ASSIGNED = "assigned"  # by a supervisor, or taken from the queue
    RELEASED = "released"  # back to the queue
    LANGUAGE = "language"
    TOPIC = "topic"
    PRIORITY = "priority"
    STATE = "state"
    DELIVERY_FAILED = "delivery_failed"
    DELIVERY_SENT = "delivery_sent"
    DELIVERY_CANCELLED = "delivery_cancelled"  # taken back before it left
    DELIVERY_AGAIN = "delivery_again"  # a failed one was sent again as it was
    LINKED = "linked"
    SPLIT = "split"  # entries went on to a ticket of their own, or came from one
    MERGED = "merged"  # this ticket goes on in another, another goes on in this one, or no longer
    RETURNED = "returned"  # what somebody did about a mail of ours that came back
    PARTICIPANT = "participant"  # somebody may speak here from now on, or may no longer
    ALERT = "alert"
    IDENTITY = "identity"  # somebody made sure who writes, or took that back
    SPAM = "spam"  # closed as spam, or taken back
    CALL = "call"  # how a call to the customer ended, or when the next one is
    PROMISE = "promise"  # what the customer was promised, that it is due, or that it was kept
    CALLER = "caller"  # what a caller wants was confirmed, corrected, added or refused by somebody
    CLOCK = "clock"  # a promise is nearly due, or was broken, or is due at another time
    KIND = "kind"  # a call without words, or that there are words after all
    LADDER = "ladder"  # nobody there may answer it: what was done about that, step by step
    PIN = "pin"  # a supervisor keeps it with its person, or no longer


class Entry(Base):
    """The timeline: append-only, by trigger."""

    __tablename__ = "entry"

    id: Mapped[Id]
    ticket_id: Mapped[Ref] = mapped_column(ForeignKey("ticket.id"))
    kind: Mapped[EntryKind] = mapped_column(choice(EntryKind, "kind"))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # null: the customer or the system
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    recording_id: Mapped[int | None] = mapped_column(ForeignKey("recording.id"))
    transcript_id: Mapped[int | None] = mapped_column(ForeignKey("transcript.id"))
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("delivery.id"))
    text: Mapped[str] = mapped_column(Text, server_default="")
    detail: Mapped[Json] = mapped_column(server_default=sql("'{}'::jsonb"))
    at: Mapped[Created]

    __table_args__ = (
        Index("ix_entry_ticket_id", "ticket_id", "id"),
        Index("ix_entry_message_id", "message_id", postgresql_where=sql("message_id IS NOT NULL")),
        Index("ix_entry_recording_id", "recording_id", postgresql_where=sql("recording_id IS NOT NULL")),
    )


class AssignmentState(StrEnum):
    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"  # taken back: reassigned, rerouted, person left
    DONE = "done"


class Assignment(Base):
    """One person asked to take one ticket, why this person, and what came of it."""

    __tablename__ = "assignment"

    id: Mapped[Id]
    ticket_id: Mapped[Ref] = mapped_column(ForeignKey("ticket.id"))
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    state: Mapped[AssignmentState] = mapped_column(choice(AssignmentState, "state"))
    weight: Mapped[int] = mapped_column(SmallInteger)
    pinned: Mapped[bool] = mapped_column(server_default=sql("false"))  # by a supervisor: the router leaves it alone
    pinned_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    pin_reason: Mapped[str] = mapped_column(Text, server_default="")
    assigned_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # null: the router
    reason: Mapped[str] = mapped_column(Text, server_default="")  # why declined, reassigned, withdrawn
    explanation: Mapped[Json] = mapped_column(server_default=sql("'{}'::jsonb"))  # candidates, rejections, cost
    offered_at: Mapped[Created]
    expires_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_assignment_one_open",
            "ticket_id",
            unique=True,
            postgresql_where=sql("state IN ('offered', 'accepted')"),
        ),
        Index("ix_assignment_person_open", "person_id", postgresql_where=sql("state IN ('offered', 'accepted')")),
        Index("ix_assignment_person_ended", "person_id", "ended_at", postgresql_where=sql("ended_at IS NOT NULL")),
        Index("ix_assignment_expiry", "expires_at", postgresql_where=sql("state = 'offered'")),
        Index("ix_assignment_ticket_id", "ticket_id"),
        CheckConstraint("(state IN ('offered', 'accepted')) = (ended_at IS NULL)", name="ended"),
        CheckConstraint("weight BETWEEN 0 AND 10", name="weight"),
    )


class IntakeOutcome(StrEnum):
    TICKETED = "ticketed"
    ATTACHED = "attached"
    HELD = "held"  # by the policy named in `policy`
    FAILED = "failed"  # our code raised; retried by the sweep, error says why


class Intake(Base):
    """What became of a message or a recording: exactly one row each, in the transaction that did it."""

    __tablename__ = "intake"

    id: Mapped[Id]
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"), unique=True)
    recording_id: Mapped[int | None] = mapped_column(ForeignKey("recording.id"), unique=True)
    outcome: Mapped[IntakeOutcome] = mapped_column(choice(IntakeOutcome, "outcome"))
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    policy: Mapped[str | None] = mapped_column(Text)
    transcript_id: Mapped[int | None] = mapped_column(ForeignKey("transcript.id"))  # newest one taken in
    correction_id: Mapped[int | None] = mapped_column(ForeignKey("transcript_correction.id"))  # likewise
    heard_segments: Mapped[int] = mapped_column(Integer, server_default="0")  # of Recording.partial_segments, looked at
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    # Of a mail by a person: its language, topic and urgency, to be weighed with the ticket's others: tickets/said.py.
    said: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    error: Mapped[str | None] = mapped_column(Text)
    next_attempt_at: Mapped[datetime | None]
    taken_off_ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))  # that was closed as spam
    left_at: Mapped[datetime | None]  # held, and a person said that it stays so
    left_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[Created]

    __table_args__ = (
        CheckConstraint("num_nonnulls(message_id, recording_id) = 1", name="one_source"),
        CheckConstraint("(outcome IN ('ticketed', 'attached')) = (ticket_id IS NOT NULL)", name="ticket"),
        CheckConstraint("(outcome = 'held') = (policy IS NOT NULL)", name="policy"),
        CheckConstraint("(outcome = 'failed') = (error IS NOT NULL)", name="error"),
        CheckConstraint("taken_off_ticket_id IS NULL OR outcome = 'held'", name="taken_off"),
        CheckConstraint("(left_at IS NULL) = (left_by_id IS NULL)", name="left"),
        Index("ix_intake_held", "id", postgresql_where=sql("outcome = 'held'")),
        Index(
            "ix_intake_taken_off_ticket_id",
            "taken_off_ticket_id",
            postgresql_where=sql("taken_off_ticket_id IS NOT NULL"),
        ),
    )


# Stemmed in the text's own language, and again with accents folded: folding before the Spanish
# stemmer breaks its stems, so both forms stand in the index.
SEARCH_VECTOR = """
CASE WHEN language = 'en' THEN to_tsvector('english', body)
     WHEN language = 'es' THEN to_tsvector('spanish', body) || to_tsvector('spanish', fold_accents(body))
     ELSE to_tsvector('english', body) || to_tsvector('spanish', body) || to_tsvector('spanish', fold_accents(body))
END || to_tsvector('simple', fold_accents(body))
"""


class SearchText(Base):
    """What full-text search looks at: one row per piece of text of a ticket."""

    __tablename__ = "search_text"

    id: Mapped[Id]
    ticket_id: Mapped[Ref] = mapped_column(ForeignKey("ticket.id"))
    source: Mapped[str] = mapped_column(Text)  # ticket, message, recording, entry, delivery
    source_id: Mapped[int] = mapped_column(BigInteger)
    language: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    vector: Mapped[str] = mapped_column(TSVECTOR, Computed(SEARCH_VECTOR, persisted=True))

    __table_args__ = (
        UniqueConstraint("source", "source_id"),
        Index("ix_search_text_vector", "vector", postgresql_using="gin"),
        Index("ix_search_text_ticket_id", "ticket_id"),
    )
