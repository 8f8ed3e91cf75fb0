"""The folder of blobs is made once, at the first start; when it is gone later, its volume is missing."""

import asyncio

import structlog
from sqlalchemy import exists, or_, select

from shared.blobs import Blobs
from shared.database import Database
from shared.models import DeliveryFile, GreetingVersion, MailReceipt, Recording

log = structlog.get_logger(__name__)


async def prepare(database: Database, blobs: Blobs) -> bool:
    """Make the folder unless the store knows of blobs that should be in it. Whether it is there.

    A fresh folder in the place of a volume that was not mounted would take mail in beside the one with all the rest.
    Without it nothing is written: mail waits on its server, and the problem `blob_store` says what to do.
    """
    if await asyncio.to_thread(blobs.root.is_dir):
        return True
    async with database.transaction() as session:
        known = await session.scalar(
            select(or_(*(exists(select(each.id)) for each in (MailReceipt, Recording, GreetingVersion, DeliveryFile))))
        )
    if known:
        log.error("blobs.folder_missing", folder=str(blobs.root))
        return False
    await asyncio.to_thread(blobs.root.mkdir, parents=True, exist_ok=True)
    return True
