"""A mail opened with its long stretches set aside, so that the library sees the bones and not the flesh.

The standard library keeps a mail five to ten times over, a line at a time. What no line could divide into parts, beyond
its first bytes, is replaced by one mark before the library sees it; whoever wants the content of a part gets it back in
pieces, decoded as it is read.
"""

import heapq
import re
import secrets
from collections.abc import Iterator, Sequence
from email import message_from_bytes
from email.message import Message as MimePart
from itertools import chain

from services.inbox import headers

KEPT = 24_000  # bytes of a stretch, from its body on, that the library sees: headers of mails inside mails
KEPT_BASE64 = 1_000  # where nothing but an encoded file can follow
HEADERS = 300_000  # bytes in which the headers of a part end
SHORTEST = 8_000  # what is worth setting aside
LIMIT = 4_000_000  # bytes that the library is given at most
PART_LINES = 20_000  # lines that may begin a part: the library takes a fifth of a millisecond for each
# And some hundred bytes for each line: more lines than this, and than one for each 20 bytes, are no mail of a person.
LINES = 50_000
_DECLARATIONS = 1_000

# Nobody outside this process knows how a mark looks, so no mail can bring one.
_NONCE = secrets.token_hex(12)
_MARK = re.compile(rf"\[{_NONCE}:(\d+)\]")
_MARK_BYTES = re.compile(rf"\[{_NONCE}:(\d+)\]".encode())
_BLANK_LINE = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_DECLARED = re.compile(rb"boundary\*?0?\*?\s*=\s*(?:[\w-]*'[\w-]*')?(?:\"([^\"\r\n]{1,200})\"|([^\s;\"]{1,200}))")


class TooMuch(Exception):
    """It would cost the library more than a mail is worth. Its text says what there is too much of."""


def open_message(data: bytes) -> MimePart:
    """The message; `pieces` gives what was set aside of its parts. Raises TooMuch, and what the library raises."""
    bones, aside = b"", list[memoryview]()
    if data.count(b"\n--") + data.count(b"\r--") <= PART_LINES:
        bones, aside = _set_aside(data, _dividers(data, b""))
    if not bones or _too_much(bones):  # files full of lines that begin with dashes
        named = b"|".join(re.escape(each) for each in _declared(data))
        bones, aside = _set_aside(data, _dividers(data, named or rb"(?!)"))
    if reason := _too_much(bones):
        raise TooMuch(reason)
    return message_from_bytes(bones, policy=headers.GUARDED.with_aside(aside) if aside else headers.GUARDED)


def is_cut(part: MimePart) -> bool:
    """Whether some of this leaf's content was set aside."""
    payload = _payload_of(part)
    return isinstance(payload, str) and bool(_aside_of(part)) and _MARK.search(payload) is not None


def pieces(part: MimePart) -> Iterator[bytes | memoryview]:
    """The content of a leaf as it came, transfer-encoded, in pieces of any size."""
    payload = _payload_of(part)
    if isinstance(payload, str):
        for position, piece in enumerate(_MARK.split(payload)):
            yield _aside_of(part)[int(piece)] if position % 2 else piece.encode("utf-8", "surrogateescape")


def written(part: MimePart) -> tuple[bytes, Sequence[memoryview]]:
    """A whole part written down again, with marks, and what they stand for: see `restored`."""
    aside = _aside_of(part)
    policy = part.policy
    if any(b"\r\n" in bytes(each[:2_000]) for each in aside[:1]):
        policy = policy.clone(linesep="\r\n")
    return part.as_bytes(policy=policy), aside


def restored(bones: bytes, aside: Sequence[memoryview]) -> Iterator[bytes | memoryview]:
    for position, piece in enumerate(_MARK_BYTES.split(bones)):
        yield aside[int(piece)] if position % 2 else piece


def _payload_of(part: MimePart) -> object:
    """As the library keeps it: get_payload() would have replaced bytes of which it does not know the charset."""
    return getattr(part, "_payload", None)


def _aside_of(part: MimePart) -> Sequence[memoryview]:
    found: Sequence[memoryview] = getattr(part.policy, "aside", ())
    return found


def _dividers(data: bytes, named: bytes) -> Iterator[int]:
    """Where the line ends before a line that begins with two dashes and one of these names (a pattern)."""
    by_line_end = (re.finditer(end + b"--(?:" + named + b")", data) for end in (b"\n", b"\r"))
    for count, found in enumerate(heapq.merge(*by_line_end, key=lambda match: match.start())):
        if count >= PART_LINES:
            raise TooMuch(f"more than {PART_LINES} parts")
        yield found.start() - (data[found.start() - 1 : found.start() + 1] == b"\r\n")


def _set_aside(data: bytes, dividers: Iterator[int]) -> tuple[bytes, list[memoryview]]:
    """The mail with marks, and the stretches that they stand for."""
    if len(data) < KEPT_BASE64 + SHORTEST:
        return data, []
    whole = memoryview(data)
    bones: list[bytes | memoryview] = []
    aside: list[memoryview] = []
    start = kept_from = 0
    for end in chain(dividers, (len(data),)):
        cut = _cut(data, start, end) if end - start >= KEPT_BASE64 + SHORTEST else end
        if end - cut >= SHORTEST:
            bones += [whole[kept_from:cut], b"[%s:%d]" % (_NONCE.encode(), len(aside))]
            aside.append(whole[cut:end])
            kept_from = end
        start = end
    return (b"".join([*bones, whole[kept_from:]]), aside) if aside else (data, [])


def _cut(data: bytes, start: int, end: int) -> int:
    """From where on this stretch is set aside: after the headers and the first lines of the body."""
    blank = _BLANK_LINE.search(data, start + 1, min(end, start + HEADERS))
    if blank is None:
        return min(end, start + HEADERS)
    head = data[start : min(blank.end(), start + KEPT)].lower()
    cut = blank.end() + (KEPT_BASE64 if b"base64" in head and b"message/" not in head else KEPT)
    line_end = data.find(b"\n", cut, cut + 1_000)
    return min(line_end + 1 if line_end >= 0 else cut, end)


def _declared(data: bytes) -> list[bytes]:
    """The separators that any header of it names."""
    found: dict[bytes, None] = {}
    for match in _DECLARED.finditer(data.lower()):
        found[data[slice(*match.span(1 if match.group(1) else 2))]] = None
        if len(found) >= _DECLARATIONS:
            break
    return list(found)


def _too_much(bones: bytes) -> str | None:
    if len(bones) > LIMIT:
        return f"more than {LIMIT // 1_000_000} MB of headers and separators"
    if bones.count(b"\n--") > PART_LINES:
        return f"more than {PART_LINES} parts"
    if b"/delivery-status" in bones and bones.count(b"\n\n") + bones.count(b"\r\n\r\n") > PART_LINES:
        return f"a report with more than {PART_LINES} groups"
    lines = bones.count(b"\n") + bones.count(b"\r") - bones.count(b"\r\n")
    return "more lines than text" if lines > LINES + len(bones) // 20 else None
