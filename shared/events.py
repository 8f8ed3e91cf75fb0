"""«Ticket 42 changed»: published in the transaction that changed it, heard by every open screen.

PostgreSQL delivers a NOTIFY when its transaction commits and never when it rolls back, so there is no window
between the change and the news of it. See docs/decisions for the cost (commits with NOTIFY queue up; at a
center's rate that is far off).
"""

import asyncio
import json
import secrets
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass

import asyncpg
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.settings import Settings

log = structlog.get_logger(__name__)
CHANNEL = "centralita"
RECENT = 1000  # pieces of news that a process keeps for a page that was made a moment ago


@dataclass(frozen=True)
class Event:
    """What changed. `people`: who is concerned beyond those who look at it (an offer's person)."""

    kind: str  # ticket, offer, returned, presence, alert, greeting, problem, mailbox, promises
    id: int = 0
    people: tuple[int, ...] = ()
    what: str = ""  # e.g. offered, accepted, expired, message, transcript


async def publish(session: AsyncSession, event: Event) -> None:
    await session.execute(
        text("SELECT pg_notify(:channel, :payload)"),
        {"channel": CHANNEL, "payload": json.dumps(asdict(event))},
    )


async def publish_all(session: AsyncSession, events: Sequence[Event]) -> None:
    """Many pieces of news in one statement."""
    if events:
        await session.execute(
            text("SELECT pg_notify(:channel, payload) FROM unnest(CAST(:payloads AS text[])) AS payload"),
            {"channel": CHANNEL, "payloads": [json.dumps(asdict(event)) for event in events]},
        )


class Hearing:
    """One LISTEN connection per process, fanned out to its subscribers; reconnects by itself.

    After a reconnect every subscriber gets Event("resync"): anything may have changed meanwhile.
    """

    def __init__(self, settings: Settings) -> None:
        self._dsn = settings.database_url.get_secret_value().replace("+asyncpg", "")
        self._subscribers: set[asyncio.Queue[Event]] = set()
        self._run = secrets.token_hex(6)
        self._count = 0
        self._recent: deque[Event] = deque(maxlen=RECENT)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._listen(), name="events.listen")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator["asyncio.Queue[Event]"]:
        queue: asyncio.Queue[Event] = asyncio.Queue(maxsize=1000)
        self._subscribers.add(queue)
        try:
            yield queue
        finally:
            self._subscribers.discard(queue)

    @property
    def position(self) -> str:
        """How far this process has heard. What is read from the database from now on holds all of it."""
        return f"{self._run}-{self._count}"

    def since(self, position: str) -> list[Event]:
        """What was heard after a `position`; Event("resync") alone when that is not known: this process was started
        anew since, it is another one's, or it was long ago."""
        run, _, count = position.partition("-")
        missed = self._count - int(count) if run == self._run and count.isdecimal() else -1
        if not 0 <= missed <= len(self._recent):
            return [Event("resync")]
        return list(self._recent)[len(self._recent) - missed :]

    def _fan_out(self, event: Event) -> None:
        self._count += 1
        self._recent.append(event)
        for queue in self._subscribers:
            try:
                queue.put_nowait(event)
            except asyncio.QueueFull:  # a screen that reads too slowly starts over
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(Event("resync"))

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        fields = json.loads(str(payload))
        fields["people"] = tuple(fields.get("people", ()))
        self._fan_out(Event(**fields))

    async def _listen(self) -> None:
        while True:
            lost = asyncio.Event()
            try:
                connection = await asyncpg.connect(self._dsn, timeout=10)
            except (OSError, asyncpg.PostgresError, TimeoutError) as error:
                log.warning("events.cannot_listen", error=repr(error))
                await asyncio.sleep(1)
                continue
            try:
                connection.add_termination_listener(lambda _c, lost=lost: lost.set())
                await connection.add_listener(CHANNEL, self._heard)
                self._fan_out(Event("resync"))
                await lost.wait()
                log.warning("events.connection_lost")
            except (OSError, asyncpg.PostgresError) as error:
                log.warning("events.connection_failed", error=repr(error))
                await asyncio.sleep(1)
            finally:
                with suppress(Exception):
                    await connection.close(timeout=1)
