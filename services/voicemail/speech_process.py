"""Keeps the recogniser's process: starts it once, gives it recordings, survives its death, ends it when it is stuck."""

import asyncio
import multiprocessing
import signal
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

import numpy as np
import structlog
from numpy.typing import NDArray

from services.voicemail import metrics, models, speech_server
from services.voicemail.engine import EngineDied, EngineFailed, Heard, Model, NoWeights, SoFar
from services.voicemail.models import ModelFile, NoModel
from services.voicemail.vocabulary import Vocabulary
from shared.settings import Settings

log = structlog.get_logger(__name__)

LOAD_TIMEOUT_S = 900.0  # fetching a large model takes its time
LOOK_AGAIN_S = 60.0  # after weights that could not be loaded


class SpeechProcess:
    """An Engine: the configured model in a process of its own. Several may be asked at once; they take turns."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = asyncio.Lock()
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self._asking: asyncio.Future[tuple[str, object]] | None = None  # a thread that holds the pipe
        self._model: Model | None = None
        self._failure = ""
        self._look_again_at = 0.0

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        return self._process.pid if self._process is not None else None

    async def ready(self) -> Model:
        async with self._lock:
            return await self._loaded()

    async def transcribe(
        self, samples: NDArray[np.float32], languages: list[str], so_far: SoFar | None = None
    ) -> Heard:
        async with self._lock:
            await self._loaded()
            loop = asyncio.get_running_loop()
            until = loop.time() + self._settings.transcription_timeout_s
            kind, content = await self._exchange((samples, languages), until - loop.time())
            while kind == "so_far" and isinstance(content, list):
                if so_far is not None:
                    try:
                        await so_far(content)
                    except BaseException:  # the process goes on answering a question that nobody asks any more
                        self._kill(None)
                        raise
                kind, content = await self._exchange(None, max(0.0, until - loop.time()))
            if kind == "heard" and isinstance(content, Heard):
                return content
            if kind == "late":
                self._kill("timeout")
                raise EngineFailed("Transcription took too long.")
            if kind == "gone":
                raise self._died()
            log.error("engine.failed", reason=content)
            raise EngineFailed("The speech engine failed on this recording.")

    async def close(self) -> None:
        if self._process is not None and self._pipe is not None and not self._lock.locked():
            self._pipe.close()  # an idle process ends by itself when nobody can ask it any more
            await asyncio.to_thread(self._process.join, 3)
        self._kill(None)

    async def _loaded(self) -> Model:
        if self._model is not None and self._process is not None and self._process.is_alive():
            return self._model
        if self._process is not None:
            self._kill("died idle")
        name = self._settings.whisper_model
        if name is None:
            raise NoWeights("No speech model is configured.")
        if time.monotonic() < self._look_again_at:
            raise NoWeights(self._failure)
        try:
            file = await asyncio.to_thread(self._file, name)
        except NoModel as error:
            raise NoWeights(str(error)) from error
        started = time.monotonic()
        self._start(file)
        kind, content = await self._exchange(None, LOAD_TIMEOUT_S)
        if kind != "ready" or not isinstance(content, Model):
            self._kill(None)
            reason = content if kind == "no_weights" else "the process died while loading it"
            self._failure = f"The speech model {name} cannot be loaded: {reason}"
            self._look_again_at = time.monotonic() + LOOK_AGAIN_S
            raise NoWeights(self._failure)
        self._model = content
        log.info(
            "engine.ready",
            engine=content.engine,
            model=content.name,
            sha256=content.sha256,
            seconds=round(time.monotonic() - started, 1),
        )
        return content

    def _file(self, name: str) -> ModelFile:
        engine = self._settings.whisper_engine
        return models.resolve(name, self._settings.whisper_model_dir, None if engine == "auto" else engine)

    def _start(self, file: ModelFile) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self._process = context.Process(
            target=speech_server.serve,
            args=(theirs, file, self._settings.whisper_threads, Vocabulary.from_settings(self._settings)),
            name="speech",
            daemon=True,
        )
        self._process.start()
        theirs.close()  # so that its death closes the pipe
        self._pipe = ours

    async def _exchange(self, request: object, timeout_s: float) -> tuple[str, object]:
        """Ask (unless None) and wait for the answer in a thread. Leaves no process behind that works for nobody."""
        assert self._pipe is not None
        loop = asyncio.get_running_loop()
        self._asking = asking = loop.run_in_executor(None, _ask, self._pipe, request, timeout_s)
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            self._kill(None)
            raise

    def _died(self) -> EngineDied:
        """Clear away what is left of it, and say of what it died as far as the system tells."""
        assert self._process is not None
        self._process.join(5)
        killed = self._process.exitcode == -signal.SIGKILL
        self._kill("killed" if killed else "crash")
        if killed:
            return EngineDied("The speech process was killed, most likely because memory ran out.")
        return EngineDied("The speech process crashed.")

    def _kill(self, why: str | None) -> None:
        process, pipe, asking = self._process, self._pipe, self._asking
        self._process = self._pipe = self._model = self._asking = None
        if process is not None:
            if why is not None:
                metrics.ENGINE_CRASHES.labels(why=why).inc()
                log.error("engine.died", why=why, exitcode=process.exitcode)
            process.kill()
            process.join(5)
            with suppress(ValueError):
                process.close()
        if pipe is None:
            return
        if asking is None or asking.done():
            pipe.close()
        else:
            # The process's end closes with it, and the thread hears that. Closed under the thread, the pipe's number
            # could be another file's by the time it waits on it.
            asking.add_done_callback(lambda _: pipe.close())


def _ask(pipe: Connection, request: object, timeout_s: float) -> tuple[str, object]:
    try:
        if request is not None:
            pipe.send(request)
        if not pipe.poll(timeout_s):
            return "late", None
        answer: tuple[str, object] = pipe.recv()
        return answer
    except (EOFError, OSError):
        return "gone", None
