"""What a process remembers of the news, for a page that was made a moment ago."""

import asyncio

from shared.database import Database
from shared.events import RECENT, Event, Hearing, publish
from shared.settings import Settings

RESYNC = [Event("resync")]


async def test_what_was_heard_after_a_position_and_resync_where_that_is_not_known(
    settings: Settings, database: Database
) -> None:
    hearing = Hearing(settings)
    started = hearing.position
    assert hearing.since(started) == []
    hearing.start()
    async with hearing.subscribe() as queue:
        async with asyncio.timeout(20):
            assert await queue.get() == RESYNC[0]  # it listens from now on
            before = hearing.position
            async with database.transaction() as session:
                await publish(session, Event("ticket", 1))
                await publish(session, Event("offer", 2, (3,)))
            heard = [await queue.get(), await queue.get()]
    assert hearing.since(before) == heard
    assert hearing.since(hearing.position) == []
    assert hearing.since(started) == [*RESYNC, *heard]
    for unknown in ("", "-", "x", before + "9", Hearing(settings).position, before.rpartition("-")[0]):
        assert hearing.since(unknown) == RESYNC
    for number in range(RECENT):
        hearing._fan_out(Event("ticket", number))
    assert hearing.since(before) == RESYNC
    await hearing.stop()
