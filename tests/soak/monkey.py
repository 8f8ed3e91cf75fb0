"""What goes wrong, drawn from a seed: kills, lost alarms, a database that restarts, cut lines, full disks.

Which faults come in which order is the seed's; at what moment of the work they hit is not, and need not be: the
outcome must be the same at any.
"""

import asyncio
import random
import resource
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

import psutil

from tests.servers.cutting import Cutting
from tests.soak.center import INBOXES, KILLED, Center

Fault = Callable[[], Awaitable[None]]
FULL_DISK = 64  # bytes that a process may still write into one file


class Monkey:
    """`pause_s`: from one fault to the next, on average. `done` counts the faults by name.

    `every_fault` is set as soon as each was caused at least once.
    """

    def __init__(self, center: Center, seed: int, *, pause_s: float) -> None:
        self.done: Counter[str] = Counter()
        self.every_fault = asyncio.Event()
        self._center = center
        self._rng = random.Random(f"monkey {seed}")
        self._pause_s = pause_s
        self._busy: set[str] = set()  # what is broken just now
        self._faults: list[tuple[int, str, str, Fault]] = [  # weight, name, what it breaks, how
            *((4, f"kill {name}", name, self._killing(name)) for name in KILLED),
            (3, "empty redis", "redis", self._empty_redis),
            (1, "stop redis", "redis", self._stop_redis),
            (2, "restart postgres", "postgres", self._restart_postgres),
            (4, "cut imap", "imap", self._cutting(center.imap, 20_000)),
            (2, "cut smtp", "smtp", self._cutting(center.smtp, 500)),
            (1, "blob folder gone", "disk", self._lose_folder),
            (1, "disk full", "disk", self._fill_disk),
        ]

    async def rampage(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; what is broken then is mended before this returns."""
        # Every fault once, in some order, and then as it comes.
        order = self._rng.sample(self._faults, len(self._faults))
        weights = [weight for weight, *_ in self._faults]
        async with asyncio.TaskGroup() as group:
            while not stop.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self._pause_s * self._rng.uniform(0.4, 1.6))
                    break
                fault = order[-1] if order else self._rng.choices(self._faults, weights)[0]
                _, name, target, cause = fault
                if target in self._busy:
                    continue
                if order:
                    order.pop()
                if not order:
                    self.every_fault.set()
                self._busy.add(target)
                self.done[name] += 1
                group.create_task(self._cause(target, cause), name=name)

    async def _cause(self, target: str, cause: Fault) -> None:
        try:
            await cause()
        finally:
            self._busy.discard(target)

    def _killing(self, name: str) -> Fault:
        async def kill() -> None:
            processes = self._center.stack.processes
            await processes.kill(name)
            await asyncio.sleep(self._rng.uniform(0, 1))
            await processes.restart(name)  # which starts it, as it is down
            with suppress(TimeoutError):  # killed again while it starts: not before it worked for a moment
                await processes.ready(name, 30)
            await asyncio.sleep(self._rng.uniform(0, 3))

        return kill

    async def _empty_redis(self) -> None:
        await asyncio.to_thread(self._center.stack.redis.empty)

    async def _stop_redis(self) -> None:
        redis = self._center.stack.redis
        await asyncio.to_thread(redis.stop)
        await asyncio.sleep(self._rng.uniform(0.5, 3))
        await asyncio.to_thread(redis.start)

    async def _restart_postgres(self) -> None:
        await asyncio.to_thread(self._center.stack.postgres.restart)
        await asyncio.sleep(self._rng.uniform(2, 5))

    def _cutting(self, proxy: Cutting, at_most: int) -> Fault:
        async def cut() -> None:
            """All lines at once, and those that are opened in the next moment after some bytes."""
            proxy.after = self._rng.randrange(at_most)
            proxy.hang_up()
            await asyncio.sleep(self._rng.uniform(0.5, 2))
            proxy.after = None

        return cut

    async def _lose_folder(self) -> None:
        """As when a volume is not mounted any more: nothing can be written, and nothing read."""
        blobs = self._center.config.blobs
        away = blobs.with_name("blobs.away")
        if not blobs.is_dir():
            return
        blobs.rename(away)
        await asyncio.sleep(self._rng.uniform(0.5, 1.5))
        away.rename(blobs)

    async def _fill_disk(self) -> None:
        """The kernel cuts every write short, as on a full disk, and says EFBIG instead of ENOSPC."""
        limited = []
        for name in INBOXES:
            pid = self._center.stack.processes.pid(name)
            if pid is not None:
                with suppress(psutil.NoSuchProcess):
                    process = psutil.Process(pid)
                    _, hard = process.rlimit(resource.RLIMIT_FSIZE)
                    process.rlimit(resource.RLIMIT_FSIZE, (FULL_DISK, hard))
                    limited.append((process, hard))
        await asyncio.sleep(self._rng.uniform(0.5, 1.5))
        for process, hard in limited:
            with suppress(psutil.NoSuchProcess):
                process.rlimit(resource.RLIMIT_FSIZE, (hard, hard))
