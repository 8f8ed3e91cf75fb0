"""Header fields of mail as it really comes: read without ever raising, and with the work capped.

The standard library's header parser is right more often than any other, but raises on some address groups and
takes time that grows faster than the header: so every access is guarded and long headers take a plainer way.
"""

import binascii
import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.message import Message as MimePart
from email.policy import EmailPolicy
from email.utils import getaddresses, parsedate_to_datetime
from functools import lru_cache
from typing import Any

from services.inbox import charsets

# Beyond this a header is not parsed by the grammar (seconds for 100 kB), but by the plain scanner.
GRAMMAR_LIMIT = 4_000
GRAMMAR_IN_ALL = 12_000  # characters of all headers of one name
COMMENTS = 30  # the grammar takes each of them apart inside the one around it
HEADER_LIMIT = 64_000
ADDRESS_LIMIT = 500
REFERENCE_LIMIT = 100

_MESSAGE_ID = re.compile(r"<[^<>\s]{1,990}>")
_FOLD = re.compile(r"[\r\n]+[ \t]*")
_ENCODED_WORD = re.compile(r"=\?([\w.:*+-]{1,60})\?([bBqQ])\?([^?]{0,2000})\?=")
_ENCODED_WORDS = re.compile(rf"{_ENCODED_WORD.pattern}(?:\s+{_ENCODED_WORD.pattern})*")
_ASIDE = re.compile("\ue000(\\d{1,5})\ue001")
# One mailbox as nearly all headers have it: atoms and a dot-atom (RFC 5322, 3.2.3); the grammar makes the same of it.
_PLAIN_ADDRESS = r"[a-zA-Z0-9_+=-]+(?:\.[a-zA-Z0-9_+=-]+)*@[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+"
_PLAIN_MAILBOX = re.compile(rf"(?:([\w'-]+(?: [\w'-]+)*) +)?<({_PLAIN_ADDRESS})>|({_PLAIN_ADDRESS})")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Text that PostgreSQL stores: no NULs, no lone surrogates (raw bytes become what they most likely were)."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return _raw_bytes_to_text(text)
    return text


