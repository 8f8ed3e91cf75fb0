"""What an attachment is called: as the sender named it, and so that it is a name and nothing else."""

import mimetypes
import re
from email.message import Message as MimePart
from pathlib import PurePosixPath

from services.inbox import headers

# Path separators, what Windows refuses, and marks that turn the reading direction («gpj.exe» that reads «exe.jpg»).
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f/\\:*?\"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffd]+")
_LENGTH = 200


def given(part: MimePart) -> str:
    """The name in Content-Disposition or Content-Type, decoded; '' without one."""
    try:
        name = part.get_filename()
    except Exception:  # RFC 2231 forms that cannot be decoded
        name = None
    if not name:
        return ""
    # Names are often encoded words, which RFC 2047 forbids there.
    return headers.decode_words(headers.clean(name))


def of(part: MimePart, otherwise: str = "unnamed", extension: str | None = None) -> str:
    """A name for the file of this part."""
    name = given(part)
    if not name:
        ending = extension if extension is not None else mimetypes.guess_extension(part.get_content_type()) or ""
        name = f"{otherwise[:80]}{ending}"
    return safe(name)


def safe(name: str) -> str:
    """Without folders or control characters, at most 200 characters with its ending."""
    name = _UNSAFE.sub("_", headers.clean(name).replace("\\", "/").rsplit("/", 1)[-1]).strip(" .") or "unnamed"
    if len(name) > _LENGTH:
        suffix = PurePosixPath(name).suffix[:20]
        name = name[: _LENGTH - len(suffix)] + suffix
    return name


def kind_of(name: str) -> str:
    """The type that a name's ending stands for."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
