"""The center that is soaked: every service as its own process, two inboxes, two mailboxes, servers behind cutters."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

import aiosmtplib
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bench.rig import hire, open_always
from local.config import HELP_ADDRESS, HOST, LocalConfig
from local.processes import Service
from local.seed import actor
from local.stack import Stack, services
from services.tickets import dead_letters, ingestion, tokens
from services.tickets.dead_letters import DeadLetterFilter
from services.tickets.ingestion import FolderView
from shared.database import Database
from shared.models import CertificationMode, Role
from shared.people import Actor
from tests.servers.cutting import Cutting
from tests.soak.mails import BILLING_ADDRESS, DEFECTS, Letter

T = TypeVar("T")
INBOXES = ("inbox", "inbox-2")
KILLED = (*INBOXES, "tickets-worker", "tickets")
BUSY_S = 20  # so long somebody may hold a lease before it counts as left behind by a dead process
WAITS_FOR_DATABASE_S = 120.0
COMPARED_WITHIN_S = 120.0


class _Config(LocalConfig):
    """With a second mailbox."""

    def accounts(self) -> dict[str, str]:
        return {**super().accounts(), BILLING_ADDRESS: self.secret("facturas")}


class Center:
    """`staff` people who may answer anything; their tokens are in `tokens`."""

    def __init__(self, *, staff: int) -> None:
        # Open to PostgreSQL's own user, which it runs as when we are root.
        self.directory = Path(tempfile.mkdtemp(prefix="centralita-soak-"))
        self.directory.chmod(0o755)
        self.config = _Config(self.directory, base_port=0)
        self.imap = Cutting(self.config.ports["imap"])
        self.smtp = Cutting(self.config.ports["smtp"])
        self.stack: Stack
        self.database: Database
        self.tokens: list[str] = []
        self._staff = staff
        self._staff_ids: Sequence[int] = ()
        self._open = AsyncExitStack()
        self._time: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        self._open.callback(shutil.rmtree, self.directory, ignore_errors=True)
        try:
            await self._start()
        except BaseException:
            await self._open.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._time.cancel()
        await self._open.aclose()

    async def _start(self) -> None:
        await self._open.enter_async_context(self.imap)
        await self._open.enter_async_context(self.smtp)
        self.config.extra.update(
            MAILBOXES=json.dumps([self._mailbox("help", HELP_ADDRESS), self._mailbox("facturas", BILLING_ADDRESS)]),
            SWEEP_S="1",
            UNDO_S="0",
            DOMAIN_INTERVAL_S="0",
        )
        self.stack = Stack(self.config, speech=False)
        self._open.push_async_callback(self.stack.stop)
        await self.stack.start_parts()
        self.database = Database(self.stack.settings)
        self._open.push_async_callback(self.database.close)
        await open_always(self.database)
        await self._hire()
        async with self.database.transaction() as session:
            for table, words in DEFECTS.items():
                await session.execute(
                    text(f"ALTER TABLE {table} ADD CONSTRAINT soak_defect CHECK (subject NOT LIKE '%{words}%')")
                )
        for service in self._services():
            await self.stack.processes.start(service)
        await self.all_ready()
        self._time = asyncio.create_task(self._let_time_pass(), name="soak.time")

    def _mailbox(self, name: str, address: str) -> dict[str, Any]:
        server = {"host": HOST, "security": "none"}
        return {
            "name": name,
            "address": address,
            "display_name": "Valle Luz",
            "username": address,
            "password": self.config.accounts()[address],
            "imap": {**server, "port": self.imap.port},
            "smtp": {**server, "port": self.smtp.port},
        }

    def _services(self) -> list[Service]:
        """What mail needs: a second inbox in the place of the voicemail services."""
        found = {service.name: service for service in services(self.config)}
        port = self.config.ports["voicemail_worker"]
        health = {"CENTRALITA_HEALTH_HOST": HOST, "CENTRALITA_HEALTH_PORT": str(port)}
        second = Service("inbox-2", found["inbox"].arguments, f"http://{HOST}:{port}/readyz", health)
        return [found["tickets"], found["tickets-worker"], found["inbox"], second]

    async def _hire(self) -> None:
        """People who may answer in both languages, each with a token for the API."""
        self._staff_ids = ids = await hire(self.database, self._staff, live=False)
        async with self.database.transaction() as session:
            for mode in CertificationMode:
                await session.execute(
                    text(
                        "INSERT INTO certification (person_id, language, mode, verified_by_id, verified_on)"
                        " SELECT id, 'es', :mode, CASE id WHEN :first THEN :second ELSE :first END, date '2026-01-05'"
                        " FROM person WHERE id = ANY(:ids)"
                    ),
                    {"mode": mode.value, "ids": ids, "first": ids[0], "second": ids[-1]},
                )
        for number in range(self._staff):
            me = await actor(self.database, f"bench{number}@valleluz.example")
            async with self.database.transaction() as session:
                scopes = ["ticket.read", "ticket.work"]
                _view, token = await tokens.create_token(session, me, name="soak", scopes=scopes)
            self.tokens.append(token)

    async def all_ready(self) -> None:
        await asyncio.gather(*(self.stack.processes.ready(name, 120) for name in KILLED))

    # Customers

    async def post(self, letter: Letter) -> None:
        """Through the real SMTP server, or straight into the mailbox where that would mend the mail."""
        if letter.straight:
            for address in letter.to:
                await self.stack.mail.deliver(address, letter.raw)
            return
        mail = self.stack.mail
        async with aiosmtplib.SMTP(hostname=mail.host, port=mail.smtp_port, start_tls=False, timeout=120) as client:
            await client.sendmail(letter.sender, list(letter.to), letter.raw)

    async def as_after_a_power_cut(self) -> None:
        """Kill all processes and start them again, once what the dead had leased is over."""
        await asyncio.gather(*(self.stack.processes.kill(name) for name in KILLED))
        async with self.database.transaction() as session:
            for table in ("delivery", "sent_copy"):
                await session.execute(text(f"UPDATE {table} SET leased_until = now() WHERE leased_until > now()"))
            await session.execute(text("UPDATE sent_copy SET next_attempt_at = now() WHERE state = 'waiting'"))
        for service in self._services():
            await self.stack.processes.start(service)
        await self.all_ready()

    async def repair(self) -> int:
        """The update that takes the defects away, and an administrator who has what died of them tried again."""
        async with self.database.transaction() as session:
            for table in DEFECTS:
                await session.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT soak_defect"))
            done = await dead_letters.replay_all(session, self.administrator, DeadLetterFilter())
        return done.replayed

    # The record

    async def fetch(self, statement: str, **values: Any) -> list[Any]:
        """Rows, also while the database restarts."""

        async def read() -> list[Any]:
            async with self.database.transaction() as session:
                return list(await session.execute(text(statement), values))

        return await patiently(read)

    @property
    def supervisor(self) -> Actor:
        return Actor(id=self._staff_ids[0], name="Sol", email="sol@valleluz.example", role=Role.SUPERVISOR)

    @property
    def administrator(self) -> Actor:
        return Actor(id=self._staff_ids[0], name="Ada", email="ada@valleluz.example", role=Role.ADMINISTRATOR)

    async def compared(self) -> list[FolderView]:
        """What the health page says of each folder after a comparison that was asked for now."""
        ids = [row.id for row in await self.fetch("SELECT id FROM mailbox")]
        for mailbox_id in ids:
            async with self.database.transaction() as session:
                await ingestion.compare(session, self.supervisor, mailbox_id)
        deadline = asyncio.get_running_loop().time() + COMPARED_WITHIN_S
        while True:
            async with self.database.transaction() as session:
                views = await ingestion.folders(session, self.supervisor)
            if all(view.wanted_at is None for view in views):
                return views
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"nobody compared the folders: {views}")
            await asyncio.sleep(0.3)

    async def _let_time_pass(self) -> None:
        """Back-offs and the leases of the dead last minutes. Here they end early, as if we had waited.

        A lease counts as left behind when nothing became of it for a while; who was only slow finds that it is lost.
        """
        while True:
            await asyncio.sleep(2)
            with suppress(DBAPIError, OSError):
                async with self.database.transaction() as session:
                    for statement in _TIME_PASSES:
                        await session.execute(text(statement), {"busy": BUSY_S})


_TIME_PASSES = (
    # LEASE and HAND_OVER_LEASE of services/inbox/outbox.py, sent_copies.LEASE
    "UPDATE delivery SET leased_until = now() WHERE state = 'queued' AND leased_until > now()"
    " AND leased_until < now() + interval '5 minutes' - make_interval(secs => :busy)",
    "UPDATE delivery SET leased_until = now() WHERE state = 'sending' AND leased_until > now()"
    " AND leased_until < now() + interval '10 minutes' - make_interval(secs => :busy)",
    "UPDATE delivery SET next_attempt_at = now() WHERE state = 'queued' AND next_attempt_at > now()",
    "UPDATE intake SET next_attempt_at = now() WHERE outcome = 'failed' AND next_attempt_at > now()",
)


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask again while the database is away. Raises what it says when it stays away."""
    deadline = asyncio.get_running_loop().time() + WAITS_FOR_DATABASE_S
    while True:
        try:
            return await ask()
        except (DBAPIError, OSError):
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.2)
