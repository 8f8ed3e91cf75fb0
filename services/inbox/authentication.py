"""Did the sender's domain authenticate? What our own mail server found (Authentication-Results, RFC 8601).

Anybody can write such a header into a mail. One is believed only when it carries the id of a server that the settings
name; without such settings the topmost one is noted, and noted as not believed.
"""

import re
from email.message import Message as MimePart
from typing import Any

from services.inbox import headers

_COMMENT = re.compile(r"\([^()]{0,500}\)")
_RESULT = re.compile(
    r"(?:^|;)\s*(spf|dkim|dmarc|arc)\s*=\s*(pass|fail|softfail|neutral|none|temperror|permerror|policy|bestguesspass)",
    re.IGNORECASE,
)
_DOMAIN = re.compile(r"\bheader\.(?:d|i|from)\s*=\s*@?([\w.-]{1,255})", re.IGNORECASE)
_FIRST_WINS = ("spf", "dmarc", "arc")


def read(root: MimePart, trusted_ids: list[str]) -> dict[str, Any]:
    """{"spf", "dkim", "dmarc", "arc": result, "dkim_domain", "authserv_id", "trusted": bool}; empty without any."""
    trusted = {name.strip().lower() for name in trusted_ids}
    topmost: dict[str, Any] = {}
    for raw in list(headers.raw_values(root, "authentication-results"))[:20]:
        value = _COMMENT.sub(" ", raw[:8000])
        words = value.split(";", 1)[0].split()
        authserv_id = words[0].lower() if words and "=" not in words[0] else ""
        found = _results(value)
        if authserv_id in trusted:
            return {**found, "authserv_id": authserv_id, "trusted": True}
        if not topmost and found:
            topmost = {**found, "authserv_id": authserv_id, "trusted": False}
    return topmost


def _results(value: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for clause in value.split(";"):
        match = _RESULT.match(f";{clause}")
        if not match:
            continue
        method, result = match.group(1).lower(), match.group(2).lower()
        if method in _FIRST_WINS:
            found.setdefault(method, result)
        elif found.get("dkim") != "pass":  # several signatures: one that passes is enough
            found["dkim"] = result
            domain = _DOMAIN.search(clause)
            if domain:
                found["dkim_domain"] = domain.group(1).lower()
    return found
