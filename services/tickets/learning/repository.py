"""What people said about the machine's decisions, in the store, and where the words are that were judged."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.said import Said, together
from services.tickets.thread_repository import as_mail, family, mails_of
from shared.models import Channel, Correction, CorrectionKind, Entry, EntryKind, Intake, Ticket, Transcript


async def counting(session: AsyncSession, ticket_id: int) -> dict[CorrectionKind, Correction]:
    """What people last said about a ticket, of each kind."""
    found = await session.scalars(
        select(Correction).where(Correction.ticket_id == ticket_id, Correction.ended_at.is_(None))
    )
    return {each.kind: each for each in found}


async def all_of(session: AsyncSession, ticket_id: int) -> Sequence[Correction]:
    """Everything that was said about a ticket, the newest first."""
    return list(
        await session.scalars(
            select(Correction).where(Correction.ticket_id == ticket_id).order_by(Correction.id.desc())
        )
    )


async def words_judged(session: AsyncSession, ticket: Ticket, kind: CorrectionKind) -> dict[str, Any]:
    """The column and id of the words from which the ticket's language, topic or priority was read; {}: there are none.

    Of a call its newest transcript, of mails the one that decided, of a contact what was written down.
    """
    here = family(ticket.id)
    transcript_id = await session.scalar(
        select(func.max(Transcript.id))
        .join(Intake, Intake.recording_id == Transcript.recording_id)
        .where(Intake.ticket_id.in_(here))
    )
    if transcript_id is not None and ticket.channel is Channel.VOICEMAIL:
        return {"transcript_id": transcript_id}
    rows = await mails_of(session, ticket.id, 0)
    said = together([as_mail(row.message, Said.from_json(row.said), row.uid) for row in rows if row.said is not None])
    if said is not None:
        mail = (said.language or said.first) if kind is CorrectionKind.LANGUAGE else said.topic
        return {"message_id": mail.message_id}
    if rows:
        return {"message_id": min(row.message.id for row in rows)}
    if transcript_id is not None:
        return {"transcript_id": transcript_id}
    entry_id = await session.scalar(
        select(func.min(Entry.id)).where(Entry.ticket_id.in_(here), Entry.kind == EntryKind.CONTACT)
    )
    return {"entry_id": entry_id} if entry_id is not None else {}
