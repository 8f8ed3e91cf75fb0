"""The shapes that pages and API show. Times are aware UTC; the screen words and localises them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from services.tickets.lookalike import Likeness, Trick
from services.tickets.participants import PeopleOnTicket
from services.tickets.returned import ReturnedView
from services.tickets.trust import Standing, Verdict
from services.tickets.views.call_models import CallsView, PromiseView
from services.tickets.views.clock_models import ClockView
from services.tickets.views.recording_models import CorrectionView as CorrectionView
from services.tickets.views.recording_models import GreetingHeard as GreetingHeard
from services.tickets.views.recording_models import RecordingView as RecordingView
from services.tickets.views.recording_models import TranscriptView as TranscriptView
from services.tickets.views.shapes import PersonRef as PersonRef
from services.tickets.views.shapes import View
from services.tickets.views.supervisor_models import ReassignmentView
from services.tickets.views.urgency_models import UrgencyView, UrgentView
from shared.models import (
    AssignmentState,
    Channel,
    ClockKind,
    CorrectionKind,
    DeliveryFailure,
    DeliveryKind,
    DeliveryState,
    EntryKind,
    IdentityMethod,
    Intent,
    LanguageSource,
    Level,
    Machine,
    Priority,
    TicketKind,
    TicketState,
)


class TextPiece(View):
    """Part of a search hit's excerpt; `hit` is true for the words that matched."""

    text: str
    hit: bool = False


class TicketRow(View):
    """A ticket as lists show it."""

    id: int
    channel: Channel
    kind: TicketKind = Field(description="`contact`, or a call in which nobody spoke; `repeated_calls` is offered.")
    state: TicketState
    subject: str
    customer_name: str
    customer_address: str = Field(description="Mail address or number the customer is known by; may be empty.")
    language: str = Field(description="`en`, `es`, another ISO 639-1 code, `mixed` or `unknown`.")
    language_confidence: float
    topic: str
    also_topics: list[str] = Field(default=[], description="Further topics that it raises.")
    level: Level
    priority: Priority
    assignee: PersonRef | None
    queued_at: datetime
    due_at: datetime | None = Field(description="Of the promise that is due next; null: none, or it stands still.")
    due_kind: ClockKind | None = Field(description="Which promise that is.")
    nearly_due: bool = Field(default=False, description="It is late, or most of its time is over.")
    first_responded_at: datetime | None
    updated_at: datetime
    next_call_at: datetime | None = Field(default=None, description="It waits, its clock stands still, until then.")
    promise_due: bool = Field(default=False, description="Something that was promised is due.")
    pinned: bool = Field(default=False, description="A supervisor keeps it with its person.")
    urgent: list[UrgentView] = Field(default=[], description="What makes it urgent, the most urgent first.")
    excerpt: list[TextPiece] = Field(
        default=[], description="Where the search words were found; empty without a search."
    )


class OfferView(View):
    """A ticket that one person is asked to take, until `expires_at`."""

    assignment_id: int
    expires_at: datetime
    offered_at: datetime
    explanation: dict[str, Any]
    ticket: TicketRow


class PresenceView(View):
    """What the person set, and whether a browser of theirs is there."""

    intent: Intent
    since: datetime | None
    live: bool
    unresponsive: bool
    set_by: PersonRef | None = Field(default=None, description="Who set it, when it was not the person.")
    set_reason: str = ""


class LanguageCount(View):
    language: str
    queued: int
    offered: int
    overdue: int
    oldest_queued_at: datetime | None


class LeavingView(View):
    """A reply of mine that waits a moment before it leaves."""

    delivery_id: int
    ticket_id: int
    to: list[str]
    undo_until: datetime


