"""What stands in a part, its transfer encoding undone: whole for what is read, in pieces for what is only kept."""

import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from email.message import Message as MimePart

from services.inbox import headers, outline

CHUNK = 256 * 1024
_LONG_LINE = 1_000_000  # bytes of quoted-printable without a line end, which nobody writes

_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))
# As they are misspelled; the library undoes those that are spelled right and leaves all others alone.
_PLAIN_LINE = re.compile(r"^(?=[^\n]{0,1000}[^A-Za-z0-9+/=\s])[^\n]", re.MULTILINE)
_ENCODINGS = {
    **dict.fromkeys(("base64", "base-64", "base 64", "b64"), "base64"),
    **dict.fromkeys(
        ("quoted-printable", "quotedprintable", "quoted_printable", "quoted printable"), "quoted-printable"
    ),
    **dict.fromkeys(("x-uuencode", "uuencode", "uue", "x-uue"), "uuencode"),
}
Pieces = Iterable[bytes | memoryview]


@dataclass(frozen=True)
class Content:
    """Bytes that are made when somebody takes them, so that a mail's files are never all in memory."""

    pieces: Callable[[], Pieces]
    size_at_most: int

    @classmethod
    def of(cls, data: bytes) -> "Content":
        return cls(lambda: (data,), len(data))

    def chunks(self) -> Iterator[bytes]:
        for piece in self.pieces():
            for at in range(0, len(piece), CHUNK):
                yield bytes(piece[at : at + CHUNK])

    def head(self, size: int) -> bytes:
        """Its first bytes."""
        found = b""
        for chunk in self.chunks():
            found += chunk
            if len(found) >= size:
                break
        return found[:size]

    def whole(self) -> bytes:
        return b"".join(self.chunks())


def of_part(part: MimePart) -> Content:
    """The content of a leaf."""
    if not outline.is_cut(part):
        return Content.of(payload_of(part))
    encoding = _encoding(part)
    size = sum(len(piece) for piece in outline.pieces(part))
    if encoding == "base64":
        return Content(lambda: _base64(outline.pieces(part)), size * 3 // 4 + 3)
    if encoding == "quoted-printable":
        return Content(lambda: _quoted_printable(outline.pieces(part)), size)
    if encoding == "uuencode":
        return Content.of(decoded(b"".join(outline.pieces(part)), "x-uuencode"))
    return Content(lambda: outline.pieces(part), size)


def of_message(part: MimePart) -> Content:
    """A message inside the message, written down as the file that it is."""
    try:
        bones, aside = outline.written(part)
    except Exception:  # parts that the generator cannot write again
        return Content.of(str(part.get_payload())[:CHUNK].encode("utf-8", "replace"))
    size = sum(len(piece) for piece in outline.restored(bones, aside))
    return Content(lambda: outline.restored(bones, aside), size)


def payload_of(part: MimePart) -> bytes:
    """The bytes of a part, its transfer encoding undone, however that is spelled."""
    if outline.is_cut(part):
        return of_part(part).whole()
    try:
        data = part.get_payload(decode=True)
    except Exception:  # a transfer encoding that the library cannot undo: as it came
        data = None
    if not isinstance(data, bytes):
        raw = part.get_payload()
        data = raw.encode("utf-8", "surrogateescape") if isinstance(raw, str) else b""
    spelled = _spelled(part)
    meant = _ENCODINGS.get(spelled.strip(" ;:\"'"), spelled)
    if meant == "base64" and part.get_content_maintype() in ("text", "multipart"):
        return _base64_text(part, data if meant == spelled else decoded(data, meant))
    return data if meant == spelled or meant == "uuencode" else decoded(data, meant)


def decoded(data: bytes, encoding: str) -> bytes:
    carrier = MimePart()
    carrier["Content-Transfer-Encoding"] = encoding
    carrier.set_payload(data.decode("ascii", "surrogateescape"))
    undone = carrier.get_payload(decode=True)
    return undone if isinstance(undone, bytes) else data


def _spelled(part: MimePart) -> str:
    return (headers.raw_value(part, "content-transfer-encoding") or "").lower()


def _encoding(part: MimePart) -> str:
    spelled = _spelled(part)
    return _ENCODINGS.get(spelled.strip(" ;:\"'"), spelled)


def _base64_text(part: MimePart, undone: bytes) -> bytes:
    """Lists and virus scanners put plain footers below an encoded text: the text, then the footer as it stands."""
    raw = part.get_payload()
    match = _PLAIN_LINE.search(raw) if isinstance(raw, str) else None
    if match is None or not isinstance(raw, str):
        return undone
    head, footer = raw[: match.start()], raw[match.start() :]
    return decoded(head.encode("utf-8", "surrogateescape"), "base64") + b"\n" + footer.encode("utf-8", "replace")


def _chunks(pieces: Pieces) -> Iterator[bytes]:
    for piece in pieces:
        for at in range(0, len(piece), CHUNK):
            yield bytes(piece[at : at + CHUNK])


def _base64(pieces: Pieces) -> Iterator[bytes]:
    """As far as the padding, like the library; what is no letter of it does not count."""
    left = b""
    for chunk in _chunks(pieces):
        letters = left + chunk.translate(None, _NOT_BASE64)
        end = letters.find(b"=")
        if end >= 0:
            left = letters[:end]
            break
        whole = len(letters) // 4 * 4
        yield binascii.a2b_base64(letters[:whole])
        left = letters[whole:]
    if len(left) % 4 == 1:  # one letter too many
        left = left[:-1]
    yield binascii.a2b_base64(left + b"=" * (-len(left) % 4))


def _quoted_printable(pieces: Pieces) -> Iterator[bytes]:
    left = b""
    for chunk in _chunks(pieces):
        text = left + chunk
        end = text.rfind(b"\n") + 1
        if not end and len(text) > _LONG_LINE:
            end = len(text) - 3 if b"=" in text[-3:] else len(text)
        yield binascii.a2b_qp(text[:end])
        left = text[end:]
    yield binascii.a2b_qp(left)
