"""Mail that came damaged, put right before it is parsed: only what is plainly broken, and only by adding line ends.

Each repair is a defect that the message tells; the bytes as they came stay in the blob store.
"""

import re
from email.message import Message as MimePart
from itertools import islice

PART_LIMIT = 1_000
BOUNDARIES = 5

_HEADER = re.compile(rb"[!-9;-~]+:|[ \t]|>?From (?!:)")
_SPACE_BEFORE_COLON = re.compile(rb"([!-9;-~]{1,60})[ \t]+:")
# Fields whose absence costs something.
_NEEDED = re.compile(
    rb"(from|to|cc|subject|date|message-id|mime-version|content-type|content-transfer-encoding|reply-to|in-reply-to|"
    rb"references)[ \t]*:",
    re.IGNORECASE,
)
_MULTIPART = re.compile(rb"(?im)^content-type[ \t]*:[ \t]*multipart/[\w-]+")
_SEPARATOR = re.compile(rb"\r?\n\r?\n--([^\s-][^\r\n]{0,68}[^\s]|[^\s-])[ \t]*\r?\ncontent-", re.IGNORECASE)
_UNFINISHED = {"StartBoundaryNotFoundDefect", "CloseBoundaryNotFoundDefect"}


def mend_line_ends(data: bytes) -> tuple[bytes, str | None]:
    """Line ends that were doubled on the way (CR CR LF) would end the headers after the first one."""
    if b"\r\r\n" in data[:2000]:
        return data.replace(b"\r\r\n", b"\r\n"), "line ends were doubled"
    return data, None


def mend_headers(head: bytes) -> tuple[bytes, str | None]:
    """A header block with a line in its midst that is none: what follows would be taken for the text."""
    lines = head.splitlines(keepends=True)
    broken = [at for at, line in enumerate(lines) if line.strip() and not _HEADER.match(line)]
    if not broken or lines[broken[0]].startswith(b"--"):  # a multipart that begins without a blank line
        return head, None
    seen = {match.group(1).lower() for line in lines[: broken[0]] if (match := _NEEDED.match(line))}
    later = {match.group(1).lower() for line in lines[broken[0] :] if (match := _NEEDED.match(line))}
    if not later - seen:  # the text simply begins here
        return head, None
    for at in broken[:PART_LIMIT]:
        if match := _SPACE_BEFORE_COLON.match(lines[at]):
            lines[at] = match.group(1) + lines[at][match.end() - 1 :]
        else:
            lines[at] = (b" " if at else b"X-Broken: ") + lines[at]
    return b"".join(lines), "a broken line among the headers"


def mend_boundaries(data: bytes, root: MimePart) -> bytes | None:
    """The mail with its part separators on lines of their own and spelled as declared; None when nothing is to do."""
    mended = _with_boundary(data, root)
    for part in _unfinished(root):
        mark = b"--" + (part.get_boundary() or "").encode("utf-8", "surrogateescape")
        if len(mark) >= 6 and mended.count(mark) <= PART_LIMIT:
            mended = _unglued(mended, mark)
        if any(type(defect).__name__ == "StartBoundaryNotFoundDefect" for defect in part.defects):
            mended = _spelled(mended, mark)
    return mended if mended != data else None


def _unfinished(root: MimePart) -> list[MimePart]:
    """The multiparts whose separators the library missed; not many, for each costs passes over the whole mail."""
    found = (
        part
        for part in _parts(root)
        if part.get_boundary() and any(type(defect).__name__ in _UNFINISHED for defect in part.defects)
    )
    return list(islice(found, BOUNDARIES))


def _unglued(data: bytes, mark: bytes) -> bytes:
    """Separators on lines of their own that follow a text directly."""

    def apart(found: re.Match[bytes]) -> bytes:
        before = data[found.start() - 1 : found.start()] if found.start() else b"\n"
        return found.group() if before in (b"\r", b"\n", b"-") else b"\n" + found.group()

    return re.sub(re.escape(mark) + rb"(?:(?:--)?[ \t]*\r?\n|--[ \t]*\Z)", apart, data)


def _spelled(data: bytes, mark: bytes) -> bytes:
    """Separators that differ from the declared one in case."""
    small = data.lower()
    if small.count(mark.lower()) > PART_LIMIT:
        return data
    pieces: list[bytes] = []
    at = 0
    for found in re.finditer(re.escape(mark.lower()) + rb"(?=(?:--)?[ \t]*\r?(?:\n|\Z))", small):
        if small[found.start() - 1 : found.start()] in (b"", b"\n"):
            pieces += [data[at : found.start()], mark]
            at = found.end()
    return b"".join([*pieces, data[at:]]) if pieces else data


def _with_boundary(data: bytes, root: MimePart) -> bytes:
    """Where the mail is said to have parts and not what separates them: the line that does."""
    if root.get_content_maintype() != "multipart" or root.get_boundary():
        return data
    separator = _SEPARATOR.search(data)
    if separator is None or b"\n--" + separator.group(1) + b"--" not in data:
        return data
    boundary = separator.group(1).replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return _MULTIPART.sub(lambda match: match.group() + b'; boundary="' + boundary + b'"', data, count=1)


def _parts(root: MimePart) -> list[MimePart]:
    """All multiparts, outermost first, without recursion."""
    found: list[MimePart] = []
    waiting = [root]
    while waiting and len(found) < PART_LIMIT:
        part = waiting.pop(0)
        payload = part.get_payload() if part.is_multipart() else None
        if part.get_content_maintype() == "multipart":
            found.append(part)
        if isinstance(payload, list):
            waiting.extend(child for child in payload[:PART_LIMIT] if isinstance(child, MimePart))
    return found
