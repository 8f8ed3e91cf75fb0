"""Collects ids that come one by one while earlier ones are worked on, so that a burst is done in few turns."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence


class Gatherer:
    """Calls `work` with all ids that have come since its last call; one call at a time."""

    def __init__(self, work: Callable[[Sequence[int]], Awaitable[None]]) -> None:
        self._work = work
        self._waiting: set[int] = set()
        self._turn = asyncio.Lock()

    async def add(self, *ids: int) -> None:
        """Returns once the ids were worked on, by this call's turn or by another's."""
        self._waiting.update(ids)
        async with self._turn:
            if not self._waiting.isdisjoint(ids):
                together, self._waiting = sorted(self._waiting), set()
                await self._work(together)
