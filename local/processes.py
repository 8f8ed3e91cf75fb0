"""The service processes of one machine: started, watched, restarted when they fall, stopped in order."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

STOP_S = 10.0
RESTART_S = (1.0, 2.0, 5.0, 15.0)  # and so on with the last one


@dataclass(frozen=True)
class Service:
    """One process: its name, the arguments after `python -m`, and where it says that it is ready."""

    name: str
    arguments: tuple[str, ...]
    ready_url: str
    environment: Mapping[str, str] = field(default_factory=dict)


class Processes:
    """Runs services with one environment; `say` gets a sentence when something happens that one should know."""

    def __init__(self, directory: Path, environment: Mapping[str, str], say: Callable[[str], None]) -> None:
        self._directory = directory
        self._logs = directory / "logs"
        self._environment = environment
        self._say = say
        self._services: dict[str, Service] = {}
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._watchers: dict[str, asyncio.Task[None]] = {}
        self._held: set[str] = set()  # stopped on purpose: not to be restarted

    def pid(self, name: str) -> int | None:
        process = self._running.get(name)
        return process.pid if process is not None and process.returncode is None else None

    def log_of(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    async def start(self, service: Service) -> None:
        """Start a service and keep it running until it is stopped."""
        self._services[service.name] = service
        self._held.discard(service.name)
        await self._spawn(service)
        self._watchers[service.name] = asyncio.create_task(self._watch(service), name=f"watch {service.name}")

    async def _spawn(self, service: Service) -> None:
        self._logs.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, **self._environment, **service.environment, "PYTHONUNBUFFERED": "1"}
        with self.log_of(service.name).open("ab") as log:
            # A session of its own: Ctrl-C is for us. Our folder, so that no .env of the checkout is read.
            self._running[service.name] = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *service.arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._directory,
                env=environment,
                start_new_session=True,
            )
        self._write_pids()

    async def _watch(self, service: Service) -> None:
        falls = 0
        while True:
            started = time.monotonic()
            code = await self._running[service.name].wait()
            if service.name in self._held:
                return
            falls = 0 if time.monotonic() - started > 60 else falls + 1
            wait = RESTART_S[min(falls, len(RESTART_S)) - 1]
            self._say(
                f"{service.name} ended with {code} and starts again in {wait:.0f} s; see {self.log_of(service.name)}"
            )
            await asyncio.sleep(wait)
            await self._spawn(service)

    async def ready(self, name: str, timeout_s: float = 60.0) -> None:
        """Return when the service answers that it is ready. Raises TimeoutError with the end of its log."""
        url = self._services[name].ready_url
        deadline = time.monotonic() + timeout_s
        async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
            while time.monotonic() < deadline:
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get(url)).status_code == 200:
                        return
                await asyncio.sleep(0.1)
        tail = self.log_of(name).read_text(errors="replace")[-2000:] if self.log_of(name).exists() else ""
        raise TimeoutError(f"{name} is not ready after {timeout_s:.0f} s; the end of its log:\n{tail}")

    async def stop(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop one service: by the signal, and by force when that takes too long."""
        self._held.add(name)
        process = self._running.get(name)
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(how)
            try:
                async with asyncio.timeout(STOP_S):
                    await process.wait()
            except TimeoutError:
                self._say(f"{name} does not stop: ending it by force")
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
            if how == signal.SIGKILL:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)  # its own children with it, as on a lost machine
        watcher = self._watchers.pop(name, None)
        if watcher is not None:
            watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watcher

    async def kill(self, name: str) -> None:
        """End a service as a power cut would."""
        await self.stop(name, signal.SIGKILL)

    async def restart(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        await self.stop(name, how)
        await self.start(self._services[name])

    async def stop_all(self) -> None:
        await asyncio.gather(*(self.stop(name) for name in list(self._services)))
        self._pid_file.unlink(missing_ok=True)

    @property
    def _pid_file(self) -> Path:
        return self._directory / "processes.json"

    def _write_pids(self) -> None:
        alive = {}
        for name, process in self._running.items():
            with contextlib.suppress(psutil.NoSuchProcess):
                alive[name] = [process.pid, psutil.Process(process.pid).create_time()]
        self._pid_file.write_text(json.dumps(alive))

    def end_leftovers(self) -> int:
        """End what an earlier run could not, because it was killed itself. Returns how many there were."""
        if not self._pid_file.exists():
            return 0
        left = []
        for pid, created in json.loads(self._pid_file.read_text() or "{}").values():
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                if process.create_time() == created:  # not another process that got the number since
                    process.terminate()
                    left.append(process)
        _gone, stubborn = psutil.wait_procs(left, timeout=STOP_S)
        for process in stubborn:
            process.kill()
        return len(left)
