"""Reads a voicemail spool in Asterisk's layout: which messages stand in it, and one of them safely.

{spool}/{context}/{mailbox}/{INBOX,Urgent}/msgNNNN.txt, written last, says that a message is whole. Its number changes
when others are deleted, at any moment, so a message is known by its msg_id and read with a second look at the end.
Nothing is ever written here and no lock is taken: a lock left behind would lose the next caller's voicemail.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

FOLDERS = ("INBOX", "Urgent")
# The same message lies there once per format that the phone system is told to write: the best first.
FORMATS = (
    ("wav16", "audio/wav"),
    ("wav", "audio/wav"),
    ("WAV", "audio/x-wav"),
    ("wav49", "audio/x-wav"),
    ("flac", "audio/flac"),
    ("ogg", "audio/ogg"),
    ("opus", "audio/ogg"),
    ("mp3", "audio/mpeg"),
    ("gsm", "audio/x-gsm"),
    ("g722", "audio/g722"),
    ("sln16", "audio/sln16"),
    ("sln", "audio/sln"),
    ("ulaw", "audio/ulaw"),
    ("pcm", "audio/ulaw"),
    ("ul", "audio/ulaw"),
    ("mu", "audio/ulaw"),
    ("alaw", "audio/alaw"),
    ("al", "audio/alaw"),
)
_MESSAGE = re.compile(r"msg\d{4,}\.txt", re.IGNORECASE)
MAX_TXT_BYTES = 64 * 1024


@dataclass(frozen=True)
class Stamp:
    """What stays with a file when it is renamed, and changes when it is written."""

    inode: int
    mtime_ns: int
    size: int


@dataclass(frozen=True)
class Found:
    """A message that stands in the spool at this moment, under a path that may change."""

    context: str
    mailbox: str
    folder: str
    txt: Path
    stamp: Stamp
    folder_mtime_ns: int  # when it was listed: whoever renames anything in it changes this


@dataclass(frozen=True)
class Information:
    """What the .txt says, as far as it says it."""

    msg_id: str = ""
    caller_id: str = ""
    orig_time: datetime | None = None
    duration: str = ""
    flag: str = ""
    rdnis: str = ""

    @property
    def urgent(self) -> bool:
        return self.flag.lower() == "urgent"


@dataclass(frozen=True)
class SpoolMessage:
    """A message read whole: audio and information that belong together."""

    source_id: str  # within the spool
    information: Information
    data: bytes
    filename: str
    content_type: str


class Moved(Exception):
    """It was renumbered, moved or changed while it was read: look again later."""


def scan(spool: Path, unreadable: list[OSError] | None = None) -> Iterator[Found]:
    """Every message that is whole. Raises OSError when the spool itself cannot be read.

    A folder inside that cannot be read is added to `unreadable`, and the others are read; one that has gone is none.
    """
    unreadable = unreadable if unreadable is not None else []
    for context in _directories(spool):
        for mailbox in _directories(context, unreadable):
            for folder in _directories(mailbox, unreadable):
                name = next((each for each in FOLDERS if each.lower() == folder.name.lower()), None)
                if name is not None:
                    yield from _messages(context.name, mailbox.name, name, folder, unreadable)


def _messages(context: str, mailbox: str, name: str, folder: Path, unreadable: list[OSError]) -> Iterator[Found]:
    try:
        mtime_ns = folder.stat().st_mtime_ns
        names = sorted(path.name for path in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        unreadable.append(error)
        return
    for message in names:
        if not _MESSAGE.fullmatch(message):
            continue
        try:
            stamp = _stamp(folder / message)
        except OSError:
            continue
        yield Found(context, mailbox, name, folder / message, stamp, mtime_ns)


def parse(text: str) -> Information:
    """Tolerant of comments, of unknown, missing and empty keys, and of what callers put into their names."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, separator, value = line.partition("=")
        if separator and not key.lstrip().startswith(";"):
            values[key.strip().lower()] = value.strip()
    try:
        # A time of zero or in the far future is a clock that was not set.
        seconds = int(values.get("origtime", ""))
        at = datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 1 << 33 else None
    except ValueError:
        at = None
    rdnis = values.get("rdnis", "")
    return Information(
        msg_id=values.get("msg_id", ""),
        caller_id=values.get("callerid", ""),
        orig_time=at,
        duration=values.get("duration", ""),
        flag=values.get("flag", ""),
        rdnis="" if rdnis.lower() in ("unknown", "(null)") else rdnis,
    )


