"""Many routers and people on a long queue: with Redis, without it, and while routers are killed."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

from sqlalchemy import text

from bench.figures import Figures, percentile
from bench.rig import open_always, running_stack
from bench.routing_scale.center import (
    OVER_CAPACITY,
    TWICE,
    UNTOLD,
    WRONG_LANGUAGE,
    close_backlog,
    count,
    furnish,
    open_tickets,
)
from bench.routing_scale.desks import Desks
from bench.routing_scale.routers import Routers
from local.stack import Stack
from shared.database import Database

ROUTERS = 50
PEOPLE = 500
ARRIVALS_EACH_S = 4.0
CALM_S = 50.0  # measured, with Redis and then without
KILLS = 100
LEFT_FOR_KILLS = 1_500  # tickets that are worked off meanwhile
STUCK_S = 180.0
ACT_AT_ONCE = 60  # connections of the people's process


async def measure(size: int) -> Figures:
    """`size`: tickets in the queue. A smaller one takes fewer routers and people, and less time."""
    share = min(1.0, max(0.1, size / 50_000))
    routers, people, calm_s = round(ROUTERS * share), round(PEOPLE * share / 50) * 50 or 50, CALM_S * share
    figures = Figures(
        f"Routing with {routers} routers, {people} people and {size:,} queued tickets",
        "Every router is a process with the sweeps that move assignments. People answer 4 % of their offers with no, "
        "2 % not at all, and work 15 to 45 s; while the queue stands, tickets arrive that somebody is free for. Times "
        "run from before the commit that adds a ticket or frees a person until a listener hears of the offer, on the "
        "same processors. Then routers are killed while a rest of the queue is worked off. "
        "Again: `python -m bench routing_scale --write`.",
    )
    async with running_stack(services=False) as (stack, first), _database(stack, first, routers) as database:
        await open_always(database)
        crew = await furnish(database, people, size)
        settings = stack.settings.model_copy(update={"offer_s": 20.0, "sweep_s": 5.0})
        desks = Desks(database, settings, crew)
        environment = stack.settings.model_dump() | {"offer_s": 20.0, "sweep_s": 5.0}
        passes_file = stack.config.directory / "passes.jsonl"
        async with Routers(environment, routers, passes_file) as running, _in_background(desks.attend()):
            guard = Guard(database)
            async with _in_background(guard.watch()):
                await _until_all_have_work(desks, crew_size=people)
                await _calm(desks, calm_s / 2)
                desks.forget_times()
                before = len(running.passes())
                await _calm(desks, calm_s)
                _times(figures, desks, "with Redis", 200)
                passes = [seconds for seconds, _ in running.passes()[before:]]
                figures.add(f"one pass, p50 / p95 of {len(passes)}", _pair(passes), "p95 under 250 ms")
                await _without_redis(figures, desks, stack, calm_s)
                await _killed(figures, desks, running, database, round(KILLS * share), round(LEFT_FOR_KILLS * share))
            figures.add(f"moments at which somebody had more than their room, of {guard.looks}", str(guard.over), "0")
        figures.add("tickets done twice", str(await count(database, TWICE)), "0")
        figures.add(
            "assignments without their line in the timeline, or lines without", str(await count(database, UNTOLD)), "0"
        )
        figures.add("offers to somebody not verified in the language", str(await count(database, WRONG_LANGUAGE)), "0")
        total = await count(database, "SELECT count(*) FROM assignment")
        figures.add(
            "offers made in all", f"{total:,} ({', '.join(f'{n:,} {what}' for what, n in desks.answers.items())})"
        )
    return figures


@asynccontextmanager
async def _database(stack: Stack, first: Database, routers: int) -> AsyncIterator[Database]:
    """Room for hundreds of people who act at once: in the server and in this process."""
    async with first.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text(f"ALTER SYSTEM SET max_connections = {4 * routers + 2 * ACT_AT_ONCE}"))
    await first.engine.dispose()
    await asyncio.to_thread(stack.postgres.restart)
    database = Database(stack.settings, pool_size=ACT_AT_ONCE, max_overflow=0)
    try:
        yield database
    finally:
        await database.close()


@dataclass
class Guard:
    """Looks again and again whether somebody has more than their room, emergencies apart."""

    database: Database
    looks: int = 0
    over: int = 0

    async def watch(self) -> None:
        while True:
            self.over += await count(self.database, OVER_CAPACITY)
            self.looks += 1
            await asyncio.sleep(0.2)


@asynccontextmanager
async def _in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        if task.done():
            task.result()  # what it raised is why
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _until_all_have_work(desks: Desks, *, crew_size: int) -> None:
    busy = sum(member.busy for member in desks.crew)
    until = monotonic() + STUCK_S
    while desks.answers.total() < busy:
        if monotonic() > until:
            raise AssertionError(f"only {desks.answers.total()} of {busy} of {crew_size} people got work")
        await asyncio.sleep(0.2)


async def _calm(desks: Desks, seconds: float) -> None:
    until = monotonic() + seconds
    while monotonic() < until:
        await desks.arrive()
        await asyncio.sleep(1 / ARRIVALS_EACH_S)


async def _without_redis(figures: Figures, desks: Desks, stack: Stack, seconds: float) -> None:
    await asyncio.to_thread(stack.redis.stop)
    desks.forget_times()
    await _calm(desks, seconds / 2)
    await asyncio.to_thread(stack.redis.start)
    await asyncio.to_thread(stack.redis.empty)
    await _calm(desks, seconds / 4)
    _times(figures, desks, "without Redis, and with one that was emptied", 5_000)


async def _killed(
    figures: Figures, desks: Desks, routers: Routers, database: Database, kills: int, tickets: int
) -> None:
    await close_backlog(database, tickets)
    left = await open_tickets(database)
    desks.think_s, desks.work_s = (0.02, 0.2), (0.05, 0.5)
    began, killed = monotonic(), 0
    last, since = left, began
    while (now_open := await open_tickets(database)) or killed < kills:
        if killed < kills:
            await routers.kill()
            killed += 1
        if now_open != last:
            last, since = now_open, monotonic()
        elif now_open and monotonic() - since > STUCK_S:
            raise AssertionError(f"{now_open} tickets are left over")
        await asyncio.sleep(0.1)
    figures.add(
        f"tickets left open after {killed} kills, of {left:,} ({monotonic() - began:.0f} s)", str(now_open), "0"
    )


def _times(figures: Figures, desks: Desks, how: str, aim_ms: int) -> None:
    for what, times in (("a ticket's arrival", desks.after_arrival), ("somebody's becoming free", desks.after_free)):
        figures.add(
            f"from {what} to an offer {how}, p50 / p95 of {len(times)}", _pair(times), f"p95 under {aim_ms:,} ms"
        )


def _pair(seconds: list[float]) -> str:
    if len(seconds) < 2:
        return "too few"
    return f"{percentile(seconds, 50) * 1000:.0f} / {percentile(seconds, 95) * 1000:.0f} ms"
