"""Blobs are written once, and never into a folder that is not the one they were in."""

import pytest

from shared.blob_folder import prepare
from shared.blobs import Blobs
from shared.database import Database
from shared.errors import NotFound
from shared.models import Mailbox, MailReceipt


async def test_a_folder_that_is_gone_is_not_made_anew(database: Database, blobs: Blobs) -> None:
    blobs.root.rmdir()
    assert await prepare(database, blobs), "the first start"
    name = blobs.put_sync(b"raw")
    assert blobs.put_chunks_sync([b"r", b"a", b"w"]) == (name, 3)
    async with database.transaction() as session:
        mailbox = Mailbox(name="main", address="help@center.example")
        session.add(mailbox)
        await session.flush()
        session.add(MailReceipt(mailbox_id=mailbox.id, folder="INBOX", uidvalidity=1, uid=1, blob=name, size=3))
    away = blobs.root.rename(blobs.root.with_name("away"))
    assert not await prepare(database, blobs), "its volume is missing"
    for write in (lambda: blobs.put_sync(b"new"), lambda: blobs.put_chunks_sync([b"n", b"e", b"w"]), blobs.probe_sync):
        with pytest.raises(FileNotFoundError):
            write()
    with pytest.raises(NotFound):
        blobs.get_sync(name)
    assert not blobs.root.exists()
    away.rename(blobs.root)
    assert await prepare(database, blobs)
    assert blobs.get_sync(name) == b"raw"
