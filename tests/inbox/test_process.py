"""Stored mail becomes messages: poison beside good mail, replay, voicemails handed over, death in the middle."""

import asyncio
import base64
import email
import email.policy
import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import func, select, update

from local.mail import LocalMail
from services.inbox import dead_letters, folders, prepare, problems, process, repository
from services.inbox.folders import Lease, StoredMail
from services.inbox.parse import Parsed, Surroundings, parse
from services.inbox.process import Processor
from shared.blobs import Blobs
from shared.database import Database
from shared.jobs import deserialize, queue_of
from shared.models import Attachment, Machine, MailReceipt, Message, Problem, ReceiptState
from shared.settings import Settings
from tests.inbox.conftest import HELP, Start, mail, mailbox, messages, rows, until, wait_for_messages
from tests.inbox.test_send import queue as queue_delivery

ROOT = Path(__file__).parents[2]


async def store(database: Database, blobs: Blobs, *raws: bytes, name: str = "main", folder: str = "INBOX") -> int:
    """As the watcher leaves it: bytes in the blob store, receipts in the ledger."""
    async with database.transaction() as session:
        mailbox_id = await repository.upsert_mailbox(session, name, HELP)
        lease = Lease(mailbox_id, folder, "a reader")
        assert await folders.take(session, lease, 60, lambda _holder: False) is None
        last = await folders.open_folder(session, lease, 7)
        mails = [StoredMail(last + n, blobs.put_sync(raw), len(raw), None) for n, raw in enumerate(raws, 1)]
        assert await folders.record_receipts(session, lease, 7, mails) == len(raws)
        await folders.release(session, lease)
    return mailbox_id


def explode_on(word: bytes) -> Any:
    def poisoned(raw: bytes, around: Surroundings) -> Parsed:
        if word in raw:
            raise ZeroDivisionError("a defect of our own")
        return parse(raw, around)

    return poisoned


