"""What a failing test says of the world around it, and the alarm that ends a test which hangs.

`with witness("logs of the services", house.logs): …` – what the function says then is printed below every test that
fails inside. The alarm takes the place of pytest-timeout's: it tells what every thread, every asyncio task and every
witness was doing, and it rings again when also the clean-up hangs, which pytest-timeout lets go on for ever.
"""

import asyncio
import concurrent.futures
import contextlib
import faulthandler
import gc
import signal
import tempfile
from collections.abc import Callable, Generator, Iterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import event

from shared.database import Database
from tests.logs import LONGEST

AGAIN_S = 30.0  # for the clean-up of a test that failed or was ended
Tell = Callable[[], str]

_witnesses: list[tuple[str, Tell]] = []
_heard: list[tuple[str, str]] = []  # of the running test, told before what it is about was gone


@contextlib.contextmanager
def witness(title: str, tell: Tell) -> Iterator[None]:
    """A failing test is printed with what `tell` says: at its end, or when its exception leaves this block."""
    one = (title, tell)
    _witnesses.append(one)
    try:
        yield
    except BaseException:
        _heard.append((title, _told(tell)))
        raise
    finally:
        _witnesses.remove(one)


def _told(tell: Tell) -> str:
    try:
        said = tell()
    except Exception as error:
        return f"(cannot be told: {error!r})"
    return said if len(said) <= LONGEST else f"[…]\n{said[-LONGEST:]}"


def activity(url: str) -> str:
    """What the connections of a PostgreSQL server are doing, and who waits for whom."""

    async def ask() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""), timeout=5, command_timeout=5)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(
                "SELECT pid, datname, application_name, state, wait_event_type, wait_event,"
                " extract(epoch FROM now() - xact_start)::numeric(8, 1) AS since_s,"
                " pg_blocking_pids(pid) AS blocked_by, left(query, 500) AS query"
                " FROM pg_stat_activity WHERE datname IS NOT NULL AND pid <> pg_backend_pid() AND state <> 'idle'"
                " ORDER BY xact_start"
            )
            return rows
        finally:
            connection.terminate()

    # In a thread: the loop of the test may be running, or hang.
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        rows = pool.submit(asyncio.run, ask()).result(15)
    return "\n".join(" ".join(f"{key}={value}" for key, value in row.items()) for row in rows) or "nothing under way"


def bounded(database: Database, seconds: int = 20) -> Database:
    """The same, with statements that end: PostgreSQL then says which statement waited for what."""

    @event.listens_for(database.engine.sync_engine, "connect")
    def bound(connection: Any, _record: object) -> None:
        with contextlib.closing(connection.cursor()) as cursor:
            cursor.execute(f"SET lock_timeout = '{seconds}s'")
            cursor.execute(f"SET statement_timeout = '{seconds}s'")
            connection.commit()

    return database


def tasks() -> str:
    """Every asyncio task of the loop that runs in this thread, with the lines where it waits."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return "no loop is running"
    return "\n".join(f"--- {task.get_name()}\n{_where(task.get_coro())}" for task in asyncio.all_tasks(loop))


def _where(awaited: Any) -> str:
    lines = []
    while awaited is not None:
        kind = next((kind for kind in ("cr", "gi", "ag") if hasattr(awaited, f"{kind}_frame")), None)
        if kind is None:
            lines.append(f"  {awaited!r}")
            # A step of an asynchronous generator does not say whose step it is.
            awaited = next((one for one in gc.get_referents(awaited) if hasattr(one, "ag_frame")), None)
            continue
        if (frame := getattr(awaited, f"{kind}_frame")) is not None:
            lines.append(f"  {frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_qualname}")
        awaited = getattr(awaited, "gi_yieldfrom" if kind == "gi" else f"{kind}_await")
    return "\n".join(lines)


def threads() -> str:
    """The stack of every thread."""
    with tempfile.TemporaryFile("w+") as file:
        faulthandler.dump_traceback(file)
        file.seek(0)
        return file.read()


def hear_all() -> None:
    """Let every witness speak now."""
    _heard.extend((title, _told(tell)) for title, tell in _witnesses)


class Alarm:
    """The hooks: one test at a time, in the main thread."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        _heard.clear()
        try:
            return (yield)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    @pytest.hookimpl(tryfirst=True)
    def pytest_timeout_set_timer(self, item: pytest.Item, settings: Any) -> bool:
        def ring(_signal: int, _frame: object) -> None:
            _heard.append(("asyncio tasks", _told(tasks)))
            _heard.append(("threads", _told(threads)))
            hear_all()
            pytest.fail(f"not over within {settings.timeout:.0f} s; below is what everybody was doing", pytrace=False)

        signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, settings.timeout, AGAIN_S)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_timeout_cancel_timer(self, item: pytest.Item) -> bool:
        """Called when a phase has failed, and at the end, where the timer is stopped right after."""
        signal.setitimer(signal.ITIMER_REAL, AGAIN_S, AGAIN_S)
        return True

    def pytest_enter_pdb(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.failed:
            if not _heard:
                hear_all()
            report.sections.extend(_heard)
            _heard.clear()
        return report
