"""Mailboxes of the local mail server: kept in memory for pymap, and in files so that a restart continues where it was.

The folder looks like `{root}/{address}/{folder}/00000101.eml`: the UID is the file's name, its time the IMAP
INTERNALDATE, and `uidvalidity` beside the mails makes UIDs mean the same thing after a restart. A UID that was
expunged leaves a `.gone` file, so it is never given out again.
"""

import email.policy
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from urllib.parse import quote, unquote

from pymap.backend.dict.mailbox import MailboxData, MailboxSet, Message
from pymap.concurrent import Event
from pymap.mime import MessageContent
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials import ObjectId
from pymap.selected import SelectedMailbox

from shared import clock


@dataclass(frozen=True)
class StoredMail:
    """One mail as it lies in a mailbox."""

    uid: int
    received_at: datetime
    raw: bytes

    def parsed(self) -> EmailMessage:
        return BytesParser(policy=email.policy.default).parsebytes(self.raw)


def base_address(address: str) -> str:
    """Lower case, and without the plus part: `Help+abc@X.org` is delivered to `help@x.org`."""
    local, at, domain = address.strip().lower().rpartition("@")
    return f"{local.split('+', 1)[0]}{at}{domain}"


class StoredFolder(MailboxData):
    """One IMAP folder that writes what it gets into a directory."""

    def __init__(self, directory: Path, owner: MailboxSet) -> None:
        super().__init__(owner._content_cache, owner._thread_cache)
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        validity = directory / "uidvalidity"
        if validity.exists():
            self._uid_validity = int(validity.read_text())
        else:
            validity.write_text(str(self._uid_validity))
        for path in sorted(directory.iterdir()):
            if path.suffix in {".eml", ".gone"}:
                self._load(path)

    def _load(self, path: Path) -> None:
        uid = int(path.stem)
        self._max_uid = max(self._max_uid, uid)
        if path.suffix == ".gone":
            return
        content = MessageContent.parse(path.read_bytes())
        received = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        self._messages[uid] = Message(
            uid,
            received,
            [],
            email_id=self._content_cache.add(content),
            thread_id=self._thread_cache.add(content),
            content=content,
        )
        self._mod_sequences.update([uid])

    async def update_selected(self, selected: SelectedMailbox, *, wait_on: Event | None = None) -> SelectedMailbox:
        """In IDLE, pymap waits for the next change even when one came since the client last heard; say that at once."""
        heard = selected.mod_sequence
        if heard is not None and heard < self._mod_sequences.highest:
            wait_on = None
        return await super().update_selected(selected, wait_on=wait_on)

    def _save(self, uid: int, raw: bytes, received: datetime) -> None:
        descriptor, temporary = tempfile.mkstemp(dir=self.directory, prefix=".new-")
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)
        os.utime(temporary, (received.timestamp(), received.timestamp()))
        Path(temporary).replace(self.directory / f"{uid:08d}.eml")

    def _forget(self, uid: int) -> None:
        path = self.directory / f"{uid:08d}.eml"
        if path.exists():
            path.replace(path.with_suffix(".gone"))
            path.with_suffix(".gone").write_bytes(b"")

    async def append(self, append_msg: AppendMessage, *, recent: bool = False) -> Message:
        message = await super().append(append_msg, recent=recent)
        self._save(message.uid, append_msg.literal, message.internal_date)
        return message

    async def _took(self, uid: int | None) -> None:
        if uid is not None and (message := self._messages.get(uid)) is not None and message._content is not None:
            self._save(uid, bytes(message._content), message.internal_date)

    async def copy(self, uid: int, destination: MailboxData, *, recent: bool = False) -> int | None:
        copied = await super().copy(uid, destination, recent=recent)
        if isinstance(destination, StoredFolder):
            await destination._took(copied)
        return copied

    async def move(self, uid: int, destination: MailboxData, *, recent: bool = False) -> int | None:
        moved = await super().move(uid, destination, recent=recent)
        if isinstance(destination, StoredFolder):
            await destination._took(moved)
        self._forget(uid)
        return moved

    async def delete(self, uids: Iterable[int]) -> None:
        gone = list(uids)
        await super().delete(gone)
        for uid in gone:
            self._forget(uid)

    def mails(self) -> list[StoredMail]:
        """What lies here, oldest first."""
        return [
            StoredMail(uid, datetime.fromtimestamp(path.stat().st_mtime, UTC), path.read_bytes())
            for uid in sorted(self._messages)
            if (path := self.directory / f"{uid:08d}.eml").exists()
        ]


class StoredMailboxes(MailboxSet):
    """All folders of one address."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.directory = directory
        self._inbox: StoredFolder = StoredFolder(directory / "INBOX", self)
        for path in sorted(directory.iterdir()):
            if path.is_dir() and path.name != "INBOX":
                self._set[unquote(path.name)] = StoredFolder(path, self)

    @property
    def inbox(self) -> StoredFolder:
        return self._inbox

    async def add_mailbox(self, name: str) -> ObjectId:
        if name in self._set:
            raise ValueError(name)
        self._set[name] = folder = StoredFolder(self.directory / quote(name, safe=" "), self)
        return folder.mailbox_id

    async def folder(self, name: str) -> StoredFolder:
        """The folder of that name, made when it is missing."""
        if name.upper() != "INBOX" and name not in self._set:
            await self.add_mailbox(name)
        found = await self.get_mailbox(name)
        assert isinstance(found, StoredFolder)
        return found


class MailStore:
    """Every mailbox of the server, by address; opened again from the folder it was kept in."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self._boxes = {unquote(path.name): StoredMailboxes(path) for path in sorted(root.iterdir()) if path.is_dir()}

    def addresses(self) -> list[str]:
        return sorted(self._boxes)

    def __contains__(self, address: str) -> bool:
        return base_address(address) in self._boxes

    def box(self, address: str) -> StoredMailboxes:
        """The mailboxes of an address (plus part ignored), made when it has none."""
        address = base_address(address)
        if address not in self._boxes:
            self._boxes[address] = StoredMailboxes(self.root / quote(address, safe="@"))
        return self._boxes[address]

    async def deliver(self, address: str, raw: bytes, *, folder: str = "INBOX", at: datetime | None = None) -> int:
        """Put a mail into a mailbox and return its UID; whoever idles on it hears at once."""
        target = await self.box(address).folder(folder)
        message = await target.append(AppendMessage(raw, at or clock.now()), recent=True)
        return message.uid

    def mails(self, address: str, folder: str = "INBOX") -> list[StoredMail]:
        """What an address has received, oldest first; nothing when nobody wrote to it."""
        box = self._boxes.get(base_address(address))
        if box is None:
            return []
        found = box.inbox if folder.upper() == "INBOX" else box._set.get(folder)
        return found.mails() if isinstance(found, StoredFolder) else []
