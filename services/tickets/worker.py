"""The tickets worker as one process: arq jobs, sweeps and routing, and the health port."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import structlog
from arq.connections import ArqRedis, create_pool
from arq.worker import Function, Worker, func

from services.tickets.intake import Doors
from services.tickets.intake_reading import get_ready
from services.tickets.learning import installed
from services.tickets.sweeps import Sweeps
from shared import health
from shared.database import Database
from shared.jobs import Job, deserialize, queue_of, redis_settings, serialize
from shared.settings import Settings
from shared.startup import importing

log = structlog.get_logger(__name__)

POLL_DELAY_S = 0.05
MAX_JOBS = 64
JOB_TIMEOUT_S = 20  # a job lost with its worker runs again after this and ten seconds, or at the next sweep
BACK_OFF_S = (0.5, 15.0)
STOP_WITHIN_S = 8.0

TakeIn = Callable[..., Awaitable[None]]


def functions(doors: Doors, wake: Callable[[], None]) -> list[Function]:
    """What other services ring for. Each takes ids, and a failure is left to the sweep."""

    def job(name: Job, take_in: TakeIn | None) -> Function:
        async def run(ctx: dict[Any, Any], *args: Any, **kwargs: Any) -> None:
            ids = [int(id_) for id_ in args]
            try:
                if take_in is not None:
                    await take_in(*ids)
            except Exception:  # its row says so where there is one; the sweep tries again
                log.exception("worker.job_failed", job=name.value, ids=ids[:20])
            wake()

        return func(run, name=name.value, max_tries=2, keep_result=0, timeout=JOB_TIMEOUT_S)

    return [
        job(Job.TAKE_IN_MESSAGE, doors.messages.add),
        job(Job.TAKE_IN_RECORDING, doors.recordings.add),
        job(Job.TAKE_IN_DELIVERY, doors.deliveries.add),
        job(Job.ROUTE, None),
    ]


async def hear(doors: Doors, settings: Settings, wake: Callable[[], None]) -> None:
    """Run an arq worker for ever, and a new one after each loss of Redis; meanwhile the sweeps do the work."""
    redis = redis_settings(settings)
    redis.conn_retries = 0
    pause = BACK_OFF_S[0]
    while True:
        started = asyncio.get_running_loop().time()
        try:
            pool = await create_pool(redis, job_serializer=serialize, job_deserializer=deserialize)
            try:
                await _work(pool, functions(doors, wake))
            finally:
                with suppress(Exception):  # closing what is lost fails as well
                    await pool.aclose(close_connection_pool=True)
        except Exception as error:
            if asyncio.get_running_loop().time() - started > 60:
                pause = BACK_OFF_S[0]
            log.warning("worker.redis_away", error=repr(error)[:300], retry_in_s=pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, BACK_OFF_S[1])


async def _work(pool: ArqRedis, jobs: list[Function]) -> None:
    worker = Worker(
        functions=jobs,
        queue_name=queue_of("tickets"),
        redis_pool=pool,
        handle_signals=False,
        poll_delay=POLL_DELAY_S,
        keep_result=0,
        max_jobs=MAX_JOBS,
        job_timeout=JOB_TIMEOUT_S,
        job_serializer=serialize,
        job_deserializer=deserialize,
        log_results=False,
    )
    try:
        await worker.main()
    finally:
        # Let jobs that run finish: each is a short transaction.
        running = [task for task in worker.tasks.values() if not task.done()]
        if running:
            _, late = await asyncio.wait(running, timeout=3)
            for task in late:
                task.cancel()
        await asyncio.gather(*worker.tasks.values(), return_exceptions=True)


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Everything the tickets worker does, until `stop` is set."""
    await asyncio.to_thread(_get_ready, settings)
    database = Database(settings, pool_size=8, max_overflow=12)
    doors = Doors(database, settings)
    sweeps = Sweeps(database, settings, doors=doors)
    parts: list[tuple[str, Callable[[], Awaitable[None]]]] = [
        ("sweeps", sweeps.run),
        ("jobs", lambda: hear(doors, settings, sweeps.wake)),
    ]
    if settings.health_port:
        parts.append(("health", lambda: health.serve(database, settings.health_host, settings.health_port)))
    tasks = [asyncio.create_task(_for_ever(name, part), name=f"tickets.{name}") for name, part in parts]
    log.info("tickets.worker_started", health_port=settings.health_port)
    try:
        await stop.wait()
    finally:
        log.info("tickets.worker_stopping")
        for task in tasks:
            task.cancel()
        _, unfinished = await asyncio.wait(tasks, timeout=STOP_WITHIN_S)
        if unfinished:
            log.warning("tickets.parts_left", parts=[task.get_name() for task in unfinished])
        await database.close()
        log.info("tickets.worker_stopped")


def _get_ready(settings: Settings) -> None:
    with importing():  # what is loaded to read mails stays as long as what was imported
        installed.install(settings)
        get_ready(settings)


async def _for_ever(name: str, part: Callable[[], Awaitable[None]]) -> None:
    """A part that fails is started again and takes no other part with it."""
    pause = BACK_OFF_S[0]
    while True:
        try:
            await part()
        except OSError as error:
            log.error("tickets.part_failed", part=name, error=str(error), retry_in_s=pause)
        except Exception:
            log.exception("tickets.part_failed", part=name, retry_in_s=pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, BACK_OFF_S[1])
