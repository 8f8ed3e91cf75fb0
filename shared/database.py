"""The engine, sessions, and the only place that commits.

One request or one job is one `transaction()`. Rings registered with `ring()` leave after the commit, never before
and never without it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from shared.jobs import Bell, Job, Ring
from shared.settings import Settings

# Seconds. A process that is stopped in the middle of a transaction (a paused machine, a cut line) holds its locks, and
# nobody's offers move. The server ends such a transaction; whoever waited for the lock lives to see it.
IDLE_S = 30
LOCK_WAIT_S = 40


class Database:
    def __init__(
        self, settings: Settings, *, pool_size: int = 5, max_overflow: int = 10, idle_s: float = IDLE_S
    ) -> None:
        limits = {"idle_in_transaction_session_timeout": f"{idle_s:.0f}s", "lock_timeout": f"{LOCK_WAIT_S}s"}
        self.engine = create_async_engine(
            settings.database_url.get_secret_value(),
            pool_size=pool_size,
            max_overflow=max_overflow,
            pool_recycle=1800,
            pool_use_lifo=True,  # few connections do the work: each has to learn statements and types anew
            connect_args={"server_settings": limits},
        )
        event.listen(self.engine.sync_engine, "checkout", _refuse_closed)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self.bell = Bell(settings)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Commits when the block ends well, rolls back when it raises, then rings."""
        async with self._sessions() as session:
            async with session.begin():
                yield session
            rings = list(dict.fromkeys(_rings(session)))
        if rings:
            await self.bell.ring(rings)

    async def close(self) -> None:
        await self.bell.close()
        await self.engine.dispose()


def _refuse_closed(connection: Any, _record: object, _proxy: object) -> None:
    """After a restart of the database, all connections of before are replaced.

    asyncpg hears at once when the server closes a connection; asking it costs nothing, where a ping before every
    transaction costs a round trip.
    """
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError("the database has closed this connection")


def _rings(session: AsyncSession) -> list[Ring]:
    rings: list[Ring] = session.info.setdefault("rings", [])
    return rings


def ring(session: AsyncSession, job: Job, id_: int) -> None:
    """Ring another service once this transaction has committed."""
    _rings(session).append(Ring(job, id_))