async def test_our_own_defect_buries_one_mail_and_delays_no_other(
    database: Database, blobs: Blobs, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store(database, blobs, *[mail(f"Good {n}") for n in range(5)], mail("poison"), mail("Good 5"))
    processor = Processor(database, blobs, settings)
    monkeypatch.setattr(prepare, "parse", explode_on(b"poison"))
    await processor.drain()
    assert sorted(m.subject for m in await messages(database)) == [f"Good {n}" for n in range(6)]
    (dead,) = await rows(database, select(MailReceipt).where(MailReceipt.state == ReceiptState.DEAD))
    assert "ZeroDivisionError: a defect of our own" in (dead.error or "")
    assert b"poison" in blobs.get_sync(dead.blob)
    assert [p.key for p in await rows(database, select(Problem))] == ["dead_mail"]

    monkeypatch.setattr(prepare, "parse", parse)
    async with database.transaction() as session:
        assert await dead_letters.replay_mail(session, None, [dead.id]) == 1
    await processor.drain()
    assert [m.subject for m in await messages(database)][-1] == "poison"
    assert await rows(database, select(MailReceipt).where(MailReceipt.state != ReceiptState.PARSED)) == []


async def test_mail_that_the_database_refuses_is_buried_alone(
    database: Database, blobs: Blobs, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_much(raw: bytes, around: Surroundings) -> Parsed:
        parsed = parse(raw, around)
        if b"refused" in raw:
            parsed.subject = "a NUL \x00 that PostgreSQL takes in no text"
        return parsed

    monkeypatch.setattr(prepare, "parse", too_much)
    await store(database, blobs, mail("Good 0"), mail("refused"), mail("Good 1"))
    await Processor(database, blobs, settings).drain()
    assert sorted(m.subject for m in await messages(database)) == ["Good 0", "Good 1"]
    assert len(await rows(database, select(MailReceipt).where(MailReceipt.state == ReceiptState.DEAD))) == 1


async def test_a_message_id_longer_than_an_index_takes_is_kept_and_answered(
    database: Database, blobs: Blobs, settings: Settings
) -> None:
    endless = "".join(chr(0x20000 + 7919 * number % 0xA000) for number in range(980))  # 3,920 bytes that do not shrink
    first = f"From: ana@example.com\r\nMessage-ID: <{endless}@x>\r\nSubject: First\r\n\r\nHello\r\n".encode()
    answer = f"From: ana@example.com\r\nIn-Reply-To: <{endless}@x>\r\nSubject: Second\r\n\r\nHello\r\n".encode()
    await store(database, blobs, first, answer)
    await Processor(database, blobs, settings).drain()
    one, two = sorted(await messages(database), key=lambda each: each.subject)
    assert one.rfc_message_id is not None
    assert two.in_reply_to == [one.rfc_message_id]
    assert len(one.rfc_message_id) < 100


async def test_mail_that_kills_the_process_each_time_is_buried_at_last(
    database: Database, blobs: Blobs, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attempts count before they are made: a death (here: of the task) leaves them counted."""
    await store(database, blobs, mail("deadly"), mail("Good"))

    class Died(BaseException):
        pass

    def dies(raw: bytes, around: Surroundings) -> Parsed:
        if b"deadly" in raw:
            raise Died
        return parse(raw, around)

    monkeypatch.setattr(prepare, "parse", dies)
    for _ in range(8):
        try:
            await Processor(database, blobs, settings).drain()
        except Died:
            continue
    assert [m.subject for m in await messages(database)] == ["Good"]
    (dead,) = await rows(database, select(MailReceipt).where(MailReceipt.state == ReceiptState.DEAD))
    assert "died each time" in (dead.error or "")


async def test_missing_bytes_are_told(database: Database, blobs: Blobs, settings: Settings) -> None:
    await store(database, blobs, mail("Gone"))
    (receipt,) = await rows(database, select(MailReceipt))
    blobs.path(receipt.blob).unlink()
    await Processor(database, blobs, settings).drain()
    (receipt,) = await rows(database, select(MailReceipt))
    assert (receipt.state, "NotFound" in (receipt.error or "")) == (ReceiptState.DEAD, True)


async def test_voicemail_is_marked_and_rung_for(
    database: Database, blobs: Blobs, settings: Settings, redis_url: str
) -> None:
    wave = b"RIFF\x24\x00\x00\x00WAVEfmt " + b"\x00" * 20
    raw = (
        b"From: PBX <pbx@center.example.org>\nTo: help@center.example.org\nSubject: Voicemail\nMessage-ID: <v1@pbx>\n"
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nFrom 707-555-0123\n--b\n"
        b"Content-Type: audio/x-wav; name=msg.wav\nContent-Disposition: attachment\n"
        b"Content-Transfer-Encoding: base64\n\n" + base64.b64encode(wave) + b"\n--b--\n"
    )
    box = mailbox("phone", HELP, imap_port=1, voicemail_folders=["Voicemail"])
    processor = Processor(database, blobs, settings.model_copy(update={"mailboxes": [box]}))
    processor.knows({await store(database, blobs, raw, name="phone", folder="Voicemail"): box}, frozenset({HELP}))
    await processor.drain()
    (attachment,) = await rows(database, select(Attachment))
    assert (attachment.voicemail, attachment.filename, attachment.size) == (True, "msg.wav", len(wave))
    assert blobs.get_sync(attachment.blob) == wave
    (message,) = await messages(database)
    redis = Redis.from_url(redis_url)
    try:
        jobs = set()
        for service in ("voicemail", "tickets"):
            for job_id in await redis.zrange(queue_of(service), 0, -1):
                job = deserialize(await redis.get(b"arq:job:" + job_id))
                jobs.add((job["f"], job["a"][0]))
        assert ("voicemail.take_in_attachment", attachment.id) in jobs
        assert ("tickets.take_in_message", message.id) in jobs
    finally:
        await redis.aclose()


async def test_copy_of_our_own_delivery_is_a_loop(database: Database, blobs: Blobs, settings: Settings) -> None:
    await queue_delivery(database, rfc_message_id="<ours@center.example.org>")
    await store(database, blobs, mail("Echo", message_id="<ours@center.example.org>"))
    await Processor(database, blobs, settings).drain()
    (message,) = await messages(database)
    assert message.machine is Machine.LOOP


async def test_disk_that_took_no_attachment_is_well_again_when_it_takes_one(
    database: Database, blobs: Blobs, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = email.message_from_bytes(mail("My bill"), policy=email.policy.default)
    assert isinstance(letter, EmailMessage)
    letter.add_attachment(b"%PDF-1.4 a bill", maintype="application", subtype="pdf", filename="bill.pdf")
    await store(database, blobs, letter.as_bytes())
    processor = Processor(database, blobs, settings)

    def full(data: bytes) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(blobs, "put_sync", full)
        await processor.drain()
    (problem,) = await rows(database, select(Problem))
    assert (problem.key, problem.message) == ("blob_store", problems.DISK_FULL.message)
    assert problem.resolved_at is None
    await processor.drain()
    assert [message.subject for message in await messages(database)] == ["My bill"]
    (problem,) = await rows(database, select(Problem))
    assert problem.resolved_at is not None


async def test_mail_waits_while_the_disk_is_away(database: Database, blobs: Blobs, settings: Settings) -> None:
    raw = mail("My bill", message_id="<bill@mail.example.com>")
    await store(database, blobs, raw)
    processor = Processor(database, blobs, settings)
    await processor.drain()
    await store(database, blobs, b"X-Trace: again\r\n" + raw, name="other")  # known by the content of the first
    away = blobs.root.rename(blobs.root.with_name("away"))
    blobs.root.touch()
    for _ in range(process.MAX_ATTEMPTS + 1):
        with pytest.raises(OSError, match="Not a directory"):
            await processor.drain()
    waiting = await rows(database, select(MailReceipt).where(MailReceipt.state == ReceiptState.STORED))
    assert [receipt.attempts for receipt in waiting] == [0]
    (problem,) = await rows(database, select(Problem))
    assert (problem.key, problem.resolved_at) == ("blob_store", None)
    blobs.root.unlink()
    away.rename(blobs.root)
    await processor.drain()
    assert len(await messages(database)) == 1
    assert {receipt.state for receipt in await rows(database, select(MailReceipt))} == {ReceiptState.PARSED}


async def test_one_unreadable_file_delays_no_other_mail(database: Database, blobs: Blobs, settings: Settings) -> None:
    raw = mail("Bad sector", message_id="<bad@mail.example.com>")
    await store(database, blobs, raw)
    await Processor(database, blobs, settings).drain()
    (first,) = await messages(database)
    await store(database, blobs, mail("Worse sector"), mail("Good"), name="other")
    for blob in (first.blob, (await rows(database, select(MailReceipt).order_by(MailReceipt.id)))[1].blob):
        blobs.path(blob).unlink()
        blobs.path(blob).mkdir()  # neither there nor missing: EISDIR stands for EIO
    # The same mail again, which cannot be compared with the first: better a second ticket than none.
    await store(database, blobs, b"X-Trace: again\r\n" + raw, name="third")
    await Processor(database, blobs, settings).drain()
    assert [each.subject for each in await messages(database)] == ["Bad sector", "Good", "Bad sector"]
    dead = await rows(database, select(MailReceipt).where(MailReceipt.state == ReceiptState.DEAD))
    assert ["Is a directory" in (receipt.error or "") for receipt in dead] == [True]


async def test_mail_that_was_tried_before_waits_for_nothing_and_delays_nothing(
    database: Database, blobs: Blobs, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried_is_parsed, may_go_on = threading.Event(), threading.Event()
    parsed_before_it: list[bytes] = []

    def watched(raw: bytes, around: Surroundings) -> Parsed:
        if b"tried" in raw:
            tried_is_parsed.set()
            assert may_go_on.wait(30)
        else:
            assert tried_is_parsed.wait(30)  # it does not wait until all new mail is read
            parsed_before_it.append(raw)
        return parse(raw, around)

    monkeypatch.setattr(prepare, "parse", watched)
    monkeypatch.setattr(process, "BATCH", 2)
    await store(database, blobs, mail("tried before"), *[mail(f"Good {n}") for n in range(5)])
    async with database.transaction() as session:
        first = select(func.min(MailReceipt.id)).scalar_subquery()
        await session.execute(update(MailReceipt).where(MailReceipt.id == first).values(attempts=1))
    draining = asyncio.create_task(Processor(database, blobs, settings).drain())

    async def the_others() -> bool:
        return len(await messages(database)) == 5

    try:
        await until(the_others, timeout=30)  # nor does new mail wait until it ends
    finally:
        may_go_on.set()
    assert await draining == 6
    assert len(parsed_before_it) == 5
    assert len(await messages(database)) == 6


async def test_null_bounce_is_sql_null(database: Database, blobs: Blobs, settings: Settings) -> None:
    await store(database, blobs, mail())
    await Processor(database, blobs, settings).drain()
    assert len(await rows(database, select(Message).where(Message.bounce.is_(None)))) == 1


async def test_two_processors_make_one_message(database: Database, blobs: Blobs, settings: Settings) -> None:
    raw = mail(message_id="<twice@mail.example.com>")
    for number in range(10):
        await store(database, blobs, f"X-Trace: {number}\r\n".encode() + raw, name=f"box{number}")
    await asyncio.gather(*(Processor(database, blobs, settings).drain() for _ in range(3)))
    assert len(await messages(database)) == 1
    receipts = await rows(database, select(MailReceipt))
    assert {receipt.state for receipt in receipts} == {ReceiptState.PARSED}


async def test_poison_beside_good_mail_through_the_door(
    start: Start, local_mail: LocalMail, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "parse", explode_on(b"poison"))
    await start(mailbox("main", HELP, imap_port=local_mail.imap_port))
    for subject in ("One", "poison", "Two"):
        await local_mail.deliver(HELP, mail(subject))
    found = await wait_for_messages(database, 2)
    assert [message.subject for message in found] == ["One", "Two"]


async def test_killed_again_and_again_it_loses_and_repeats_nothing(
    settings: Settings, local_mail: LocalMail, database: Database
) -> None:
    count, kills = 150, 2
    for number in range(count):
        await local_mail.deliver(HELP, mail(f"Mail {number}", message_id=f"<{number}@mail.example.com>"))
    box = mailbox("main", HELP, imap_port=local_mail.imap_port).model_dump(mode="json")
    box["password"] = "a-good-password"
    environment = {
        **os.environ,
        "CENTRALITA_DATABASE_URL": settings.database_url.get_secret_value(),
        "CENTRALITA_REDIS_URL": settings.redis_url.get_secret_value(),
        "CENTRALITA_SECRET_KEY": settings.secret_key.get_secret_value(),
        "CENTRALITA_BLOB_DIR": str(settings.blob_dir),
        "CENTRALITA_HEALTH_PORT": "0",
        "CENTRALITA_SWEEP_S": "0.5",
    }
    environment["CENTRALITA_MAILBOXES"] = json.dumps([box])

    async def parsed() -> int:
        async with database.transaction() as session:
            return int(await session.scalar(select(func.count()).select_from(Message)) or 0)

    for attempt in range(kills + 1):
        before = await parsed()
        inbox = subprocess.Popen(  # noqa: ASYNC220 - killed at once, not waited for here
            [sys.executable, "-m", "services.inbox"], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
        )
        try:
            deadline = time.monotonic() + 60
            # Killed as soon as it has moved: in the middle of fetching, storing or parsing.
            while await parsed() < (count if attempt == kills else min(count, before + 1)):
                assert inbox.poll() is None
                assert time.monotonic() < deadline
                await asyncio.sleep(0.01)
        finally:
            inbox.send_signal(signal.SIGTERM if attempt == kills else signal.SIGKILL)
            code = await asyncio.to_thread(inbox.wait, 20)
        if attempt == kills:
            assert code == 0

    async def settled() -> bool:
        return {r.state for r in await rows(database, select(MailReceipt))} == {ReceiptState.PARSED}

    await until(settled)
    assert len(await rows(database, select(MailReceipt))) == count
    assert sorted(m.subject for m in await messages(database)) == sorted(f"Mail {n}" for n in range(count))
