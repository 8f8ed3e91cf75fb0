"""The inbox as a process: it stands without Redis, says how it is, stops when told, and rings again."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from pydantic import SecretStr
from redis.asyncio import Redis
from sqlalchemy import update

from local.mail import LocalMail
from services.inbox import service
from services.inbox.service import Inbox
from shared import clock
from shared.blobs import Blobs
from shared.database import Database
from shared.jobs import deserialize, queue_of
from shared.models import DeliveryState, MailReceipt, Message, ReceiptState
from shared.settings import Settings
from tests.inbox.conftest import (
    HELP,
    PASSWORD,
    Start,
    mail,
    mailbox,
    messages,
    until,
    wait_for_messages,
)
from tests.inbox.test_process import store
from tests.inbox.test_send import delivery_of
from tests.inbox.test_send import queue as queue_delivery
from tests.servers.dovecot import free_port

ROOT = Path(__file__).parents[2]


async def test_without_redis_mail_comes_and_goes(start: Start, local_mail: LocalMail, database: Database) -> None:
    box = mailbox("main", HELP, imap_port=local_mail.imap_port, smtp_port=local_mail.smtp_port)
    await start(box, redis_url=SecretStr("redis://127.0.0.1:1/0"))
    delivery_id = await queue_delivery(database)
    await local_mail.deliver(HELP, mail("No alarm clock"))
    assert (await wait_for_messages(database, 1))[0].subject == "No alarm clock"

    async def sent() -> bool:
        return (await delivery_of(database, delivery_id)).state is DeliveryState.SENT

    await until(sent)
    assert len(local_mail.mails("ana@example.com")) == 1


async def test_worker_finds_redis_when_it_comes_back(
    start: Start, local_mail: LocalMail, database: Database, redis_url: str
) -> None:
    """Emptied in the middle: rings of before are lost, those of after are heard."""
    box = mailbox("main", HELP, imap_port=local_mail.imap_port, smtp_port=local_mail.smtp_port)
    inbox = await start(box)
    redis = Redis.from_url(redis_url)
    try:
        await redis.client_kill_filter(_type="normal", skipme=True)
        await redis.flushall()
    finally:
        await redis.aclose()
    delivery_id = await queue_delivery(inbox.database)

    async def sent() -> bool:
        return (await delivery_of(database, delivery_id)).state is DeliveryState.SENT

    await until(sent)


async def test_rings_again_for_what_nobody_took_in(
    settings: Settings, database: Database, blobs: Blobs, redis_url: str
) -> None:
    await store(database, blobs, mail("Forgotten"))
    inbox = Inbox(settings)
    redis = Redis.from_url(redis_url)
    try:
        await inbox.processor.drain()
        (message,) = await messages(database)
        await redis.flushall()
        async with database.transaction() as session:
            await session.execute(
                update(Message).values(created_at=clock.now() - service.RING_AGAIN_AFTER - service.RING_AGAIN_AFTER)
            )
        await inbox.sweep()
        await inbox.sweep()  # once is enough: the tickets have a sweep of their own
        jobs = [
            deserialize(await redis.get(b"arq:job:" + job_id))
            for job_id in await redis.zrange(queue_of("tickets"), 0, -1)
        ]
        assert [(job["f"], job["a"]) for job in jobs] == [("tickets.take_in_message", [message.id])]
    finally:
        await redis.aclose()
        await inbox.database.close()


async def test_process_tells_its_health_and_ends_on_sigterm(
    settings: Settings, local_mail: LocalMail, database: Database, blobs: Blobs
) -> None:
    port = free_port()
    box = mailbox("main", HELP, imap_port=local_mail.imap_port).model_dump(mode="json") | {"password": PASSWORD}
    environment = {
        **os.environ,
        "CENTRALITA_DATABASE_URL": settings.database_url.get_secret_value(),
        "CENTRALITA_REDIS_URL": settings.redis_url.get_secret_value(),
        "CENTRALITA_SECRET_KEY": settings.secret_key.get_secret_value(),
        "CENTRALITA_BLOB_DIR": str(settings.blob_dir),
        "CENTRALITA_HEALTH_PORT": str(port),
        "CENTRALITA_MAILBOXES": json.dumps([box]),
    }
    await local_mail.deliver(HELP, mail("Through the process"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.inbox", cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )
    try:
        await wait_for_messages(database, 1, timeout=60)

        async def ready() -> str:
            try:
                return await asyncio.to_thread(lambda: urlopen(f"http://127.0.0.1:{port}/readyz").read().decode())
            except URLError:
                return ""

        assert json.loads(await until(ready))["status"] == "ready"
        metrics = await asyncio.to_thread(lambda: urlopen(f"http://127.0.0.1:{port}/metrics").read().decode())
        assert 'centralita_inbox_mails_seen_total{mailbox="main"} 1.0' in metrics
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 15) == 0
    finally:
        if process.returncode is None:
            process.kill()

    async with database.transaction() as session:
        await session.execute(
            update(MailReceipt).values(state=ReceiptState.DEAD, message_id=None, error="Traceback: to be replayed")
        )
    replay = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.inbox", "replay", cwd=ROOT, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    said, _ = await replay.communicate()
    assert said.decode() == "1 mail(s) will be processed again\n"
    inbox = Inbox(settings)
    await inbox.processor.drain()
    await inbox.database.close()
    assert len(await messages(database)) == 1
