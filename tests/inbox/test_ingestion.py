"""Every mail of a folder is in the ledger, once, whatever the server, other mail programs and other readers do."""

import asyncio
import os
import random

import pytest
from imapclient import IMAPClient
from sqlalchemy import delete, text, update

from local.mail import LocalMail
from services.inbox import fetch, imap, problems, watch
from services.inbox.folders import Reconciliation, StoredMail
from services.inbox.process import Processor
from services.inbox.watch import FolderWatcher
from shared.blobs import Blobs
from shared.database import Database
from shared.jobs import Job, Ring
from shared.models import MailboxState, MailFolder, MailReceipt
from shared.settings import Settings
from tests.inbox.conftest import (
    HELP,
    Start,
    mail,
    mailbox,
    messages,
    until,
    wait_for_messages,
)
from tests.inbox.reading import FOREVER, a_watcher, another_program, folder_row, ledger, read, settled, uids_on
from tests.inbox.test_watch import dovecot, problem_is, quick, shared_dovecot, state_is  # noqa: F401
from tests.servers.cutting import Cutting
from tests.servers.dovecot import Dovecot

MAILS = [mail(f"Mail {n}", "línea con ñ) {12}\r\n" * 8**n, message_id=f"<cut{n}@example.com>") for n in range(5)]


def attempt(watcher: FolderWatcher) -> Exception | None:
    try:
        read(watcher)
    except Exception as error:
        return error
    return None


