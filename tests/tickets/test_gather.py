"""Ids that come while others are worked on are done together, each before its call returns."""

import asyncio
from collections.abc import Sequence

import pytest

from services.tickets.gather import Gatherer


async def test_what_comes_meanwhile_is_one_turn() -> None:
    turns: list[list[int]] = []
    go_on = asyncio.Event()

    async def work(ids: Sequence[int]) -> None:
        turns.append(list(ids))
        await go_on.wait()

    gatherer = Gatherer(work)
    calls = [asyncio.create_task(gatherer.add(1))]
    await asyncio.sleep(0)
    calls += [asyncio.create_task(gatherer.add(id_)) for id_ in (4, 2, 3, 3)]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(*calls)
    assert turns == [[1], [2, 3, 4]]


async def test_a_turn_that_fails_does_not_stop_the_next() -> None:
    async def work(ids: Sequence[int]) -> None:
        if 1 in ids:
            raise RuntimeError("no")

    gatherer = Gatherer(work)
    with pytest.raises(RuntimeError):
        await gatherer.add(1)
    await gatherer.add(2)
