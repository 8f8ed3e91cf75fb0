"""Who is told of what is urgent beside gas and wires: alerts on the board, and the shift lead's mail at any hour."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.acknowledge import is_old, page
from services.tickets.alerts import raise_alert
from services.tickets.urgency.find import Finding
from services.tickets.urgency.kinds import AT_RISK, MEANINGS, Kind
from shared.models import Alert, AlertKind, Ticket
from shared.settings import Settings

# For the shift lead's mail, which is in English.
_WORDS = {Kind.CRISIS: "somebody may harm themselves", Kind.THREAT: "a threat against people"}


def alert_of(finding: Finding) -> AlertKind | None:
    """The alert that a finding asks for."""
    if finding.kind is Kind.LIFE_SUPPORT:
        return AT_RISK if finding.at_risk else None
    return MEANINGS[finding.kind].alert


async def warn(
    session: AsyncSession,
    settings: Settings,
    ticket: Ticket,
    findings: Iterable[Finding],
    *,
    excerpt: str,
    said_at: datetime | None = None,
) -> None:
    """Raise the alerts of these findings, each kind once for a ticket. Long ago (`said_at`): on the board only."""
    for finding in findings:
        kind = alert_of(finding)
        if kind is None or await _was_raised(session, ticket.id, kind):
            continue
        words = [quote.words for quote in finding.quotes]
        detail: dict[str, object] = {"phrases": words, "channel": ticket.channel, "language": ticket.language}
        if MEANINGS[finding.kind].page and not (said_at is not None and is_old(said_at)):
            sent = await page(
                session, settings, ticket, "page_urgent", phrases=words, excerpt=excerpt, what=_WORDS[finding.kind]
            )
            if sent is not None:
                detail["page_delivery_id"] = sent.id
        await raise_alert(session, kind, ticket.id, detail)


async def _was_raised(session: AsyncSession, ticket_id: int, kind: AlertKind) -> bool:
    statement = select(Alert.id).where(Alert.kind == kind, Alert.ticket_id == ticket_id).limit(1)
    return await session.scalar(statement) is not None
