"""A person's word on what the machine decided is kept beside it, with the model's version; a later word replaces it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.learned import priority_corrected
from services.tickets.learning import repository
from shared import clock
from shared.models import Correction, CorrectionKind, LanguageSource, Ticket
from shared.people import Actor

_CODES = ("model", "version", "source", "language", "stated")  # texts among the evidence that are no customer's words


def value_of(ticket: Ticket, kind: CorrectionKind) -> str:
    """What stands on the ticket now."""
    return {
        CorrectionKind.LANGUAGE: ticket.language,
        CorrectionKind.TOPIC: ticket.topic,
        CorrectionKind.PRIORITY: ticket.priority.value,
    }[kind]


def by_hand(ticket: Ticket, kind: CorrectionKind) -> bool:
    """Whether a person's word is what stands there."""
    return {
        CorrectionKind.LANGUAGE: ticket.language_source is LanguageSource.CORRECTION,
        CorrectionKind.TOPIC: ticket.topic_corrected,
        CorrectionKind.PRIORITY: priority_corrected(ticket),
    }[kind]


async def keep(
    session: AsyncSession, me: Actor, ticket: Ticket, kind: CorrectionKind, corrected: str, before: dict[str, Any]
) -> Correction | None:
    """Call with the ticket locked and not yet changed. None: no machine decided it, so there is nothing to learn.

    `before`: what taking it back restores. A second word on the same decision keeps that decision and what was before.
    """
    live = (await repository.counting(session, ticket.id)).get(kind)
    now = value_of(ticket, kind)
    same = live is not None and live.corrected == now  # else the machine has decided anew since
    if live is None and by_hand(ticket, kind):
        return None
    if live is not None:
        await end(session, me, live)
    evidence = ticket.language_evidence if kind is CorrectionKind.LANGUAGE else ticket.topic_evidence
    row = Correction(
        ticket_id=ticket.id,
        kind=kind,
        decided=live.decided if live is not None and same else now,
        corrected=corrected,
        person_id=me.id,
        model=live.model if live is not None and same else _version(ticket, kind),
        evidence=live.evidence if live is not None and same else figures(evidence),
        before=live.before if live is not None and same else before,
        at=clock.now(),
        **await repository.words_judged(session, ticket, kind),
    )
    session.add(row)
    await session.flush()
    return row


async def end(session: AsyncSession, me: Actor, row: Correction) -> None:
    """It no longer counts, from now on."""
    row.ended_at, row.ended_by_id = clock.now(), me.id
    await session.flush()


def figures(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """The evidence without anybody's words: numbers, codes, and how many words there were. Pure."""
    kept: dict[str, Any] = {}
    for key, value in evidence.items():
        if isinstance(value, Mapping):
            kept[key] = figures(value)
        elif isinstance(value, list | tuple):
            kept[key] = len(value)
        elif isinstance(value, bool | int | float) or (isinstance(value, str) and key in _CODES):
            kept[key] = value
    return kept


def _version(ticket: Ticket, kind: CorrectionKind) -> str:
    """Of what read the words; of a language its own evidence may say so."""
    own = ticket.language_evidence if kind is CorrectionKind.LANGUAGE else ticket.topic_evidence
    return str(own.get("model") or own.get("version") or ticket.topic_evidence.get("model") or "")
