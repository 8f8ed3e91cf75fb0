"""Asterisk's manager interface (AMI): one connection that hears events and answers actions.

Blocks of `Key: value` lines that end with an empty one, over TCP or TLS; an answer carries the ActionID of its action.
The secret never crosses the line: Asterisk gives a challenge and compares MD5 of it (`AuthType: MD5`).
Source: docs.asterisk.org, «AMI», and manager.c. Of the clients in PyPI none is kept that also reads events: see
docs/decisions/0016.
"""

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from services.voicemail import phone_line
from services.voicemail.phone_line import TIMEOUT_S
from shared.settings import AmiServer

Block = dict[str, str]


class AmiError(OSError):
    """Asterisk refused, or what answers is no Asterisk. The message is a sentence with Asterisk's own words."""


class Refused(AmiError):
    """An answer to one action: the connection goes on."""


def block(fields: dict[str, str]) -> bytes:
    """One action as bytes. Raises ValueError where a value would begin another line."""
    for key, value in fields.items():
        if any(c in f"{key}{value}" for c in "\r\n\x00"):
            raise ValueError(f"{key} holds a line break")
    return "".join(f"{key}: {value}\r\n" for key, value in fields.items()).encode() + b"\r\n"


async def read_block(reader: asyncio.StreamReader) -> Block:
    """The next block, empty lines before it skipped. Raises AmiError at the end of the stream."""
    found: Block = {}
    while True:
        line = await reader.readline()
        if not line.endswith(b"\n"):
            raise AmiError("Asterisk closed the connection.")
        text = line.decode("utf-8", "replace").strip("\r\n")
        if not text:
            if found:
                return found
            continue
        key, separator, value = text.partition(":")
        if separator:
            found.setdefault(key.strip().lower(), value.strip())


class Ami:
    """A connection that is signed in. Made by `connected`."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, on_event: Callable[[Block], None]
    ) -> None:
        self._reader, self._writer, self._on_event = reader, writer, on_event
        self._waiting: dict[str, asyncio.Future[Block]] = {}
        self._ids = itertools.count(1)

    async def action(self, name: str, **fields: str) -> Block:
        """The answer. Raises Refused when it is no success; AmiError, TimeoutError when the line is dead."""
        action_id = f"centralita-{next(self._ids)}"
        answer: asyncio.Future[Block] = asyncio.get_running_loop().create_future()
        self._waiting[action_id] = answer
        try:
            self._writer.write(block({"Action": name, "ActionID": action_id, **fields}))
            await self._writer.drain()
            async with asyncio.timeout(TIMEOUT_S):
                found = await answer
        finally:
            self._waiting.pop(action_id, None)
        if found.get("response", "").lower() not in ("success", "goodbye"):
            raise Refused(f"Asterisk refused {name}: {found.get('message', 'without a word')}")
        return found

    async def read(self) -> None:
        """Hands out what comes, until the line ends; then everybody who waits for an answer hears it."""
        try:
            while True:
                found = await read_block(self._reader)
                waiting = self._waiting.get(found.get("actionid", ""))
                if "response" in found and waiting is not None and not waiting.done():
                    waiting.set_result(found)
                elif "event" in found:
                    self._on_event(found)
        except (OSError, ValueError) as error:  # ValueError: a line without end
            gone = error if isinstance(error, AmiError) else AmiError(f"The line to Asterisk broke: {error}")
            raise gone from error
        finally:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(AmiError("Asterisk closed the connection."))

    async def sign_in(self, server: AmiServer) -> None:
        challenge = (await self.action("Challenge", AuthType="MD5")).get("challenge", "")
        key = hashlib.md5(f"{challenge}{server.secret.get_secret_value()}".encode(), usedforsecurity=False).hexdigest()
        await self.action("Login", AuthType="MD5", Username=server.username, Key=key, Events="on")


@asynccontextmanager
async def connected(
    server: AmiServer, on_event: Callable[[Block], None]
) -> AsyncIterator[tuple[Ami, "asyncio.Task[None]"]]:
    """Signed in, with the task that reads: it ends with AmiError when the line breaks."""
    async with phone_line.connection(server.host, server.port, AmiError, tls=server.tls) as (reader, writer):
        async with asyncio.timeout(TIMEOUT_S):
            banner = await reader.readline()
        if not banner.startswith(b"Asterisk Call Manager"):
            raise AmiError(f"What answers at {server.host}:{server.port} is not Asterisk's manager interface.")
        ami = Ami(reader, writer, on_event)
        async with phone_line.read_by(ami.read(), AmiError) as reading:
            await ami.sign_in(server)
            yield ami, reading
