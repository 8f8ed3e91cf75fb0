"""Many routers as processes of their own, each with the sweeps that move assignments; some are killed in the middle."""

import asyncio
import json
import logging
import multiprocessing
import random
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, Self

import structlog

from services.tickets.routing import router
from services.tickets.routing.terms import Policy
from services.tickets.sweeps import Sweeps
from shared.database import Database
from shared.settings import Settings


def route_for_ever(environment: dict[str, Any], passes: Path) -> None:
    """What one process does. Every pass that had its turn is a line in `passes`: seconds, and how many were offered."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    settings = Settings.model_validate(environment)
    one_pass = router._pass

    async def timed(database: Database, settings: Settings, policy: Policy, sign: int | None = None) -> router.Routed:
        started = perf_counter()
        found = await one_pass(database, settings, policy, sign)
        if found.had_turn:
            with passes.open("a") as file:
                file.write(f"{json.dumps([perf_counter() - started, found.offered])}\n")
        return found

    router._pass = timed
    asyncio.run(_route(settings))


async def _route(settings: Settings) -> None:
    sweeps = Sweeps(Database(settings, pool_size=2, max_overflow=2), settings)
    # Fifty times the alerts of fifty thousand late tickets would be another measurement.
    sweeps.steps = [step for step in sweeps.steps if step.name in ("offers", "presence")]
    await sweeps.run()


class Routers:
    """`count` of them, started when entered; `kill` ends one as a power cut would, and another takes its place."""

    def __init__(self, settings: dict[str, Any], count: int, passes: Path) -> None:
        self._settings, self._count, self._passes = settings, count, passes
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["bench.routing_scale.routers"])
        self._running: list[ForkServerProcess] = []
        self._dice = random.Random(11)

    async def __aenter__(self) -> Self:
        for _ in range(self._count):
            self._running.append(self._start())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._running:
            process.kill()
        for process in self._running:
            await asyncio.to_thread(process.join)

    def _start(self) -> ForkServerProcess:
        process = self._context.Process(target=route_for_ever, args=(self._settings, self._passes), daemon=True)
        process.start()
        return process

    async def kill(self) -> None:
        place = self._dice.randrange(len(self._running))
        self._running[place].kill()
        await asyncio.to_thread(self._running[place].join)
        self._running[place] = self._start()

    def passes(self) -> list[tuple[float, int]]:
        """Of all routers so far: seconds, offers."""
        if not self._passes.exists():
            return []
        lines = self._passes.read_text().splitlines()
        return [(float(seconds), int(offered)) for seconds, offered in map(json.loads, lines)]