def _raw_bytes_to_text(text: str) -> str:
    """8-bit bytes that the parser kept as surrogates: UTF-8 when they are that, else Windows-1252."""
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # surrogates that never were bytes
        return text.encode("utf-8", "replace").decode("utf-8", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        if all(character < "\x80" or "\udc80" <= character <= "\udcff" for character in text):
            return charsets.decode(data, None)[0]
        # Only the raw bytes are guessed at; what was good UTF-8 around them stays.
        return (
            "".join(
                bytes([ord(c) - 0xDC00]).decode("cp1252", "replace") if 0xDC80 <= ord(c) <= 0xDCFF else c for c in text
            )
            .encode("utf-8", "replace")
            .decode("utf-8")
        )


class GuardedPolicy(EmailPolicy):
    """`policy.default` whose header access neither raises nor takes long."""

    aside: Sequence[memoryview] = ()  # what `outline.py` has set aside of a message

    def with_aside(self, aside: Sequence[memoryview]) -> "GuardedPolicy":
        kept = {"aside": aside}
        return self.clone(**kept)  # type: ignore[arg-type]  # it takes any attribute of the class

    def header_fetch_parse(self, name: str, value: str) -> Any:
        if hasattr(value, "name"):
            return value
        text = _FOLD.sub(" ", clean(value))
        if len(text) > GRAMMAR_LIMIT or text.count("(") > COMMENTS:
            return text[:HEADER_LIMIT]
        if name.lower().startswith("content-"):
            return _content_header(name, text)
        return _by_grammar(name, text)

    def fold_binary(self, name: str, value: str) -> bytes:
        """As it came. The library would fold it anew, and never ends with some parameters full of NULs."""
        text = str(value).rstrip("\r\n")
        return f"{name}: {text}".encode("utf-8", "surrogateescape") + self.linesep.encode()


def _by_grammar(name: str, text: str) -> Any:
    try:
        return GUARDED.header_factory(name, text)
    except Exception:  # the grammar's own defects: AttributeError, IndexError and more
        return text


@lru_cache(maxsize=1024)
def _content_header(name: str, text: str) -> Any:
    """The library reads these a dozen times per part; most mail has the same few."""
    return _by_grammar(name, text)


GUARDED = GuardedPolicy(utf8=True)


def raw_values(part: MimePart, name: str) -> Iterator[str]:
    """Every value of a header as it stands, unfolded, raw bytes made text."""
    wanted = name.lower()
    for key, value in part.raw_items():
        if len(key) == len(wanted) and key.lower() == wanted:
            yield _FOLD.sub(" ", clean(str(value)[:HEADER_LIMIT])).strip()


def raw_value(part: MimePart, name: str) -> str | None:
    return next(raw_values(part, name), None)


def parameter(part: MimePart, name: str) -> str:
    """A parameter of Content-Type in lower case; '' when there is none, or none that can be read."""
    try:
        value = part.get_param(name)
    except Exception:  # RFC 2231 forms that cannot be decoded
        return ""
    return clean(value).strip().lower() if isinstance(value, str) else ""


def decode_words(value: str) -> str:
    """RFC 2047 encoded words to text, in linear time, those with broken base64 or odd charsets included."""
    if "=?" not in value:
        return value
    text: list[str] = []
    pending, charset, end = b"", "", 0  # of encoded words that follow each other: a character may be split between them
    for match in _ENCODED_WORD.finditer(value[:HEADER_LIMIT]):
        between = value[end : match.start()]
        end = match.end()
        adjacent = bool(pending) and not between.strip()
        if pending and not (adjacent and match.group(1).lower() == charset):
            text.append(charsets.decode(pending, charset)[0])
            pending = b""
        if not adjacent:
            text.append(between)
        charset = match.group(1).lower()
        pending += _word_bytes(match.group(2), match.group(3))
    if pending:
        text.append(charsets.decode(pending, charset)[0])
    return clean("".join(text) + value[end:HEADER_LIMIT])


def _word_bytes(how: str, word: str) -> bytes:
    data = word.encode("utf-8", "surrogateescape")
    if how in "qQ":
        return binascii.a2b_qp(data, header=True)
    data = _NOT_BASE64.sub(b"", data)
    with suppress(binascii.Error):
        return binascii.a2b_base64(data + b"=" * (-len(data) % 4))
    with suppress(binascii.Error):  # one letter too many
        return binascii.a2b_base64(data[: len(data) // 4 * 4])
    return data


def text_header(part: MimePart, name: str) -> str:
    """An unstructured header, decoded, on one line."""
    raw = raw_value(part, name) or ""
    if "\x1b$" in raw:  # ISO-2022-JP as it is, not in encoded words
        raw = charsets.decode(raw.encode("utf-8", "surrogateescape"), None)[0]
    return _CONTROL.sub(" ", " ".join(clean(decode_words(raw)).split()))


def is_address(value: str) -> bool:
    local, at, domain = value.rpartition("@")
    return bool(at and local and domain) and len(value) <= 320 and not any(c.isspace() or c in "<>," for c in value)


def addresses(part: MimePart, name: str) -> list[tuple[str, str]]:
    """(display name, address in lower case) of every mailbox in every such header, capped."""
    found: list[tuple[str, str]] = []
    characters = 0
    for raw in raw_values(part, name):
        characters += len(raw)
        for display, address in _parse_addresses(name, raw, by_grammar=characters <= GRAMMAR_IN_ALL):
            address = clean(address).strip().strip("<>").lower()
            if is_address(address):
                found.append((" ".join(_CONTROL.sub(" ", clean(display)).split()).strip("\"'"), address))
            if len(found) >= ADDRESS_LIMIT:
                return found
    return list(dict.fromkeys(found))


def _parse_addresses(name: str, raw: str, *, by_grammar: bool) -> list[tuple[str, str]]:
    """Encoded words are set aside while the list is taken apart: a comma inside one separates nothing."""
    words: list[str] = []

    def aside(match: re.Match[str]) -> str:
        words.append(decode_words(match.group()))
        return f"\ue000{len(words) - 1}\ue001"

    def back(text: str) -> str:
        return _ASIDE.sub(lambda match: words[int(match.group(1))] if int(match.group(1)) < len(words) else "", text)

    bare = _ENCODED_WORDS.sub(aside, _ASIDE.sub("", raw)) if "=?" in raw else raw
    by_grammar = by_grammar and bare.count("(") <= COMMENTS and len(bare) <= GRAMMAR_LIMIT
    pairs = _pairs(name, bare, by_grammar=by_grammar)
    if words:
        pairs = [(back(display), address) for display, address in pairs]
        if not any(is_address(address) for _, address in pairs):  # the address too stands in an encoded word
            return _pairs(name, " ".join(decode_words(raw).split()), by_grammar=by_grammar)
    return pairs


def _pairs(name: str, raw: str, *, by_grammar: bool) -> list[tuple[str, str]]:
    plain = _PLAIN_MAILBOX.fullmatch(raw)
    if plain is not None:  # the grammar takes twenty times as long
        return [(plain[1] or "", plain[2] or plain[3])]
    if by_grammar and len(raw) <= GRAMMAR_LIMIT:
        # An address group raises AttributeError in the standard library (unlisted-recipients:;).
        with suppress(Exception):
            header = GUARDED.header_factory(name, raw)
            pairs = [(address.display_name, address.addr_spec) for address in header.addresses]
            if any(is_address(spec) for _, spec in pairs):
                return pairs
    try:
        return getaddresses([raw])
    except Exception:  # getaddresses on what is not an address list
        return [("", match) for match in re.findall(r"[^\s<>,;:\"]{1,200}@[^\s<>,;:\"]{1,200}", raw[:GRAMMAR_LIMIT])]


def message_id(part: MimePart) -> str | None:
    raw = raw_value(part, "message-id")
    if not raw:
        return None
    match = _MESSAGE_ID.search(raw)
    if match:
        return _storable_id(match.group())
    word = raw.split()[0].strip("<>") if raw.split() else ""
    return _storable_id(f"<{word[:990]}>") if word else None


def message_ids(part: MimePart, name: str) -> list[str]:
    """Ids in order; of too many, the first and the newest are kept."""
    found = (match for raw in raw_values(part, name) for match in _MESSAGE_ID.findall(raw))
    ids = list(dict.fromkeys(map(_storable_id, found)))
    return ids if len(ids) <= REFERENCE_LIMIT else [ids[0], *ids[-(REFERENCE_LIMIT - 1) :]]


def _storable_id(rfc_id: str) -> str:
    """As it is, or its hash where it has more bytes than a line of mail (RFC 5322, section 2.1.1).

    An index of the store takes no more than 2.7 kB, and whoever answers it names the same hash.
    """
    raw = rfc_id.encode("utf-8", "surrogateescape")
    return rfc_id if len(raw) <= 998 else f"<{hashlib.sha256(raw).hexdigest()}@too-long.invalid>"


def date_header(part: MimePart) -> datetime | None:
    """What the Date header claims, when it is a date of this age."""
    raw = raw_value(part, "date")
    if not raw:
        return None
    try:
        moment = parsedate_to_datetime(raw[:200])
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if 1980 <= moment.year <= 2200 else None