class MyWork(View):
    me: PersonRef
    presence: PresenceView
    capacity: int
    load: int
    offers: list[OfferView]
    active: list[TicketRow] = Field(description="Accepted and open, what is due first comes first.")
    waiting: list[TicketRow] = Field(description="Waiting on the customer.")
    queue: list[LanguageCount]
    promises: list[PromiseView] = Field(description="What I promised and is due.")
    leaving: list[LeavingView] = Field(description="Replies that may be taken back; they leave by themselves.")
    moves: list[ReassignmentView] = Field(description="What supervisors took from me or gave me in the last hours.")


class QueuePage(View):
    items: list[TicketRow]
    next: str | None = Field(description="Cursor of the next page; null on the last.")


class AttachmentView(View):
    id: int
    filename: str
    content_type: str
    size: int
    inline: bool


class ForwardedView(View):
    """A mail that the author passed on, as their mail program told of it; '' where it did not."""

    name: str = ""
    address: str = ""
    date: str = Field(default="", description="In the words of the program that forwarded it.")
    to: str = ""
    subject: str = ""
    text: str = ""


class MessageView(View):
    id: int
    from_name: str
    from_address: str
    to: list[str]
    cc: list[str]
    subject: str
    received_at: datetime
    text_new: str = Field(description="What the author wrote; above an answer the quoted lines (`>`) that it answers.")
    signature: str = Field(description="What stands below the author's words: name, telephone, firm.")
    text_full: str
    forwarded: list[ForwardedView] = Field(description="Mails that the author passed on, outermost first.")
    left_out: bool = Field(description="Whether the whole text says more: quotes, a signature, footers.")
    has_html: bool
    machine: Machine | None
    machine_evidence: str | None
    bounce: dict[str, Any] | None
    authentication: dict[str, Any]
    verdict: Verdict = Field(description="Whether the mail comes from the domain that it names.")
    voicemail_doubt: str | None = Field(
        default=None,
        description="It looks like a phone system's notice, and nothing shows that it is: `unauthenticated`, `failed` "
        "or `not_listed`.",
    )
    defects: list[str]
    attachments: list[AttachmentView]


class DeliveryStatus(StrEnum):
    """What a reader wants to know of a mail: its state, and what its row and the reports about it add to that."""

    HELD = "held"  # its writer may still take it back without hurry
    QUEUED = "queued"
    SENDING = "sending"
    DELAYED = "delayed"  # the server said «later»
    SENT = "sent"
    FAILED = "failed"
    BOUNCED = "bounced"  # sent, and came back
    CANCELLED = "cancelled"


class FileView(View):
    """A file that leaves with a reply."""

    id: int
    filename: str
    content_type: str
    size: int
    inline: bool = Field(description="Shown in the text, where it stands as `![…](cid:…)`.")
    content_id: str


class ReturnView(View):
    """An address from which a mail of ours came back."""

    address: str
    words: str = Field(description="What the other server said.")


class DeliveryView(View):
    id: int
    kind: DeliveryKind
    state: DeliveryState
    status: DeliveryStatus = Field(description="The state as a reader wants to know it.")
    to: list[str]
    cc: list[str]
    subject: str
    language: str
    text: str
    html: str
    attempts: int
    next_attempt_at: datetime
    undo_until: datetime | None = Field(description="Until then it waits for its writer; it may be taken back.")
    last_error: str | None = Field(description="The mail server's words; of a sent one, who was left out.")
    failure: DeliveryFailure | None = Field(description="Why it failed.")
    returned: list[ReturnView] = Field(description="Who did not get it although it was sent.")
    created_by_id: int | None
    sent_at: datetime | None
    files: list[FileView]


class EntryView(View):
    """One line of the timeline."""

    id: int
    ticket_id: int = Field(description="Where it was written: this ticket, or one that goes on in it.")
    moved_to: int | None = Field(default=None, description="The ticket to which it was split off.")
    kind: EntryKind
    at: datetime
    actor: PersonRef | None
    text: str
    detail: dict[str, Any]
    message: MessageView | None = None
    recording: RecordingView | None = None
    delivery: DeliveryView | None = None


