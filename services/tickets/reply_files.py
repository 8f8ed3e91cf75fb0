"""Files that go out with a reply: kept when they are uploaded, taken by the reply when it is sent."""

import re
import secrets
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.files import SHOWN, plain_name
from services.tickets.markdown import shown_images
from shared import audit, clock
from shared.blobs import Blobs
from shared.errors import Invalid, NotFound
from shared.models import Delivery, DeliveryFile, Ticket
from shared.people import Actor, Permission
from shared.settings import Settings

MOST = 20
UNSENT_KEPT = timedelta(days=7)
_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+_-]{0,100}")
# What a file says that it is, by its first bytes: an image is shown, so it has to be one.
_IMAGES = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}


def megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:.1f}".removesuffix(".0")


async def upload(
    session: AsyncSession, settings: Settings, blobs: Blobs, me: Actor, ticket_id: int, *,
    filename: str, content_type: str, data: bytes,
) -> DeliveryFile:  # fmt: skip
    """Keep a file for a reply on this ticket. Raises Invalid with what is wrong with it."""
    me.require(Permission.TICKET_WORK)
    if await session.get(Ticket, ticket_id) is None:
        raise NotFound("There is no ticket {number}.", number=ticket_id)
    name = plain_name(filename)
    if not data:
        raise Invalid("«{name}» is empty. Choose the file again.", field="files", name=name)
    if len(data) > settings.max_outgoing_bytes:
        raise Invalid(
            "«{name}» is too large: it has {size} MB, and a reply takes {limit} MB.", field="files", name=name,
            size=megabytes(len(data)), limit=megabytes(settings.max_outgoing_bytes),
        )  # fmt: skip
    file = DeliveryFile(
        ticket_id=ticket_id,
        uploaded_by_id=me.id,
        filename=name,
        content_type=_type_of(content_type, data),
        size=len(data),
        blob=await blobs.put(data),
        content_id=f"{secrets.token_hex(4)}@centralita",
    )
    session.add(file)
    await session.flush()
    audit.record(
        session, me.id, "file.upload", object_type="delivery_file", object_id=file.id, ticket_id=ticket_id,
        detail={"filename": name, "size": file.size}, ip=me.ip,
    )  # fmt: skip
    return file


def _type_of(claimed: str, data: bytes) -> str:
    kind = claimed.partition(";")[0].strip().lower()
    if kind.startswith("image/") and not data.startswith(_IMAGES.get(kind, (b"",))):
        return "application/octet-stream"
    return kind if _TYPE.fullmatch(kind) else "application/octet-stream"


async def unsent(session: AsyncSession, ticket_id: int, ids: Sequence[int]) -> list[DeliveryFile]:
    """Those of these files that still wait for a reply on this ticket, in their order."""
    if not ids:
        return []
    found = await session.scalars(
        select(DeliveryFile)
        .where(DeliveryFile.id.in_(ids), DeliveryFile.ticket_id == ticket_id, DeliveryFile.delivery_id.is_(None))
        .with_for_update()
    )
    by_id = {file.id: file for file in found}
    return [by_id[each] for each in dict.fromkeys(ids) if each in by_id]


async def check(
    session: AsyncSession, settings: Settings, ticket_id: int, ids: Sequence[int], text: str
) -> list[DeliveryFile]:
    """The files of a reply that is about to be sent, those that its text shows marked as such. Raises Invalid."""
    files = await unsent(session, ticket_id, ids)
    if len(files) < len(set(ids)):
        raise Invalid("One of the files is not there any more. Add it again.", field="files")
    if len(files) > MOST:
        raise Invalid("That is too many files; at most {limit}.", field="files", limit=MOST)
    if (total := sum(file.size for file in files)) > settings.max_outgoing_bytes:
        raise Invalid(
            "The files have {size} MB together, and a reply takes {limit} MB. Remove one.", field="files",
            size=megabytes(total), limit=megabytes(settings.max_outgoing_bytes),
        )  # fmt: skip
    shown = shown_images(text)
    if missing := shown - {file.content_id for file in files}:
        raise Invalid(
            "The text shows an image that is not attached ({name}). Add it again, or remove it from the text.",
            field="text", name=", ".join(sorted(missing)),
        )  # fmt: skip
    for position, file in enumerate(files):
        file.position = position
        file.inline = file.content_id in shown and file.content_type in SHOWN
    return files


def send_with(delivery: Delivery, files: Sequence[DeliveryFile]) -> None:
    """The files belong to this mail now."""
    for file in files:
        file.delivery_id = delivery.id


async def remove(session: AsyncSession, me: Actor, ticket_id: int, file_id: int) -> None:
    """Forget a file that no reply has taken."""
    me.require(Permission.TICKET_WORK)
    files = await unsent(session, ticket_id, [file_id])
    if not files:
        raise NotFound("There is no such file.")
    await session.delete(files[0])


async def forget_old(session: AsyncSession) -> None:
    """Files of replies that were never sent. Their bytes stay: another row may be of the same."""
    await session.execute(
        delete(DeliveryFile).where(
            DeliveryFile.delivery_id.is_(None), DeliveryFile.created_at < clock.now() - UNSENT_KEPT
        )
    )
