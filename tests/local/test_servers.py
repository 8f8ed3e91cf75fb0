"""PostgreSQL keeps its data and Redis keeps nothing when they are stopped and started again."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
import redis as redis_client

from local.postgres import LocalPostgres
from local.redis import LocalRedis


@pytest.fixture
def place() -> Iterator[Path]:
    """Not in tmp_path: as root, PostgreSQL runs as another user, whom every start of pytest shuts out from there."""
    directory = Path(tempfile.mkdtemp(prefix="centralita-pg-"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


def test_postgres_continues_with_what_it_had(place: Path) -> None:
    async def query(url: str, sql: str) -> object:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    postgres = LocalPostgres(place / "postgres")
    with postgres:
        asyncio.run(query(postgres.url(), "CREATE TABLE kept (id int)"))
        asyncio.run(query(postgres.url(), "INSERT INTO kept VALUES (42)"))
        postgres.restart()
        assert asyncio.run(query(postgres.url(), "SELECT id FROM kept")) == 42
    assert not (place / "postgres" / "postmaster.pid").exists(), "it was stopped"


def test_redis_starts_empty_every_time(tmp_path: Path) -> None:
    deep = tmp_path / ("a" * 100)  # too long for a socket's path
    with LocalRedis(deep) as server, redis_client.Redis(unix_socket_path=str(server.socket)) as client:
        client.set("ring", 1)
        server.empty()
        assert client.get("ring") is None
        client.set("ring", 1)
        assert server.url.startswith("unix://")
    with LocalRedis(deep) as server, redis_client.Redis(unix_socket_path=str(server.socket)) as client:
        assert client.get("ring") is None
        place = server.socket
    assert not place.parent.exists(), "nothing is left behind"


def test_a_redis_left_over_from_a_killed_run_is_ended(tmp_path: Path) -> None:
    left_over = LocalRedis(tmp_path / "redis")
    left_over.start()
    process = left_over._process
    assert process is not None
    with LocalRedis(tmp_path / "redis"):
        assert process.wait(5) == 0
