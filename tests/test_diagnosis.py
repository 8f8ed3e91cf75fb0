"""What a failing test is printed with: the lines where tasks wait, the statement that waited."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from shared.database import Database
from tests import diagnosis
from tests.waits import within


async def test_a_task_is_shown_down_to_the_line_where_it_waits() -> None:
    async def knock() -> None:
        await asyncio.Event().wait()

    @contextlib.asynccontextmanager
    async def door() -> AsyncIterator[None]:
        await knock()
        yield

    async def guest() -> None:
        async with door():
            raise AssertionError

    task = asyncio.create_task(guest(), name="the guest")
    await asyncio.sleep(0)
    said = diagnosis.tasks()
    task.cancel()
    assert [name for name in ("the guest", "guest\n", "door\n", "knock\n", "Event.wait") if name not in said] == []


async def test_a_statement_that_waits_is_named_with_whom_it_waits_for(database: Database) -> None:
    async def read() -> None:
        async with database.transaction() as session:
            await session.execute(text("SELECT 'in vain' FROM person"))

    async def waiting() -> str:
        url = database.engine.url.render_as_string(hide_password=False)
        while True:
            said = await asyncio.to_thread(diagnosis.activity, url)
            if lines := [line for line in said.splitlines() if "in vain" in line and "wait_event=relation" in line]:
                return lines[0]

    async with database.transaction() as session:
        await session.execute(text("LOCK TABLE person"))
        reading = asyncio.create_task(read())
        line = await within(20, "a statement that waits", waiting())
    await reading
    assert "blocked_by=[]" not in line


async def test_a_wait_names_what_did_not_come() -> None:
    with pytest.raises(AssertionError, match="there was not: an answer"):
        await within(0.01, "an answer", asyncio.sleep(10))
