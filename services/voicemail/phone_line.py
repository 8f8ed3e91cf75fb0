"""A line to a phone system: opened, read, and opened again with back-off whenever it breaks; its state is on Health.

A line only makes things quicker, and tells the phone system what became of a message: scans find every recording.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, TypeVar

import structlog

from services.voicemail.doors import Keeper

log = structlog.get_logger(__name__)

TIMEOUT_S = 10.0
LIMIT = 64 * 1024  # bytes of one line of text
BACK_OFF_S = (1.0, 2.0, 5.0, 15.0, 30.0, 60.0)
Line = TypeVar("Line")


@asynccontextmanager
async def connection(
    host: str, port: int, error: type[OSError], *, tls: bool = False
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """An open connection. Raises `error` where nobody answers, or what is done with it runs out of time."""
    context = ssl.create_default_context() if tls else None
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, port, ssl=context, limit=LIMIT)
    except TimeoutError:
        raise error(f"{host}:{port} does not answer.") from None
    try:
        yield reader, writer
    except TimeoutError:
        raise error(f"{host}:{port} stopped answering.") from None
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def read_by(read: Coroutine[Any, Any, None], error: type[OSError]) -> "AsyncIterator[asyncio.Task[None]]":
    """The task that reads while the block runs; it ends with `error` when the line breaks."""
    reading = asyncio.create_task(read, name="phone_line.read")
    try:
        yield reading
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError, error):
            await reading


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
