"""Mail through real IMAP servers becomes message rows: at once, once, and whatever the server does."""

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from imapclient import IMAPClient
from sqlalchemy import delete, select, text

from local.mail import LocalMail
from services.inbox import imap, problems, watch
from shared.blobs import Blobs
from shared.database import Database
from shared.models import Attachment, Mailbox, MailboxState, MailFolder, MailReceipt, Message, Problem, ReceiptState
from shared.settings import Settings
from tests.inbox.conftest import (
    AYUDA,
    HELP,
    PASSWORD,
    Start,
    mail,
    mailbox,
    messages,
    rows,
    running,
    until,
    wait_for_messages,
)
from tests.servers.cutting import Cutting
from tests.servers.dovecot import Dovecot


@pytest.fixture(scope="module")
def shared_dovecot() -> Iterator[Dovecot]:
    with Dovecot({HELP: PASSWORD, AYUDA: PASSWORD}) as server:
        yield server


@pytest.fixture
def dovecot(shared_dovecot: Dovecot) -> Dovecot:
    """Running, with empty mailboxes."""
    for address in (HELP, AYUDA):
        for mail_file in shared_dovecot.maildir(address).parent.glob(f"{address}/**/[0-9]*.*"):
            mail_file.unlink(missing_ok=True)
    return shared_dovecot


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "BACK_OFF_S", (0.05, 0.3))
    monkeypatch.setattr(watch, "SLOW_BACK_OFF_S", (0.1, 0.3))


async def state_is(database: Database, *wanted: MailboxState) -> list[Mailbox]:
    async def probe() -> list[Mailbox]:
        found = await rows(database, select(Mailbox).order_by(Mailbox.name))
        return found if [m.state for m in found] == list(wanted) else []

    return await until(probe)


async def open_problems(database: Database) -> dict[str, str]:
    found = await rows(database, select(Problem).where(Problem.resolved_at.is_(None)))
    return {problem.key: problem.message for problem in found}


async def problem_is(database: Database, key: str, trouble: problems.Trouble | None) -> None:
    async def probe() -> bool:
        return (await open_problems(database)).get(key) == (trouble.message if trouble else None)

    await until(probe)


async def test_mail_arrives_through_idle_at_once(start: Start, local_mail: LocalMail, database: Database) -> None:
    await start(mailbox("main", HELP, imap_port=local_mail.imap_port))
    await state_is(database, MailboxState.WATCHING)
    await asyncio.sleep(0.2)
    delays = []
    for number in range(5):
        sent = time.perf_counter()
        await local_mail.deliver(HELP, mail(f"Mail {number}"))
        found = await wait_for_messages(database, number + 1, timeout=20)
        delays.append(time.perf_counter() - sent)
        assert found[-1].subject == f"Mail {number}"
    # Polling would take half a minute. The figures of a quiet machine are measured in bench/, not here.
    assert min(delays) < 15, delays
    receipts = await rows(database, select(MailReceipt).order_by(MailReceipt.uid))
    assert [receipt.state for receipt in receipts] == [ReceiptState.PARSED] * 5
    assert len({receipt.uid for receipt in receipts}) == 5


async def test_dovecot_with_idle_and_without_touching_flags(start: Start, dovecot: Dovecot, database: Database) -> None:
    dovecot.deliver(HELP, mail("Before the start"))
    await start(mailbox("main", HELP, imap_port=dovecot.port))
    await wait_for_messages(database, 1)
    await state_is(database, MailboxState.WATCHING)
    sent = time.perf_counter()
    dovecot.deliver(HELP, mail("While idling"))
    found = await wait_for_messages(database, 2, timeout=20)
    assert time.perf_counter() - sent < 20  # by IDLE: the next look without it is further off
    assert [message.subject for message in found] == ["Before the start", "While idling"]
    assert found[0].received_at is not None
    with IMAPClient("127.0.0.1", dovecot.port, ssl=False) as client:
        client.login(HELP, PASSWORD)
        client.select_folder("INBOX", readonly=True)
        assert client.search("SEEN") == []


async def test_server_without_idle_is_polled(start: Start, database: Database) -> None:
    with Dovecot({HELP: PASSWORD}, idle=False) as server:
        await start(mailbox("main", HELP, imap_port=server.port), imap_poll_s=0.2)
        await state_is(database, MailboxState.POLLING)
        server.deliver(HELP, mail("Polled"))
        found = await wait_for_messages(database, 1, timeout=20)
        assert found[0].subject == "Polled"