@pytest.mark.parametrize(("kind", "count"), [("dovecot", 24), ("local", 6)])
async def test_a_server_that_hangs_up_at_any_byte(
    kind: str,
    count: int,
    dovecot: Dovecot,  # noqa: F811
    local_mail: LocalMail,
    settings: Settings,
    database: Database,
    blobs: Blobs,
) -> None:
    for raw in MAILS:
        if kind == "dovecot":
            dovecot.deliver(HELP, raw)
        else:
            await local_mail.deliver(HELP, raw)
    port = dovecot.port if kind == "dovecot" else local_mail.imap_port
    on_server = await asyncio.to_thread(uids_on, port)
    async with Cutting(port) as proxy:
        whole = await a_watcher(settings, database, blobs, proxy.port, "whole")
        assert await asyncio.to_thread(read, whole) == Reconciliation(5, 5, 0, 0, (), 0)
        chance = random.Random(f"{kind} 7")
        # Most bytes are those of the largest mail: as many cuts among the words around the mails.
        places = [chance.randrange(proxy.passed) for _ in range(count // 2)]
        places += [chance.randrange(1_500) for _ in range(count - count // 2)]
        for after in places:
            watcher = await a_watcher(settings, database, blobs, proxy.port, f"cut at {after}")
            proxy.after, proxy.cuts = after, 0
            error = await asyncio.to_thread(attempt, watcher)
            assert error is None or problems.explain(error) is problems.NOT_REACHABLE, (after, error)
            assert proxy.cuts == 1
            proxy.after = None
            found = await asyncio.to_thread(read, watcher)
            assert (found.on_server, found.in_ledger, found.refused) == (5, 5, ()), after
            receipts = await ledger(database, watcher.lease.mailbox_id)
            assert {receipt.uid for receipt in receipts} == on_server, after
            assert len(receipts) == 5, after
    await Processor(database, blobs, settings).drain()
    assert sorted(message.subject for message in await messages(database)) == [f"Mail {n}" for n in range(5)]


@pytest.mark.parametrize("kind", ["dovecot", "local"])
async def test_mail_expunged_while_it_is_fetched_is_no_mismatch(
    kind: str, dovecot: Dovecot, local_mail: LocalMail, settings: Settings, database: Database, blobs: Blobs,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(fetch, "BATCH_MAILS", 2)
    for number in range(6):
        if kind == "dovecot":
            dovecot.deliver(HELP, mail(f"Mail {number}"))
        else:
            await local_mail.deliver(HELP, mail(f"Mail {number}"))
    port = dovecot.port if kind == "dovecot" else local_mail.imap_port
    watcher = await a_watcher(settings, database, blobs, port, "main")
    record = watcher.record

    def record_and_expunge(folder: str, uidvalidity: int, mails: list[StoredMail]) -> None:
        record(folder, uidvalidity, mails)
        monkeypatch.setattr(watcher, "record", record)
        with another_program(port) as client:
            client.delete_messages(sorted(client.search("ALL"))[2:4])
            client.expunge()

    monkeypatch.setattr(watcher, "record", record_and_expunge)
    found = await asyncio.to_thread(read, watcher)
    assert (found.on_server, found.in_ledger, found.refused) == (4, 4, ())
    assert {receipt.uid for receipt in await ledger(database)} >= await asyncio.to_thread(uids_on, port)


async def test_batches_are_bounded_in_mails_and_in_bytes(
    local_mail: LocalMail, settings: Settings, database: Database, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "BATCH_MAILS", 7)
    monkeypatch.setattr(fetch, "BATCH_BYTES", 9_000)
    monkeypatch.setattr(fetch, "SIZES_AT_ONCE", 20)
    for number in range(45):
        await local_mail.deliver(HELP, mail(f"Mail {number}", "x" * (50 if number < 30 else 4_000 * (number % 4))))
    watcher = await a_watcher(settings, database, blobs, local_mail.imap_port, "main")
    batches: list[list[int]] = []
    record = watcher.record

    def noted(folder: str, uidvalidity: int, mails: list[StoredMail]) -> None:
        batches.append([each.size for each in mails])
        record(folder, uidvalidity, mails)

    monkeypatch.setattr(watcher, "record", noted)
    await asyncio.to_thread(read, watcher)
    assert sum(len(batch) for batch in batches) == 45
    assert max(len(batch) for batch in batches) == 7
    assert all(sum(batch) <= 9_000 or len(batch) == 1 for batch in batches)
    assert max(sum(batch) for batch in batches) > 9_000  # a mail that is larger than a batch came alone


async def test_what_comparing_finds_is_kept_and_told(
    start: Start, dovecot: Dovecot, database: Database  # noqa: F811
) -> None:  # fmt: skip
    for number in range(5):
        dovecot.deliver(HELP, mail(f"Mail {number}"))
    inbox = await start(mailbox("main", HELP, imap_port=dovecot.port), mailbox_lease_s=FOREVER)
    await wait_for_messages(database, 5)
    first, second, third, *_ = await ledger(database)
    async with database.transaction() as session:  # a ledger from a backup
        await session.execute(delete(MailReceipt).where(MailReceipt.id.in_([second.id, third.id])))
    with another_program(dovecot.port) as client:
        client.delete_messages([first.uid])
        client.expunge()
    path = dovecot.maildir(HELP) / "cur"
    broken = sorted(path.iterdir(), key=lambda each: each.name)[1]  # the third mail: the server cannot read it
    broken.chmod(0)

    async def compare() -> MailFolder:
        async with database.transaction() as session:
            await session.execute(update(MailFolder).values(reconcile_wanted_at=text("clock_timestamp()")))
        await database.bell.ring([Ring(Job.RECONCILE, first.mailbox_id)])

        async def answered() -> bool:
            return (await folder_row(database)).reconcile_wanted_at is None

        await until(answered)
        return await folder_row(database)

    row = await compare()
    # Dovecot hangs up each time; the connections before this comparison have fetched the second mail meanwhile.
    assert (row.on_server, row.in_ledger, row.refused_uids, row.gone) == (4, 3, [third.uid], 1)
    await problem_is(database, "mail_on_server:main", problems.UNREADABLE_ON_SERVER)
    broken.chmod(0o644)
    row = await compare()
    assert (row.on_server, row.in_ledger, row.refused_uids) == (4, 4, [])
    assert (row.missing, row.repaired, row.gone) == (1, 1, 1)
    await problem_is(database, "mail_on_server:main", None)
    assert len(await messages(database)) == 5
    assert inbox.settings.mailbox_lease_s == FOREVER  # so that only the ring can have been heard


async def test_a_wish_is_seen_without_its_ring(start: Start, local_mail: LocalMail, database: Database) -> None:
    await start(mailbox("main", HELP, imap_port=local_mail.imap_port), mailbox_lease_s=0.6)
    await state_is(database, MailboxState.WATCHING)
    async with database.transaction() as session:
        await session.execute(update(MailFolder).values(reconcile_wanted_at=text("clock_timestamp()")))

    async def answered() -> bool:
        return (await folder_row(database)).reconcile_wanted_at is None

    await until(answered)


async def test_other_mail_programs_change_nothing(
    start: Start, dovecot: Dovecot, database: Database  # noqa: F811
) -> None:  # fmt: skip
    for number in range(4):
        dovecot.deliver(HELP, mail(f"Mail {number}"))
    dovecot.maildir(HELP, "Done")
    with another_program(dovecot.port) as client:  # read, answered and about to be deleted before we ever looked
        client.add_flags(client.search("ALL")[:2], ["\\Seen", "\\Answered", "\\Deleted"])
    await start(mailbox("main", HELP, imap_port=dovecot.port))
    await wait_for_messages(database, 4)
    with another_program(dovecot.port) as client:
        moved = client.search("ALL")[-1]
        client.move([moved], "Done")
        client.select_folder("Done")
        client.move(client.search("ALL"), "INBOX")  # and back: the same mail under a new UID

    async def five() -> bool:
        return len(await ledger(database)) == 5

    await until(five)
    await until(lambda: settled(database))
    receipts = await ledger(database)
    assert {receipt.uid for receipt in receipts} - {moved} == await asyncio.to_thread(uids_on, dovecot.port)
    assert len(await messages(database)) == 4


async def test_a_folder_that_is_renamed_is_a_problem_until_it_is_back(
    quick: None, start: Start, dovecot: Dovecot, database: Database, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    monkeypatch.setattr(watch, "HEARTBEAT_S", 0.3)
    dovecot.maildir(HELP, "Service")
    dovecot.deliver(HELP, mail("Before"), folder="Service")
    await start(mailbox("main", HELP, imap_port=dovecot.port, folders=["Service"]))
    await wait_for_messages(database, 1)
    await state_is(database, MailboxState.WATCHING)
    with another_program(dovecot.port) as client:
        client.rename_folder("Service", "Away")
    await problem_is(database, "imap:main", problems.FOLDER_MISSING)
    await state_is(database, MailboxState.FAILED)
    dovecot.deliver(HELP, mail("Meanwhile"), folder="Away")
    with another_program(dovecot.port) as client:
        client.rename_folder("Away", "Service")
    found = await wait_for_messages(database, 2)
    await state_is(database, MailboxState.WATCHING)
    assert [message.subject for message in found] == ["Before", "Meanwhile"]
    await problem_is(database, "imap:main", None)


async def test_news_that_come_before_the_server_says_that_it_idles() -> None:
    """Exchange and others announce mail between the command and their «+ idling»."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n")
        while line := await reader.readline():
            tag, _, command = line.strip().partition(b" ")
            if command == b"IDLE":
                writer.write(b"* 4 EXISTS\r\n+ idling\r\n")
                assert await reader.readline() == b"DONE\r\n"
            writer.write(tag + b" OK done\r\n")
        writer.close()

    def idle(port: int, waker: int) -> bool:
        with IMAPClient("127.0.0.1", port, ssl=False) as client:
            return imap.idle(client, waker, FOREVER)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    waker, wake_end = os.pipe()
    try:
        async with server:
            assert await asyncio.to_thread(idle, server.sockets[0].getsockname()[1], waker)
    finally:
        os.close(waker)
        os.close(wake_end)
