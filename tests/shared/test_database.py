"""What happens to others when somebody stops in the middle of a transaction."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.database import Database
from shared.settings import Settings


async def test_whoever_stops_in_a_transaction_loses_it_and_not_the_others(
    settings: Settings, database: Database
) -> None:
    stopped = Database(settings, idle_s=1)
    lock = text("SELECT pg_advisory_xact_lock(1)")
    with pytest.raises(DBAPIError):
        async with stopped.transaction() as session:
            await session.execute(lock)
            async with asyncio.timeout(20), database.transaction() as other:
                await other.execute(lock)  # as soon as the server has ended the first
            await session.execute(text("SELECT 1"))
    async with stopped.transaction() as session:  # on a connection of its own again
        assert await session.scalar(text("SELECT 1")) == 1
    await stopped.close()
