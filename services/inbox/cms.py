"""S/MIME: what stands inside a signed message, and whether one is encrypted (CMS, RFC 5652).

The signature itself is not checked: whether the sender is who he says is DKIM's and DMARC's matter here. Outlook and
OpenSSL write the stream in chunks of untold length (BER), which is why this walks the tags by itself.
"""

from collections.abc import Iterator

SIGNED = bytes.fromhex("2a864886f70d010702")
ENVELOPED = {
    bytes.fromhex("2a864886f70d010703"),  # envelopedData
    bytes.fromhex("2a864886f70d0109100117"),  # authEnvelopedData, RFC 5083
    bytes.fromhex("2a864886f70d010706"),  # encryptedData
}
_CHUNKS = 200_000
_DEPTH = 12


class _Broken(Exception):
    """These bytes are not the structure that they claim to be."""


def is_encrypted(data: bytes) -> bool:
    try:
        kind, _ = _content(data)
    except _Broken:
        return False
    return kind in ENVELOPED


def signed_content(data: bytes) -> bytes | None:
    """The message that was signed; None when there is none inside, or the bytes are something else."""
    try:
        kind, content = _content(data)
        if kind != SIGNED:
            return None
        fields = _children(*content, data)  # SignedData: version, digest algorithms, content, …
        next(fields), next(fields)
        inner = _children(*_inside(next(fields)), data)
        next(inner)  # the type of what was signed
        wrapper = next(inner)  # [0], absent when the signature stands apart
        octets = next(_children(*_inside(wrapper), data))
        return b"".join(_octets(octets, data))
    except (_Broken, StopIteration):
        return None


# One element: (tag, start and end of its content).
_Element = tuple[int, int, int]


def _content(data: bytes) -> tuple[bytes, tuple[int, int]]:
    """ContentInfo: the identifier of its type, and where its content's own content lies."""
    try:
        outer = next(_children(0, len(data), data))
        fields = _children(*_inside(outer), data)
        tag, start, end = next(fields)
        if tag != 0x06:
            raise _Broken
        wrapper = next(fields)
        return data[start:end], _inside(next(_children(*_inside(wrapper), data)))
    except StopIteration:
        raise _Broken from None


def _inside(element: _Element) -> tuple[int, int]:
    return element[1], element[2]


def _children(start: int, end: int, data: bytes) -> Iterator[_Element]:
    at = start
    while at < end:
        tag, begin, stop, after = _element(at, end, data, 0)
        if tag == 0 and begin == stop:  # the end of a stream without length
            return
        yield tag, begin, stop
        at = after


def _element(at: int, end: int, data: bytes, depth: int) -> tuple[int, int, int, int]:
    """(tag, start of content, end of content, start of the next element)."""
    if at + 2 > end or depth > _DEPTH:
        raise _Broken
    tag, length = data[at], data[at + 1]
    at += 2
    if tag & 0x1F == 0x1F:  # tags of several bytes have no place in what is read here
        raise _Broken
    if length == 0x80:
        return (tag, at, *_until_end_marks(at, end, data, depth + 1))
    if length > 0x80:
        size = length & 0x7F
        if size > 5 or at + size > end:
            raise _Broken
        length = int.from_bytes(data[at : at + size], "big")
        at += size
    stop = min(at + length, end)  # a cut message shows what there is of it
    return tag, at, stop, stop


def _until_end_marks(at: int, end: int, data: bytes, depth: int) -> tuple[int, int]:
    """Of content without a length: where it ends, and where the next element begins."""
    for _ in range(_CHUNKS):
        if at >= end:
            return end, end
        if data[at : at + 2] == b"\x00\x00":
            return at, at + 2
        at = _element(at, end, data, depth)[3]
    raise _Broken


def _octets(element: _Element, data: bytes) -> Iterator[bytes]:
    """An OCTET STRING, whole or in chunks."""
    tag, start, end = element
    if tag == 0x04:
        yield data[start:end]
    elif tag == 0x24:
        for chunk in _children(start, end, data):
            yield data[chunk[1] : chunk[2]]
    else:
        raise _Broken
