"""The mail door: what the inbox accepted as a phone system's notice becomes a recording, with its audio or without."""

from collections.abc import Sequence

import structlog
from sqlalchemy import and_, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.voicemail import intake, notices
from shared import health
from shared.blobs import Blobs
from shared.database import Database
from shared.errors import NotFound
from shared.models import Attachment, Message, Recording, RecordingSource
from shared.settings import Settings
from shared.web.i18n import N_

log = structlog.get_logger(__name__)

SERVICE = "voicemail"
PROBLEM = "attachments"
BATCH = 50
ONLY_A_LINK = N_("The phone system sent a link only; the audio is not here.")
WITHOUT_AUDIO = N_("The phone system sent no audio.")
_accepted = Message.voicemail["accepted"].as_boolean()
_its_audio = and_(Attachment.message_id == Message.id, Attachment.voicemail)


async def take_in(database: Database, blobs: Blobs, settings: Settings, attachment_id: int) -> Recording | None:
    """One attachment; None when it is no voicemail. Safe to repeat. Raises OSError; NotFound for lost bytes."""
    async with database.transaction() as session:
        found = (
            await session.execute(
                select(Attachment, Message)
                .join(Message, Message.id == Attachment.message_id)
                .where(Attachment.id == attachment_id, Attachment.voicemail)
            )
        ).one_or_none()
    if found is None:
        return None
    attachment, message = found
    return await intake.take_in(
        database,
        blobs,
        settings,
        _new(message, attachment, await blobs.get(attachment.blob)),
    )


async def take_in_without_audio(
    database: Database, blobs: Blobs, settings: Settings, message_id: int
) -> Recording | None:
    """A notice with a link only is a ticket, and says so. None when it has audio or is no notice. Safe to repeat."""
    async with database.transaction() as session:
        message = await session.scalar(
            select(Message).where(Message.id == message_id, _accepted, ~exists().where(_its_audio))
        )
    return await intake.take_in(database, blobs, settings, _new(message, None, None)) if message is not None else None


def _new(message: Message, attachment: Attachment | None, data: bytes | None) -> intake.NewRecording:
    notice = notices.read(
        system=(message.voicemail or {}).get("system"),
        headers=message.headers,
        rfc_message_id=message.rfc_message_id,
        subject=message.subject,
        text=message.text_full,
        html=message.html,
        filename=attachment.filename if attachment else "",
        with_link=attachment is None,
    )
    # When the phone system says; else when its mail left, unless its clock runs ahead of ours.
    sent_at = min(message.sent_at or message.received_at, message.received_at)
    return intake.NewRecording(
        source=RecordingSource.EMAIL,
        door="email",
        source_id=str(attachment.id) if attachment else f"message:{message.id}",
        data=data,
        content_type=attachment.content_type if attachment else "audio/wav",
        filename=attachment.filename if attachment else "",
        mailbox=notice.mailbox,
        caller_id=notice.number,
        caller_name=notice.name,
        urgent=notice.urgent,
        called_at=notice.at or sent_at,
        attachment_id=attachment.id if attachment else None,
        message_id=message.id,
        vendor=notice.vendor,
        missing=ONLY_A_LINK if notice.vendor and "link" in notice.vendor else WITHOUT_AUDIO,
    )


async def sweep(database: Database, blobs: Blobs, settings: Settings) -> int:
    """Take in every attachment that was handed over and whose ring was lost; how many."""
    async with database.transaction() as session:
        waiting = await _waiting(session)
        without_audio = await _waiting_without_audio(session)
    failure = ""
    taken = 0
    for attachment_id in waiting:
        try:
            await take_in(database, blobs, settings, attachment_id)
            taken += 1
        except (OSError, NotFound) as error:
            log.error("attachment.cannot_take_in", attachment=attachment_id, error=repr(error))
            failure = f"A voicemail that came by mail cannot be read from the store: {error}"
    for message_id in without_audio:
        taken += await take_in_without_audio(database, blobs, settings, message_id) is not None
    if failure:
        await health.report(
            database, SERVICE, PROBLEM, failure, "Check that the blob folder is there and that the disk has room."
        )
    else:
        await health.resolve(database, SERVICE, PROBLEM)
    return taken


async def _waiting_without_audio(session: AsyncSession) -> Sequence[int]:
    found = await session.scalars(
        select(Message.id)
        .where(
            Message.voicemail.is_not(None),
            _accepted,
            ~exists().where(_its_audio),
            ~exists().where(Recording.message_id == Message.id),
        )
        .order_by(Message.id)
        .limit(BATCH)
    )
    return found.all()


async def _waiting(session: AsyncSession) -> Sequence[int]:
    found = await session.scalars(
        select(Attachment.id)
        .outerjoin(Recording, Recording.attachment_id == Attachment.id)
        .where(Attachment.voicemail, Recording.id.is_(None))
        .order_by(Attachment.id)
        .limit(BATCH)
    )
    return found.all()
