"""Files uuencoded inside plain text: taken out of the body, line by line, and decoded when somebody wants them."""

import binascii
import re
from collections.abc import Iterator

from services.inbox.content import Content

FILES = 200
_BEGIN = re.compile(rb"^begin [0-7]{3,4} (\S.{0,199}?)[ \t]*\r?$", re.MULTILINE)


def take_out_uuencoded(text: bytes) -> tuple[bytes, list[tuple[str, Content]]]:
    """The text without them, and (name, content) of each. A block without its `end` stays text."""
    kept: list[bytes] = []
    files: list[tuple[str, Content]] = []
    at = failures = 0
    while failures < 20 and len(files) < FILES and (match := _BEGIN.search(text, at)):
        # Every failure has read to the end: many of them would be quadratic.
        first = match.end() + 1
        after = _end_of(text, first)
        if after is None:
            failures += 1
            kept.append(text[at:first])
            at = first
            continue
        kept.append(text[at : match.start()])
        name = match.group(1).decode("utf-8", "surrogateescape")
        files.append((name, Content(_Decoded(text, first, after), after - first)))
        at = after
    return b"".join([*kept, text[at:]]), files


class _Decoded:
    """Each call decodes the block anew."""

    def __init__(self, text: bytes, start: int, end: int) -> None:
        self._text, self._start, self._end = text, start, end

    def __call__(self) -> Iterator[bytes]:
        for line in _lines(self._text, self._start, self._end):
            yield _line(line) or b""


def _lines(text: bytes, start: int, end: int) -> Iterator[bytes]:
    while start < end:
        line_end = text.find(b"\n", start, end)
        line_end = end if line_end < 0 else line_end
        yield text[start:line_end].rstrip(b"\r")
        start = line_end + 1


def _end_of(text: bytes, start: int) -> int | None:
    """Where what follows the block begins; None when it has no end, or a line that is none."""
    at = start
    for line in _lines(text, start, len(text)):
        at += len(line) + 1 + (text[at + len(line) : at + len(line) + 1] == b"\r")
        if line.strip() == b"end":
            return min(at, len(text))
        if _line(line) is None:
            return None
    return None


def _line(line: bytes) -> bytes | None:
    """The bytes that one line stands for; None when it is no such line."""
    if line.strip() in (b"", b"`", b"end"):
        return b""
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        try:  # trailing garbage that broken encoders leave
            return binascii.a2b_uu(line[: (((line[0] - 32) & 63) * 4 + 5) // 3 + 1])
        except binascii.Error:
            return None
