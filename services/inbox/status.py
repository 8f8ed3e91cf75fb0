"""What one mailbox says about itself: the states of its folders, its problems and its metrics."""

import time
from dataclasses import asdict

import structlog

from services.inbox import folders, metrics, problems
from services.inbox.folders import Lease, Reconciliation
from shared.database import Database
from shared.models import MailboxState

log = structlog.get_logger(__name__)
AGAIN_S = 15.0  # how often the same good state is written again


class MailboxStatus:
    """Over all folders of one mailbox that this process reads. Lives on the event loop."""

    def __init__(self, database: Database, mailbox_id: int, name: str, folder_names: list[str]) -> None:
        self.database = database
        self.mailbox_id = mailbox_id
        self.name = name
        self.folder_names = folder_names
        self._written: dict[str, tuple[MailboxState, float]] = {}
        self._troubled = True  # the first success resolves what an earlier process may have reported

    def begin(self) -> None:
        """A folder is ours from now on: whoever read it before may have reported trouble."""
        self._troubled = True
        self._written.clear()

    async def good(self, lease: Lease, state: MailboxState) -> None:
        """The server answered. Written at most every fifteen seconds while nothing changes."""
        before = self._written.get(lease.folder)
        if before is not None and before[0] is state and time.monotonic() - before[1] < AGAIN_S:
            return
        async with self.database.transaction() as session:
            overall = await folders.set_state(session, lease, state, self.folder_names, error=None)
        self._written[lease.folder] = (state, time.monotonic())
        metrics.WATCHING.labels(self.name).set(overall is not MailboxState.FAILED)
        if self._troubled and overall in (MailboxState.WATCHING, MailboxState.POLLING):
            self._troubled = False
            await problems.resolve(self.database, f"imap:{self.name}")
            await problems.resolve(self.database, "blob_store")

    async def bad(self, lease: Lease, trouble: problems.Trouble, words: str) -> None:
        self._written.pop(lease.folder, None)
        self._troubled = True
        metrics.WATCHING.labels(self.name).set(0)
        metrics.RECONNECTS.labels(self.name).inc()
        async with self.database.transaction() as session:
            error = (trouble.code, words[:2000])
            await folders.set_state(session, lease, MailboxState.FAILED, self.folder_names, error=error)
        disk = trouble in (problems.DISK_FULL, problems.DISK_FAILS)
        await problems.report(self.database, "blob_store" if disk else f"imap:{self.name}", trouble)

    async def compared(self, folder: str, found: Reconciliation) -> None:
        """A mismatch that could not be repaired is a problem until a later comparison finds none."""
        for what in ("on_server", "in_ledger", "missing", "repaired", "gone"):
            metrics.FOLDER_MAILS.labels(self.name, folder, what).set(getattr(found, what))
        metrics.FOLDER_MAILS.labels(self.name, folder, "refused").set(len(found.refused))
        metrics.RECONCILED.labels(self.name, folder).set_to_current_time()
        if found.missing:
            log.warning("watch.mails_were_missing", mailbox=self.name, folder=folder, **asdict(found))
        key = f"mail_on_server:{self.name}"
        if found.refused:
            log.error("watch.mails_refused", mailbox=self.name, folder=folder, uids=found.refused[:100])
            await problems.report(self.database, key, problems.UNREADABLE_ON_SERVER)
            return
        async with self.database.transaction() as session:
            refused = await folders.any_refused(session, self.mailbox_id, self.folder_names)
        if not refused:
            await problems.resolve(self.database, key)
