"""A small center, and mails on its tickets."""

import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime

import pytest
from sqlalchemy import select

from services.tickets import reply_templates
from shared import clock
from shared.database import Database
from shared.models import Entry, EntryKind, Intake, IntakeOutcome, Mailbox, Message
from tests.tickets.routing.conftest import Center

WriteIn = Callable[..., Awaitable[None]]


@pytest.fixture
async def center(database: Database) -> Center:
    center = Center(database)
    await center.always_open()
    async with database.transaction() as session:
        await reply_templates.seed(session)
        session.add(Mailbox(name="main", address="help@center.example.org"))
    return center


@pytest.fixture
def write_in(database: Database) -> WriteIn:
    """A customer's mail on a ticket."""

    async def write(ticket_id: int, address: str = "rosario@example.com", received_at: datetime | None = None) -> None:
        async with database.transaction() as session:
            message = Message(
                mailbox_id=await session.scalar(select(Mailbox.id)), blob=secrets.token_hex(32),
                rfc_message_id=f"<{secrets.token_hex(8)}@mail.example.com>", from_address=address, from_name="",
                to_addresses=["help@center.example.org"], subject="Mi recibo", sent_at=clock.now(),
                received_at=received_at or clock.now(), text_new="Hola", text_full="Hola",
            )  # fmt: skip
            session.add(message)
            await session.flush()
            session.add(Intake(message_id=message.id, outcome=IntakeOutcome.TICKETED, ticket_id=ticket_id))
            session.add(Entry(ticket_id=ticket_id, kind=EntryKind.MAIL_IN, message_id=message.id))

    return write
