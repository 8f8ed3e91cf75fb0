"""Mails per second of django-helpdesk's `get_email` beside ours: same mails, servers, machine and run."""

import asyncio
import json
import os
import subprocess
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg

from bench import throughput
from bench.cpu import SHARED, Clock
from bench.environment import environment
from bench.figures import Figures
from bench.mails import mail
from bench.rig import running_stack
from local.config import HELP_ADDRESS
from local.mail import CUSTOMER_PASSWORD
from local.stack import Stack

REQUIREMENTS = ("django-helpdesk", "psycopg[binary]")
DATABASE = "helpdesk"
MAILBOX = "helpdesk@valleluz.example"
WITHIN_S = 600
RUNS = 3  # it takes all it finds; what it stumbles over it leaves to the next run


@dataclass(frozen=True)
class Course:
    """What so many mails took: seconds from the start of the command, and who used the processor for how long."""

    mails: int
    first_s: float
    last_s: float
    runs: int
    sent: int  # mails that it handed to the SMTP server
    cpu: dict[str, float]

    @property
    def rate(self) -> float:
        """Mails a second from its first ticket to its last, without the start of Python and Django."""
        return self.mails / (self.last_s - self.first_s)

    @property
    def without_server(self) -> float:
        """The same with the processor time of the mail server, which it waits for at each step, taken off."""
        return self.mails / max(self.last_s - self.first_s - self.cpu[SHARED], 0.001)


class Helpdesk:
    """A Django project with one queue on the house's mail server and a database in the house's PostgreSQL."""

    def __init__(self, python: Path, stack: Stack, folder: Path) -> None:
        self._python = python
        self._stack = stack
        self._folder = folder
        self._dsn = stack.postgres.url(DATABASE).replace("+asyncpg", "")
        address = urlsplit(self._dsn)
        database = {"NAME": DATABASE, "USER": address.username, "HOST": parse_qs(address.query)["host"][0]}
        given = {
            "database": database,
            "folder": str(folder),
            "smtp_port": stack.mail.smtp_port,
            "smtp_user": HELP_ADDRESS,
            "smtp_password": stack.mail.accounts[HELP_ADDRESS],
        }
        self._environment = {
            "PATH": os.environ["PATH"],
            "BENCH_HELPDESK": json.dumps(given),
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "PYTHONPATH": str(Path(__file__).parent),
        }

    async def prepare(self) -> None:
        """Make its database and its queue, and fill in the mail templates that come with it."""
        connection = await asyncpg.connect(self._stack.postgres.url("postgres").replace("+asyncpg", ""))
        try:
            await connection.execute(f'CREATE DATABASE "{DATABASE}"')
        finally:
            await connection.close()
        queue = {
            "title": "Help",
            "slug": "help",
            "email_address": HELP_ADDRESS,  # whom the mails are written to: else it would take that for a reader
            "allow_email_submission": True,
            "email_box_type": "imap",
            "email_box_host": self._stack.mail.host,
            "email_box_port": self._stack.mail.imap_port,
            "email_box_ssl": False,
            "email_box_user": MAILBOX,
            "email_box_pass": CUSTOMER_PASSWORD,
            "email_box_imap_folder": "INBOX",
            "email_box_interval": 0,  # minutes that must lie between two runs
        }
        fixture = self._folder / "queue.json"
        fixture.write_text(json.dumps([{"model": "helpdesk.queue", "pk": 1, "fields": queue}]))
        await self._manage("migrate", "--verbosity", "0")
        await self._manage("loaddata", "--verbosity", "0", "emailtemplate", str(fixture))

    async def take_in(self, mails: list[bytes]) -> Course:
        """Run `get_email` until these mails are tickets. Raises RuntimeError when they do not all become one each."""
        for raw in mails:
            await self._stack.mail.deliver(MAILBOX, raw)
        connection = await asyncpg.connect(self._dsn)
        try:
            await connection.execute("TRUNCATE helpdesk_ticket CASCADE")
            clock = Clock(self._stack)
            clock.start()
            reaped = os.times()
            started = time.monotonic()
            first = last = 0.0
            found = runs = 0
            while found < len(mails) and runs < RUNS:
                runs += 1
                command = asyncio.create_task(self._manage("get_email", "--quiet"))
                try:
                    running = True
                    while running:
                        running = not command.done()
                        if (now := await connection.fetchval("SELECT count(*) FROM helpdesk_ticket")) != found:
                            found, last = now, time.monotonic() - started
                            first = first or last
                        await asyncio.sleep(0.05 if running else 0)
                finally:
                    command.cancel()  # ends it where we were cut off
                    await asyncio.gather(command, return_exceptions=True)
                command.result()
            subjects = await connection.fetchval("SELECT count(DISTINCT title) FROM helpdesk_ticket")
            if (found, subjects) != (len(mails), len(mails)):
                raise RuntimeError(f"{found} tickets of {subjects} subjects from {len(mails)} mails in {runs} runs")
            cpu = clock.used()
            ended = os.times()
            cpu["get_email"] = sum(ended[2:4]) - sum(reaped[2:4])
            sent = await connection.fetchval(
                "SELECT count(*) FROM helpdesk_followup WHERE email_recipients ->> 0 <> ''"
            )
            return Course(len(mails), first, last, runs, sent, cpu)
        finally:
            await connection.close()

    async def send_nothing(self) -> None:
        """Take away its mail templates: without them it writes to nobody."""
        connection = await asyncpg.connect(self._dsn)
        try:
            await connection.execute("DELETE FROM helpdesk_emailtemplate")
        finally:
            await connection.close()

    async def _manage(self, *arguments: str) -> None:
        """What manage.py does. Raises RuntimeError with what it said when it fails."""
        process = await asyncio.create_subprocess_exec(
            str(self._python),
            "-m",
            "django",
            *arguments,
            cwd=self._folder,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            said, _ = await asyncio.wait_for(process.communicate(), WITHIN_S)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise RuntimeError(f"{arguments[0]} ended with {process.returncode}: {said.decode()[-2000:]}")


async def measure(mails: int) -> Figures:
    letters = [mail(number).as_bytes() for number in range(mails)]
    with ExitStack() as stack:
        python = await asyncio.to_thread(stack.enter_context, environment(*REQUIREMENTS))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="centralita-helpdesk-")))
        async with running_stack(services=False) as (house, database):
            ours = await throughput.take_in(house, database, letters)
            for name in throughput.WORKING:
                await house.processes.stop(name)
            helpdesk = Helpdesk(python, house, folder)
            await helpdesk.prepare()
            theirs = await helpdesk.take_in(letters)
            await helpdesk.send_nothing()
            silent = await helpdesk.take_in(letters)
        version = await asyncio.to_thread(_version, python)
    return _figures(mails, version, ours, theirs, silent)


