"""Job names, id-only payloads and ringing another service. Redis is an alarm clock: losing a ring loses nothing."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic
from typing import Any

import structlog
from arq.connections import ArqRedis, RedisSettings, create_pool

from shared.settings import Settings

log = structlog.get_logger(__name__)
QUIET_S = 1.0  # sweeps do the work meanwhile
TIMEOUT_S = 2.0  # a Redis that does not answer must not hold up whoever rings
IDS_PER_JOB = 200


class Job(StrEnum):
    """`service.verb`; each takes ids, one or several. The part before the dot names the queue."""

    TAKE_IN_MESSAGE = "tickets.take_in_message"
    TAKE_IN_RECORDING = "tickets.take_in_recording"
    TAKE_IN_DELIVERY = "tickets.take_in_delivery"  # it was sent or failed: put it on the timeline
    ROUTE = "tickets.route"  # something changed that a routing pass should see; id of the ticket, or 0
    SEND = "inbox.send"
    RECONCILE = "inbox.reconcile"  # id of the mailbox whose folders somebody wants compared with the ledger
    APPLY_MAILBOXES = "inbox.apply_mailboxes"  # id of the mailbox that was added or changed
    CHECK_MAILBOX = "inbox.check_mailbox"  # id of the check
    TAKE_IN_ATTACHMENT = "voicemail.take_in_attachment"
    TRANSCRIBE = "voicemail.transcribe"
    PUBLISH_GREETINGS = "voicemail.publish_greetings"  # id of the slot that changed, or 0


def queue_of(service: str) -> str:
    return f"centralita:{service}"


@dataclass(frozen=True)
class Ring:
    job: Job
    id: int


def serialize(value: dict[str, Any]) -> bytes:
    return json.dumps(value, default=str).encode()


def deserialize(data: bytes) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(data)
    return loaded


def redis_settings(settings: Settings) -> RedisSettings:
    return RedisSettings.from_dsn(settings.redis_url.get_secret_value())


class Bell:
    """Rings other services. Never raises: when Redis is away, the sweep behind every ring finds the row.

    What is to be rung while an earlier ring is under way goes out together, one job for all ids of a kind: a burst
    costs few jobs, and a single ring waits for nothing.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = redis_settings(settings)
        self._settings.conn_retries = 0
        self._settings.conn_timeout = 1
        self._pool: ArqRedis | None = None
        self._turn = asyncio.Lock()
        self._waiting: dict[Ring, None] = {}
        self._closed = False
        self._quiet_until = 0.0  # after a failure, so that not every commit waits for a Redis that is away

    async def ring(self, rings: Iterable[Ring]) -> None:
        """Returns once these were rung, by this call or with another's, or could not be."""
        self._waiting.update(dict.fromkeys(rings))
        async with self._turn:
            if not self._waiting or self._closed:
                return
            now, self._waiting = self._waiting, {}
            if monotonic() >= self._quiet_until:
                await self._enqueue(now)

    async def _enqueue(self, rings: Iterable[Ring]) -> None:
        ids: defaultdict[Job, list[int]] = defaultdict(list)
        for ring in rings:
            ids[ring.job].append(ring.id)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                if self._pool is None:
                    self._pool = await create_pool(
                        self._settings, job_serializer=serialize, job_deserializer=deserialize
                    )
                for job, all_ids in ids.items():
                    for start in range(0, len(all_ids), IDS_PER_JOB):
                        some = all_ids[start : start + IDS_PER_JOB]
                        await self._pool.enqueue_job(
                            job.value, *some, _queue_name=queue_of(job.value.partition(".")[0])
                        )
        except Exception as error:  # any Redis trouble: the sweep is the correctness path
            self._quiet_until = monotonic() + QUIET_S
            log.warning("bell.not_rung", rings={job.value: some[:20] for job, some in ids.items()}, error=repr(error))
            await self._forget_pool()

    async def _forget_pool(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            with suppress(Exception):  # closing what is lost fails as well
                await pool.aclose(close_connection_pool=True)

    async def close(self) -> None:
        """After the ring that is under way; later ones are left to the sweeps."""
        self._closed = True
        async with self._turn:
            await self._forget_pool()
