"""A folder has one reader: whoever was taken over writes nothing, and whoever stands by takes over from the dead."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from local.mail import LocalMail
from services.inbox import folders
from services.inbox.folders import LeaseLost, Reconciliation, StoredMail
from shared.blobs import Blobs
from shared.database import Database
from shared.models import MailboxState, MailFolder
from shared.settings import Settings
from tests.inbox.conftest import HELP, PASSWORD, mail, mailbox, messages, rows, running, until, wait_for_messages
from tests.inbox.reading import a_watcher, folder_row, ledger, settled, uids_on
from tests.inbox.test_watch import dovecot, shared_dovecot, state_is  # noqa: F401
from tests.servers.dovecot import Dovecot


async def test_a_reader_that_was_taken_over_writes_nothing(
    local_mail: LocalMail, settings: Settings, database: Database, blobs: Blobs
) -> None:
    await local_mail.deliver(HELP, mail("Once"))
    old = await a_watcher(settings, database, blobs, local_mail.imap_port, "main")
    new = await a_watcher(settings, database, blobs, local_mail.imap_port, "main")
    assert await asyncio.to_thread(old._take_lease)
    assert await asyncio.to_thread(old.open_folder, "INBOX", 7) == 0
    assert not await asyncio.to_thread(new._take_lease)
    row = await folder_row(database)
    assert (row.holder, row.standby) == (old.lease.holder, new.lease.holder)
    async with database.transaction() as session:  # the old one was asleep, or cut off from the database
        await session.execute(update(MailFolder).values(holder_until=text("clock_timestamp() - interval '1 second'")))
    assert await asyncio.to_thread(new._take_lease)
    row = await folder_row(database)
    assert (row.holder, row.standby) == (new.lease.holder, None)
    stored = [StoredMail(1, blobs.put_sync(b"x"), 1, None)]
    for write in (
        lambda: old.record("INBOX", 7, stored),
        lambda: old.open_folder("INBOX", 8),
    ):
        with pytest.raises(LeaseLost):
            await asyncio.to_thread(write)
    async with database.transaction() as session:
        with pytest.raises(LeaseLost):
            await folders.renew(session, old.lease, 10)
        with pytest.raises(LeaseLost):
            await folders.end_reconciliation(session, old.lease, Reconciliation(9, 9, 0, 0, (), 0), None)
        assert (
            await folders.set_state(session, old.lease, MailboxState.FAILED, ["INBOX"], error=("not_reachable", "no"))
            is None
        )
        await folders.release(session, old.lease)
    assert await ledger(database) == []
    row = await folder_row(database)
    assert (row.holder, row.uidvalidity, row.on_server) == (new.lease.holder, 7, None)
    await asyncio.to_thread(new.record, "INBOX", 7, stored)
    assert len(await ledger(database)) == 1


async def test_whoever_is_taken_over_while_reading_stands_by(
    settings: Settings, local_mail: LocalMail, database: Database
) -> None:
    configured = settings.model_copy(
        update={"mailboxes": [mailbox("main", HELP, imap_port=local_mail.imap_port)], "mailbox_lease_s": 0.6}
    )
    async with running(configured):
        await state_is(database, MailboxState.WATCHING)
        async with database.transaction() as session:
            await session.execute(
                update(MailFolder).values(
                    holder="elsewhere:1@boot/ns#x", holder_until=text("clock_timestamp() + interval '1 hour'")
                )
            )

        async def stands_by() -> bool:
            return (await folder_row(database)).standby is not None

        await until(stands_by)
        await local_mail.deliver(HELP, mail("Not for us"))
        await asyncio.sleep(0.3)
        assert await ledger(database) == []
    assert (await folder_row(database)).holder == "elsewhere:1@boot/ns#x"


def an_inbox(settings: Settings, port: int) -> subprocess.Popen[bytes]:
    """A process of its own, as in production."""
    environment = {
        **os.environ,
        "CENTRALITA_DATABASE_URL": settings.database_url.get_secret_value(),
        "CENTRALITA_REDIS_URL": settings.redis_url.get_secret_value(),
        "CENTRALITA_SECRET_KEY": settings.secret_key.get_secret_value(),
        "CENTRALITA_BLOB_DIR": str(settings.blob_dir),
        "CENTRALITA_HEALTH_PORT": "0",
        "CENTRALITA_MAILBOX_LEASE_S": "1.5",
        "CENTRALITA_MAILBOXES": json.dumps(
            [
                {
                    "name": "main", "address": HELP, "username": HELP, "password": PASSWORD,
                    "imap": {"host": "127.0.0.1", "port": port, "security": "none"},
                }
            ]
        ),
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "services.inbox"], env=environment, cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


async def test_two_processes_share_a_mailbox_and_one_takes_over_when_the_other_is_killed(
    settings: Settings, dovecot: Dovecot, database: Database  # noqa: F811
) -> None:  # fmt: skip
    for number in range(60):
        dovecot.deliver(HELP, mail(f"Mail {number}", "x" * 20_000))
    processes = [an_inbox(settings, dovecot.port) for _ in range(2)]
    try:

        async def both_there() -> bool:
            return bool(await rows(database, select(MailFolder).where(MailFolder.standby.is_not(None))))

        await until(both_there, timeout=60)
        row = await folder_row(database)
        holder = next(each for each in processes if f":{each.pid}@" in (row.holder or ""))
        holder.send_signal(signal.SIGKILL)
        for number in range(60, 80):
            dovecot.deliver(HELP, mail(f"Mail {number}"))
        await wait_for_messages(database, 80, timeout=60)
        await until(lambda: settled(database))
        receipts = await ledger(database)
        assert [receipt.uid for receipt in receipts] == sorted(await asyncio.to_thread(uids_on, dovecot.port))
        assert len(await messages(database)) == 80
        row = await folder_row(database)
        assert f":{holder.pid}@" not in (row.holder or "")
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            await asyncio.to_thread(process.wait, 20)