async def test_wrong_password_is_told_and_delays_no_other_mailbox(
    quick: None, start: Start, dovecot: Dovecot, database: Database
) -> None:
    dovecot.accounts[HELP] = "changed-by-somebody"
    dovecot.write_accounts()
    try:
        await start(mailbox("broken", HELP, imap_port=dovecot.port), mailbox("fine", AYUDA, imap_port=dovecot.port))
        broken, fine = await state_is(database, MailboxState.FAILED, MailboxState.WATCHING)
        assert (broken.last_error_code, broken.last_error != "") == ("wrong_password", True)
        assert fine.last_error is None
        await problem_is(database, "imap:broken", problems.WRONG_PASSWORD)
        dovecot.deliver(AYUDA, mail("Not delayed", to=AYUDA))
        assert (await wait_for_messages(database, 1))[0].subject == "Not delayed"
    finally:
        dovecot.accounts[HELP] = PASSWORD
        dovecot.write_accounts()
    well, _ = await state_is(database, MailboxState.WATCHING, MailboxState.WATCHING)
    assert (well.last_error_code, well.last_error) == (None, None)
    await problem_is(database, "imap:broken", None)


async def test_server_restart_loses_and_repeats_nothing(
    quick: None, start: Start, dovecot: Dovecot, database: Database
) -> None:
    dovecot.deliver(HELP, mail("One"))
    await start(mailbox("main", HELP, imap_port=dovecot.port))
    await wait_for_messages(database, 1)
    await asyncio.to_thread(dovecot.stop)
    dovecot.deliver(HELP, mail("Two"))
    await state_is(database, MailboxState.FAILED)
    await problem_is(database, "imap:main", problems.NOT_REACHABLE)
    await asyncio.to_thread(dovecot.start)
    found = await wait_for_messages(database, 2)
    await state_is(database, MailboxState.WATCHING)
    await problem_is(database, "imap:main", None)
    dovecot.deliver(HELP, mail("Three"))
    found = await wait_for_messages(database, 3)
    assert [message.subject for message in found] == ["One", "Two", "Three"]


async def test_uidvalidity_change_repeats_no_message(
    quick: None, start: Start, dovecot: Dovecot, database: Database
) -> None:
    for number in range(3):
        dovecot.deliver(HELP, mail(f"Mail {number}"))
    await start(mailbox("main", HELP, imap_port=dovecot.port))
    await wait_for_messages(database, 3)
    before = (await rows(database, select(MailFolder)))[0].uidvalidity
    await asyncio.to_thread(dovecot.stop)
    await asyncio.to_thread(dovecot.forget_uids, HELP)
    await asyncio.to_thread(dovecot.start)
    dovecot.deliver(HELP, mail("After the change"))
    await wait_for_messages(database, 4)

    async def all_receipts() -> bool:
        return len(await rows(database, select(MailReceipt).where(MailReceipt.state == "parsed"))) == 7

    await until(all_receipts)
    assert (await rows(database, select(MailFolder)))[0].uidvalidity != before
    assert len(await messages(database)) == 4


async def test_mail_that_the_ledger_lacks_is_found_again(
    dovecot: Dovecot, settings: Settings, database: Database
) -> None:
    configured = settings.model_copy(update={"mailboxes": [mailbox("main", HELP, imap_port=dovecot.port)]})
    for number in range(4):
        dovecot.deliver(HELP, mail(f"Mail {number}"))
    async with running(configured):
        found = await wait_for_messages(database, 4)
    async with database.transaction() as session:  # a ledger from a backup: a gap below the last UID
        await session.execute(delete(MailReceipt).where(MailReceipt.message_id == found[1].id))
        await session.execute(delete(Message).where(Message.id == found[1].id))
    async with running(configured):
        again = await wait_for_messages(database, 4)
    assert sorted(message.subject for message in again) == [f"Mail {number}" for number in range(4)]