class IdentityView(View):
    kind: str
    value: str


class CustomerView(View):
    id: int
    name: str
    language: str | None
    identities: list[IdentityView]


class SuspicionView(View):
    """Something in a sender that is like somebody else's; a warning and no more."""

    kind: Likeness
    found: str = Field(description="What the mail says.", examples=["pge-billing.com"])
    like: str = Field(description="Whom or what it is like; of `reply_to` the sender's own domain.")
    trick: Trick | None = Field(description="How a domain is like another.")
    message_id: int


class IdentityCheckView(View):
    """Somebody made sure that an address is the customer's."""

    id: int
    address: str
    method: IdentityMethod
    note: str
    by: PersonRef
    at: datetime
    counts: bool
    taken_back_at: datetime | None
    taken_back_by: PersonRef | None
    ended_by: str | None = Field(description="The address whose mail ended it: new and not verified, or forged.")


class TrustView(View):
    """Who really writes on this ticket."""

    address: str = Field(description="Who wrote last by mail; empty when nobody did.")
    verdict: Verdict | None = Field(description="Of that mail; null when nobody wrote by mail.")
    domain: str | None = Field(description="The domain that was verified.")
    standing: Standing | None = Field(
        description="Whether account facts may go there: `verified`, `checked` and `staff` may, others are asked about."
    )
    checks: list[IdentityCheckView] = Field(description="Newest first.")
    suspicions: list[SuspicionView] = Field(description="Of the newest mail of each sender.")
    spam: str | None = Field(description="By what the mail server calls the newest mail spam.")
    closed_as_spam: bool


class AssignmentView(View):
    id: int
    person: PersonRef
    state: AssignmentState
    pinned: bool
    pinned_by: PersonRef | None
    pin_reason: str
    offered_at: datetime
    expires_at: datetime | None
    explanation: dict[str, Any]
    reason: str


class Allowed(View):
    """What the reader may do with the ticket now."""

    accept: bool
    take: bool
    work: bool = Field(description="Reply, and change the state.")
    correct: bool = Field(description="Note, language, topic, priority.")
    people: bool = Field(description="Let people in and show them out; split and merge.")
    release: bool
    assign: bool
    call: bool = Field(description="Call the customer.")
    reply_by_mail: bool
    spam: bool = Field(description="Close it as spam, or take that back.")


class JudgementView(View):
    """A person's word on one decision of the machine; `decided` = `corrected` says that the machine was right."""

    id: int
    kind: CorrectionKind
    decided: str
    corrected: str
    person: PersonRef
    at: datetime
    model: str = Field(description="Version of the model that had decided; empty: unknown.")
    counts: bool = Field(description="No later word replaced it, and nobody took it back.")


class TicketView(View):
    ticket: TicketRow
    trust: TrustView
    rev: int
    language_source: LanguageSource
    language_evidence: dict[str, Any]
    topic_evidence: dict[str, Any]
    corrections: list[JudgementView] = Field(description="What people said about these decisions and what counts.")
    urgency: list[UrgencyView] = Field(description="What in its messages is urgent, with the words that say so.")
    callback_number: str | None
    created_at: datetime
    closed_at: datetime | None
    customer: CustomerView | None
    participants: list[str]
    people: PeopleOnTicket = Field(description="Who may speak on it, who is proposed, and who was shown out.")
    returned: list[ReturnedView] = Field(description="Our answers that came back and wait for somebody.")
    merged_into_id: int | None = Field(description="The ticket in which this one goes on.")
    split_from_id: int | None = Field(description="The ticket on which its first entries stood.")
    assignment: AssignmentView | None
    calls: CallsView
    clocks: list[ClockView] = Field(description="What was promised in time, open and past; what is due next is first.")
    entries: list[EntryView]
    last_entry_id: int
    linked: list[TicketRow]
    history: list[TicketRow] = Field(description="Other tickets of the same customer, newest first.")
    allowed: Allowed
