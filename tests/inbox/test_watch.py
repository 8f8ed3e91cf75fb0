"""Mail through real IMAP servers becomes message rows: at once, once, and whatever the server does."""

import asyncio
import time

from sqlalchemy import select

from local.mail import LocalMail
from shared.database import Database
from shared.models import Mailbox, MailboxState, MailReceipt, ReceiptState
from tests.inbox.conftest import HELP, Start, mail, mailbox, rows, until, wait_for_messages


async def test_mail_arrives_through_idle_at_once(start: Start, local_mail: LocalMail, database: Database) -> None:
    await start(mailbox("main", HELP, imap_port=local_mail.imap_port))

    async def watching() -> bool:
        return [m.state for m in await rows(database, select(Mailbox))] == [MailboxState.WATCHING]

    await until(watching)
    await asyncio.sleep(0.2)
    delays = []
    for number in range(5):
        sent = time.perf_counter()
        await local_mail.deliver(HELP, mail(f"Mail {number}"))
        found = await wait_for_messages(database, number + 1, timeout=5)
        delays.append(time.perf_counter() - sent)
        assert found[-1].subject == f"Mail {number}"
    assert sorted(delays)[2] < 0.3, delays
    receipts = await rows(database, select(MailReceipt).order_by(MailReceipt.uid))
    assert [receipt.state for receipt in receipts] == [ReceiptState.PARSED] * 5
    assert len({receipt.uid for receipt in receipts}) == 5
