"""Speech for the voicemail tests: spoken by espeak-ng, heard by the small checkpoint through the real engine."""

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from local import speech
from local.speech import synthesis
from services.voicemail.convert import convert
from services.voicemail.engine import EngineFailed, Heard, Model, Segment, SoFar
from services.voicemail.intake import NewRecording
from services.voicemail.speech_process import SpeechProcess
from shared.models import RecordingSource
from shared.settings import Settings

CALLED_AT = datetime(2026, 11, 16, 16, 5, tzinfo=UTC)
ENGLISH = (
    "Hello, good morning.",
    "My name is Maria Garcia.",
    "I am calling about my energy bill.",
    "Thank you, goodbye.",
)
SPANISH = ("Hola, buenos días.", "Mi nombre es Rosa López.", "Huele a gas en mi casa.", "Muchas gracias, adiós.")


@functools.cache
def speak(language: str, sentences: tuple[str, ...], gap_s: float = 0.3) -> NDArray[np.float32]:
    return synthesis.message(list(sentences), language, gap_s=gap_s)


def wav(language: str, sentences: tuple[str, ...]) -> bytes:
    return synthesis.wav(speak(language, sentences))


def new_recording(source_id: str = "1", data: bytes | None = None, **values: Any) -> NewRecording:
    given: dict[str, Any] = {
        "source": RecordingSource.UPLOAD,
        "source_id": source_id,
        "door": "upload",
        "data": data if data is not None else synthesis.wav(np.zeros(1600, np.float32)),
        "content_type": "audio/wav",
        "called_at": CALLED_AT,
    }
    return NewRecording(**given | values)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In both forms: the engine that is not named otherwise is the fast one."""
    path = speech.checkpoint(tmp_path_factory.getbasetemp() / "speech")
    convert(path)
    return path


@pytest.fixture
def speech_settings(settings: Settings, checkpoint: Path) -> Settings:
    return settings.model_copy(
        update={
            "whisper_model": str(checkpoint),
            "whisper_threads": 1,
            "transcription_words": {},
            "sweep_s": 0.2,
            "spool_scan_s": 0.2,
        }
    )


@pytest.fixture(scope="session")
def _one_engine(checkpoint: Path) -> Iterator[SpeechProcess]:
    """Loading takes seconds: the tests that only hear share one process."""
    settings = Settings.model_validate(
        {"database_url": "postgresql+asyncpg://", "secret_key": "test-key-" * 5, "whisper_model": str(checkpoint),
         "whisper_threads": 1, "transcription_words": {}, "blob_dir": checkpoint.parent}
    )  # fmt: skip
    engine = SpeechProcess(settings)
    yield engine
    asyncio.run(engine.close())


@pytest.fixture
async def engine(_one_engine: SpeechProcess) -> SpeechProcess:
    await _one_engine.ready()
    return _one_engine


@pytest.fixture
async def own_engine(speech_settings: Settings) -> AsyncIterator[SpeechProcess]:
    """For tests that kill it."""
    engine = SpeechProcess(speech_settings)
    yield engine
    await engine.close()


async def eventually(found: Callable[[], Awaitable[object]], within_s: float = 30.0) -> None:
    """Wait until it is there; fail when it does not come."""
    for _ in range(int(within_s / 0.05)):
        if await found():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"not within {within_s} s")


class SlowEngine:
    """An Engine under the test's control: hears when it is let, and counts what it hears at a time."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.go.set()
        self.heard: list[int] = []
        self.started = asyncio.Event()
        self.failure: str | None = None
        self.parts: list[list[Segment]] = []  # told before the end, one after the other

    async def ready(self) -> Model:
        return Model("test", "slow", "0" * 64)

    async def transcribe(
        self, samples: NDArray[np.float32], languages: list[str], so_far: SoFar | None = None
    ) -> Heard:
        self.heard.append(len(samples))
        for number in range(len(self.parts)):
            assert so_far is not None
            await so_far([segment for part in self.parts[: number + 1] for segment in part])
        self.started.set()
        await self.go.wait()
        if self.failure is not None:
            raise EngineFailed(self.failure)
        return Heard("words", languages[0], 1.0, {}, [], [], [], {})

    async def close(self) -> None:
        self.go.set()
