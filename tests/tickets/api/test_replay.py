"""A dead mail that is replayed at the desk is parsed by the inbox and becomes a ticket."""

import pytest
from sqlalchemy import select

from services.inbox import prepare
from services.inbox.parse import Parsed, Surroundings
from services.inbox.process import Processor
from services.tickets import intake
from shared.blobs import Blobs
from shared.database import Database
from shared.models import Entry, MailReceipt, Message, ReceiptState, Role
from shared.settings import Settings
from tests.inbox.conftest import mail
from tests.inbox.test_process import store
from tests.tickets.api.conftest import Users


async def test_a_dead_mail_that_is_replayed_becomes_a_ticket(
    user: Users, database: Database, blobs: Blobs, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defective(raw: bytes, around: Surroundings) -> Parsed:
        raise ZeroDivisionError("a defect of our own")

    await store(database, blobs, mail("Which rate am I on?"))
    with monkeypatch.context() as patched:
        patched.setattr(prepare, "parse", defective)
        await Processor(database, blobs, settings).drain()
    administrator = await user(Role.ADMINISTRATOR)
    (letter,) = (await administrator.http.get("/api/v1/dead-letters")).json()["items"]
    url = f"/api/v1/dead-letters/{letter['kind']}/{letter['id']}/replay"
    assert (await administrator.http.post(url)).status_code == 202
    assert (await administrator.http.post(url)).status_code == 409

    await Processor(database, blobs, settings).drain()
    async with database.transaction() as session:
        receipt = await session.get_one(MailReceipt, letter["id"])
        message = await session.get_one(Message, receipt.message_id)
    assert (receipt.state, message.subject) == (ReceiptState.PARSED, "Which rate am I on?")
    await intake.take_in_message(database, settings, message.id)
    async with database.transaction() as session:
        ticket = await session.scalar(select(Entry.ticket_id).where(Entry.message_id == message.id))
    assert (await administrator.http.get(f"/api/v1/tickets/{ticket}")).json()["ticket"]["subject"] == message.subject
