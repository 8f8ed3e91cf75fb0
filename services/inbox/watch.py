"""Watching mailboxes: one thread and one connection per folder, so that no folder or mailbox delays another.

Connect, reconcile the folder with the ledger, then wait in IDLE (or poll, when the server has none) and catch up on
every sign of life. A lost connection is reopened with exponential back-off and jitter.
"""

import asyncio
import os
import random
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import structlog

from services.inbox import imap, metrics, problems, repository
from services.inbox.credentials import Credentials
from services.inbox.fetch import FolderReader
from services.inbox.repository import StoredMail
from shared.blobs import Blobs
from shared.database import Database
from shared.models import MailboxState
from shared.settings import MailboxSettings, Settings

log = structlog.get_logger(__name__)
T = TypeVar("T")

BACK_OFF_S = (1.0, 120.0)
SLOW_BACK_OFF_S = (30.0, 900.0)  # a wrong password: asking quickly gets accounts locked
HEARTBEAT_S = 55.0  # leave IDLE this often: a link that died without a word raises then (RFC 2177: within 29 minutes)
RECONCILE_S = 3600.0
DATABASE_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 5.0


class MailboxStatus:
    """What `mailbox` and the health page say, over all folders of one mailbox. Lives on the event loop."""

    def __init__(self, database: Database, mailbox_id: int, name: str) -> None:
        self.database = database
        self.mailbox_id = mailbox_id
        self.name = name
        self._states: dict[str, MailboxState] = {}
        self._written: tuple[MailboxState, float] | None = None
        self._troubled = True  # the first success resolves what an earlier process may have reported

    async def good(self, folder: str, state: MailboxState) -> None:
        """The server answered. Written at most every fifteen seconds while nothing changes."""
        self._states[folder] = state
        overall = self._overall()
        if self._written is None or self._written[0] != overall or time.monotonic() - self._written[1] > 15:
            async with self.database.transaction() as session:
                await repository.set_mailbox_state(session, self.mailbox_id, overall, error=None)
            self._written = (overall, time.monotonic())
        metrics.WATCHING.labels(self.name).set(overall is not MailboxState.FAILED)
        if self._troubled and overall is not MailboxState.FAILED:
            self._troubled = False
            await problems.resolve(self.database, f"imap:{self.name}")
            await problems.resolve(self.database, "blob_store")

    async def bad(self, folder: str, trouble: problems.Trouble, words: str) -> None:
        self._states[folder] = MailboxState.FAILED
        self._troubled = True
        metrics.WATCHING.labels(self.name).set(0)
        metrics.RECONNECTS.labels(self.name).inc()
        disk = trouble in (problems.DISK_FULL, problems.DISK_FAILS)
        await problems.report(self.database, "blob_store" if disk else f"imap:{self.name}", trouble)
        async with self.database.transaction() as session:
            await repository.set_mailbox_state(
                session, self.mailbox_id, MailboxState.FAILED, error=f"{trouble.message} {words}"[:2000]
            )
        self._written = (MailboxState.FAILED, time.monotonic())

    async def cannot_get(self, folder: str, count: int) -> None:
        key = f"mail_on_server:{self.name}"
        if count:
            log.error("watch.mails_refused", mailbox=self.name, folder=folder, count=count)
            await problems.report(self.database, key, problems.UNREADABLE_ON_SERVER)
        else:
            await problems.resolve(self.database, key)

    def _overall(self) -> MailboxState:
        for state in (MailboxState.FAILED, MailboxState.STARTING, MailboxState.POLLING):
            if state in self._states.values():
                return state
        return MailboxState.WATCHING


