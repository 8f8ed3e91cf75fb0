"""Outlook's winmail.dat opened: its body and its files. TNEF as [MS-OXTNEF] describes it, in one pass, bounded.

The one library for it on the registry has had no release for years, copies the rest of the stream for every attribute
and believes counts of four billion rows; this reads what a mail needs and believes no length that leaves the stream.
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from services.inbox import charsets, rtf

SIGNATURE = b"\x78\x9f\x3e\x22"
ATTRIBUTE_LIMIT = 5_000
PROPERTY_LIMIT = 5_000
VALUE_LIMIT = 100  # of a property with several
DEPTH = 3  # of messages inside messages

_BODY, _SUBJECT = 0x800C, 0x8004
_CODEPAGE = 0x9007
_NEW_FILE, _FILE_TITLE, _FILE_DATA, _FILE_PROPERTIES = 0x9002, 0x8010, 0x800F, 0x9005
_PROPERTIES = 0x9003

# Properties ([MS-OXPROPS]) that matter here.
_P_BODY, _P_RTF, _P_HTML, _P_CODEPAGE = 0x1000, 0x1009, 0x1013, 0x3FDE
_P_NAME, _P_LONG_NAME, _P_MIME, _P_CONTENT_ID, _P_OBJECT = 0x3704, 0x3707, 0x370E, 0x3712, 0x3701

_STRING, _UNICODE, _OBJECT, _BINARY = 0x1E, 0x1F, 0x0D, 0x102
_FIXED = {
    0x00: 0, 0x01: 0, 0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8,
    0x48: 16,
}  # fmt: skip


@dataclass
class TnefFile:
    name: str = ""
    data: bytes = b""
    content_type: str | None = None
    content_id: str | None = None


@dataclass
class Tnef:
    text: str = ""
    html: str = ""
    rtf: bytes = b""
    files: list[TnefFile] = field(default_factory=list)


def read(data: bytes, depth: int = DEPTH) -> Tnef | None:
    """What stands in it as far as it can be read; None when it is no TNEF."""
    if not data.startswith(SIGNATURE):
        return None
    found = Tnef()
    codepage = "cp1252"
    current: TnefFile | None = None
    for name, value in _attributes(memoryview(data)):
        if name == _CODEPAGE and len(value) >= 4:
            codepage = f"cp{_u32(value, 0)}"
        elif name == _BODY:
            found.text = _text(bytes(value), codepage)
        elif name == _PROPERTIES:
            _read_body(found, value, codepage)
        elif name == _NEW_FILE:
            current = TnefFile()
            found.files.append(current)
        elif current is not None and name == _FILE_TITLE:
            current.name = current.name or _text(bytes(value), codepage)
        elif current is not None and name == _FILE_DATA:
            current.data = bytes(value)
        elif current is not None and name == _FILE_PROPERTIES:
            _read_file(found, current, value, codepage, depth)
    found.files = [each for each in found.files if each.data or each.name]
    return found


def _attributes(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """(identifier, value): level 1 byte, identifier 2, type 2, length 4, value, checksum 2; little-endian."""
    at = 6
    for _ in range(ATTRIBUTE_LIMIT):
        if at + 9 > len(data):
            return
        name, length = struct.unpack_from("<xH2xI", data, at)
        yield name, data[at + 9 : at + 9 + length]
        at += 11 + length


def _read_body(found: Tnef, value: memoryview, codepage: str) -> None:
    properties = dict(_properties(value))
    declared = properties.get(_P_CODEPAGE, (0, b""))[1]
    html_codepage = f"cp{_u32(declared, 0)}" if len(declared) >= 4 else codepage
    if _P_BODY in properties:
        found.text = _string(properties[_P_BODY], codepage)
    if _P_RTF in properties:
        found.rtf = rtf.decompress(bytes(properties[_P_RTF][1]))
    if _P_HTML in properties:
        found.html = _string(properties[_P_HTML], "utf-8" if html_codepage == "cp65001" else html_codepage)


def _read_file(found: Tnef, current: TnefFile, value: memoryview, codepage: str, depth: int) -> None:
    for name, typed in _properties(value):
        if name == _P_LONG_NAME or (name == _P_NAME and not current.name):
            current.name = _string(typed, codepage)
        elif name == _P_MIME:
            current.content_type = _string(typed, codepage).lower()
        elif name == _P_CONTENT_ID:
            current.content_id = _string(typed, codepage).strip("<> ")
        elif name == _P_OBJECT:
            content = bytes(typed[1][16:] if typed[0] == _OBJECT else typed[1])  # after the id of its interface
            inner = read(content, depth - 1) if depth > 0 else None
            if inner is None:
                current.data = current.data or content
            else:  # a message inside the message
                current.data = (inner.text or inner.html).encode()
                current.content_type = "text/plain" if inner.text else "text/html"
                current.name += "" if current.name.lower().endswith((".txt", ".html")) else (
                    ".txt" if inner.text else ".html"
                )  # fmt: skip
                found.files.extend(inner.files)


def _properties(data: memoryview) -> Iterator[tuple[int, tuple[int, memoryview]]]:
    """(identifier, (type, its first value)). Ends quietly where the lengths leave the stream."""
    with suppress(struct.error):
        count, at = _u32(data, 0), 4
        for _ in range(min(count, PROPERTY_LIMIT)):
            kind, name = struct.unpack_from("<HH", data, at)
            at += 4
            if name >= 0x8000:  # a named property: its set, then a number or a name
                numbered = _u32(data, at + 16) == 0
                at += 24 if numbered else 24 + _padded(_u32(data, at + 20))
            several, kind = bool(kind & 0x1000), kind & ~0x1000
            values = 1
            if several or kind in (_STRING, _UNICODE, _OBJECT, _BINARY):
                values, at = _u32(data, at), at + 4
            if values > VALUE_LIMIT:
                return
            first: memoryview | None = None
            for _ in range(values):
                if kind in _FIXED:
                    length = size = _FIXED[kind]
                else:
                    length = _u32(data, at)
                    at += 4
                    size = _padded(length)
                first = data[at : at + length] if first is None else first
                at += size
            if at > len(data) + 3:
                return
            if first is not None:
                yield name, (kind, first)


def _u32(data: memoryview | bytes, at: int) -> int:
    return int(struct.unpack_from("<I", data, at)[0])


def _padded(length: int) -> int:
    return (length + 3) & ~3


def _string(typed: tuple[int, memoryview], codepage: str) -> str:
    kind, value = typed
    if kind == _UNICODE:
        return bytes(value).decode("utf-16-le", "replace").rstrip("\x00")
    return _text(bytes(value), codepage)


def _text(data: bytes, codepage: str) -> str:
    return charsets.decode(data.rstrip(b"\x00"), codepage)[0].rstrip("\x00")
