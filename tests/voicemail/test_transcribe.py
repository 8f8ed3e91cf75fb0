"""The queue of recordings: each is heard once, retried when it fails, waits when nobody can hear, and is never lost."""

import asyncio
import os
import signal
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import select, update

from services.voicemail import intake, metrics
from services.voicemail.repository import MAX_ATTEMPTS
from services.voicemail.speech_process import SpeechProcess
from services.voicemail.transcribe import Transcription
from shared import clock
from shared.blobs import Blobs
from shared.database import Database
from shared.events import Event, Hearing
from shared.jobs import Job, Ring
from shared.models import Problem, Recording, RecordingState, Transcript
from shared.settings import Settings
from tests.voicemail.conftest import SPANISH, SlowEngine, eventually, new_recording, wav

pytestmark = pytest.mark.timeout(300)  # two of them hear with the real recogniser


async def state_of(database: Database, recording_id: int) -> Recording:
    async with database.transaction() as session:
        return await session.get_one(Recording, recording_id)


async def transcripts(database: Database) -> list[Transcript]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Transcript).order_by(Transcript.id)))


async def open_problems(database: Database) -> list[str]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Problem.message).where(Problem.resolved_at.is_(None))))


async def test_a_spanish_voicemail_becomes_a_transcript(
    database: Database, blobs: Blobs, speech_settings: Settings, engine: SpeechProcess
) -> None:
    recording = await intake.take_in(database, blobs, speech_settings, new_recording(data=wav("es", SPANISH)))
    hearing = Hearing(speech_settings)
    hearing.start()
    async with hearing.subscribe() as events:
        assert await asyncio.wait_for(events.get(), 10) == Event("resync")
        assert await Transcription(database, blobs, speech_settings, engine).work_off() == 1
        assert await asyncio.wait_for(events.get(), 10) == Event("recording", recording.id, what="transcript")
    await hearing.stop()
    after = await state_of(database, recording.id)
    assert (after.state, after.error, after.leased_until) == (RecordingState.TRANSCRIBED, None, None)
    [transcript] = await transcripts(database)
    assert transcript.language == "es"
    assert "gas" in transcript.text
    assert transcript.engine == "faster-whisper"
    assert len(transcript.model_sha256) == 64
    assert transcript.segments[0]["words"][0]["probability"] > 0
    assert transcript.took_ms > 0
    assert {"engine_version", "precision", "beam_size", "temperature", "regions", "task"} <= transcript.options.keys()
    assert transcript.regions[0]["start"] == 0.0
    for segment in transcript.segments:
        assert {
            "start", "end", "avg_logprob", "no_speech_prob", "compression_ratio", "temperature"
        } <= segment.keys()  # fmt: skip
    assert await Transcription(database, blobs, speech_settings, engine).work_off() == 0


async def test_statement_11_two_workers_never_hear_the_same_recording(
    database: Database, blobs: Blobs, settings: Settings
) -> None:
    for number in range(6):
        await intake.take_in(database, blobs, settings, new_recording(str(number)))
    engines = [SlowEngine(), SlowEngine()]
    workers = [Transcription(database, blobs, settings, engine) for engine in engines]
    tried = await asyncio.gather(*(worker.work_off() for worker in workers))
    assert sum(tried) == 6
    assert len(await transcripts(database)) == 6
    assert len({transcript.recording_id for transcript in await transcripts(database)}) == 6


async def test_a_recording_being_heard_belongs_to_its_worker_for_as_long_as_it_takes(
    database: Database, blobs: Blobs, settings: Settings
) -> None:
    await intake.take_in(database, blobs, settings, new_recording())
    engine, idle = SlowEngine(), SlowEngine()
    engine.go.clear()
    lease = timedelta(seconds=0.6)
    working = asyncio.create_task(Transcription(database, blobs, settings, engine, lease=lease).work_off())
    await engine.started.wait()
    for _ in range(4):  # longer than the lease: it is renewed
        await asyncio.sleep(0.3)
        assert await Transcription(database, blobs, settings, idle, lease=lease).work_off() == 0
    engine.go.set()
    assert await working == 1
    assert idle.heard == []
    assert len(await transcripts(database)) == 1


async def test_a_dead_workers_recording_is_taken_up_when_its_lease_ends(
    database: Database, blobs: Blobs, settings: Settings
) -> None:
    recording = await intake.take_in(database, blobs, settings, new_recording())
    async with database.transaction() as session:  # as a worker killed midway leaves it
        await session.execute(update(Recording).values(leased_until=clock.now() + timedelta(seconds=60), attempts=1))
    worker = Transcription(database, blobs, settings, SlowEngine())
    assert await worker.work_off() == 0
    with time_machine.travel(clock.now() + timedelta(seconds=61), tick=True):
        assert await worker.work_off() == 1
    after = await state_of(database, recording.id)
    assert (after.state, after.attempts) == (RecordingState.TRANSCRIBED, 2)


