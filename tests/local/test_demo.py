"""`python -m local demo` as a person runs it: ready, filled through the real doors, stopped, continued, reset."""

import asyncio
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
import pytest

from local import sounds

READY_S = 150


class Running:
    """A demo in its own process, its lines read as they come."""

    def __init__(self, directory: Path, output: Path, *arguments: str) -> None:
        self.directory = directory
        self.output = output
        command = [sys.executable, "-m", "local", "demo", "--directory", str(directory), *arguments]
        with output.open("wb") as file:
            self.process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)

    @property
    def text(self) -> str:
        return self.output.read_text()

    def wait_for(self, words: str, timeout_s: float = READY_S) -> None:
        deadline = time.monotonic() + timeout_s
        while words not in self.text:
            if self.process.poll() is not None or time.monotonic() > deadline:
                logs = "\n".join(
                    f"== {path.name}\n{path.read_text()[-1500:]}" for path in (self.directory / "logs").glob("*.log")
                )
                pytest.fail(f"never said «{words}»:\n{self.text}\n{logs}")
            time.sleep(0.1)

    def url(self, label: str) -> str:
        found = re.search(rf"{label}\s+(http://\S+)", self.text)
        assert found, self.text
        return found[1]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        async def fetch() -> list[tuple[Any, ...]]:
            connection = await asyncpg.connect(
                host=str(self.directory / "postgres"), user="postgres", database="centralita"
            )
            try:
                return [tuple(row) for row in await connection.fetch(sql)]
            finally:
                await connection.close()

        return asyncio.run(fetch())

    def wait_until(self, sql: str, wanted: object, timeout_s: float = 90) -> None:
        deadline = time.monotonic() + timeout_s
        while (got := self.query(sql)[0][0]) != wanted:
            if time.monotonic() > deadline:
                pytest.fail(f"{sql}: {got}, not {wanted}")
            time.sleep(0.3)

    def interrupt(self) -> int:
        """Ctrl-C. Returns the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(40)


@pytest.fixture
def place() -> Iterator[Path]:
    """Not in tmp_path: as root, PostgreSQL runs as another user, whom every start of pytest shuts out from there."""
    directory = Path(tempfile.mkdtemp(prefix="centralita-demo-"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def demo(directory: Path, output: Path, *arguments: str) -> Iterator[Running]:
    running = Running(directory, output, *arguments)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.terminate()
            try:
                running.process.wait(40)
            except subprocess.TimeoutExpired:
                running.process.kill()


def children_in(directory: Path) -> list[str]:
    """Command lines of processes that work in the demo's folder."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        command = " ".join(process.info["cmdline"] or [])
        if str(directory) in command or (process.info["cwd"] or "").startswith(str(directory)):
            found.append(command)
    return found


@pytest.mark.journey
@pytest.mark.timeout(400)
def test_a_morning_from_start_to_reset(place: Path) -> None:
    directory = place / "demo"
    emails = sum(1 for item in sounds.morning() if item["kind"] == "email")
    calls = sum(1 for item in sounds.morning() if item["kind"] == "voicemail")

    with demo(directory, place / "first", "--port", "0", "--pace", "0") as first:
        first.wait_for("Centralita is ready")
        page = httpx.get(first.url("Start here"), trust_env=False)
        assert page.status_code == 200
        for needed in ("lucia@valleluz.example", "girasol-de-dia", first.url("Workspace"), first.url("Greetings")):
            assert needed in page.text
        assert httpx.get(first.url("Workspace") + "/healthz", trust_env=False).status_code == 200

        first.wait_for("The morning is over")
        # Everyone is a ticket but the newsletter; the second mail and the auto-reply join theirs.
        first.wait_until("SELECT count(*) FROM ticket", emails - 1 + calls)
        first.wait_until("SELECT count(*) FROM intake WHERE outcome = 'attached'", 2)
        assert first.query("SELECT count(*) FROM recording WHERE source = 'spool'")[0][0] == calls - 1
        assert first.query("SELECT priority FROM ticket WHERE topic = 'emergency_safety'") == [("emergency",)]

        # What the customer got, as the page shows it.
        mailbox = httpx.get(f"{first.url('Start here')}/mailboxes/me.quiroz@example.com", trust_env=False).text
        assert "dos compañías" in mailbox
        assert "Answer as this customer" in mailbox

        first.wait_for("recorded the greetings")
        first.wait_until("SELECT count(*) FROM greeting_live WHERE state = 'live'", 2)
        assert (directory / "asterisk/voicemail/default/1000/es/unavail.wav").exists()

        assert first.interrupt() == 0
    assert children_in(directory) == [], "Ctrl-C stops everything"

    with demo(directory, place / "second", "--port", "0") as second:
        second.wait_for("continuing where it was")
        assert second.query("SELECT count(*) FROM ticket")[0][0] == emails - 1 + calls
        # The shipped voicemails are real speech to the shipped model, whichever of the two runs got to it.
        heard = "SELECT count(*) > 0 FROM transcript WHERE language = 'es' AND text LIKE '%me van a cortar la luz%'"
        second.wait_until(heard, wanted=True, timeout_s=180)
        rival = subprocess.run(
            [sys.executable, "-m", "local", "demo", "--directory", str(directory), "--port", "0"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert rival.returncode == 1
        assert "already runs" in rival.stderr
        refused = subprocess.run(
            [sys.executable, "-m", "local", "reset", "--directory", str(directory)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert refused.returncode == 1
        second.process.terminate()
        assert second.process.wait(40) == 0
    assert children_in(directory) == []

    subprocess.run([sys.executable, "-m", "local", "reset", "--directory", str(directory)], timeout=60, check=True)
    assert not directory.exists()


def test_a_port_in_use_gets_a_clear_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "local", "demo", "--directory", str(tmp_path / "demo"), "--port", str(port)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert f"{port} (site)" in done.stderr
    assert "make demo PORT=" in done.stderr


def test_reset_spares_a_folder_that_is_no_demo(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("keep")
    done = subprocess.run(
        [sys.executable, "-m", "local", "reset", "--directory", str(tmp_path)], capture_output=True, check=False
    )
    assert done.returncode == 1
    assert (tmp_path / "precious").exists()
