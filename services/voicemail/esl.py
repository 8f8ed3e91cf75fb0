"""FreeSWITCH's event socket (ESL, mod_event_socket): one inbound connection that hears events and runs API commands.

Blocks of `Key: value` lines that end with an empty one; with `Content-Length`, as many bytes follow. Replies come in
the order of their commands, events at any time between them. Source: «mod_event_socket» in FreeSWITCH's documentation.
The library `genesis` is kept but pins other versions of uvicorn and of Python than ours: see docs/decisions/0016.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import unquote

from services.voicemail import phone_line
from services.voicemail.phone_line import TIMEOUT_S

BODY_LIMIT = 1024 * 1024

Headers = dict[str, str]


class EslError(OSError):
    """FreeSWITCH refused, or the line is dead. The message is a sentence with FreeSWITCH's own words."""


class Refused(EslError):
    """An answer to one command: the connection goes on."""


@dataclass(frozen=True)
class Part:
    """One block: its headers, names in lower case, and its body."""

    headers: Headers
    body: str


def parse(text: str) -> Headers:
    """Header lines, the first of each name; values are URL-encoded in plain events."""
    found: Headers = {}
    for line in text.splitlines():
        key, separator, value = line.partition(":")
        if separator:
            found.setdefault(key.strip().lower(), unquote(value.strip()))
    return found


async def read_part(reader: asyncio.StreamReader) -> Part:
    """The next block. Raises EslError at the end of the stream or when it is too long."""
    lines: list[str] = []
    while True:
        line = await reader.readline()
        if not line.endswith(b"\n"):
            raise EslError("FreeSWITCH closed the connection.")
        text = line.decode("utf-8", "replace").strip("\r\n")
        if text:
            lines.append(text)
        elif lines:
            break
    headers = parse("\n".join(lines))
    length = int(headers.get("content-length", "0") or 0)
    if not 0 <= length <= BODY_LIMIT:
        raise EslError(f"FreeSWITCH announces {length} bytes.")
    return Part(headers, (await reader.readexactly(length)).decode("utf-8", "replace") if length else "")


class Esl:
    """A connection that is signed in. Made by `connected`."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, on_event: Callable[[Headers], None]
    ) -> None:
        self._reader, self._writer, self._on_event = reader, writer, on_event
        self._waiting: deque[asyncio.Future[Part]] = deque()

    async def command(self, line: str) -> Part:
        """The reply. Raises Refused for one that begins with -ERR; EslError, TimeoutError when the line is dead."""
        if any(c in line for c in "\r\n\x00"):
            raise ValueError("a command is one line")
        reply: asyncio.Future[Part] = asyncio.get_running_loop().create_future()
        self._waiting.append(reply)
        self._writer.write(f"{line}\n\n".encode())
        await self._writer.drain()
        async with asyncio.timeout(TIMEOUT_S):
            found = await asyncio.shield(reply)
        said = (found.body or found.headers.get("reply-text", "")).strip()
        if said.startswith("-"):
            raise Refused(f"FreeSWITCH refused {line.partition(' ')[0]}: {said}")
        return found

    async def read(self) -> None:
        """Hands out what comes, until the line ends."""
        try:
            while True:
                part = await read_part(self._reader)
                kind = part.headers.get("content-type", "")
                if kind in ("command/reply", "api/response"):
                    if self._waiting:
                        reply = self._waiting.popleft()
                        if not reply.done():
                            reply.set_result(part)
                elif kind == "text/event-plain":
                    self._on_event(parse(part.body))
                elif kind == "text/disconnect-notice":
                    raise EslError("FreeSWITCH closed the connection.")
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            raise error if isinstance(error, EslError) else EslError(f"The line broke: {error}") from error
        finally:
            for reply in self._waiting:
                if not reply.done():
                    reply.set_exception(EslError("FreeSWITCH closed the connection."))
                    reply.exception()


@asynccontextmanager
async def connected(
    host: str, port: int, password: str, on_event: Callable[[Headers], None]
) -> AsyncIterator[tuple[Esl, "asyncio.Task[None]"]]:
    """Signed in, with the task that reads: it ends with EslError when the line breaks."""
    async with phone_line.connection(host, port, EslError) as (reader, writer):
        async with asyncio.timeout(TIMEOUT_S):
            first = await read_part(reader)
        if first.headers.get("content-type") != "auth/request":
            raise EslError(f"{host}:{port} lets us not in: {first.body.strip() or first.headers.get('content-type')}")
        esl = Esl(reader, writer, on_event)
        async with phone_line.read_by(esl.read(), EslError) as reading:
            await esl.command(f"auth {password}")
            yield esl, reading