async def test_who_lost_the_lease_stores_nothing(database: Database, blobs: Blobs, settings: Settings) -> None:
    recording = await intake.take_in(database, blobs, settings, new_recording())
    engine = SlowEngine()
    engine.go.clear()
    worker = Transcription(database, blobs, settings, engine, lease=timedelta(seconds=0.6))
    working = asyncio.create_task(worker.work_off())
    await engine.started.wait()
    async with database.transaction() as session:
        await session.execute(
            update(Recording).where(Recording.id == recording.id).values(leased_until=clock.now() + timedelta(hours=1))
        )
    async with asyncio.timeout(10):  # it stops by itself at its next renewal, still unheard
        await working
    assert await transcripts(database) == []
    assert (await state_of(database, recording.id)).leased_until is not None


async def test_statement_11_failures_are_retried_with_patience_and_then_given_up(
    database: Database, blobs: Blobs, settings: Settings
) -> None:
    recording = await intake.take_in(database, blobs, settings, new_recording())
    engine = SlowEngine()
    engine.failure = "The speech process crashed."
    worker = Transcription(database, blobs, settings, engine)
    with time_machine.travel(clock.now(), tick=True) as travel:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            assert await worker.work_off() == 1
            after = await state_of(database, recording.id)
            assert (after.state, after.attempts) == (RecordingState.FAILED, attempt)
            assert after.error == "The speech process crashed."
            assert await worker.work_off() == 0  # not at once
            travel.shift(timedelta(minutes=11))
        assert after.next_attempt_at is None
        assert await worker.work_off() == 0
        assert await open_problems(database) == ["The speech process crashed."]
        # The next recording is not to blame; and its success says that the engine is well.
        engine.failure = None
        await intake.take_in(database, blobs, settings, new_recording("2"))
        assert await worker.work_off() == 1
        assert await open_problems(database) == []


async def test_a_recording_that_kills_every_worker_is_given_up(
    database: Database, blobs: Blobs, settings: Settings
) -> None:
    recording = await intake.take_in(database, blobs, settings, new_recording())
    async with database.transaction() as session:
        await session.execute(update(Recording).values(attempts=MAX_ATTEMPTS))
    engine = SlowEngine()
    await Transcription(database, blobs, settings, engine).work_off()
    after = await state_of(database, recording.id)
    assert (after.state, after.next_attempt_at) == (RecordingState.FAILED, None)
    assert engine.heard == []


async def test_stopping_hands_the_recording_back_uncounted(
    database: Database, blobs: Blobs, settings: Settings
) -> None:
    recording = await intake.take_in(database, blobs, settings, new_recording())
    engine = SlowEngine()
    engine.go.clear()
    working = asyncio.create_task(Transcription(database, blobs, settings, engine).work_off())
    await engine.started.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    after = await state_of(database, recording.id)
    assert (after.state, after.attempts, after.leased_until) == (RecordingState.RECEIVED, 0, None)


async def test_without_weights_recordings_wait_and_are_taken_up_when_there_are_some(
    database: Database, blobs: Blobs, speech_settings: Settings, engine: SpeechProcess, tmp_path: Path
) -> None:
    recording = await intake.take_in(database, blobs, speech_settings, new_recording(data=wav("es", SPANISH)))
    missing = SpeechProcess(speech_settings.model_copy(update={"whisper_model": str(tmp_path / "none.pt")}))
    worker = Transcription(database, blobs, speech_settings, missing)
    for _ in range(3):
        assert await worker.work_off() == 0
    after = await state_of(database, recording.id)
    assert (after.state, after.attempts) == (RecordingState.NO_ENGINE, 0)
    assert after.playback_blob is not None
    assert await open_problems(database) == [f"There is no speech model at {tmp_path / 'none.pt'}."]
    assert await Transcription(database, blobs, speech_settings, engine).work_off() == 1
    assert (await state_of(database, recording.id)).state is RecordingState.TRANSCRIBED
    assert await open_problems(database) == []


async def test_what_was_heard_so_far_can_be_read_before_the_end(
    database: Database, blobs: Blobs, settings: Settings
) -> None:
    recording = await intake.take_in(database, blobs, settings, new_recording())
    engine = SlowEngine()
    engine.go.clear()
    engine.parts = [[{"text": "I smell gas."}], [{"text": "Please come."}]]
    rung: list[Ring] = []

    async def hear(rings: Iterable[Ring]) -> None:
        rung.extend(rings)

    database.bell.ring = hear  # type: ignore[method-assign]
    working = asyncio.create_task(Transcription(database, blobs, settings, engine).work_off())
    await engine.started.wait()

    async def all_parts() -> bool:
        return len((await state_of(database, recording.id)).partial_segments or []) == 2

    await eventually(all_parts)
    assert rung == [Ring(Job.TAKE_IN_RECORDING, recording.id)] * 2
    assert (await state_of(database, recording.id)).partial_segments == [
        {"text": "I smell gas."}, {"text": "Please come."}
    ]  # fmt: skip
    engine.go.set()
    await working
    assert len(rung) == 3
    async with database.transaction() as session:  # gone, not a JSON null
        assert await session.scalar(select(Recording.id).where(Recording.partial_segments.is_(None))) == recording.id


