"""Who called our callback address: the telephone providers' rules of signing, as pure functions.

Twilio: base64 of HMAC-SHA1 with the account's auth token over the full URL and, of a form, each parameter's name and
value in the order of the names, repeated values once each; of a JSON body the URL alone, which then carries
`bodySHA256`. The port counts or not: Twilio's own signers differ, so both are tried. Blank parameters count.
Source: twilio.com/docs/usage/webhooks/webhooks-security and `twilio.request_validator` of the library twilio 9 (2026).
That library is 12 MB and brings aiohttp, requests and PyJWT for these forty lines: docs/decisions/0016.

Telnyx: an Ed25519 signature over `{timestamp}|{body}` in the headers `telnyx-signature-ed25519` and
`telnyx-timestamp`. Source: developers.telnyx.com, «Webhook signing».
"""

import base64
import binascii
import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TOLERANCE_S = 300  # of Telnyx's timestamp: an older request is a replay


def form(body: bytes) -> list[tuple[str, str]]:
    """The parameters of a form, blank ones kept and nothing trimmed. Raises ValueError."""
    return parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=200)


def twilio(token: str, url: str, parameters: Iterable[tuple[str, str]]) -> str:
    """What Twilio sends as X-Twilio-Signature for this URL, letter for letter."""
    values: defaultdict[str, set[str]] = defaultdict(set)
    for name, value in parameters:
        values[name].add(value)
    signed = url + "".join(name + value for name in sorted(values) for value in sorted(values[name]))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def is_of_twilio(tokens: Sequence[str], url: str, content_type: str, body: bytes, signature: str) -> bool:
    """Whether one of the tokens made this signature. `url` is what the provider called, with its query."""
    body_hash = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True)).get("bodySHA256")
    parameters: list[tuple[str, str]] = []
    if body_hash is not None:
        if not hmac.compare_digest(hashlib.sha256(body).hexdigest().encode(), body_hash.lower().encode()):
            return False
    elif content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        try:
            parameters = form(body)
        except ValueError:
            return False
    elif body:
        return False  # nothing says that this body is what was signed
    given = signature.encode()
    return any(
        hmac.compare_digest(twilio(token, each, parameters).encode(), given)
        for token in tokens
        for each in (_with_port(url), _without_port(url))
    )


def is_of_telnyx(public_key: str, body: bytes, timestamp: str, signature: str, now_s: float) -> bool:
    """`now_s`: seconds since 1970."""
    try:
        if abs(now_s - int(timestamp)) > TOLERANCE_S:
            return False
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(signature, validate=True), timestamp.encode() + b"|" + body)
    except (ValueError, binascii.Error, InvalidSignature):
        return False
    return True


def _with_port(url: str) -> str:
    parts = urlsplit(url)
    if parts.port is not None:
        return url
    return urlunsplit(parts._replace(netloc=f"{parts.netloc}:{443 if parts.scheme == 'https' else 80}"))


def _without_port(url: str) -> str:
    parts = urlsplit(url)
    if parts.port is None:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition(":")[0]))
