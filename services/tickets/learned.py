"""What is known of a ticket changes: language, priority and what they rest on, each change on its timeline."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.clocks import moves as clocks
from shared.database import ring
from shared.jobs import Job
from shared.language import LanguageDecision
from shared.models import Entry, EntryKind, LanguageSource, Priority, Ticket, TicketState
from shared.settings import Settings


def set_language(
    session: AsyncSession, ticket: Ticket, decision: LanguageDecision, actor_id: int | None = None
) -> None:
    """Change the language with its evidence and say so on the timeline. Rerouting is the caller's."""
    session.add(
        Entry(
            ticket_id=ticket.id,
            kind=EntryKind.LANGUAGE,
            actor_id=actor_id,
            detail={
                "from": ticket.language,
                "to": decision.language,
                "confidence": round(decision.confidence, 3),
                "source": decision.source,
            },
        )
    )
    ticket.language = decision.language
    rest_on(ticket, decision)


def rest_on(ticket: Ticket, decision: LanguageDecision) -> None:
    """Other words say the same language: what is shown is what decided it."""
    ticket.language_confidence = decision.confidence
    ticket.language_source = LanguageSource(decision.source)
    ticket.language_evidence = decision.evidence


def priority_corrected(ticket: Ticket) -> bool:
    """Whether a person set the priority by hand."""
    return bool(ticket.topic_evidence.get("priority_corrected"))


def keep_correction(ticket: Ticket, evidence: dict[str, Any]) -> dict[str, Any]:
    """New evidence that does not forget that a person set the priority."""
    return {**evidence, "priority_corrected": True} if priority_corrected(ticket) else evidence


async def raise_priority(
    session: AsyncSession, settings: Settings, ticket: Ticket, priority: Priority, start: datetime
) -> None:
    """A higher priority, and the earlier due times that come with it."""
    session.add(
        Entry(
            ticket_id=ticket.id,
            kind=EntryKind.PRIORITY,
            detail={"from": ticket.priority.value, "to": priority.value},
        )
    )
    ticket.priority = priority
    await clocks.retarget(session, settings, ticket, start)
    if ticket.state is TicketState.QUEUED:
        ring(session, Job.ROUTE, ticket.id)
