"""The engine, sessions, and the only place that commits.

One request or one job is one `transaction()`. Rings registered with `ring()` leave after the commit, never before
and never without it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from shared.jobs import Bell, Job, Ring
from shared.settings import Settings


class Database:
    def __init__(self, settings: Settings, *, pool_size: int = 5, max_overflow: int = 10) -> None:
        self.engine = create_async_engine(
            settings.database_url.get_secret_value(),
            pool_size=pool_size,
            max_overflow=max_overflow,
            pool_pre_ping=True,
            pool_recycle=1800,
        )
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


def _rings(session: AsyncSession) -> list[Ring]:
    rings: list[Ring] = session.info.setdefault("rings", [])
    return rings


def ring(session: AsyncSession, job: Job, id_: int) -> None:
    """Ring another service once this transaction has committed."""
    _rings(session).append(Ring(job, id_))
