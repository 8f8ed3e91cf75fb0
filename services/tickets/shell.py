"""One thing done from a shell: opens the store, does it, closes the store again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.database import Database
from shared.settings import Settings

T = TypeVar("T")


def run(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    """What `work` returns; raises what it raises."""

    async def with_database() -> T:
        database = Database(settings)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(with_database())
