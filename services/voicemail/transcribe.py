"""Works off the recordings that wait for a transcript: lease, hear, store, ring; retry, or say why not.

Rows are leased for a short while and the lease is renewed as long as somebody works, so that a killed worker's
recording is taken up by another one within a minute, and a living worker's by nobody.
"""

import asyncio
import time
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from services.voicemail import audio, intake, metrics, repository
from services.voicemail.engine import RATE, Engine, EngineDied, EngineFailed, Heard, Model, NoWeights, Segment
from shared import clock, health
from shared.blobs import Blobs
from shared.database import Database, ring
from shared.errors import NotFound
from shared.events import Event, publish
from shared.jobs import Job
from shared.models import Recording, RecordingState, Transcript
from shared.settings import Settings

log = structlog.get_logger(__name__)

SERVICE = "voicemail"
ENGINE_PROBLEM = "engine"
SIZES = ("tiny", "base", "small", "medium", "turbo", "large")  # of Whisper's models, by memory


class LeaseLost(Exception):
    """Somebody else has the recording now: what we heard does not count."""


class Transcription:
    """The loop of one worker. `wake()` makes it look at once; without it, it looks every few seconds."""

    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        settings: Settings,
        engine: Engine,
        *,
        lease: timedelta = timedelta(seconds=60),
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._settings = settings
        self._engine = engine
        self._lease = lease
        self._wake = asyncio.Event()
        self._engine_failures = 0
        self._told = ""

    def wake(self) -> None:
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._wake.clear()
            await self.work_off()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.sweep_s):
                    await self._wake.wait()

    async def work_off(self) -> int:
        """Transcribe everything that waits now; how many were tried."""
        async with self._database.transaction() as session:
            count = await repository.waiting(session)
        metrics.WAITING.set(count)
        if not count:
            return 0
        try:
            model = await self._engine.ready()
        except NoWeights as error:
            await self._without_engine(str(error))
            return 0
        self._told = ""
        if not self._engine_failures:
            await health.resolve(self._database, SERVICE, ENGINE_PROBLEM)
        tried = 0
        while await self._one(model):
            tried += 1
        return tried

    async def _one(self, model: Model) -> bool:
        async with self._database.transaction() as session:
            recording = await repository.lease_next(session, self._lease)
            if recording is None:
                return False
            if recording.attempts > repository.MAX_ATTEMPTS:
                # Its last worker died on it without a word, as often as we try.
                reason = recording.error or str(EngineFailed("The speech process crashed."))
                await self._give_up(session, recording, reason)
                return True
        assert recording.leased_until is not None
        lease = _Lease(self._database, recording.id, recording.leased_until, self._lease)
        bound = log.bind(recording=recording.id, attempt=recording.attempts)
        try:
            async with lease:
                started = time.perf_counter()
                heard = await self._hear(recording, lease)
                took_s = time.perf_counter() - started
            await self._store(recording.id, lease.until, heard, model, took_s)
        except asyncio.CancelledError:
            await asyncio.shield(self._hand_back(recording.id, lease.until))
            raise
        except NoWeights as error:  # gone since we looked; the recording is not to blame
            await self._hand_back(recording.id, lease.until)
            await self._without_engine(str(error))
            return False
        except LeaseLost:
            bound.warning("transcription.lease_lost")
        except audio.UnreadableAudio as error:
            await self._unreadable(recording.id, lease.until, str(error))
        except EngineFailed as error:
            self._engine_failures += 1
            died = isinstance(error, EngineDied)
            bound.error("transcription.failed", reason=str(error), died=died)
            await self._failed(recording.id, lease.until, str(error), died=died)
            await health.report(self._database, SERVICE, ENGINE_PROBLEM, str(error), _hint(model))
        except (OSError, NotFound):  # the store of the audio is not there
            bound.exception("transcription.no_audio")
            reason = str(EngineFailed("The recording cannot be read from the store."))
            await self._failed(recording.id, lease.until, reason)
        else:
            self._engine_failures = 0
            await health.resolve(self._database, SERVICE, ENGINE_PROBLEM)
            metrics.TRANSCRIPTION_SECONDS.observe(took_s)
            bound.info("transcription.done", language=heard.language, flags=heard.flags, seconds=round(took_s, 2))
        return True

    async def _hear(self, recording: Recording, lease: "_Lease") -> Heard:
        if recording.playback_blob is None:
            recording = await intake.make_playable(self._database, self._blobs, recording.id)
        if recording.playback_blob is None:
            raise audio.UnreadableAudio(recording.error or "This is not a recording that can be decoded.")
        data = await self._blobs.get(recording.playback_blob)
        samples = await asyncio.to_thread(audio.decode, data, hint="audio/wav", rate=RATE)

        async def so_far(segments: list[Segment]) -> None:
            await self._keep_so_far(recording.id, lease, segments)

        return await self._engine.transcribe(samples, self._settings.languages, so_far)

    async def _keep_so_far(self, recording_id: int, lease: "_Lease", segments: list[Segment]) -> None:
        """An emergency said in the first sentence does not wait for the last."""
        try:
            async with lease.steady, self._database.transaction() as session:
                recording = await repository.held(session, recording_id, lease.until)
                if recording is not None:  # else our lease is lost, and its end ends us
                    recording.partial_segments = segments
                    await _tell(session, recording_id, "heard_so_far")
        except (SQLAlchemyError, OSError) as error:  # the transcript will hold it all
            log.warning("transcription.so_far_not_kept", recording=recording_id, error=repr(error))

    async def _store(self, recording_id: int, until: datetime, heard: Heard, model: Model, took_s: float) -> None:
        async with self._database.transaction() as session:
            recording = await repository.held(session, recording_id, until)
            if recording is None:
                raise LeaseLost
            session.add(
                Transcript(
                    recording_id=recording_id,
                    text=heard.text,
                    language=heard.language,
                    language_confidence=heard.language_confidence,
                    language_evidence=heard.language_evidence,
                    segments=heard.segments,
                    regions=heard.regions,
                    flags=heard.flags,
                    engine=model.engine,
                    model=model.name,
                    model_sha256=model.sha256,
                    options=heard.options,
                    took_ms=round(took_s * 1000),
                )
            )
            recording.state, recording.error = RecordingState.TRANSCRIBED, None
            recording.partial_segments = None
            recording.next_attempt_at = recording.leased_until = None
            await _tell(session, recording_id, "transcript")
        metrics.TRANSCRIPTIONS.labels(outcome="transcribed").inc()

    async def _failed(self, recording_id: int, until: datetime, reason: str, *, died: bool = False) -> None:
        async with self._database.transaction() as session:
            recording = await repository.held(session, recording_id, until)
            if recording is None:
                return
            recording.engine_deaths += died
            if recording.attempts >= repository.MAX_ATTEMPTS:
                await self._give_up(session, recording, reason)
                return
            recording.state, recording.error = RecordingState.FAILED, reason
            recording.next_attempt_at = clock.now() + repository.RETRY_AFTER[recording.attempts - 1]
            recording.leased_until = None
            await _tell(session, recording_id, "failed")
        metrics.TRANSCRIPTIONS.labels(outcome="failed").inc()

    async def _give_up(self, session: AsyncSession, recording: Recording, reason: str) -> None:
        recording.state, recording.error = RecordingState.FAILED, reason
        recording.next_attempt_at = recording.leased_until = None
        await _tell(session, recording.id, "failed")
        log.error("transcription.given_up", recording=recording.id, reason=reason)
        metrics.TRANSCRIPTIONS.labels(outcome="given_up").inc()

    async def _unreadable(self, recording_id: int, until: datetime, reason: str) -> None:
        async with self._database.transaction() as session:
            recording = await repository.held(session, recording_id, until)
            if recording is None:
                return
            recording.state, recording.error = RecordingState.UNREADABLE, reason
            recording.next_attempt_at = recording.leased_until = None
            await _tell(session, recording_id, "unreadable")
        metrics.TRANSCRIPTIONS.labels(outcome="unreadable").inc()

    async def _hand_back(self, recording_id: int, until: datetime) -> None:
        """We stop before the end: it does not count as an attempt, and another worker may begin at once."""
        async with self._database.transaction() as session:
            recording = await repository.held(session, recording_id, until)
            if recording is not None:
                recording.attempts -= 1
                recording.leased_until = None

    async def _without_engine(self, reason: str) -> None:
        """The tickets stand and say so; the recordings are taken up when there is an engine."""
        await self._prepare_forgotten()
        async with self._database.transaction() as session:
            marked = await repository.mark_without_engine(session)
            for recording_id in marked:
                await _tell(session, recording_id, "no_engine")
                metrics.TRANSCRIPTIONS.labels(outcome="no_engine").inc()
        if marked or reason != self._told:
            self._told = reason
            await health.report(
                self._database, SERVICE, ENGINE_PROBLEM, reason,
                "Set CENTRALITA_WHISPER_MODEL to the name or the path of a model; `centralita-models list` shows them.",
            )  # fmt: skip

    async def _prepare_forgotten(self) -> None:
        async with self._database.transaction() as session:
            forgotten = await repository.lease_unprepared(session, self._lease)
        for recording_id in forgotten:
            try:
                await intake.make_playable(self._database, self._blobs, recording_id)
            except (OSError, NotFound) as error:
                log.error("recording.not_prepared", recording=recording_id, error=repr(error))
                continue
            async with self._database.transaction() as session:
                recording = await session.get_one(Recording, recording_id, with_for_update=True)
                recording.leased_until = None


