"""A TCP proxy on loopback that hangs up after so many bytes of one side, however that splits them, or goes silent.

async with Cutting(server.port) as proxy:
    proxy.after = 1234      # bytes of the server's, of each connection that is opened from now on; None: never
    proxy.after_asked = 99  # the same, of the client's
    proxy.port, proxy.passed, proxy.said
"""

import asyncio
from contextlib import suppress
from typing import Self

SAID = 10_000


class Cutting:
    def __init__(self, target: int) -> None:
        self.port = 0
        self.after: int | None = None
        self.after_asked: int | None = None
        self.passed = 0  # bytes from the server, of the newest connection
        self.said = b""  # the first of those bytes
        self.asked = 0  # bytes from the client, of the newest connection
        self.cuts = 0
        self.connections = 0  # that were opened so far
        self._silent: set[asyncio.StreamWriter] = set()
        self._closing = asyncio.Event()
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        left, left_to_ask = self.after, self.after_asked
        self.passed, self.said = 0, b""
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        ends = {writer, far_writer}
        self._writers |= ends
        asking = asyncio.create_task(self._ask(reader, far_writer, left_to_ask, ends))
        try:
            with suppress(ConnectionError):
                while (data := await far_reader.read(65536)) or writer in self._silent:
                    if writer in self._silent:
                        await self._closing.wait()
                        return
                    if left is not None:
                        if len(data) >= left:
                            writer.write(data[:left])
                            self.cuts += 1
                            await writer.drain()
                            return
                        left -= len(data)
                    self.passed += len(data)
                    self.said += data[: max(0, SAID - len(self.said))]
                    writer.write(data)
                    await writer.drain()
        finally:
            asking.cancel()
            for end in ends:
                end.close()
            self._writers -= ends

    def hang_up(self) -> None:
        """End every connection that is open now, in the middle of whatever it says."""
        for writer in self._writers:
            self.cuts += 1
            writer.transport.abort()

    def go_silent(self) -> None:
        """Every connection that is open now stays open, and neither side hears anything any more."""
        self._silent |= self._writers

    async def _ask(
        self,
        reader: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        left: int | None,
        ends: set[asyncio.StreamWriter],
    ) -> None:
        self.asked = 0
        with suppress(ConnectionError):
            while (data := await reader.read(65536)) or sink in self._silent:
                if sink in self._silent:
                    await self._closing.wait()
                    return
                self.asked += len(data)
                if left is not None and self.asked >= left:
                    sink.write(data[: len(data) - (self.asked - left)])
                    self.cuts += 1
                    await sink.drain()
                    for end in ends:
                        end.close()
                    return
                sink.write(data)
                await sink.drain()
        sink.close()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self._closing.set()
        for writer in self._writers:
            writer.close()
        await asyncio.sleep(0)
