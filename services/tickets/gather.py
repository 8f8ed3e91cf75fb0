"""Collects ids that come one by one while earlier ones are worked on, so that a burst is done in few turns."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence


class Gatherer:
    """Calls `work` with all ids that have come since its last call; one call at a time."""

    def __init__(self, work: Callable[[Sequence[int]], Awaitable[None]]) -> None:
        self._work = work
        self._waiting: set[int] = set()
        self._turn = asyncio.Lock()

    async def add(self, id_: int) -> None:
        """Returns once the id was worked on, by this call's turn or by another's."""
        self._waiting.add(id_)
        async with self._turn:
            if id_ in self._waiting:
                ids, self._waiting = sorted(self._waiting), set()
                await self._work(ids)
