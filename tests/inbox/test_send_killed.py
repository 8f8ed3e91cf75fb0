"""A sender that is killed at any step of the hand-over: one mail, or a delivery that says that nobody knows."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from services.inbox.send import NOT_KNOWN
from shared import clock
from shared.database import Database
from shared.models import Delivery, DeliveryFailure, DeliveryState
from shared.settings import Settings
from tests.inbox.conftest import HELP, PASSWORD, mailbox, until
from tests.inbox.test_send import delivery_of, queue, sender_to
from tests.servers.smtp import FaultySmtp


@asynccontextmanager
async def inbox_process(settings: Settings, smtp: FaultySmtp) -> AsyncIterator[asyncio.subprocess.Process]:
    """A whole inbox in a process of its own; killed at the end, if not before."""
    box = mailbox("main", HELP, imap_port=1, smtp_port=smtp.port).model_dump(mode="json") | {"password": PASSWORD}
    environment = {
        **os.environ,
        "CENTRALITA_DATABASE_URL": settings.database_url.get_secret_value(),
        "CENTRALITA_REDIS_URL": settings.redis_url.get_secret_value(),
        "CENTRALITA_SECRET_KEY": settings.secret_key.get_secret_value(),
        "CENTRALITA_BLOB_DIR": str(settings.blob_dir),
        "CENTRALITA_HEALTH_PORT": "0",
        "CENTRALITA_SWEEP_S": "0.5",
        "CENTRALITA_MAILBOXES": json.dumps([box]),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.inbox", cwd=Path(__file__).parents[2], env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def kill(process: asyncio.subprocess.Process) -> None:
    process.kill()
    await process.wait()


async def end_leases(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(update(Delivery).values(leased_until=clock.now() - timedelta(seconds=1)))


@pytest.mark.parametrize("moment", ["before the hand-over", "while the server thinks", "after its answer"])
async def test_killed(moment: str, database: Database, settings: Settings) -> None:
    async with FaultySmtp() as smtp:
        (smtp.delay_recipients if moment == "before the hand-over" else smtp.delay_content).clear()
        delivery_id = await queue(database)
        async with inbox_process(settings, smtp) as process:
            if moment == "before the hand-over":
                await asyncio.wait_for(smtp.recipient_named.wait(), 60)
                await kill(process)
            else:
                await asyncio.wait_for(smtp.content_arrived.wait(), 60)
                if moment == "while the server thinks":
                    await kill(process)
                else:  # it has the answer in hand and cannot note it: we hold the row
                    async with database.transaction() as session:
                        await session.execute(select(Delivery.id).where(Delivery.id == delivery_id).with_for_update())
                        smtp.delay_content.set()

                        async def accepted() -> bool:
                            return len(smtp.mails) == 1

                        await until(accepted)
                        await asyncio.sleep(0.2)
                        await kill(process)
        smtp.delay_content.set()
        smtp.delay_recipients.set()
        handed_over = moment != "before the hand-over"
        delivery = await delivery_of(database, delivery_id)
        assert delivery.state is (DeliveryState.SENDING if handed_over else DeliveryState.QUEUED)
        assert delivery.attempts == 1
        sender = sender_to(database, settings, smtp.port)
        await sender.sweep()  # the lease still stands: the process might be slow, not dead
        assert (await delivery_of(database, delivery_id)).state is delivery.state
        await end_leases(database)

        async def settled() -> bool:
            await sender.sweep()  # its domain may give it a turn a moment later
            return (await delivery_of(database, delivery_id)).state in (DeliveryState.SENT, DeliveryState.FAILED)

        await until(settled)
        await sender.sweep()
        delivery = await delivery_of(database, delivery_id)
        if handed_over:
            assert (delivery.state, delivery.last_error) == (DeliveryState.FAILED, NOT_KNOWN)
            assert delivery.failure is DeliveryFailure.UNKNOWN
            assert len(smtp.mails) <= 1
        else:
            assert (delivery.state, delivery.attempts) == (DeliveryState.SENT, 2)
            assert len(smtp.mails) == 1
