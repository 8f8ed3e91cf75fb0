"""Keeps a line to a phone system open: opened again with back-off whenever it breaks, its state on the page Health.

A line only makes things quicker, and tells the phone system what became of a message: scans find every recording.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import structlog

from services.voicemail.doors import Keeper

log = structlog.get_logger(__name__)

BACK_OFF_S = (1.0, 2.0, 5.0, 15.0, 30.0, 60.0)
Line = TypeVar("Line")


async def keep(
    keeper: Keeper,
    opened: Callable[[], AbstractAsyncContextManager[tuple[Line, "asyncio.Task[None]"]]],
    use: Callable[[Line], Awaitable[None]],
    back_off_s: tuple[float, ...] = BACK_OFF_S,
) -> None:
    """Until cancelled. `use` runs as long as the line stands; it may raise OSError or TimeoutError when it broke."""
    failures = 0
    while True:
        try:
            async with opened() as (line, reading):
                await keeper.open()
                log.info("phone_line.open", door=keeper.name)
                failures = 0
                await _either(reading, asyncio.ensure_future(_used(use, line)))
        except (OSError, TimeoutError) as error:
            said = str(error) or "No answer."
            log.warning("phone_line.broken", door=keeper.name, error=said)
            await keeper.failed(said)
        await asyncio.sleep(back_off_s[min(failures, len(back_off_s) - 1)])
        failures += 1


async def _used(use: Callable[[Any], Awaitable[None]], line: Any) -> None:
    await use(line)


async def _either(reading: "asyncio.Task[None]", using: "asyncio.Future[None]") -> None:
    """Whichever ends first ends the line; what it raised is raised."""
    try:
        await asyncio.wait({reading, using}, return_when=asyncio.FIRST_COMPLETED)
        for each in (reading, using):
            if each.done():
                each.result()
    finally:
        using.cancel()
        await asyncio.gather(using, return_exceptions=True)
