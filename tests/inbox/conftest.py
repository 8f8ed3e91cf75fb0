"""A running inbox over real servers, and ways to wait for what it wrote."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import select

from local.mail import LocalMail
from services.inbox.service import Inbox
from shared.database import Database
from shared.models import Message
from shared.settings import MailboxSettings, Settings
from tests.servers.smtp import FaultySmtp

HELP = "help@center.example.org"
AYUDA = "ayuda@center.example.org"
PASSWORD = "a-good-password"

T = TypeVar("T")
Start = Callable[..., Awaitable[Inbox]]


def mailbox(name: str, address: str, *, imap_port: int, smtp_port: int | None = None, **more: Any) -> MailboxSettings:
    values: dict[str, Any] = {
        "name": name,
        "address": address,
        "display_name": "Customer Center",
        "username": address,
        "password": PASSWORD,
        "imap": {"host": "127.0.0.1", "port": imap_port, "security": "none"},
    }
    if smtp_port is not None:
        values["smtp"] = {"host": "127.0.0.1", "port": smtp_port, "security": "none"}
    return MailboxSettings.model_validate({**values, **more})


def mail(
    subject: str = "Hello",
    text: str = "How do I read my bill?",
    *,
    sender: str = "Ana Customer <ana@example.com>",
    to: str = HELP,
    message_id: str | None = None,
    **headers: str,
) -> bytes:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = message_id or f"<{time.monotonic_ns()}@mail.example.com>"
    message["Date"] = "Mon, 16 Nov 2026 09:12:00 -0800"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


async def until(probe: Callable[[], Awaitable[T]], timeout: float = 15.0, every: float = 0.02) -> T:  # noqa: ASYNC109
    """The first true answer of `probe`."""
    deadline = time.monotonic() + timeout
    while True:
        answer = await probe()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {timeout} s: {answer!r}"
        await asyncio.sleep(every)


async def rows(database: Database, *statement: Any) -> list[Any]:
    async with database.transaction() as session:
        return list(await session.scalars(*statement))


async def messages(database: Database) -> list[Message]:
    return await rows(database, select(Message).order_by(Message.id))


async def wait_for_messages(database: Database, count: int, timeout: float = 15.0) -> list[Message]:  # noqa: ASYNC109
    async def enough() -> list[Message]:
        found = await messages(database)
        return found if len(found) >= count else []

    return await until(enough, timeout)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Inbox]:
    """The whole inbox, until the block ends; then it must stop within seconds."""
    stop = asyncio.Event()
    inbox = Inbox(settings)
    task = asyncio.create_task(inbox.run(stop, health_port=0))
    try:
        yield inbox
    finally:
        stop.set()
        await asyncio.wait_for(task, timeout=15)


@pytest.fixture
async def start(settings: Settings) -> AsyncIterator[Start]:
    """start(mailbox, …) runs an inbox for these mailboxes until the test ends."""
    async with AsyncExitStack() as stack:

        async def run(*mailboxes: MailboxSettings, **changes: Any) -> Inbox:
            changed = settings.model_copy(update={"mailboxes": list(mailboxes), "sweep_s": 0.5, **changes})
            return await stack.enter_async_context(running(changed))

        yield run


@pytest.fixture
async def local_mail(tmp_path: Path) -> AsyncIterator[LocalMail]:
    async with LocalMail(tmp_path / "mail", accounts={HELP: PASSWORD, AYUDA: PASSWORD}) as mail_server:
        yield mail_server


@pytest.fixture
async def smtp() -> AsyncIterator[FaultySmtp]:
    async with FaultySmtp() as server:
        yield server
