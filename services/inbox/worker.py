"""The arq worker inside the inbox: hears what rings for it. Redis may come and go; the sweeps do not need it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import structlog
from arq.typing import WorkerCoroutine
from arq.worker import Worker, func
from redis.exceptions import RedisError

from shared.jobs import Job, deserialize, queue_of, redis_settings, serialize
from shared.settings import Settings

log = structlog.get_logger(__name__)

POLL_DELAY_S = 0.05
BACK_OFF_S = (0.5, 15.0)


Answer = Callable[..., Awaitable[object]]


def one_by_one(answer: Callable[[int], Awaitable[object]]) -> Answer:
    """Answers a job by answering each of its ids."""

    async def call(*ids: int) -> None:
        await asyncio.gather(*(answer(id_) for id_ in ids))

    return call


async def hear(settings: Settings, answers: Mapping[Job, Answer]) -> None:
    """Run a worker for ever that calls these with the ids of a job; a new one after each failure, with back-off."""

    def answering(answer: Answer) -> WorkerCoroutine:
        async def call(ctx: dict[Any, Any], *args: Any, **_kwargs: Any) -> None:
            await answer(*map(int, args))

        return call

    pause = BACK_OFF_S[0]
    while True:
        redis = redis_settings(settings)
        redis.conn_retries = 0
        worker = Worker(
            # One try: what could not be done waits in PostgreSQL, not in Redis.
            functions=[
                func(answering(answer), name=job.value, max_tries=1, keep_result=0, timeout=900)
                for job, answer in answers.items()
            ],
            queue_name=queue_of("inbox"),
            redis_settings=redis,
            handle_signals=False,
            poll_delay=POLL_DELAY_S,
            keep_result=0,
            max_jobs=20,
            job_serializer=serialize,
            job_deserializer=deserialize,
        )
        started = asyncio.get_running_loop().time()
        try:
            await worker.main()
        except Exception as error:
            if asyncio.get_running_loop().time() - started > 60:
                pause = BACK_OFF_S[0]
            log.warning("worker.redis_away", error=repr(error), retry_in_s=pause)
        finally:
            await _close(worker)
        await asyncio.sleep(pause)
        pause = min(pause * 2, BACK_OFF_S[1])


async def _close(worker: Worker) -> None:
    """Give running jobs a moment: a conversation with a mail server is better not cut."""
    running = [task for task in worker.tasks.values() if not task.done()]
    if running:
        await asyncio.wait(running, timeout=10)
    for task in running:
        task.cancel()
    await asyncio.gather(*worker.tasks.values(), return_exceptions=True)
    if worker._pool is not None:
        with suppress(RedisError, OSError):
            await worker._pool.aclose(close_connection_pool=True)
