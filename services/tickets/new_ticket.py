"""A ticket begins: the one place that makes its row, whatever door the customer came through."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import search
from services.tickets.clocks import moves
from services.tickets.priority import Triage
from services.tickets.urgency.kept import together
from shared.database import ring
from shared.events import Event, publish_all
from shared.jobs import Job
from shared.language import LanguageDecision
from shared.models import (
    Channel,
    Entry,
    EntryKind,
    LanguageSource,
    Participant,
    Ticket,
    TicketKind,
    TicketState,
)
from shared.rows import insert_into, write
from shared.settings import Settings

MAX_SUBJECT = 500


def reply_token() -> str:
    """Unguessable, lower case and without signs, because mail systems may change the case of a local part."""
    return secrets.token_hex(10)


async def open_ticket(
    session: AsyncSession,
    settings: Settings,
    *,
    channel: Channel,
    subject: str,
    customer_id: int | None,
    decision: LanguageDecision,
    triage: Triage,
    began_at: datetime,
    callback_number: str | None = None,
    participants: Sequence[str] = (),
) -> Ticket:
    """Create one ticket from words that are no mail, queued. `began_at`: when the customer's wait began."""
    ticket = ticket_row(
        channel=channel,
        subject=subject,
        customer_id=customer_id,
        decision=decision,
        triage=triage,
        began_at=began_at,
        callback_number=callback_number,
    )
    await store_tickets(session, settings, [(ticket, participants)])
    await search.index(
        session,
        ticket_id=ticket.id,
        source="ticket",
        source_id=ticket.id,
        language=ticket.language,
        body=ticket.subject,
    )
    if channel in (Channel.PHONE, Channel.WALK_IN):  # others are taken in by the process that routes, which knows
        ring(session, Job.ROUTE, ticket.id)
    return ticket


def ticket_row(
    *,
    channel: Channel,
    subject: str,
    customer_id: int | None,
    decision: LanguageDecision,
    triage: Triage,
    began_at: datetime,
    callback_number: str | None = None,
    linked_ticket_id: int | None = None,
    urgency: Sequence[dict[str, Any]] = (),
) -> Ticket:
    """A queued ticket, not yet in the store. `began_at` is when the wait began: the mail's arrival, the call."""
    return Ticket(
        channel=channel,
        kind=TicketKind.CONTACT,
        state=TicketState.QUEUED,
        subject=clean_line(subject)[:MAX_SUBJECT],
        customer_id=customer_id,
        language=decision.language,
        language_confidence=decision.confidence,
        language_source=LanguageSource(decision.source),
        language_evidence=decision.evidence,
        topic=triage.topic,
        topic_evidence=triage.evidence,
        also_topics=list(triage.also),
        level=triage.level,
        priority=triage.priority,
        urgency=together(urgency),
        callback_number=callback_number,
        linked_ticket_id=linked_ticket_id,
        reply_token=reply_token(),
        queued_at=began_at,
    )


async def store_tickets(
    session: AsyncSession, settings: Settings, rows: Sequence[tuple[Ticket, Sequence[str]]]
) -> None:
    """Put tickets with their clocks and who takes part in them into the store, and tell the screens."""
    await moves.begin(session, settings, [ticket for ticket, _ in rows])
    taking_part = [
        {"ticket_id": ticket.id, "address": address}
        for ticket, participants in rows
        for address in set(participants) - {""}
    ]
    await write(session, insert_into(Participant), taking_part)
    await publish_all(session, [Event("ticket", ticket.id, what="new") for ticket, _ in rows])


def link_entries(ticket: Ticket, other_id: int, why: str) -> list[Entry]:
    """Both tickets say that they belong together."""
    return [
        Entry(ticket_id=ticket.id, kind=EntryKind.LINKED, detail={"ticket_id": other_id, "cause": why}),
        Entry(ticket_id=other_id, kind=EntryKind.LINKED, detail={"ticket_id": ticket.id, "cause": why}),
    ]


def storable(text: str) -> str:
    """Text as PostgreSQL can hold it: without NUL and without halves of characters, which JSON can carry."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def clean_line(text: str) -> str:
    """One storable line."""
    return " ".join(storable(text).split())