async def test_same_mail_to_two_mailboxes_is_one_message(start: Start, dovecot: Dovecot, database: Database) -> None:
    raw = mail("To both", to=f"{HELP}, {AYUDA}", message_id="<both@mail.example.com>")
    for address in (HELP, AYUDA):
        dovecot.deliver(address, f"Delivered-To: {address}\r\nReceived: by mx; {address}\r\n".encode() + raw)
    other = mail("To both", "Another text", to=HELP, message_id="<both@mail.example.com>")
    dovecot.deliver(HELP, other)
    await start(mailbox("main", HELP, imap_port=dovecot.port), mailbox("ayuda", AYUDA, imap_port=dovecot.port))

    async def three() -> list[MailReceipt]:
        found = await rows(database, select(MailReceipt).where(MailReceipt.state == "parsed"))
        return found if len(found) == 3 else []

    receipts = await until(three)
    found = await messages(database)
    assert sorted(message.text_full.strip() for message in found) == ["Another text", "How do I read my bill?"]
    assert len({receipt.mailbox_id for receipt in receipts}) == 2


async def test_huge_mail_is_kept_and_shown_by_its_head(
    start: Start, dovecot: Dovecot, database: Database, settings: Settings
) -> None:
    """With a limit that a small mail exceeds; `python -m bench ingestion_memory` does it with 50 MB."""
    words = "My bill is attached, please look."
    big = (
        mail("Half a megabyte", words, message_id="<big@mail.example.com>")
        .replace(b'Content-Type: text/plain; charset="utf-8"', b'Content-Type: multipart/mixed; boundary="b"')
        .replace(b"Content-Transfer-Encoding: 7bit\n", b"")
    )
    head, _, _ = big.partition(b"\n\n")
    big = (
        head + b"\n\n--b\nContent-Type: text/plain\n\n" + words.encode() + b"\n--b\n"
        b"Content-Type: application/octet-stream\nContent-Disposition: attachment; filename=big.bin\n"
        b"Content-Transfer-Encoding: base64\n\n" + (b"QUJD" * 19 + b"\n") * 6_000 + b"--b--\n"
    )
    dovecot.deliver(HELP, big)
    dovecot.deliver(HELP, mail("A small one after it"))
    await start(mailbox("main", HELP, imap_port=dovecot.port), max_parse_bytes=200_000)
    found = await wait_for_messages(database, 2, timeout=60)
    huge = next(message for message in found if message.rfc_message_id == "<big@mail.example.com>")
    assert huge.defects == ["too large to display"]
    assert huge.subject == "Half a megabyte"
    assert huge.text_new == words
    assert huge.from_address == "ana@example.com"
    blobs = Blobs.from_settings(settings)
    (attachment,) = await rows(database, select(Attachment))
    assert (attachment.message_id, attachment.filename, attachment.size) == (huge.id, "big.bin", 3 * 19 * 6_000)
    assert blobs.get_sync(attachment.blob) == b"ABC" * 19 * 6_000
    assert blobs.get_sync(huge.blob).replace(b"\r\n", b"\n").rstrip() == big.rstrip()


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_tls_with_a_trusted_certificate(
    security: str, start: Start, dovecot: Dovecot, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(dovecot.certificate.certificate))
    port = dovecot.tls_port if security == "tls" else dovecot.port
    box = mailbox("main", HELP, imap_port=port, imap={"host": "localhost", "port": port, "security": security})
    dovecot.deliver(HELP, mail("Encrypted"))
    await start(box)
    assert (await wait_for_messages(database, 1))[0].subject == "Encrypted"
    await state_is(database, MailboxState.WATCHING)
    dovecot.deliver(HELP, mail("Encrypted, idling"))
    await wait_for_messages(database, 2, timeout=20)


async def test_certificate_that_nobody_vouches_for_is_refused(
    start: Start, dovecot: Dovecot, database: Database
) -> None:
    dovecot.deliver(HELP, mail("Must not be fetched"))
    imap = {"host": "localhost", "port": dovecot.tls_port, "security": "tls"}
    await start(mailbox("main", HELP, imap_port=dovecot.tls_port, imap=imap))
    await problem_is(database, "imap:main", problems.BAD_CERTIFICATE)
    assert await messages(database) == []


