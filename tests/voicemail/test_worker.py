"""The worker as the process it is: from a file in the spool to a transcript, without Redis, killed, and stopped."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, text, update

from services.voicemail import intake
from shared.blobs import Blobs
from shared.database import Database
from shared.models import Recording, RecordingState, Transcript
from shared.settings import Settings
from tests.voicemail.conftest import SPANISH, eventually, new_recording, wav
from tests.voicemail.test_spool import PhoneSystem

pytestmark = pytest.mark.timeout(240)  # two cores, and somebody else's load on them
Worker = Callable[..., Awaitable[asyncio.subprocess.Process]]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.fixture
async def worker(settings: Settings, checkpoint: Path, tmp_path: Path) -> AsyncIterator[Worker]:
    """Starts `python -m services.voicemail worker` in a process group of its own."""
    started: list[asyncio.subprocess.Process] = []

    async def start(**changes: str) -> asyncio.subprocess.Process:
        environment = {
            "DATABASE_URL": settings.database_url.get_secret_value(),
            "REDIS_URL": settings.redis_url.get_secret_value(),
            "SECRET_KEY": settings.secret_key.get_secret_value(),
            "BLOB_DIR": str(settings.blob_dir),
            "WHISPER_MODEL": str(checkpoint),
            "WHISPER_THREADS": "1",
            "TRANSCRIPTION_WORDS": "{}",
            "SPOOLS": json.dumps([{"name": "pbx", "path": str(tmp_path / "spool"), "languages": {"1000": "es"}}]),
            "SPOOL_SCAN_S": "0.5",
            "SWEEP_S": "0.5",
            "HEALTH_PORT": str(free_port()),
            "LOG_FORMAT": "json",
        } | changes
        with (tmp_path / f"worker-{len(started)}.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "services.voicemail", "worker",
                env={**os.environ, **{f"CENTRALITA_{key}": value for key, value in environment.items()}},
                stderr=log,
                start_new_session=True,
            )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


def transcript(database: Database) -> Callable[[], Awaitable[Transcript | None]]:
    async def fetch() -> Transcript | None:
        async with database.transaction() as session:
            return await session.scalar(select(Transcript))

    return fetch


async def test_from_the_spool_to_a_transcript_with_health_and_a_clean_stop(
    worker: Worker, database: Database, tmp_path: Path
) -> None:
    phone = PhoneSystem(tmp_path / "spool")
    port = free_port()
    process = await worker(HEALTH_PORT=str(port))
    (phone.mailbox / "INBOX" / "msg0000.wav").write_bytes(wav("es", SPANISH))
    phone.txt(0, "1794931508-00000001")
    await eventually(transcript(database), within_s=150)
    heard = await transcript(database)()
    assert heard is not None
    assert heard.language == "es"
    assert "gas" in heard.text
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        assert (await client.get("/readyz")).json()["status"] == "ready"
        metrics = (await client.get("/metrics")).text
    assert 'voicemail_transcriptions_total{outcome="transcribed"} 1.0' in metrics
    assert 'voicemail_recordings_total{outcome="received",source="spool"} 1.0' in metrics
    os.kill(process.pid, signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 30) == 0


async def test_killed_midway_the_next_worker_finishes_and_nothing_is_doubled(
    worker: Worker, database: Database, blobs: Blobs, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "spool").mkdir()
    recording = await intake.take_in(database, blobs, settings, new_recording(data=wav("es", SPANISH * 2)))

    async def being_heard() -> bool:
        async with database.transaction() as session:
            return (await session.get_one(Recording, recording.id, populate_existing=True)).leased_until is not None

    first = await worker(REDIS_URL="redis://127.0.0.1:1/0")  # no Redis at all: the sweeps do the work
    await eventually(being_heard, within_s=100)
    os.killpg(first.pid, signal.SIGKILL)
    await first.wait()
    assert await transcript(database)() is None
    assert await being_heard()
    async with database.transaction() as session:  # a minute later
        await session.execute(update(Recording).values(leased_until=text("now() - interval '1 second'")))
    await worker(REDIS_URL="redis://127.0.0.1:1/0")
    await eventually(transcript(database), within_s=100)
    async with database.transaction() as session:
        after = await session.get_one(Recording, recording.id, populate_existing=True)
        count = len((await session.scalars(select(Transcript.id))).all())
    assert (after.state, after.attempts, count) == (RecordingState.TRANSCRIBED, 2, 1)
