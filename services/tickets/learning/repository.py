"""What people said about the machine's decisions, in the store, and where the words are that were judged."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.said import Said, together
from services.tickets.thread_repository import as_mail, family, mails_of
from shared.models import (
    CallerFact,
    CallerFactKind,
    Channel,
    Correction,
    CorrectionKind,
    Customer,
    CustomerIdentity,
    Entry,
    EntryKind,
    Intake,
    Participant,
    Recording,
    Ticket,
    Transcript,
    TranscriptCorrection,
)


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


async def exportable(session: AsyncSession) -> list[tuple[Correction, Ticket]]:
    """What counts and names the words it is about, the oldest first, with its ticket."""
    found = await session.execute(
        select(Correction, Ticket)
        .join(Ticket, Ticket.id == Correction.ticket_id)
        .where(
            Correction.ended_at.is_(None),
            or_(
                Correction.message_id.is_not(None),
                Correction.transcript_id.is_not(None),
                Correction.entry_id.is_not(None),
            ),
        )
        .order_by(Correction.id)
    )
    return [(row, ticket) for row, ticket in found]


async def known_as(session: AsyncSession, ticket: Ticket) -> list[str]:
    """Names, addresses and numbers of who takes part in a ticket."""
    found = list(await session.scalars(select(Participant.address).where(Participant.ticket_id == ticket.id)))
    if ticket.customer_id is not None:
        customer = await session.get_one(Customer, ticket.customer_id)
        identities = await session.scalars(
            select(CustomerIdentity.value).where(CustomerIdentity.customer_id == customer.id)
        )
        found += [customer.name, *identities]
    return found


async def spoken_or_noted(session: AsyncSession, row: Correction) -> tuple[str, list[str]] | None:
    """The words of a call, as a person corrected them if anybody did, or what was written down; and names in them."""
    if row.transcript_id is None:
        entry = await session.get(Entry, row.entry_id)
        return None if entry is None else (entry.text, [str(entry.detail.get("name") or "")])
    transcript = await session.get(Transcript, row.transcript_id)
    if transcript is None:
        return None
    corrected = await session.scalar(
        select(TranscriptCorrection.text)
        .where(TranscriptCorrection.transcript_id == transcript.id)
        .order_by(TranscriptCorrection.version.desc())
        .limit(1)
    )
    names = await session.scalars(
        select(CallerFact.value).where(
            CallerFact.recording_id == transcript.recording_id, CallerFact.kind == CallerFactKind.NAME
        )
    )
    recording = await session.get_one(Recording, transcript.recording_id)
    return transcript.text if corrected is None else corrected, [recording.caller_name, *names]
