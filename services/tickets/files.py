"""Recordings, attachments and raw mail as browsers may have them: by range, never run, never guessed."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from services.tickets.ranges import RangedFile
from services.tickets.thread_repository import family
from shared import audit, clock
from shared.blobs import Blobs
from shared.errors import NotFound
from shared.models import Attachment, AuditEvent, DeliveryFile, Entry, Message, Recording
from shared.people import Actor, Permission

# What a browser may show by itself; all else is saved to disk. No SVG and no HTML: they carry scripts.
SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/avif"})
HEARD = "audio/"
SAME_LISTENING = timedelta(hours=2)  # a recording is an hour at most
SANDBOX = "sandbox; default-src 'none'; style-src 'none'; frame-ancestors 'self'"


def download(blobs: Blobs, blob: str, *, content_type: str, filename: str, inline: bool = False) -> RangedFile:
    """Answers ranges and HEAD. Raises NotFound when the bytes are not in the store."""
    path = blobs.path(blob)
    if not path.is_file():
        raise NotFound("The file is not in the store any more. Tell your administrator.")
    kind = content_type.partition(";")[0].strip().lower()
    shown = inline and (kind in SHOWN or kind.startswith(HEARD))
    return RangedFile(
        path,
        stat_result=path.stat(),
        media_type=kind if shown else "application/octet-stream",
        filename=plain_name(filename),
        content_disposition_type="inline" if shown else "attachment",
        headers={
            "ETag": f'"{blob}"',  # the hash of the content: the same on every machine, and strong enough for If-Range
            "Content-Security-Policy": SANDBOX,
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-site",
        },
    )


def plain_name(filename: str) -> str:
    """A name without folders and control characters, of a length that file systems take."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    name = "".join(c for c in name if c.isprintable()).strip(" .")
    return name[-120:] or "file"


def begins(asked: str | None) -> bool:
    """Whether a Range header is the first of a listening, and not one of the ranges that follow it."""
    return asked is None or asked.replace(" ", "").startswith("bytes=0-")


async def recording_file(
    session: AsyncSession, me: Actor, ticket_id: int, recording_id: int, *, original: bool = False,
    listening: bool = True,
) -> tuple[str, str, str]:  # fmt: skip
    """Blob, type and name of a recording's audio. `listening` False for the later ranges of one listening."""
    me.require(Permission.TICKET_READ)
    recording = await recording_on(session, ticket_id, recording_id)
    if listening or not await _has_listened(session, me, recording_id):
        audit.record(
            session, me.id, "recording.listen", object_type="recording", object_id=recording_id, ticket_id=ticket_id,
            detail={"original": original}, ip=me.ip,
        )  # fmt: skip
    if recording.blob is None:
        raise NotFound("The audio of this voicemail is not here.")
    if original or recording.playback_blob is None:
        return recording.blob, recording.content_type, f"voicemail-{recording_id}"
    return recording.playback_blob, "audio/wav", f"voicemail-{recording_id}.wav"


async def recording_on(session: AsyncSession, ticket_id: int, recording_id: int) -> Recording:
    """A recording of this ticket. Raises NotFound."""
    await _ticket_of(session, Entry.recording_id, recording_id, ticket_id)
    recording = await session.get(Recording, recording_id)
    if recording is None:
        raise NotFound("There is no such recording.")
    return recording


async def _has_listened(session: AsyncSession, me: Actor, recording_id: int) -> bool:
    """Whether a later range belongs to a listening that is written down: no part is heard without an entry."""
    found = await session.scalar(
        select(AuditEvent.id)
        .where(
            AuditEvent.actor_id == me.id,
            AuditEvent.action == "recording.listen",
            AuditEvent.object_id == str(recording_id),
            AuditEvent.at > clock.now() - SAME_LISTENING,
        )
        .limit(1)
    )
    return found is not None


async def attachment_file(
    session: AsyncSession, me: Actor, attachment_id: int, ticket_id: int | None = None
) -> tuple[str, str, str]:
    me.require(Permission.TICKET_READ)
    attachment = await session.get(Attachment, attachment_id)
    if attachment is None:
        raise NotFound("There is no such attachment.")
    audit.record(
        session, me.id, "attachment.download", object_type="attachment", object_id=attachment_id,
        ticket_id=await _ticket_of(session, Entry.message_id, attachment.message_id, ticket_id),
        detail={"filename": attachment.filename[:200]}, ip=me.ip,
    )  # fmt: skip
    return attachment.blob, attachment.content_type, attachment.filename or f"attachment-{attachment_id}"


async def reply_file(
    session: AsyncSession, me: Actor, ticket_id: int, file_id: int, *, seen: bool = True
) -> tuple[str, str, str]:
    """Blob, type and name of a file that leaves, or left, with a reply. `seen` False: as a part of the page."""
    me.require(Permission.TICKET_READ)
    file = await session.get(DeliveryFile, file_id)
    if file is None or file.ticket_id != ticket_id:
        raise NotFound("There is no such file.")
    if seen:
        audit.record(
            session, me.id, "file.download", object_type="delivery_file", object_id=file_id, ticket_id=ticket_id,
            detail={"filename": file.filename[:200]}, ip=me.ip,
        )  # fmt: skip
    return file.blob, file.content_type, file.filename


async def raw_mail(session: AsyncSession, me: Actor, message_id: int, ticket_id: int | None = None) -> str:
    """The mail as it came: for who sees tickets, since it is their evidence."""
    return (await seen_message(session, me, message_id, "message.raw", ticket_id)).blob


async def seen_message(
    session: AsyncSession, me: Actor, message_id: int, action: str, ticket_id: int | None
) -> Message:
    """The mail, its look written down as `action`."""
    me.require(Permission.TICKET_READ)
    message = await session.get(Message, message_id)
    if message is None:
        raise NotFound("There is no such mail.")
    audit.record(
        session, me.id, action, object_type="message", object_id=message_id,
        ticket_id=await _ticket_of(session, Entry.message_id, message_id, ticket_id), ip=me.ip,
    )  # fmt: skip
    return message


async def _ticket_of(
    session: AsyncSession, column: InstrumentedAttribute[int | None], value: int, named: int | None
) -> int | None:
    """The ticket through which something is seen: the one that was named, which must hold it, or its first."""
    statement = select(func.min(Entry.ticket_id)).where(column == value)
    if named is not None:
        statement = statement.where(Entry.ticket_id.in_(family(named)))
    found: int | None = await session.scalar(statement)
    if found is None and named is not None:
        raise NotFound("There is nothing here.")
    return found
