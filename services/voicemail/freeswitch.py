"""A FreeSWITCH's voicemail: which files stand in its storage, and what its events and lists say of them.

{storage}/{domain}/{user}/msg_{uuid}.{ext}, written in place while the caller speaks: nothing marks the end, so a file
is whole when its event has come (mod_voicemail fires `leave-message` after recording) or when it has been left alone
for a while. Nothing is written here.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

MAINTENANCE = "vm::maintenance"
TYPES = {".wav": "audio/wav", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".flac": "audio/flac", ".gsm": "audio/x-gsm",
         ".ul": "audio/ulaw", ".pcmu": "audio/ulaw", ".al": "audio/alaw", ".pcma": "audio/alaw"}  # fmt: skip
_MESSAGE = re.compile(r"msg_([0-9A-Za-z-]{8,64})(\.[0-9A-Za-z]{2,5})")
_ARGUMENT = re.compile(r"[\w.@+-]{1,200}")


@dataclass(frozen=True)
class Found:
    """A message that stands in the storage."""

    domain: str
    user: str
    uuid: str
    path: Path
    size: int
    mtime_ns: int

    @property
    def content_type(self) -> str:
        return TYPES[self.path.suffix.lower()]


@dataclass(frozen=True)
class Said:
    """What FreeSWITCH says of a message."""

    domain: str
    user: str
    uuid: str
    path: str
    name: str = ""
    number: str = ""
    urgent: bool = False
    seconds: float | None = None
    at: datetime | None = None


def scan(storage: Path) -> Iterator[Found]:
    """Every message, whole or not. Raises OSError when the storage itself cannot be read."""
    for domain in sorted(each for each in storage.iterdir() if each.is_dir() and not each.name.startswith(".")):
        for path in sorted(domain.glob("*/msg_*")):
            found = look(storage, path)
            if found is not None:
                yield found


def look(storage: Path, path: Path) -> Found | None:
    """The message at this place; None when there is none, or its name is not one of a message."""
    match = _MESSAGE.fullmatch(path.name)
    if match is None or match[2].lower() not in TYPES:
        return None
    try:
        domain, user, _ = path.relative_to(storage).parts
        status = path.stat()
    except (ValueError, OSError):
        return None
    return Found(domain, user, match[1], path, status.st_size, status.st_mtime_ns)


def here(path: str, storage: Path, storage_there: str) -> Path | None:
    """Where a file of FreeSWITCH's lies for us; None when it is not in the storage."""
    try:
        inside = PurePosixPath(path).relative_to(PurePosixPath(storage_there))
    except ValueError:
        return None
    return None if ".." in inside.parts else storage / inside


def of_event(event: Mapping[str, str]) -> Said | None:
    """A message that was just left; None for every other event."""
    if event.get("event-subclass") != MAINTENANCE or event.get("vm-action") != "leave-message":
        return None
    if not event.get("vm-uuid") or not event.get("vm-file-path"):
        return None
    return Said(
        domain=event.get("vm-domain", ""),
        user=event.get("vm-user", ""),
        uuid=event["vm-uuid"],
        path=event["vm-file-path"],
        name=event.get("vm-caller-id-name", ""),
        number=event.get("vm-caller-id-number", ""),
        urgent=event.get("vm-flags", "") == "A_URGENT",
        seconds=_number(event.get("vm-message-len", "")),
        at=_instant(event.get("vm-timestamp", "")),
    )


def of_list(text: str) -> dict[str, Said]:
    """By uuid, what `vm_list <user>@<domain> xml` says; nothing when it is not XML. No entity is ever resolved."""
    if "<!" in text:
        return {}
    try:
        root = ET.fromstring(text)  # noqa: S314 - of our own phone system, and without declarations
    except ET.ParseError:
        return {}
    found = (
        Said(
            domain=each.findtext("domain", ""),
            user=each.findtext("username", ""),
            uuid=each.findtext("uuid", ""),
            path=each.findtext("path", ""),
            name=each.findtext("cid-name", ""),
            number=each.findtext("cid-number", ""),
            at=_instant(each.findtext("created_epoch", "")),
        )
        for each in root.iter("message")
    )
    return {each.uuid: each for each in found if each.uuid}


def list_command(user: str, domain: str) -> str | None:
    """None where the names could be more than names."""
    return f"api vm_list {user}@{domain} xml" if _ARGUMENT.fullmatch(user) and _ARGUMENT.fullmatch(domain) else None


def read_command(user: str, domain: str, uuid: str) -> str | None:
    """Marks one message as read: `vm_read <id>@<domain>[/profile] <read|unread> [<uuid>]` of mod_voicemail."""
    if not all(_ARGUMENT.fullmatch(each) for each in (user, domain, uuid)):
        return None
    return f"api vm_read {user}@{domain} read {uuid}"


def _number(text: str) -> float | None:
    try:
        return max(0.0, float(text))
    except ValueError:
        return None


def _instant(text: str) -> datetime | None:
    seconds = _number(text)
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None and 0 < seconds < 1 << 33 else None
