"""The migration step waits for a server that is still starting, and for nothing else."""

import asyncio
import socket

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from shared.migrations.upgrade import wait_for_server


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


async def test_it_goes_on_when_the_server_answers(postgres: str) -> None:
    port = free_port()
    folder = str(make_url(postgres.format(database="postgres")).query["host"])

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.5432")

        async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                target.write(data)
            target.close()

        await asyncio.gather(copy(reader, server_writer), copy(server_reader, writer))

    url = f"postgresql+asyncpg://postgres@127.0.0.1:{port}/postgres"
    waiting = asyncio.create_task(wait_for_server(url, pause_s=0.02))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    async with await asyncio.start_server(forward, "127.0.0.1", port):
        await waiting


async def test_it_gives_up_when_no_server_comes() -> None:
    with pytest.raises(OSError, match=r"Connect call failed"):
        await wait_for_server(
            f"postgresql+asyncpg://postgres@127.0.0.1:{free_port()}/postgres", patience_s=0.1, pause_s=0.02
        )


async def test_it_does_not_wait_for_a_setting_to_become_right(postgres: str) -> None:
    with pytest.raises(DBAPIError, match="does not exist"):
        await wait_for_server(postgres.format(database="no_such_database"))
