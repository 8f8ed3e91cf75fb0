"""The real process: the first administrator from the command line, signing in, and stopping when told."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import httpx

from shared.settings import Settings

ROOT = Path(__file__).parent.parent.parent.parent
PASSWORD = "cuatro caballos verdes"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def start(settings: Settings, *arguments: str) -> asyncio.subprocess.Process:
    environment = {
        **os.environ,
        "CENTRALITA_DATABASE_URL": settings.database_url.get_secret_value(),
        "CENTRALITA_REDIS_URL": settings.redis_url.get_secret_value(),
        "CENTRALITA_SECRET_KEY": settings.secret_key.get_secret_value(),
        "CENTRALITA_BLOB_DIR": str(settings.blob_dir),
        "CENTRALITA_SECURE_COOKIES": "false",
    }
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.tickets", *arguments,
        cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, stderr=pipe,
    )  # fmt: skip


async def add(settings: Settings, password: str) -> tuple[int | None, str]:
    process = await start(settings, "add-person", "root@center.example", "Root")
    out, error = await process.communicate(f"{password}\n".encode())
    return process.returncode, (out + error).decode()


async def test_from_the_first_administrator_to_a_clean_stop(settings: Settings) -> None:
    assert await add(settings, "short") == (1, "A password needs at least 12 characters.\n")
    code, said = await add(settings, PASSWORD)
    assert code == 0
    assert "administrator" in said
    assert (await add(settings, PASSWORD))[0] == 1  # is here already

    port = free_port()
    server = await start(settings, "web", "--port", str(port))
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            for _ in range(300):
                try:
                    if (await client.get("/readyz")).status_code == 200:
                        break
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
            body = {"email": "root@center.example", "password": PASSWORD}
            assert (await client.post("/api/v1/session", json=body)).status_code == 201
            assert (await client.get("/api/v1/me")).json()["role"] == "administrator"
            page = await client.get("/", headers={"Accept": "text/html"}, follow_redirects=True)
            assert page.status_code == 200
        server.send_signal(signal.SIGTERM)
        _, log = await asyncio.wait_for(server.communicate(), 20)
        assert server.returncode == 0, log.decode()[-2000:]
        assert PASSWORD not in log.decode()
    finally:
        if server.returncode is None:
            server.kill()
            await server.wait()
