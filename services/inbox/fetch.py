"""Reading one folder: which UIDs the ledger lacks, fetched in batches, bytes stored before they are recorded.

Runs in the watcher's thread. The server's flags are never read or changed: the folder is opened read-only, and
BODY.PEEK leaves \\Seen alone.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, ProtocolError

from services.inbox import imap
from services.inbox.problems import DiskTrouble, NoSuchFolder
from services.inbox.repository import StoredMail
from shared.blobs import Blobs

log = structlog.get_logger(__name__)

BATCH_MAILS = 50
BATCH_BYTES = 12_000_000
SIZES_AT_ONCE = 2_000


class Ledger(Protocol):
    """What the reader needs of the store; each call is one committed transaction."""

    def open_folder(self, folder: str, uidvalidity: int) -> int: ...

    def known_uids(self, folder: str, uidvalidity: int, above: int) -> set[int]: ...

    def record(self, folder: str, uidvalidity: int, mails: Sequence[StoredMail]) -> None: ...


@dataclass
class FolderReader:
    client: IMAPClient
    ledger: Ledger
    blobs: Blobs
    folder: str
    uidvalidity: int = 0
    last_uid: int = 0

    def open(self) -> None:
        """Select read-only and learn how far this folder was read under its present UIDVALIDITY."""
        try:
            answer = self.client.select_folder(self.folder, readonly=True)
        except IMAPClientAbortError:
            raise
        except IMAPClientError as error:
            if self.client.folder_exists(self.folder):
                raise  # it is there, and the server cannot open it now
            raise NoSuchFolder(f"{self.folder}: {error}") from error
        self.uidvalidity = int(answer.get(b"UIDVALIDITY", 1))
        self.last_uid = self.ledger.open_folder(self.folder, self.uidvalidity)

    def reconcile(self, stopped: "Stop") -> int:
        """Fetch every mail of the folder that the ledger lacks, old or new. How many it could not get."""
        on_server = self._search("ALL")
        known = self.ledger.known_uids(self.folder, self.uidvalidity, 0)
        return self._fetch(sorted(on_server - known), stopped)

    def catch_up(self, stopped: "Stop") -> int:
        """Fetch what came since the last look. How many it could not get.

        A server announces new mail once, beside the answer to any command; IDLE does not say it again. So this looks
        until nothing was announced while it looked.
        """
        refused = 0
        while not stopped():
            imap.forget_announced(self.client)
            refused += self._catch_up_once(stopped)
            if not imap.announced(self.client):
                break
        return refused

    def _catch_up_once(self, stopped: "Stop") -> int:
        # «n:*» always names the last mail, also when its UID is below n.
        on_server = {uid for uid in self._search(f"UID {self.last_uid + 1}:*") if uid > self.last_uid}
        if not on_server:
            return 0
        known = self.ledger.known_uids(self.folder, self.uidvalidity, self.last_uid)
        return self._fetch(sorted(on_server - known), stopped)

    def _search(self, criteria: str) -> set[int]:
        return {int(uid) for uid in self.client.search(criteria)}

    def _fetch(self, uids: list[int], stopped: "Stop") -> int:
        refused = 0
        for start in range(0, len(uids), SIZES_AT_ONCE):
            some = uids[start : start + SIZES_AT_ONCE]
            sizes = self.client.fetch(some, ["RFC822.SIZE"])
            for batch in _batches(some, {uid: int(sizes[uid].get(b"RFC822.SIZE", 0)) for uid in some if uid in sizes}):
                if stopped():
                    return refused
                refused += self._take(batch)
        return refused

    def _take(self, uids: list[int]) -> int:
        """Fetch, store, record. A mail that the server cannot deliver is skipped; reconciling asks for it again."""
        try:
            answer = self.client.fetch(uids, ["BODY.PEEK[]", "INTERNALDATE"])
        except IMAPClientAbortError:
            raise
        except (IMAPClientError, ProtocolError) as error:
            if len(uids) == 1:
                log.error("fetch.refused", folder=self.folder, uid=uids[0], error=str(error)[:500])
                return 1
            return sum(self._take([uid]) for uid in uids)
        mails = self._store(answer)
        if mails:
            self.ledger.record(self.folder, self.uidvalidity, mails)
            self.last_uid = max(self.last_uid, *(mail.uid for mail in mails))
        return len(uids) - len(mails)

    def _store(self, answer: dict[int, dict[bytes, Any]]) -> list[StoredMail]:
        whole = {uid: data for uid, data in answer.items() if isinstance(data.get(b"BODY[]"), bytes)}
        try:
            # Each blob is synced to disk: waiting for several at once is quicker than one after another.
            with ThreadPoolExecutor(4) as pool:
                names = list(pool.map(self.blobs.put_sync, [data[b"BODY[]"] for data in whole.values()]))
        except OSError as error:
            raise DiskTrouble(str(error)) from error
        return [
            StoredMail(uid, name, len(data[b"BODY[]"]), _aware(data.get(b"INTERNALDATE")))
            for (uid, data), name in zip(whole.items(), names, strict=True)
        ]


class Stop(Protocol):
    def __call__(self) -> bool: ...


def _aware(moment: object) -> datetime | None:
    if not isinstance(moment, datetime):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _batches(uids: list[int], sizes: dict[int, int]) -> Iterator[list[int]]:
    """Small in number and in bytes, so that memory stays flat; a huge mail comes alone."""
    batch: list[int] = []
    total = 0
    for uid in uids:
        if uid not in sizes:
            continue  # expunged meanwhile
        if batch and (len(batch) >= BATCH_MAILS or total + sizes[uid] > BATCH_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(uid)
        total += sizes[uid]
    if batch:
        yield batch
