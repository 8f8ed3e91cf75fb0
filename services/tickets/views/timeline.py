"""A ticket's timeline with everything its entries point at, in a fixed number of statements."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.thread_repository import family
from services.tickets.trust import verdict_of
from services.tickets.views.deliveries import delivery_views
from services.tickets.views.greetings import heard_before
from services.tickets.views.models import (
    AttachmentView,
    CorrectionView,
    EntryView,
    ForwardedView,
    MessageView,
    PersonRef,
    RecordingView,
    TranscriptView,
)
from shared.models import Attachment, Entry, EntryKind, Message, Person, Recording, Transcript, TranscriptCorrection


def _ids(values: Iterable[int | None]) -> list[int]:
    return sorted({value for value in values if value is not None})


async def timeline(session: AsyncSession, ticket_id: int) -> list[EntryView]:
    """Of the ticket and of those that go on in it, oldest first."""
    found = await session.execute(
        select(Entry, Person.name)
        .outerjoin(Person, Person.id == Entry.actor_id)
        .where(Entry.ticket_id.in_(family(ticket_id)))
        .order_by(Entry.id)
    )
    entries = list(found)
    moved = moves(entry for entry, _ in entries)
    messages = await _messages(session, _ids(entry.message_id for entry, _ in entries))
    recordings = await recording_views(session, _ids(entry.recording_id for entry, _ in entries))
    found_deliveries = _ids(entry.delivery_id for entry, _ in entries)
    deliveries = await delivery_views(session, found_deliveries, [entry for entry, _ in entries])
    return [
        EntryView(
            id=entry.id,
            ticket_id=entry.ticket_id,
            moved_to=moved.get(entry.id),
            kind=entry.kind,
            at=entry.at,
            actor=None if entry.actor_id is None else PersonRef(id=entry.actor_id, name=name or ""),
            text=entry.text,
            detail=entry.detail,
            message=messages.get(entry.message_id or 0),
            recording=recordings.get(entry.recording_id or 0),
            delivery=deliveries.get(entry.delivery_id or 0),
        )
        for entry, name in entries
    ]


def moves(entries: Iterable[Entry]) -> dict[int, int]:
    """Entry → the ticket to which it was split off."""
    return {
        entry_id: entry.detail["ticket_id"]
        for entry in entries
        if entry.kind is EntryKind.SPLIT
        for entry_id in entry.detail.get("entries", [])
    }


async def _messages(session: AsyncSession, ids: list[int]) -> dict[int, MessageView]:
    if not ids:
        return {}
    attachments: dict[int, list[AttachmentView]] = defaultdict(list)
    for attachment in await session.scalars(
        select(Attachment).where(Attachment.message_id.in_(ids)).order_by(Attachment.message_id, Attachment.position)
    ):
        attachments[attachment.message_id].append(
            AttachmentView(
                id=attachment.id,
                filename=attachment.filename,
                content_type=attachment.content_type,
                size=attachment.size,
                inline=attachment.inline,
            )
        )
    return {
        message.id: MessageView(
            id=message.id,
            from_name=message.from_name,
            from_address=message.from_address,
            to=message.to_addresses,
            cc=message.cc_addresses,
            subject=message.subject,
            received_at=message.received_at,
            text_new=message.text_new,
            signature=message.signature,
            text_full=message.text_full,
            forwarded=[ForwardedView.model_validate(each) for each in message.forwarded],
            left_out=bool(message.forwarded) or message.text_full.split() != message.text_new.split(),
            has_html=message.html is not None,
            machine=message.machine,
            machine_evidence=message.machine_evidence,
            bounce=message.bounce,
            authentication=message.authentication,
            verdict=verdict_of(message.authentication),
            voicemail_doubt=message.voicemail["why"]
            if message.voicemail and not message.voicemail["accepted"]
            else None,
            defects=message.defects,
            attachments=attachments[message.id],
        )
        for message in await session.scalars(select(Message).where(Message.id.in_(ids)))
    }


async def recording_views(session: AsyncSession, ids: list[int]) -> dict[int, RecordingView]:
    if not ids:
        return {}
    corrections = await _corrections(session, ids)
    transcripts: dict[int, Any] = {}
    for transcript in await session.scalars(
        select(Transcript)
        .ext(distinct_on(Transcript.recording_id))
        .where(Transcript.recording_id.in_(ids))
        .order_by(Transcript.recording_id, Transcript.id.desc())
    ):
        transcripts[transcript.recording_id] = TranscriptView(
            id=transcript.id,
            text=transcript.text,
            language=transcript.language,
            language_confidence=transcript.language_confidence,
            flags=transcript.flags,
            segments=transcript.segments,
            regions=transcript.regions,
            model=transcript.model,
            created_at=transcript.created_at,
            corrections=corrections[transcript.id],
        )
    recordings = (await session.scalars(select(Recording).where(Recording.id.in_(ids)))).all()
    greetings = await heard_before(session, recordings)
    return {
        recording.id: RecordingView(
            id=recording.id,
            caller_id=recording.caller_id,
            caller_name=recording.caller_name,
            line=recording.line,
            mailbox=recording.mailbox,
            menu_language=recording.menu_language,
            urgent=recording.urgent,
            called_at=recording.called_at,
            duration_s=recording.duration_s,
            state=recording.state,
            error=recording.error,
            vendor=recording.vendor,
            playable=recording.playback_blob is not None,
            greeting=greetings.get(recording.id),
            transcript=transcripts.get(recording.id),
        )
        for recording in recordings
    }


async def _corrections(session: AsyncSession, recording_ids: list[int]) -> dict[int, list[CorrectionView]]:
    """Of every transcript of these recordings, newest first."""
    found: dict[int, list[CorrectionView]] = defaultdict(list)
    for correction, name in await session.execute(
        select(TranscriptCorrection, Person.name)
        .join(Person, Person.id == TranscriptCorrection.person_id)
        .where(TranscriptCorrection.recording_id.in_(recording_ids))
        .order_by(TranscriptCorrection.version.desc())
    ):
        found[correction.transcript_id].append(
            CorrectionView(
                version=correction.version,
                text=correction.text,
                language=correction.language,
                by=PersonRef(id=correction.person_id, name=name),
                at=correction.created_at,
            )
        )
    return found
