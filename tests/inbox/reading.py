"""Reading a folder step by step, and what the ledger then holds: for tests of ingestion."""

from collections.abc import Iterator
from contextlib import contextmanager

from imapclient import IMAPClient
from sqlalchemy import select

from services.inbox import imap, repository
from services.inbox.credentials import Credentials
from services.inbox.fetch import FolderReader
from services.inbox.folders import Reconciliation
from services.inbox.watch import FolderWatcher, watchers_of
from shared.blobs import Blobs
from shared.database import Database
from shared.models import MailFolder, MailReceipt
from shared.settings import Settings
from tests.inbox.conftest import HELP, PASSWORD, mailbox, rows

FOREVER = 3600.0


@contextmanager
def another_program(port: int, folder: str = "INBOX") -> Iterator[IMAPClient]:
    """Somebody's own mail program on the same mailbox."""
    with IMAPClient("127.0.0.1", port, ssl=False) as client:
        client.login(HELP, PASSWORD)
        client.select_folder(folder)
        yield client


def uids_on(port: int, folder: str = "INBOX") -> set[int]:
    with another_program(port, folder) as client:
        return set(client.search("ALL"))


async def ledger(database: Database, mailbox_id: int | None = None) -> list[MailReceipt]:
    statement = select(MailReceipt).order_by(MailReceipt.uidvalidity, MailReceipt.uid)
    return await rows(database, statement if mailbox_id is None else statement.filter_by(mailbox_id=mailbox_id))


async def folder_row(database: Database) -> MailFolder:
    (row,) = await rows(database, select(MailFolder))
    assert isinstance(row, MailFolder)
    return row


async def a_watcher(settings: Settings, database: Database, blobs: Blobs, port: int, name: str) -> FolderWatcher:
    """Not started: the test reads with it."""
    box = mailbox(name, HELP, imap_port=port)
    async with database.transaction() as session:
        mailbox_id = await repository.upsert_mailbox(session, name, HELP)
    slow = settings.model_copy(update={"mailbox_lease_s": FOREVER})
    (watcher,) = watchers_of(slow, database, blobs, mailbox_id, Credentials(box), lambda: None)
    return watcher


def read(watcher: FolderWatcher) -> Reconciliation:
    """One connection's life, as in the watcher's thread."""
    assert watcher._take_lease()
    client = imap.connect(watcher.credentials)
    try:
        reader = FolderReader(client, watcher, watcher.blobs, "INBOX")
        reader.open()
        reader.catch_up(lambda: False)
        return reader.reconcile(lambda: False)
    finally:
        imap.close(client)


async def settled(database: Database) -> bool:
    return all(receipt.state == "parsed" for receipt in await ledger(database))