async def test_oauth2_token_from_a_command(start: Start, dovecot: Dovecot, database: Database, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(dovecot.token(HELP))
    command = [sys.executable, "-c", "import pathlib, sys; print(pathlib.Path(sys.argv[1]).read_text())", str(token)]
    dovecot.deliver(HELP, mail("By token"))
    await start(mailbox("main", HELP, imap_port=dovecot.port, password=None, oauth2_token_command=command))
    assert (await wait_for_messages(database, 1))[0].subject == "By token"


async def test_token_command_that_fails_is_told(start: Start, dovecot: Dovecot, database: Database) -> None:
    command = [sys.executable, "-c", "raise SystemExit('the refresh token has expired')"]
    await start(mailbox("main", HELP, imap_port=dovecot.port, password=None, oauth2_token_command=command))
    await problem_is(database, "imap:main", problems.NO_TOKEN)
    assert "the refresh token has expired" in ((await rows(database, select(Mailbox)))[0].last_error or "")


async def test_every_folder_idles_by_itself(start: Start, dovecot: Dovecot, database: Database) -> None:
    dovecot.maildir(HELP, "Voicemail")
    await start(mailbox("main", HELP, imap_port=dovecot.port, voicemail_folders=["Voicemail"]))
    await state_is(database, MailboxState.WATCHING)

    async def both() -> bool:
        return len(await rows(database, select(MailFolder))) == 2

    await until(both)
    await asyncio.sleep(0.3)
    dovecot.deliver(HELP, mail("In the second folder"), folder="Voicemail")
    assert (await wait_for_messages(database, 1, timeout=20))[0].subject == "In the second folder"
    (receipt,) = await rows(database, select(MailReceipt))
    assert receipt.folder == "Voicemail"


async def test_missing_folder_is_told_and_the_others_are_read(
    start: Start, dovecot: Dovecot, database: Database
) -> None:
    dovecot.deliver(HELP, mail("In the inbox"))
    await start(mailbox("main", HELP, imap_port=dovecot.port, folders=["INBOX", "Nowhere"]))
    assert (await wait_for_messages(database, 1))[0].subject == "In the inbox"
    await problem_is(database, "imap:main", problems.FOLDER_MISSING)


async def test_disk_that_takes_nothing_leaves_mail_on_the_server(
    quick: None, start: Start, dovecot: Dovecot, database: Database, tmp_path: Path
) -> None:
    blocked = tmp_path / "not-a-folder"
    blocked.write_text("in the way")
    dovecot.deliver(HELP, mail("Waits for room"))
    await start(mailbox("main", HELP, imap_port=dovecot.port), blob_dir=blocked)
    await problem_is(database, "blob_store", problems.DISK_FAILS)
    assert await rows(database, select(MailReceipt)) == []
    blocked.unlink()
    assert (await wait_for_messages(database, 1))[0].subject == "Waits for room"
    await problem_is(database, "blob_store", None)


async def test_stops_within_a_moment_while_a_server_is_dead(
    settings: Settings, local_mail: LocalMail, database: Database
) -> None:
    boxes = [mailbox("dead", AYUDA, imap_port=1), mailbox("main", HELP, imap_port=local_mail.imap_port)]
    async with running(settings.model_copy(update={"mailboxes": boxes})):
        await state_is(database, MailboxState.FAILED, MailboxState.WATCHING)
        started = time.perf_counter()
    assert time.perf_counter() - started < 20


async def test_link_that_died_without_a_word_is_noticed(
    quick: None, start: Start, dovecot: Dovecot, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wire that is cut, or a firewall that forgets: nothing is said, and nothing arrives."""
    monkeypatch.setattr(watch, "HEARTBEAT_S", 0.3)
    monkeypatch.setattr(imap, "READ_TIMEOUT_S", 0.5)
    async with Cutting(dovecot.port) as wire:
        await start(mailbox("main", HELP, imap_port=wire.port))
        await state_is(database, MailboxState.WATCHING)
        wire.go_silent()
        dovecot.deliver(HELP, mail("Behind the cut wire"))
        assert (await wait_for_messages(database, 1))[0].subject == "Behind the cut wire"
    assert wire.connections >= 2


async def test_database_that_drops_its_connections_blames_no_mail_server(
    quick: None, start: Start, dovecot: Dovecot, database: Database
) -> None:
    dovecot.deliver(HELP, mail("Before"))
    await start(mailbox("main", HELP, imap_port=dovecot.port))
    await wait_for_messages(database, 1)
    for number in range(5):
        dovecot.deliver(HELP, mail(f"Mail {number}"))
        async with database.transaction() as session:
            await session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
    found = await wait_for_messages(database, 6)
    assert sorted(message.subject for message in found) == ["Before", *(f"Mail {n}" for n in range(5))]
    await state_is(database, MailboxState.WATCHING)
    assert await open_problems(database) == {}