async def test_the_urgent_one_comes_first(database: Database, blobs: Blobs, settings: Settings) -> None:
    for number in range(3):
        await intake.take_in(database, blobs, settings, new_recording(str(number), urgent=number == 2))
    worker = Transcription(database, blobs, settings, SlowEngine())
    await worker.work_off()
    async with database.transaction() as session:
        urgent = await session.scalar(select(Recording.id).where(Recording.urgent))
    assert (await transcripts(database))[0].recording_id == urgent


async def test_mailboxes_take_turns_whatever_waits_in_one_of_them(
    database: Database, blobs: Blobs, settings: Settings
) -> None:
    for number in range(4):
        await intake.take_in(database, blobs, settings, new_recording(f"a{number}", mailbox="1000"))
    await intake.take_in(database, blobs, settings, new_recording("b0", mailbox="2000"))
    await intake.take_in(database, blobs, settings, new_recording("b1", mailbox="2000"))
    await intake.take_in(database, blobs, settings, new_recording("c0", mailbox="3000", urgent=True))
    await Transcription(database, blobs, settings, SlowEngine()).work_off()
    async with database.transaction() as session:
        heard = list(
            await session.scalars(
                select(Recording.source_id)
                .join(Transcript, Transcript.recording_id == Recording.id)
                .order_by(Transcript.id)
            )
        )
    assert heard == ["c0", "a0", "b0", "a1", "b1", "a2", "a3"]


async def test_a_real_kill_of_the_engine_is_survived_and_counted(
    database: Database, blobs: Blobs, speech_settings: Settings, own_engine: SpeechProcess
) -> None:
    recording = await intake.take_in(database, blobs, speech_settings, new_recording(data=wav("es", SPANISH * 12)))
    await own_engine.ready()
    worker = Transcription(database, blobs, speech_settings, own_engine)
    working = asyncio.create_task(worker.work_off())

    async def heard_something() -> bool:
        return bool((await state_of(database, recording.id)).partial_segments)

    await eventually(heard_something, within_s=100)
    killed = metrics.ENGINE_CRASHES.labels(why="killed")._value.get()
    assert own_engine.pid is not None
    os.kill(own_engine.pid, signal.SIGKILL)  # as the kernel does when memory runs out
    await working
    after = await state_of(database, recording.id)
    assert (after.state, after.attempts, after.engine_deaths) == (RecordingState.FAILED, 1, 1)
    assert after.error == "The speech process was killed, most likely because memory ran out."
    assert after.partial_segments  # what was heard until then stays
    assert metrics.ENGINE_CRASHES.labels(why="killed")._value.get() == killed + 1
    async with database.transaction() as session:
        [problem] = await session.scalars(select(Problem).where(Problem.resolved_at.is_(None)))
    assert "smaller" in problem.hint
    with time_machine.travel(clock.now() + timedelta(minutes=2), tick=True):
        assert await worker.work_off() == 1  # by a new process
    after = await state_of(database, recording.id)
    assert (after.state, after.engine_deaths) == (RecordingState.TRANSCRIBED, 1)
    assert await open_problems(database) == []


async def test_what_its_door_never_prepared_is_prepared_and_heard(
    database: Database, blobs: Blobs, settings: Settings
) -> None:
    recording = await intake.take_in(database, blobs, settings, new_recording())
    async with database.transaction() as session:  # the door died between keeping and decoding
        await session.execute(update(Recording).values(playback_blob=None, duration_s=None))
    worker = Transcription(database, blobs, settings, SlowEngine())
    assert await worker.work_off() == 0  # its door may be at it right now
    with time_machine.travel(clock.now() + timedelta(seconds=30), tick=True):
        assert await worker.work_off() == 1
    after = await state_of(database, recording.id)
    assert (after.state, after.playback_blob is not None) == (RecordingState.TRANSCRIBED, True)


async def test_audio_lost_from_the_store_fails_with_its_reason(
    database: Database, blobs: Blobs, settings: Settings
) -> None:
    recording = await intake.take_in(database, blobs, settings, new_recording())
    assert recording.playback_blob is not None
    blobs.path(recording.playback_blob).unlink()
    await Transcription(database, blobs, settings, SlowEngine()).work_off()
    after = await state_of(database, recording.id)
    assert after.state is RecordingState.FAILED
    assert after.error is not None
    assert "cannot be read" in after.error
    assert after.next_attempt_at is not None
