"""A real browser on the real application: a server in a thread and Chromium, for any test that imports these fixtures.

`from tests.browser import chromium, desk_server, open_as  # noqa: F401` in a conftest makes them available.
"""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from services.tickets.app import create
from shared.database import Database
from shared.models import WebSession
from shared.settings import Settings
from shared.web import auth
from tests.waits import within

CALL_S = 15.0  # for calls of Playwright that know no time-out
ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required", "--remote-debugging-port=0",
]  # fmt: skip


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def chromium() -> Iterator[str]:
    """One Chromium for the whole run; yields the address that tests connect to."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("Chromium is not installed")
    profile = Path(tempfile.mkdtemp(prefix="centralita-chromium-"))
    process = subprocess.Popen(
        [path, *ARGUMENTS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        port_file = profile / "DevToolsActivePort"
        deadline = time.monotonic() + 30
        while not (port_file.exists() and port_file.read_text().strip()):
            if time.monotonic() > deadline or process.poll() is not None:
                pytest.fail("Chromium did not start")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port_file.read_text().splitlines()[0]}"
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()
        shutil.rmtree(profile, ignore_errors=True)


class Served:
    """An application in a thread with a loop of its own, as in production: tests talk to it over its port."""

    def __init__(self, app: Any, port: int) -> None:
        config = uvicorn.Config(
            app, host="127.0.0.1", port=port, log_config=None, access_log=False, timeout_graceful_shutdown=1
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self._run, name="served", daemon=True)

    def _run(self) -> None:
        asyncio.run(self.server.serve())

    def start(self) -> None:
        self.thread.start()
        deadline = time.monotonic() + 30
        while not self.server.started:
            if time.monotonic() > deadline or not self.thread.is_alive():
                raise RuntimeError("the application did not start")
            time.sleep(0.01)

    def stop(self) -> None:
        # Browsers keep their live connection open: it is ended, not waited for.
        self.server.should_exit = True
        self.thread.join(5)
        self.server.force_exit = True
        self.thread.join(10)


@pytest.fixture
def desk_settings(settings: Settings) -> Settings:
    """The test's settings with a port of its own."""
    url = f"http://127.0.0.1:{free_port()}"
    return settings.model_copy(update={"public_url": url})


@pytest.fixture
async def desk_server(desk_settings: Settings) -> AsyncIterator[str]:
    """The tickets application on the test's database; yields its address."""
    served = Served(create(desk_settings), int(desk_settings.public_url.rpartition(":")[2]))
    await asyncio.to_thread(served.start)
    yield desk_settings.public_url
    await asyncio.to_thread(served.stop)


@dataclass
class Watched:
    """A page, and everything that it complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        def said(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                self.complaints.append(f"{message.type}: {message.text}")

        self.page.on("console", said)
        self.page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))


OpenAs = Callable[..., Coroutine[Any, Any, Page]]


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        connected = await playwright.chromium.connect_over_cdp(chromium)
        yield connected
        await within(CALL_S, "an end of the connection to Chromium", connected.close())


@pytest.fixture
async def open_as(
    browser: Browser, desk_server: str, desk_settings: Settings, database: Database
) -> AsyncIterator[OpenAs]:
    """`await open_as(person_id, "/work", javascript=False, …)`: a page with that person signed in.

    Afterwards every page must have been silent: no script error, nothing refused by the content security policy.
    """
    contexts: list[BrowserContext] = []
    watched: list[Watched] = []

    async def open_page(
        person_id: int | None, path: str = "/", *, javascript: bool = True, quiet: bool = True, **options: Any
    ) -> Page:
        opening = browser.new_context(
            base_url=desk_server, java_script_enabled=javascript, reduced_motion="reduce", **options
        )
        context = await within(CALL_S, "a new browser context", opening)
        context.set_default_timeout(10_000)
        contexts.append(context)
        if person_id is not None:
            token = await session_token(database, person_id)
            await context.add_cookies(
                [{"name": auth.cookie_name(desk_settings), "value": token, "url": desk_server, "httpOnly": True}]
            )
        page = await within(CALL_S, "a new page", context.new_page())
        if quiet:
            one = Watched(page)
            one.watch()
            watched.append(one)
        await page.goto(path)
        return page

    yield open_page
    for context in contexts:
        # A context that is closed in the middle of a navigation may never say that it is closed.
        for page in context.pages:
            await page.goto("about:blank")
        await within(CALL_S, "an end of the browser context", context.close())
    complaints = [complaint for one in watched for complaint in one.complaints]
    assert complaints == []


async def session_token(database: Database, person_id: int) -> str:
    """A session as signing in makes it, without the password's slow hash."""
    import secrets

    from shared import clock

    token = secrets.token_urlsafe(32)
    now = clock.now()
    async with database.transaction() as session:
        session.add(
            WebSession(
                token_hash=auth.digest(token),
                person_id=person_id,
                csrf_token=secrets.token_urlsafe(24),
                user_agent="test",
                ip="127.0.0.1",
                created_at=now,
                last_seen_at=now,
                expires_at=now + auth.ABSOLUTE,
            )
        )
    return token
