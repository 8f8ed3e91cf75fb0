"""Reading one folder: which UIDs the ledger lacks, fetched in batches, bytes stored before they are recorded.

Runs in the watcher's thread. The server's flags are never read or changed: the folder is opened read-only, and
BODY.PEEK leaves \\Seen alone.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, ProtocolError

from services.inbox import imap
from services.inbox.folders import Reconciliation, StoredMail
from services.inbox.problems import DiskTrouble, NoSuchFolder
from shared.blobs import Blobs

log = structlog.get_logger(__name__)

BATCH_MAILS = 50
BATCH_BYTES = 12_000_000
SIZES_AT_ONCE = 2_000
ALONE_TRIES = 3  # connections that may end at one mail before it is left for a later comparison


class Ledger(Protocol):
    """What the reader needs of the store; each call is one committed transaction."""

    def open_folder(self, folder: str, uidvalidity: int) -> int: ...

    def known_uids(self, folder: str, uidvalidity: int, above: int) -> set[int]: ...

    def record(self, folder: str, uidvalidity: int, mails: Sequence[StoredMail]) -> None: ...


@dataclass
class Suspects:
    """UIDs at which connections ended, kept from one connection of a folder to the next.

    Some servers hang up when they cannot read one of their mails. Such a mail must not keep the others from us:
    whatever was asked for when a connection ended comes last and alone, and after a few tries not before the next
    comparison.
    """

    tries: dict[int, int] = field(default_factory=dict)
    at_once: int = SIZES_AT_ONCE
    noted: bool = False  # something new is known since somebody last looked here

    def note(self, uids: Sequence[int]) -> None:
        for uid in uids:
            self.tries[uid] = self.tries.get(uid, 0) + 1
        self.noted = True

    def note_many(self, count: int) -> None:
        """The connection ended while so many were measured: look more closely the next time."""
        self.at_once = max(BATCH_MAILS, min(self.at_once, count) // 8)
        self.noted = True

    def forgive(self) -> None:
        """Try each of them once more."""
        self.tries = {uid: min(count, ALONE_TRIES - 1) for uid, count in self.tries.items()}
        self.at_once = SIZES_AT_ONCE

    def to_try(self, uids: Sequence[int]) -> list[int]:
        """Of these the suspects that may be asked for now, the least suspicious first."""
        return sorted((uid for uid in uids if 0 < self.tries.get(uid, 0) < ALONE_TRIES), key=self.tries.__getitem__)


@dataclass
class FolderReader:
    client: IMAPClient
    ledger: Ledger
    blobs: Blobs
    folder: str
    suspects: Suspects = field(default_factory=Suspects)
    uidvalidity: int = 0
    last_uid: int = 0  # the highest in the ledger
    looked_at: int = 0  # the highest that the server named: mail above it is new, not missing

    def open(self) -> bool:
        """Select read-only and learn how far this folder was read. Whether it is another folder than before.

        Also for the folder that is selected already: its name may stand for another one by now, or for none.
        """
        try:
            answer = self.client.select_folder(self.folder, readonly=True)
        except IMAPClientAbortError:
            raise
        except IMAPClientError as error:
            if self.client.folder_exists(self.folder):
                raise  # it is there, and the server cannot open it now
            raise NoSuchFolder(f"{self.folder}: {error}") from error
        before = self.uidvalidity
        self.uidvalidity = int(answer.get(b"UIDVALIDITY", 1))
        self.last_uid = self.ledger.open_folder(self.folder, self.uidvalidity)
        if self.uidvalidity == before:
            return False
        if before:
            self.suspects.tries.clear()
        self.looked_at = self.last_uid
        return True

    def reconcile(self, stopped: "Stop") -> Reconciliation:
        """Compare the folder with the ledger and fetch what the ledger lacks. Mail newer than the last look waits."""
        on_server = {uid for uid in self._search("ALL") if uid <= self.looked_at}
        known = self.ledger.known_uids(self.folder, self.uidvalidity, 0)
        missing = on_server - known
        if missing:
            self._fetch(sorted(missing), stopped)
            on_server &= self._search("ALL")  # without what was expunged while it was fetched
            known = self.ledger.known_uids(self.folder, self.uidvalidity, 0)
        return Reconciliation(
            on_server=len(on_server),
            in_ledger=len(on_server & known),
            missing=len(missing),
            repaired=len(missing & known),
            refused=tuple(sorted(on_server - known)),
            gone=len(known - on_server),
        )

    def catch_up(self, stopped: "Stop") -> None:
        """Fetch what came since the last look.

        A server announces new mail once, beside the answer to any command; IDLE does not say it again. So this looks
        until nothing was announced while it looked.
        """
        while not stopped():
            imap.forget_announced(self.client)
            self._catch_up_once(stopped)
            if not imap.announced(self.client):
                break

    def _catch_up_once(self, stopped: "Stop") -> None:
        # «n:*» always names the last mail, also when its UID is below n.
        on_server = {uid for uid in self._search(f"UID {self.last_uid + 1}:*") if uid > self.last_uid}
        if not on_server:
            return
        self.looked_at = max(self.looked_at, *on_server)
        on_server -= self.ledger.known_uids(self.folder, self.uidvalidity, self.last_uid)
        uids = sorted(on_server)
        del on_server  # of a full mailbox it is millions of bytes, for as long as fetching takes
        self._fetch(uids, stopped)

    def _search(self, criteria: str) -> set[int]:
        return {int(uid) for uid in self.client.search(criteria)}

    def _fetch(self, uids: list[int], stopped: "Stop") -> None:
        trusted = [uid for uid in uids if uid not in self.suspects.tries]
        step = self.suspects.at_once
        for start in range(0, len(trusted), step):
            some = trusted[start : start + step]
            for batch in _batches(some, self._sizes(some)):
                if stopped():
                    return
                self._take(batch)
        for uid in self.suspects.to_try(uids):
            if stopped():
                return
            self._take([uid])

    def _sizes(self, uids: list[int]) -> dict[int, int]:
        """Bytes by UID, without those that are gone. A mail that the server cannot even measure counts as huge."""
        try:
            answer = self.client.fetch(uids, ["RFC822.SIZE"])
        except (IMAPClientAbortError, OSError):
            if len(uids) > BATCH_MAILS:
                self.suspects.note_many(len(uids))
            else:
                self.suspects.note(uids)
            raise
        except (IMAPClientError, ProtocolError):
            if len(uids) == 1:
                return {uids[0]: BATCH_BYTES}
            half = len(uids) // 2
            return self._sizes(uids[:half]) | self._sizes(uids[half:])
        return {uid: int(answer[uid].get(b"RFC822.SIZE", BATCH_BYTES)) for uid in uids if uid in answer}

    def _take(self, uids: list[int]) -> None:
        """Fetch, store, record. A mail that the server cannot deliver is skipped; reconciling asks for it again."""
        try:
            answer = self.client.fetch(uids, ["BODY.PEEK[]", "INTERNALDATE"])
        except (IMAPClientAbortError, OSError):
            self.suspects.note(uids)
            raise
        except (IMAPClientError, ProtocolError) as error:
            if len(uids) == 1:
                log.error("fetch.refused", folder=self.folder, uid=uids[0], error=str(error)[:500])
                return
            for uid in uids:
                self._take([uid])
            return
        mails = self._store(answer)
        if mails:
            self.ledger.record(self.folder, self.uidvalidity, mails)
            self.last_uid = max(self.last_uid, *(mail.uid for mail in mails))
            for mail in mails:
                self.suspects.tries.pop(mail.uid, None)

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