def read(found: Found, *, max_bytes: int, patient: bool = True) -> SpoolMessage | None:
    """The message, or None when it is not whole yet: it has no audio, or its .txt is still being copied.

    Not `patient`: it has stood there long enough, and is read as it is. Raises Moved, or OSError when the disk fails.

    Audio and .txt are renamed one after the other: for a moment one message's audio stands beside another's .txt. So
    call this a little after `scan()`; a folder in which anything moved since then is Moved.
    """
    try:
        before = _read(found.txt)
        information = parse(decoded(before))
        audio = _audio_of(found.txt)
        # A recorded message's .txt is renamed into its place, a forwarded one's is copied there, line by line.
        if patient and (audio is None or not before.endswith(b"\n")):
            if found.txt.parent.stat().st_mtime_ns != found.folder_mtime_ns:
                raise Moved
            return None
        path, content_type = audio if audio is not None else (found.txt.with_suffix(""), "audio/wav")
        data = b""
        if audio is not None:
            stamp = _stamp(path)
            # What is longer than any message is cut, not refused: the caller is heard as far as we can hold it.
            with path.open("rb") as file:
                data = file.read(max_bytes)
            if _stamp(path) != stamp:
                raise Moved
        if _read(found.txt) != before or found.txt.parent.stat().st_mtime_ns != found.folder_mtime_ns:
            raise Moved
    except FileNotFoundError as error:
        raise Moved from error
    return SpoolMessage(
        source_id=identity(found, information, data),
        information=information,
        data=data,
        filename=path.name,
        content_type=content_type,
    )


def folders_with(spool: Path, context: str, mailbox: str, msg_id: str) -> set[str]:
    """In which of a mailbox's folders a message stands, those of heard messages too; their names in small letters.

    Raises OSError when that cannot be said for sure: a folder cannot be read, or changes while it is.
    """
    return {
        folder.name.lower()
        for folder in _directories(spool / context / mailbox)
        for path in folder.iterdir()
        if _MESSAGE.fullmatch(path.name) and parse(decoded(_read(path))).msg_id == msg_id
    }


def identity(found: Found, information: Information, data: bytes) -> str:
    """Unique in its spool. Old systems give no msg_id: then all that makes one call differ from another."""
    if information.msg_id:
        return f"{found.context}/{found.mailbox}/{information.msg_id}"
    at = str(int(information.orig_time.timestamp())) if information.orig_time else ""
    facts = "\n".join((at, information.caller_id, information.duration, hashlib.sha256(data).hexdigest()))
    return f"{found.context}/{found.mailbox}/without-id-{hashlib.sha256(facts.encode()).hexdigest()[:32]}"


def _audio_of(txt: Path) -> tuple[Path, str] | None:
    start = f"{txt.stem}.".lower()
    beside = {path.name: path for path in txt.parent.iterdir() if path.name.lower().startswith(start)}
    for suffix, content_type in FORMATS:
        if path := beside.get(f"{txt.stem}.{suffix}"):
            return path, content_type
    # Over a share or a disk that does not tell capitals apart, names may come back in others than they were written in;
    # `.wav` and `.WAV` are one file there, and what is in it is told by its bytes.
    shouted = {name.lower(): path for name, path in beside.items()}
    for suffix, content_type in FORMATS:
        if path := shouted.get(f"{txt.stem}.{suffix}".lower()):
            return path, content_type
    return None


def _directories(path: Path, unreadable: list[OSError] | None = None) -> list[Path]:
    """Folders below. Raises OSError, unless those that cannot be read are collected."""
    try:
        return sorted(child for child in path.iterdir() if not child.name.startswith(".") and child.is_dir())
    except OSError as error:
        if unreadable is None:
            raise
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            unreadable.append(error)
        return []


def decoded(data: bytes) -> str:
    """Callers' names come in what their telephone company writes: UTF-8 where it is that, else Windows-1252."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_TXT_BYTES)


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return Stamp(status.st_ino, status.st_mtime_ns, status.st_size)
