"""Is this the same mail that another mailbox or folder got? Equal but for what the servers on the way wrote on it."""

import hashlib

# What the author's side wrote and no server on the way changes.
_AUTHORED = (b"from", b"sender", b"to", b"cc", b"subject", b"date", b"message-id", b"in-reply-to", b"content-type")


def fingerprint(raw: bytes) -> str:
    """SHA-256 over the authored headers and the body bytes; line endings and trailing blank lines do not count."""
    data = raw.replace(b"\r\n", b"\n").lstrip(b"\n")
    head, _, body = data.partition(b"\n\n")
    fields: dict[bytes, list[bytes]] = {}
    name = b""
    for line in head.split(b"\n"):
        if line[:1] in (b" ", b"\t") and name:
            fields[name][-1] += b" " + line.strip()
            continue
        key, colon, value = line.partition(b":")
        name = key.strip().lower() if colon else b""
        if name:
            fields.setdefault(name, []).append(value.strip())
    digest = hashlib.sha256()
    for wanted in _AUTHORED:
        for value in fields.get(wanted, []):
            digest.update(wanted + b":" + b" ".join(value.split()) + b"\n")
    digest.update(b"\n" + body.rstrip(b"\n"))
    return digest.hexdigest()
