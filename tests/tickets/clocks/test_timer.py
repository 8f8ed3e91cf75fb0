"""Nobody has to look: a promise is told of when it is late, by a timer and not by the next turn of the sweep."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import update

from services.tickets.sweeps import Sweeps
from shared import clock
from shared.models import EntryKind, SlaClock
from tests.tickets.clocks.conftest import FIRST, Case
from tests.waits import within

SOON = timedelta(seconds=0.6)


@pytest.fixture
def sweeps(case: Case) -> Sweeps:
    """Whose turns are an hour apart."""
    return Sweeps(case.center.database, case.center.settings.model_copy(update={"sweep_s": 3600.0}))


async def test_the_timer_wakes_for_the_next_promise(case: Case, sweeps: Sweeps) -> None:
    due = clock.now() + SOON
    async with case.center.database.transaction() as session:
        await session.execute(update(SlaClock).where(SlaClock.kind == FIRST).values(due_at=due, warn_at=due - SOON / 2))
    running = asyncio.create_task(sweeps.watch_promises())

    async def late() -> None:
        while (await case.clock(FIRST)).breached_at is None:  # noqa: ASYNC110  (another task writes it)
            await asyncio.sleep(0.05)

    try:
        await within(30, "a breach", late())
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    first = await case.clock(FIRST)
    assert first.breached_at == due
    assert first.warned_at is not None
    assert first.warned_at < due
    said = [entry.detail["what"] for entry in await case.center.entries(case.ticket_id, EntryKind.CLOCK)]
    assert said == ["soon", "late"]
