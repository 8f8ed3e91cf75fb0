"""Blobs are written once, and never into a folder that is not the one they were in."""

import os
from pathlib import Path

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


def test_a_blob_is_synced_with_every_folder_that_leads_to_it(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    sync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        sync(descriptor)

    def of(*paths: Path) -> list[int]:
        return [path.stat().st_ino for path in paths]

    def taken() -> list[int]:
        found, synced[:] = synced[:], []
        return found

    monkeypatch.setattr(os, "fsync", noted)
    path = blobs.path(blobs.put_sync(b"raw"))
    assert taken() == of(path, path.parent, blobs.root)
    assert blobs.path(blobs.put_sync(b"raw")) == path
    assert taken() == of(path.parent), "somebody may have died between the file and its folder; the root is known"
    assert Blobs(blobs.root).put_chunks_sync([b"r", b"aw"]) == (path.name, 3)
    assert taken() == of(path.parent, blobs.root), "another process knows nothing of what this one has synced"
    path.unlink()
    path.parent.rmdir()
    blobs.put_sync(b"raw")
    assert taken() == of(path, path.parent, blobs.root), "a folder that was made anew"


def test_blobs_of_an_earlier_version_are_found_where_they_lie(blobs: Blobs) -> None:
    path = blobs.path(blobs.put_sync(b"raw"))
    earlier = path.parent / path.name[2:4] / path.name
    earlier.parent.mkdir()
    path.rename(earlier)
    assert blobs.get_sync(path.name) == b"raw"
    assert blobs.put_sync(b"raw") == path.name
    assert blobs.path(path.name) == earlier, "not written a second time"
