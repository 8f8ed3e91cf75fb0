"""The voicemail worker: watches the spools, takes in attachments, transcribes, keeps greetings live.

Every part is an endless task of its own that is started again when it fails. Jobs from Redis only wake them: without
Redis they look for themselves every few seconds.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import structlog
from arq.worker import Worker, func
from redis.exceptions import RedisError

from services.voicemail import attachments, doors, same_call
from services.voicemail.asterisk_line import AsteriskLine
from services.voicemail.fetch import Fetcher
from services.voicemail.freeswitch_watch import FreeSwitchWatch
from services.voicemail.greetings import publisher
from services.voicemail.greetings.listening import Listening
from services.voicemail.speech_process import SpeechProcess
from services.voicemail.spool import SpoolWatch
from services.voicemail.transcribe import Transcription
from shared import blob_folder, health
from shared.blobs import Blobs
from shared.database import Database
from shared.jobs import Job, deserialize, queue_of, redis_settings, serialize
from shared.settings import Settings

log = structlog.get_logger(__name__)

SERVICE = "voicemail"
POLL_DELAY_S = 0.1
RESTART_AFTER_S = (1.0, 2.0, 5.0, 15.0, 30.0)


async def run(settings: Settings) -> None:
    """Until SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    database = Database(settings)
    blobs = Blobs.from_settings(settings)
    engine = SpeechProcess(settings)
    try:
        await serve(settings, database, blobs, engine, stopping)
    finally:
        await engine.close()
        await database.close()


async def serve(
    settings: Settings, database: Database, blobs: Blobs, engine: SpeechProcess, stopping: asyncio.Event
) -> None:
    """All parts, until `stopping` is set; what is under way then is handed back, not lost."""
    transcription = Transcription(database, blobs, settings, engine)
    listening = Listening(database, blobs, settings, engine)

    async def sweep_attachments() -> None:
        await doors.prepare(database, settings)
        await blob_folder.prepare(database, blobs)
        while True:
            await attachments.sweep(database, blobs, settings)
            await same_call.sweep(database, blobs)
            await asyncio.sleep(settings.sweep_s)

    parts: dict[str, Callable[[], Awaitable[None]]] = {
        "transcription": transcription.run,
        "attachments": sweep_attachments,
        "greetings": lambda: publisher.run(database, settings, blobs),
        "greeting checks": listening.run,
        "jobs": lambda: _jobs(settings, database, blobs, transcription, listening),
        "health": lambda: health.serve(database, settings.health_host, settings.health_port),
    }
    for spool in settings.spools:
        watch = SpoolWatch(database, blobs, settings, spool)
        parts[f"spool:{spool.name}"] = watch.run
        if spool.ami is not None:
            parts[f"ami:{spool.name}"] = AsteriskLine(database, spool, watch).run
    for switch in settings.freeswitches:
        freeswitch = FreeSwitchWatch(database, blobs, settings, switch)
        parts[f"freeswitch:{switch.name}"] = freeswitch.run_scans
        if switch.host is not None:
            parts[f"esl:{switch.name}"] = freeswitch.run_line
    if settings.recording_callbacks:
        parts["fetch"] = Fetcher(database, blobs, settings).run
    tasks = [asyncio.create_task(_endless(name, part), name=name) for name, part in parts.items()]
    log.info("worker.started", parts=sorted(parts))
    try:
        await stopping.wait()
    finally:
        log.info("worker.stopping")
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=20)


async def _endless(name: str, part: Callable[[], Awaitable[None]]) -> None:
    """Start it again whenever it ends. PostgreSQL or Redis being away for a while is not the end of a worker."""
    failures = 0
    loop = asyncio.get_running_loop()
    while True:
        started = loop.time()
        try:
            await part()
            log.warning("part.ended", part=name)
        except Exception as error:
            # Redis away is no error: everything is found by sweeping.
            report = log.warning if name == "jobs" else log.exception
            report("part.failed", part=name, error=repr(error))
        failures = failures + 1 if loop.time() - started < 60 else 0
        await asyncio.sleep(RESTART_AFTER_S[min(failures, len(RESTART_AFTER_S) - 1)])


async def _jobs(
    settings: Settings, database: Database, blobs: Blobs, transcription: Transcription, listening: Listening
) -> None:
    """Hear what other services ring for, until Redis goes away."""

    async def take_in_attachment(ctx: dict[Any, Any], *args: Any, **_kwargs: Any) -> None:
        for id_ in args:
            try:
                await attachments.take_in(database, blobs, settings, int(id_))
            except Exception:  # the sweep tries again, and tells whoever can act
                log.exception("job.failed", job=Job.TAKE_IN_ATTACHMENT.value, id=id_)

    async def transcribe(ctx: dict[Any, Any], *_args: Any, **_kwargs: Any) -> None:
        transcription.wake()  # it takes what is most urgent, which need not be this one

    async def publish_greetings(ctx: dict[Any, Any], *_args: Any, **_kwargs: Any) -> None:
        listening.wake()
        await publisher.publish_once(database, settings, blobs)

    redis = redis_settings(settings)
    redis.conn_retries = 0
    worker = Worker(
        functions=[
            func(take_in_attachment, name=Job.TAKE_IN_ATTACHMENT.value, timeout=300, max_tries=2, keep_result=0),
            func(transcribe, name=Job.TRANSCRIBE.value, max_tries=1, keep_result=0),
            func(publish_greetings, name=Job.PUBLISH_GREETINGS.value, max_tries=2, keep_result=0),
        ],
        queue_name=queue_of(SERVICE),
        redis_settings=redis,
        job_serializer=serialize,
        job_deserializer=deserialize,
        keep_result=0,
        max_jobs=10,
        poll_delay=POLL_DELAY_S,
        handle_signals=False,
        log_results=False,
    )
    try:
        await worker.main()
    finally:
        for task in worker.tasks.values():
            task.cancel()
        await asyncio.gather(*worker.tasks.values(), return_exceptions=True)
        if worker._pool is not None:
            with suppress(RedisError, OSError):
                await worker._pool.aclose(close_connection_pool=True)
