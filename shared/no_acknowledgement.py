"""Links by which somebody stops our automatic acknowledgements (RFC 2369, RFC 8058): signed, so that nobody can stop
another's, and with nothing to look up.

The address that the acknowledgement went to is in the link itself; in the mail form it must be the sender's.
"""

import base64
import binascii
import hashlib
import hmac

TAG = "stop."  # begins the plus part of the address that such a mail goes to: help+stop.0123…@center


def _mark(secret: str, address: str) -> str:
    return hmac.new(secret.encode(), f"no-acknowledgement:{address.lower()}".encode(), hashlib.sha256).hexdigest()[:24]


def tag(secret: str, address: str) -> str:
    return TAG + _mark(secret, address)


def is_tag_of(secret: str, address: str, plus_part: str) -> bool:
    """Whether a mail from this address to this plus part asks for it."""
    return hmac.compare_digest(plus_part.lower().encode(), tag(secret, address).encode())


def token(secret: str, address: str) -> str:
    """For a link: the address and our mark."""
    return f"{base64.urlsafe_b64encode(address.lower().encode()).decode().rstrip('=')}.{_mark(secret, address)}"


def address_of(secret: str, token: str) -> str | None:
    """The address of a link of ours; None for any other text."""
    encoded, _, mark = token.partition(".")
    try:
        address = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return address if hmac.compare_digest(mark.encode(), _mark(secret, address).encode()) else None
