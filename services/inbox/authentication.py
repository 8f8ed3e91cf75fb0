"""Did the sender's domain authenticate? What our own mail server found (Authentication-Results, RFC 8601).

Anybody can write such a header into a mail. One is believed only when it carries the id of a server that the settings
name; without such settings the topmost one is noted, and noted as not believed: then `verify.py` looks for itself.
"""

import re
from collections.abc import Sequence
from email.message import Message as MimePart
from enum import StrEnum
from typing import Any

from services.inbox import headers
from shared import domains


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105 - DMARC passed, or an aligned SPF or DKIM where the domain publishes no DMARC
    FAIL = "fail"  # DMARC failed, or the only evidence there is failed
    NONE = "none"  # nothing is published, nothing signed
    UNKNOWN = "unknown"  # nobody whom we believe has looked


_COMMENT = re.compile(r"\([^()]{0,500}\)")
_RESULT = re.compile(
    r"(?:^|;)\s*(spf|dkim|dmarc|arc)\s*=\s*(pass|fail|softfail|neutral|none|temperror|permerror|policy|bestguesspass)",
    re.IGNORECASE,
)
_SIGNER = re.compile(r"\bheader\.(?:d|i)\s*=\s*\"?[^\s@;\"]{0,200}?@?([\w.-]{1,255})", re.IGNORECASE)
_ENVELOPE = re.compile(r"\bsmtp\.(?:mailfrom|mail|helo)\s*=\s*\"?(?:[^\s@;\"]{0,200}@)?([\w.-]{1,255})", re.IGNORECASE)
_INSTANCE = re.compile(r"(?:^|;)\s*i\s*=\s*(\d{1,3})\b")
_SEALER = re.compile(r"(?:^|;)\s*d\s*=\s*([\w.-]{1,255})")
HEADER_LIMIT = 20


def read(root: MimePart, trusted_ids: Sequence[str], from_address: str, sealers: Sequence[str] = ()) -> dict[str, Any]:
    """What the receiving server found and the verdict that follows: see `message.authentication` for the shape."""
    trusted = {name.strip().lower() for name in trusted_ids}
    noted: dict[str, Any] = {"trusted": False}
    for raw in list(headers.raw_values(root, "authentication-results"))[:HEADER_LIMIT]:
        value = _COMMENT.sub(" ", raw[:8000])
        words = value.split(";", 1)[0].split()
        authserv_id = words[0].lower() if words and "=" not in words[0] else ""
        found = _results(value, domains.of_address(from_address))
        if authserv_id in trusted:
            from_domain = domains.of_address(from_address)
            verdict, domain = judge(found, from_domain)
            if verdict is not Verdict.PASS and sealed_pass(root, found, sealers, from_domain):
                verdict, domain = Verdict.PASS, from_domain
            return {
                **found,
                "authserv_id": authserv_id,
                "trusted": True,
                "verdict": verdict.value,
                "verified_by": "server",
                "domain": domain,
            }
        if len(noted) == 1 and found:
            noted = {**found, "authserv_id": authserv_id, "trusted": False}
    return {**noted, "verdict": Verdict.UNKNOWN.value, "verified_by": None, "domain": None}


def judge(found: dict[str, Any], from_domain: str) -> tuple[Verdict, str | None]:
    """The verdict of these results about a From of this domain, and the domain that authenticated."""
    dmarc = found.get("dmarc")
    if dmarc == "pass":
        return Verdict.PASS, from_domain or None
    if dmarc == "fail":
        return Verdict.FAIL, None
    # No DMARC policy, or none that could be read: what it would have looked at.
    for method, domain in (("dkim", found.get("dkim_domain")), ("spf", found.get("spf_domain"))):
        if found.get(method) == "pass" and domain and domains.aligned(domain, from_domain):
            return Verdict.PASS, domain
    results = {found[method] for method in ("spf", "dkim") if method in found}
    if "pass" not in results and results & {"fail", "softfail"}:
        return Verdict.FAIL, None
    if dmarc == "temperror" or (dmarc is None and results <= {"temperror"}):
        return Verdict.UNKNOWN, None
    return Verdict.NONE, None


def sealed_pass(root: MimePart, found: dict[str, Any], sealers: Sequence[str], from_domain: str) -> bool:
    """Forwarded by somebody whose word we take, who found that it authenticated before he passed it on (ARC)."""
    if found.get("arc") != "pass" or not sealers:
        return False
    seals = {_instance(raw): raw for raw in headers.raw_values(root, "arc-seal")}
    newest = max(seals, default=0)
    sealer = _SEALER.search(seals.get(newest, ""))
    if sealer is None or sealer.group(1).lower() not in {name.strip().lower() for name in sealers}:
        return False
    for raw in headers.raw_values(root, "arc-authentication-results"):
        if _instance(raw) == newest:
            return judge(_results(_COMMENT.sub(" ", raw[:8000]), from_domain), from_domain)[0] is Verdict.PASS
    return False


def _instance(value: str) -> int:
    match = _INSTANCE.search(value)
    return int(match.group(1)) if match else 0


def _results(value: str, from_domain: str) -> dict[str, Any]:
    """Each method's result. Of several signatures one that passes is enough, best one of the sender's own domain."""
    found: dict[str, Any] = {}
    for clause in value.split(";"):
        match = _RESULT.match(f";{clause}")
        if not match:
            continue
        method, result = match.group(1).lower(), match.group(2).lower()
        if method == "dkim":
            signer = _SIGNER.search(clause)
            domain = signer.group(1).lower() if signer else ""
            better = result == "pass" and domains.aligned(domain, from_domain)
            if found.get("dkim") != "pass" or better:
                found["dkim"] = result
                found.pop("dkim_domain", None)
                if domain:
                    found["dkim_domain"] = domain
        elif method not in found:
            found[method] = result
            envelope = _ENVELOPE.search(clause) if method == "spf" else None
            if envelope:
                found["spf_domain"] = envelope.group(1).lower()
    return found
