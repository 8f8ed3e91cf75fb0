"""Watching mailboxes: one thread and one connection per folder, so that no folder or mailbox delays another.

Take the lease of the folder (another process may hold it: then stand by), connect, catch up, compare the folder with
the ledger, then wait in IDLE (or poll, when the server has none) and catch up on every sign of life. A lost connection
is reopened with exponential back-off and jitter; whoever stands by may try meanwhile.
"""

import asyncio
import os
import random
import select
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

import structlog

from services.inbox import folders, imap, metrics, problems
from services.inbox.credentials import Credentials
from services.inbox.fetch import FolderReader, Suspects
from services.inbox.folders import Lease, LeaseLost, StoredMail
from services.inbox.lease import is_dead, new_holder
from services.inbox.status import MailboxStatus
from shared.blobs import Blobs
from shared.database import Database
from shared.models import MailboxState
from shared.settings import MailboxSettings, Settings

log = structlog.get_logger(__name__)
T = TypeVar("T")

BACK_OFF_S = (1.0, 120.0)
SLOW_BACK_OFF_S = (30.0, 900.0)  # a wrong password: asking quickly gets accounts locked
# Leave IDLE this often (RFC 2177: within 29 minutes): a link that died without a word raises then, and what a server
# forgot to announce is found.
HEARTBEAT_S = 55.0
DATABASE_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 5.0


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
        self.lease = Lease(status.mailbox_id, folder, new_holder())
        self._held = False  # as far as we know: each write asks the row
        self._wished: datetime | None = None  # somebody wants the folder compared
        self._answered: datetime | None = None
        self._suspects = Suspects()
        self._loop = asyncio.get_running_loop()
        self._renewing: asyncio.Task[None] | None = None
        self._stop = threading.Event()
        self._waker, self._wake_end = os.pipe()
        os.set_blocking(self._waker, False)
        self._thread = threading.Thread(target=self._run, name=f"watch-{self.mailbox.name}-{folder}", daemon=True)

    def start(self) -> None:
        self._renewing = asyncio.create_task(self._renew_for_ever(), name=f"lease.{self.mailbox.name}.{self.folder}")
        self._thread.start()

    async def stop(self) -> None:
        """Returns once the thread has ended, or after the time-out with the thread left behind (a daemon)."""
        self._stop.set()
        self._wake()
        await asyncio.to_thread(self._thread.join, STOP_TIMEOUT_S)
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
        if not self._thread.is_alive():
            os.close(self._waker)
            os.close(self._wake_end)

    def _wake(self) -> None:
        with suppress(OSError):
            os.write(self._wake_end, b"x")

    # The lease

    async def renew(self) -> None:
        """Keep the lease, and hear whether somebody wants the folder compared. The database away: try again later."""
        if not self._held:
            return
        try:
            async with self.database.transaction() as session:
                self._wished = await folders.renew(session, self.lease, self.settings.mailbox_lease_s)
        except LeaseLost:
            self._held = False
            self._wake()
        except Exception as error:
            log.warning("watch.lease_not_renewed", mailbox=self.mailbox.name, folder=self.folder, error=repr(error))
        else:
            if self._is_wished():
                self._wake()

    async def _renew_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self.settings.mailbox_lease_s / 3)
            await self.renew()

    def _is_wished(self) -> bool:
        return self._wished is not None and self._wished != self._answered

    def _take_lease(self) -> bool:
        async def work() -> str | None:
            async with self.database.transaction() as session:
                holder = await folders.take(session, self.lease, self.settings.mailbox_lease_s, is_dead)
            if holder is None:
                self._held = True
                self.status.begin()
            return holder

        holder = self._on_loop(work())
        if holder is None:
            log.info("watch.lease_taken", mailbox=self.mailbox.name, folder=self.folder)
            return True
        log.debug("watch.standby", mailbox=self.mailbox.name, folder=self.folder, holder=holder)
        return False

    def _release(self) -> None:
        async def work() -> None:
            async with self.database.transaction() as session:
                await folders.release(session, self.lease)

        if self._held:
            self._held = False
            self._tell(work())

    # The Ledger of fetch.py

    def open_folder(self, folder: str, uidvalidity: int) -> int:
        async def work() -> int:
            async with self.database.transaction() as session:
                return await folders.open_folder(session, self.lease, uidvalidity)

        return self._on_loop(work())

    def known_uids(self, folder: str, uidvalidity: int, above: int) -> set[int]:
        async def work() -> set[int]:
            async with self.database.transaction() as session:
                return await folders.known_uids(session, self.lease, uidvalidity, above)

        return self._on_loop(work())

    def record(self, folder: str, uidvalidity: int, mails: Sequence[StoredMail]) -> None:
        async def work() -> None:
            async with self.database.transaction() as session:
                new = await folders.record_receipts(session, self.lease, uidvalidity, mails)
            metrics.MAILS_SEEN.labels(self.mailbox.name).inc(new)
            self.on_stored()

        self._on_loop(work())

    def _on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(DATABASE_TIMEOUT_S)
        except LeaseLost:
            raise
        except Exception as error:
            future.cancel()
            raise problems.DatabaseTrouble(repr(error)[:500]) from error

    # The thread

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                if self._take_lease():
                    self._watch()
                    failures = 0
                else:
                    self._pause(self.settings.mailbox_lease_s / 3)
                continue
            except LeaseLost as error:
                self._held = False
                metrics.WATCHING.labels(self.mailbox.name).set(0)  # until another folder of it is read well from here
                log.warning("watch.lease_lost", mailbox=self.mailbox.name, folder=self.folder, error=str(error))
                continue
            except BaseException as error:  # whatever it is, the mailbox is tried again
                if self._stop.is_set():
                    break
                if isinstance(error, problems.DatabaseTrouble):
                    log.warning("watch.database_away", mailbox=self.mailbox.name, error=str(error))
                    failures += 1
                    self._pause(back_off(failures, slow=False))
                    continue
                trouble = problems.explain(error)
                if time.monotonic() - started > 60 or self._suspects.noted:
                    failures = 0  # it had worked for a while, or we know more than before about where it ends
                self._suspects.noted = False
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
                    self._tell(self.status.bad(self.lease, trouble, str(error)[:500]))
            self._release()
            self._pause(back_off(failures, trouble.slow))
        self._release()

    def _tell(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            self._on_loop(work)
        except Exception as error:  # the database is away; the log has it
            log.warning("watch.state_not_written", mailbox=self.mailbox.name, error=repr(error))

    def _pause(self, seconds: float) -> None:
        self._stop.wait(seconds)

    def _over(self) -> bool:
        return self._stop.is_set() or not self._held

    def _watch(self) -> None:
        """One connection's life. Returns when stopped or taken over, raises when anything goes wrong."""
        client = imap.connect(self.credentials)
        try:
            has_idle = client.has_capability("IDLE")
            state = MailboxState.WATCHING if has_idle else MailboxState.POLLING
            reader = FolderReader(client, self, self.blobs, self.folder, self._suspects)
            reader.open()
            log.info("watch.started", mailbox=self.mailbox.name, folder=self.folder, idle=has_idle)
            due = 0.0  # at once; on a later turn also what the server could not deliver is asked for again
            while not self._over():
                reader.catch_up(self._over)
                if time.monotonic() >= due or self._is_wished():
                    if due:
                        self._suspects.forgive()
                    self._reconcile(reader)
                    due = time.monotonic() + self.settings.reconcile_s
                    continue  # what came meanwhile was announced to a command, and IDLE would not say it again
                self._on_loop(self.status.good(self.lease, state))
                if has_idle:
                    quiet = not imap.idle(client, self._waker, min(HEARTBEAT_S, max(0.0, due - time.monotonic())))
                else:
                    quiet = self._sleep(self.settings.imap_poll_s)
                self._forget_wakes()
                if quiet and not self._over() and reader.open():
                    due = 0.0
        finally:
            imap.close(client)

    def _reconcile(self, reader: FolderReader) -> None:
        async def begin() -> datetime | None:
            async with self.database.transaction() as session:
                return await folders.begin_reconciliation(session, self.lease)

        async def end(answered: datetime | None) -> None:
            async with self.database.transaction() as session:
                await folders.end_reconciliation(session, self.lease, found, answered)
            await self.status.compared(self.folder, found)

        self._answered = self._on_loop(begin())
        found = reader.reconcile(self._over)
        if not self._over():
            self._on_loop(end(self._answered))

    def _sleep(self, seconds: float) -> bool:
        """Wait for the next look at a server without IDLE. Whether the time went by undisturbed."""
        poller = select.poll()
        poller.register(self._waker, select.POLLIN)
        return not poller.poll(seconds * 1000)

    def _forget_wakes(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._waker, 4096)


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
    names = list(dict.fromkeys([*mailbox.folders, *mailbox.voicemail_folders]))
    status = MailboxStatus(database, mailbox_id, mailbox.name, names)
    return [FolderWatcher(settings, database, blobs, status, credentials, name, on_stored) for name in names]
