"""Is this the same mail that another mailbox or folder got? Equal but for what the servers on the way wrote on it."""

import hashlib

# What the author's side wrote and no server on the way changes.
_AUTHORED = (b"from", b"sender", b"to", b"cc", b"subject", b"date", b"message-id", b"in-reply-to", b"content-type")
_CHUNK = 1_000_000
_HEADERS = 1_000_000  # bytes of headers that are compared


def fingerprint(raw: bytes) -> str:
    """SHA-256 over the authored headers and the body bytes; line endings and trailing blank lines do not count."""
    start = len(raw) - len(raw.lstrip(b"\r\n"))
    ends = [at for mark in (b"\r\n\r\n", b"\n\n") if (at := raw.find(mark, start)) >= 0]
    end = min(ends, default=len(raw))
    digest = hashlib.sha256()
    _add_headers(digest, raw[start : min(end, start + _HEADERS)].replace(b"\r\n", b"\n"))
    digest.update(b"\n")
    _add_body(digest, memoryview(raw)[end:])
    return digest.hexdigest()


def _add_headers(digest: "hashlib._Hash", head: bytes) -> None:
    fields: dict[bytes, list[bytes]] = {}
    name = b""
    for line in head.split(b"\n"):
        if line[:1] in (b" ", b"\t") and name:
            fields[name].append(line)
            continue
        key, colon, value = line.partition(b":")
        name = key.strip().lower() if colon else b""
        if name in _AUTHORED:
            fields.setdefault(name, []).append(b"\n" + value)
        else:
            name = b""
    for wanted in _AUTHORED:
        for value in b" ".join(fields.get(wanted, [])).split(b"\n")[1:]:
            digest.update(wanted + b":" + b" ".join(value.split()) + b"\n")


def _add_body(digest: "hashlib._Hash", body: memoryview) -> None:
    """In pieces, so that no copy of a large mail is made; line ends at the end of a piece wait for what follows."""
    held = b""
    for at in range(0, len(body), _CHUNK):
        piece = held + body[at : at + _CHUNK]
        kept = piece.rstrip(b"\r\n")
        held = piece[len(kept) :]
        if not kept:
            continue
        digest.update(kept.replace(b"\r\n", b"\n"))
    # What is still held are trailing blank lines.