def _hint(model: Model) -> str:
    """What needs less memory: the fast engine with the same weights, or the next smaller ones."""
    if model.engine == "openai-whisper":
        return (
            "Look at the memory of the machine. The same model takes less of it with faster-whisper: "
            "`centralita-models convert` makes it ready."
        )
    family = model.name.partition(".")[0].split("-")[0]
    smaller = SIZES[SIZES.index(family) - 1] if family in SIZES[1:] else "tiny"
    return f"Look at the memory of the machine, or choose a smaller speech model, such as {smaller}."


async def _tell(session: AsyncSession, recording_id: int, what: str) -> None:
    ring(session, Job.TAKE_IN_RECORDING, recording_id)
    await publish(session, Event("recording", recording_id, what=what))


class _Lease:
    """Renews a lease while the block runs, and ends the block when it is lost."""

    def __init__(self, database: Database, recording_id: int, until: datetime, length: timedelta) -> None:
        self._database = database
        self._recording_id = recording_id
        self._length = length
        self.until = until
        self.steady = asyncio.Lock()  # held while somebody counts on `until`
        self._lost = False
        self._done = asyncio.Event()
        self._renewal: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        self._renewal = asyncio.create_task(self._renew(asyncio.current_task()), name="lease")

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        assert self._renewal is not None
        self._done.set()
        await self._renewal  # to its end: a renewal cut off midway would leave us not knowing what we hold
        if self._lost:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None:
                task.uncancel()
            raise LeaseLost from error

    async def _renew(self, worker: "asyncio.Task[object] | None") -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._length.total_seconds() / 3):
                    await self._done.wait()
                return
            try:
                async with self.steady:
                    async with self._database.transaction() as session:
                        renewed = await repository.renew(session, self._recording_id, self.until, self._length)
                    if renewed is not None:
                        self.until = renewed
            except Exception as error:  # the database is away: it may be back before the lease ends
                log.warning("transcription.lease_not_renewed", recording=self._recording_id, error=repr(error))
                continue
            if renewed is None:
                self._lost = True
                if worker is not None and not self._done.is_set():
                    worker.cancel()
                return