class FolderWatcher:
    """A thread that keeps one folder read. All database work is handed to the event loop."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        blobs: Blobs,
        status: MailboxStatus,
        credentials: Credentials,
        folder: str,
        on_stored: Callable[[], None],
    ) -> None:
        self.settings = settings
        self.database = database
        self.blobs = blobs
        self.status = status
        self.credentials = credentials
        self.folder = folder
        self.on_stored = on_stored
        self.mailbox: MailboxSettings = credentials.mailbox
        self._loop = asyncio.get_running_loop()
        self._stop = threading.Event()
        self._waker, self._wake_end = os.pipe()
        self._thread = threading.Thread(target=self._run, name=f"watch-{self.mailbox.name}-{folder}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    async def stop(self) -> None:
        """Returns once the thread has ended, or after the time-out with the thread left behind (a daemon)."""
        self._stop.set()
        with suppress(OSError):
            os.write(self._wake_end, b"x")
        await asyncio.to_thread(self._thread.join, STOP_TIMEOUT_S)
        if not self._thread.is_alive():
            os.close(self._waker)
            os.close(self._wake_end)

    # The Ledger of fetch.py

    def open_folder(self, folder: str, uidvalidity: int) -> int:
        async def work() -> int:
            async with self.database.transaction() as session:
                return await repository.open_folder(session, self.status.mailbox_id, folder, uidvalidity)

        return self._on_loop(work())

    def known_uids(self, folder: str, uidvalidity: int, above: int) -> set[int]:
        async def work() -> set[int]:
            async with self.database.transaction() as session:
                return await repository.known_uids(session, self.status.mailbox_id, folder, uidvalidity, above)

        return self._on_loop(work())

    def record(self, folder: str, uidvalidity: int, mails: Sequence[StoredMail]) -> None:
        async def work() -> None:
            async with self.database.transaction() as session:
                new = await repository.record_receipts(session, self.status.mailbox_id, folder, uidvalidity, mails)
            metrics.MAILS_SEEN.labels(self.mailbox.name).inc(new)
            self.on_stored()

        self._on_loop(work())

    def _on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(DATABASE_TIMEOUT_S)
        except Exception as error:
            future.cancel()
            raise problems.DatabaseTrouble(repr(error)[:500]) from error

    # The thread

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                self._watch()
                failures = 0
                continue
            except BaseException as error:  # whatever it is, the mailbox is tried again
                if self._stop.is_set():
                    return
                if isinstance(error, problems.DatabaseTrouble):
                    log.warning("watch.database_away", mailbox=self.mailbox.name, error=str(error))
                    failures += 1
                    self._pause(back_off(failures, slow=False))
                    continue
                trouble = problems.explain(error)
                if time.monotonic() - started > 60:
                    failures = 0  # it had worked for a while
                failures += 1
                log.warning(
                    "watch.failed",
                    mailbox=self.mailbox.name,
                    folder=self.folder,
                    problem=trouble.message,
                    error=repr(error)[:500],
                    failures=failures,
                )
                if failures > 1 or trouble.slow or not isinstance(error, OSError) or started > time.monotonic() - 5:
                    self._tell(self.status.bad(self.folder, trouble, str(error)[:500]))
            self._pause(back_off(failures, trouble.slow))

    def _tell(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            self._on_loop(work)
        except Exception as error:  # the database is away; the log has it
            log.warning("watch.state_not_written", mailbox=self.mailbox.name, error=repr(error))

    def _pause(self, seconds: float) -> None:
        self._stop.wait(seconds)

    def _watch(self) -> None:
        """One connection's life. Returns when stopped, raises when anything goes wrong."""
        client = imap.connect(self.credentials)
        try:
            has_idle = client.has_capability("IDLE")
            state = MailboxState.WATCHING if has_idle else MailboxState.POLLING
            reader = FolderReader(client, self, self.blobs, self.folder)
            reader.open()
            self._on_loop(self.status.cannot_get(self.folder, reader.reconcile(self._stop.is_set)))
            log.info("watch.started", mailbox=self.mailbox.name, folder=self.folder, idle=has_idle)
            reconciled = time.monotonic()
            while not self._stop.is_set():
                reader.catch_up(self._stop.is_set)
                if time.monotonic() - reconciled > RECONCILE_S:
                    self._on_loop(self.status.cannot_get(self.folder, reader.reconcile(self._stop.is_set)))
                    reconciled = time.monotonic()
                    continue  # what came meanwhile was announced to a command, and IDLE would not say it again
                self._on_loop(self.status.good(self.folder, state))
                if has_idle:
                    imap.idle(client, self._waker, HEARTBEAT_S)
                else:
                    self._pause(self.settings.imap_poll_s)
                    if self._stop.is_set():
                        return
                    client.noop()
        finally:
            imap.close(client)


def back_off(failures: int, slow: bool) -> float:
    """Doubling from a floor to a ceiling, spread by jitter so that mailboxes of one server do not come together."""
    floor, ceiling = SLOW_BACK_OFF_S if slow else BACK_OFF_S
    return min(ceiling, floor * 2.0 ** min(failures - 1, 20)) * random.uniform(0.5, 1.0)  # noqa: S311


def watchers_of(
    settings: Settings,
    database: Database,
    blobs: Blobs,
    mailbox_id: int,
    credentials: Credentials,
    on_stored: Callable[[], None],
) -> list[FolderWatcher]:
    mailbox = credentials.mailbox
    status = MailboxStatus(database, mailbox_id, mailbox.name)
    folders = dict.fromkeys([*mailbox.folders, *mailbox.voicemail_folders])
    return [FolderWatcher(settings, database, blobs, status, credentials, folder, on_stored) for folder in folders]
