"""The mail door: audio attachments that the inbox handed over become recordings."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.voicemail import intake
from shared import clock, health
from shared.blobs import Blobs
from shared.database import Database
from shared.errors import NotFound
from shared.models import Attachment, Message, Recording, RecordingSource
from shared.settings import Settings

log = structlog.get_logger(__name__)

SERVICE = "voicemail"
PROBLEM = "attachments"
BATCH = 50
_NUMBER = r"\+?(?:\d{1,3}[\s.-]?)?(?:\(\d{2,4}\)[\s.-]?)?\d(?:[\s.-]?\d){5,13}"
# «Voicemail from JANE DOE <4155550123>», «New Voicemail from (555) 123-4567», «Voice Mail from 7125550123 (3 seconds)»,
# «Mensaje de voz de 4155550123»; and the sentence that Asterisk writes: «from "JANE" <4155550123>».
_FROM = re.compile(rf"\b(?:from|de|por)\s+(?P<who>\"?[^\"<\n]{{0,60}}\"?\s*<\s*{_NUMBER}\s*>|{_NUMBER})", re.IGNORECASE)
_MAILBOX = re.compile(r"\b(?:mailbox|extension|buz[oó]n)\s+(?P<mailbox>\d{2,10})\b", re.IGNORECASE)
_URGENT = re.compile(r"\burgente?\b", re.IGNORECASE)


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
    name, number = who_called(message.headers, message.subject, message.text_full)
    return await intake.take_in(
        database,
        blobs,
        settings,
        intake.NewRecording(
            source=RecordingSource.EMAIL,
            source_id=str(attachment.id),
            data=await blobs.get(attachment.blob),
            content_type=attachment.content_type,
            filename=attachment.filename,
            mailbox=mailbox_of(message.headers, message.subject, message.text_full),
            caller_id=number,
            caller_name=name,
            urgent=_URGENT.search(message.subject) is not None
            or _header(message.headers, "x-asterisk-vm-flag") == "Urgent",
            called_at=_called_at(message.headers, message.sent_at, message.received_at),
            attachment_id=attachment.id,
        ),
    )


async def sweep(database: Database, blobs: Blobs, settings: Settings) -> int:
    """Take in every attachment that was handed over and whose ring was lost; how many."""
    async with database.transaction() as session:
        waiting = await _waiting(session)
    failure = ""
    taken = 0
    for attachment_id in waiting:
        try:
            await take_in(database, blobs, settings, attachment_id)
            taken += 1
        except (OSError, NotFound) as error:
            log.error("attachment.cannot_take_in", attachment=attachment_id, error=repr(error))
            failure = f"A voicemail that came by mail cannot be read from the store: {error}"
    if failure:
        await health.report(
            database, SERVICE, PROBLEM, failure, "Check that the blob folder is there and that the disk has room."
        )
    else:
        await health.resolve(database, SERVICE, PROBLEM)
    return taken


async def _waiting(session: AsyncSession) -> Sequence[int]:
    found = await session.scalars(
        select(Attachment.id)
        .outerjoin(Recording, Recording.attachment_id == Attachment.id)
        .where(Attachment.voicemail, Recording.id.is_(None))
        .order_by(Attachment.id)
        .limit(BATCH)
    )
    return found.all()


def who_called(headers: dict[str, Any], subject: str, text: str) -> tuple[str, str | None]:
    """Name and number: from what Asterisk and FusionPBX put into headers, else from the usual sentences."""
    number = _header(headers, "x-asterisk-callerid")
    if number:
        _, read = intake.caller(number)
        return _header(headers, "x-asterisk-calleridname"), read
    for place in (subject, text[:2000]):
        if match := _FROM.search(place):
            return intake.caller(match["who"])
    return "", None


def mailbox_of(headers: dict[str, Any], subject: str, text: str) -> str:
    if given := _header(headers, "x-asterisk-vm-extension"):
        return given
    match = _MAILBOX.search(subject) or _MAILBOX.search(text[:2000])
    return match["mailbox"] if match else ""


def _called_at(headers: dict[str, Any], sent_at: datetime | None, received_at: datetime) -> datetime:
    """When the phone system says; else when its mail left, unless its clock runs ahead of ours."""
    try:
        return datetime.fromtimestamp(int(_header(headers, "x-asterisk-vm-orig-time")), clock.now().tzinfo)
    except (ValueError, OverflowError):
        return min(sent_at, received_at) if sent_at is not None else received_at


def _header(headers: dict[str, Any], name: str) -> str:
    for key, value in headers.items():
        if key.lower() == name:
            first = value[0] if isinstance(value, list) and value else value
            return str(first).strip() if first else ""
    return ""