def _figures(mails: int, version: str, ours: throughput.Course, theirs: Course, silent: Course) -> Figures:
    figures = Figures(
        "Beside django-helpdesk",
        f"The same {mails:,} mails, byte for byte, one after the other on the same IMAP and SMTP server and the same "
        f"PostgreSQL with fsync: first through inbox and tickets worker as under «Throughput», then through "
        f"django-helpdesk {version} with its default settings and one queue by `manage.py get_email`. It is one "
        "process that takes one mail at a time: FETCH, parse, ticket and follow-up (each statement its own "
        "transaction, nothing kept of the raw mail), a confirmation to the sender inside the loop over a connection "
        "of its own, \\Deleted, and one EXPUNGE at the end. It asks for STARTTLS and goes on without where the server "
        "has none, as here. It knows no language, topic, urgency or route, no opening hours, no ledger: a mail whose "
        "processing is cut off between ticket and \\Deleted becomes a second ticket. Ours does all this, and sends its "
        "acknowledgements behind the tickets, paced by domain; so theirs runs once more without confirmations (no mail "
        "templates). Rates are from the first ticket (ours: the first in the ledger) to the last, start of the "
        "processes left out on both sides; ratios compare our mails routed to a CSR with their tickets.",
    )
    routed = mails / ours.routed_s
    figures.add("centralita, mailbox to routed tickets", f"{routed:.0f} mails/s", "200 mails/s")
    figures.add("centralita, acknowledgements delivered by then", f"{ours.acknowledged:,} of {mails:,}")
    for name, course in (("get_email", theirs), ("get_email without confirmations", silent)):
        figures.add(f"{name}, mailbox to tickets", f"{course.rate:.0f} mails/s")
        figures.add(f"{name}, from the start of the command", f"{mails / course.last_s:.0f} mails/s")
        figures.add(f"{name}, what it did", f"{mails:,} tickets in runs: {course.runs}; {course.sent:,} mails sent")
        spent = ", ".join(f"{who} {1000 * seconds / mails:.1f}" for who, seconds in sorted(course.cpu.items()))
        figures.add(f"{name}, CPU, ms a mail", spent)
        figures.add(f"{name}, if the mail server took no time, at most", f"{course.without_server:.0f} mails/s")
    figures.add("ratio", f"{routed / theirs.rate:.1f}", "5; 10 is the moonshot")
    figures.add("ratio, theirs without confirmations", f"{routed / silent.rate:.1f}")
    return figures


def _version(python: Path) -> str:
    command = [str(python), "-c", "import importlib.metadata as m; print(m.version('django-helpdesk'))"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()
