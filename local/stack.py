"""Everything of Centralita on one machine: database, queue, mail, phone system's folders and all services.

    async with Stack(LocalConfig(folder, base_port=0)) as stack:
        stack.settings, stack.mail, stack.processes, stack.config.url("tickets")

A second start in the same folder continues where the first was. Tests that cross the house use the same class.
"""

import asyncio
import contextlib
import fcntl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Self

from local.config import HOST, LocalConfig, ports_in_use, settings_of
from local.mail import LocalMail
from local.postgres import LocalPostgres
from local.processes import Processes, Service
from local.redis import LocalRedis
from local.speech import checkpoint
from services.voicemail.models import FOLDER_SUFFIX
from shared.migrations.upgrade import upgrade
from shared.settings import Settings


class CannotStart(Exception):
    """Why, in a sentence for the person at the terminal."""


def services(config: LocalConfig) -> list[Service]:
    """The processes of a running Centralita, quickest to start first."""

    def health(name: str) -> dict[str, str]:
        return {"CENTRALITA_HEALTH_HOST": HOST, "CENTRALITA_HEALTH_PORT": str(config.ports[name])}

    def web(name: str) -> tuple[str, ...]:
        return (f"services.{name}", "web", "--host", HOST, "--port", str(config.ports[name]))

    def ready(name: str) -> str:
        return f"http://{HOST}:{config.ports[name]}/readyz"

    return [
        Service("tickets", web("tickets"), ready("tickets")),
        Service("tickets-worker", ("services.tickets", "worker"), ready("tickets_worker"), health("tickets_worker")),
        Service("inbox", ("services.inbox",), ready("inbox"), health("inbox")),
        Service("voicemail", web("voicemail"), ready("voicemail")),
        Service(
            "voicemail-worker", ("services.voicemail", "worker"), ready("voicemail_worker"), health("voicemail_worker")
        ),
    ]


async def _convert(model: Path) -> asyncio.subprocess.Process | None:
    """Make the checkpoint ready for the fast engine, once, in a process of its own: only this needs torch."""
    if model.with_name(model.stem + FOLDER_SUFFIX).is_dir():
        return None
    command = (sys.executable, "-W", "ignore", "-m", "services.voicemail.models_command", "convert", str(model))
    quiet = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet)


class Stack:
    def __init__(
        self,
        config: LocalConfig,
        *,
        say: Callable[[str], None] = lambda _sentence: None,
        speech: bool = True,
        idle: bool = True,
    ) -> None:
        self.config = config
        self.say = say
        self.postgres = LocalPostgres(config.directory / "postgres")
        self.redis = LocalRedis(config.directory / "redis")
        self.mail = LocalMail(
            config.mail,
            accounts=config.accounts(),
            imap_port=config.ports["imap"],
            smtp_port=config.ports["smtp"],
            idle=idle,
        )
        self.environment: dict[str, str] = {}
        self.settings: Settings
        self.processes: Processes
        self._speech = speech
        self._converting: asyncio.subprocess.Process | None = None
        self._lock: IO[str] | None = None

    async def start_parts(self) -> None:
        """Start what the services stand on. Raises CannotStart."""
        self._take_folder()
        self.processes = Processes(self.config.directory, self.environment, self.say)
        if await asyncio.to_thread(self.processes.end_leftovers):
            self.say("An earlier run was cut off; what was left of it has been ended.")
        taken = ports_in_use(self.config)
        if taken:
            names = ", ".join(f"{port} ({name.replace('_', ' ')})" for name, port in taken.items())
            raise CannotStart(
                f"In use by another program: port {names}. Stop it, or choose other ports: make demo PORT=9000"
            )
        await asyncio.gather(asyncio.to_thread(self.postgres.start), asyncio.to_thread(self.redis.start))
        await asyncio.to_thread(upgrade, self.postgres.url())
        model = await asyncio.to_thread(checkpoint, self.config.directory / "speech") if self._speech else None
        if model is not None:
            self._converting = await _convert(model)
        for mailbox in ("1000", "2000"):
            (self.config.spool / "default" / mailbox / "INBOX").mkdir(parents=True, exist_ok=True)
        self.environment.update(
            self.config.service_environment(self.postgres.url(), self.redis.url, whisper_model=model)
        )
        self.settings = settings_of(self.environment)
        await self.mail.start()

    async def start_services(self, *, wait: bool = True) -> None:
        """Start every service, and return when all are ready. Raises TimeoutError with the log of one that is not."""
        everyone = services(self.config)
        for service in everyone:
            if service.name == "voicemail-worker" and self._converting is not None:
                await self._converting.wait()  # where it fails, the worker hears with the reference engine
            await self.processes.start(service)
        if wait:
            await asyncio.gather(*(self.processes.ready(service.name) for service in everyone))

    async def stop(self) -> None:
        """Stop everything, the last started first. What is stored stays."""
        if hasattr(self, "processes"):
            await self.processes.stop_all()
        if self._converting is not None and self._converting.returncode is None:
            self._converting.kill()
            await self._converting.wait()
        await self.mail.stop()
        await asyncio.to_thread(self.redis.stop)
        await asyncio.to_thread(self.postgres.stop)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def __aenter__(self) -> Self:
        try:
            await self.start_parts()
            await self.start_services()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _take_folder(self) -> None:
        self.config.directory.mkdir(parents=True, exist_ok=True)
        self._lock = (self.config.directory / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            self._lock = None
            raise CannotStart(f"It already runs from {self.config.directory}; stop it there first.") from None


def is_running(directory: Path) -> bool:
    """Whether a stack holds this folder."""
    lock = directory / "lock"
    if not lock.exists():
        return False
    with lock.open("w") as file, contextlib.suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    return True
