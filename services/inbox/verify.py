"""Who really wrote, looked up here: DKIM (RFC 6376), the domain's DMARC policy (RFC 7489) and ARC (RFC 8617).

For mail in which no server that we trust has said so. SPF cannot be checked any more when the connection is gone: a
mail that only SPF could have authenticated stays unknown, and is no failure.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import Message as MimePart
from typing import Any

import dkim
import structlog

from services.inbox import authentication, headers
from services.inbox.authentication import Verdict
from services.inbox.dns_lookup import DnsAway, Txt
from shared import domains

log = structlog.get_logger(__name__)

SIZE_LIMIT = 10_000_000  # bytes of a mail whose body is hashed here
SIGNATURES = 5
SEALS = 10
MINIMUM_KEY = 1024  # bits, RFC 8301


@dataclass
class _Lookups:
    """DNS for one mail, as dkimpy asks for it; remembers whether an answer is missing."""

    txt: Txt
    deadline: float
    away: bool = False
    answers: dict[str, list[bytes]] = field(default_factory=dict)

    def all(self, name: str) -> list[bytes]:
        if name not in self.answers:
            left = self.deadline - time.monotonic()
            try:
                if left <= 0:
                    raise DnsAway(name)
                self.answers[name] = self.txt(name, left)
            except DnsAway:
                self.away = True
                self.answers[name] = []
        return self.answers[name]

    def first(self, name: bytes, timeout: float = 0) -> bytes | None:
        """dkimpy's own wish for a time-out is not heard: the mail's deadline counts."""
        return next(iter(self.all(name.decode("ascii", "replace").rstrip("."))), None)


def check(
    raw: bytes, root: MimePart, from_address: str, txt: Txt, *, budget_s: float, sealers: Sequence[str] = ()
) -> dict[str, Any]:
    """What goes into `message.authentication`, found here. Takes at most about `budget_s` for DNS."""
    lookups = _Lookups(txt, time.monotonic() + budget_s)
    from_domain = domains.of_address(from_address)
    if not from_domain or len(raw) > SIZE_LIMIT:
        return _outcome({}, Verdict.UNKNOWN, None)
    found = _signatures(raw, root, from_domain, lookups)
    policy = _policy(from_domain, lookups)
    if next(headers.raw_values(root, "arc-seal"), None) is not None:
        found["arc"] = _chain(raw, root, lookups)
    verdict, domain = _judge(found, policy, from_domain, root, away=lookups.away)
    if verdict is not Verdict.PASS and authentication.sealed_pass(root, found, sealers, from_domain):
        verdict, domain = Verdict.PASS, from_domain
    return _outcome(found, verdict, domain)


def _outcome(found: dict[str, Any], verdict: Verdict, domain: str | None) -> dict[str, Any]:
    here = "here" if verdict is not Verdict.UNKNOWN else None
    return {**found, "trusted": here is not None, "verdict": verdict.value, "verified_by": here, "domain": domain}


def _judge(
    found: dict[str, Any], policy: dict[str, str] | None, from_domain: str, root: MimePart, *, away: bool
) -> tuple[Verdict, str | None]:
    signer = found.get("dkim_domain", "")
    strict = policy is not None and policy.get("adkim") == "s"
    is_aligned = signer == from_domain if strict else domains.aligned(signer, from_domain)
    if found["dkim"] == "pass" and is_aligned:
        if policy is not None:
            found["dmarc"] = "pass"
        return Verdict.PASS, signer
    if away:
        return Verdict.UNKNOWN, None
    broken = found["dkim"] == "fail" and is_aligned
    if policy is None:
        return (Verdict.FAIL if broken else Verdict.NONE), None
    envelope = domains.of_address((headers.raw_value(root, "return-path") or "").strip("<> "))
    if not broken and (not envelope or domains.aligned(envelope, from_domain)):
        return Verdict.UNKNOWN, None  # SPF alone may have authenticated it
    found["dmarc"] = "fail"
    return Verdict.FAIL, None


def _signatures(raw: bytes, root: MimePart, from_domain: str, lookups: _Lookups) -> dict[str, Any]:
    """The best of the signatures: one of the sender's own domain that holds, one that holds, one that does not."""
    number = len(list(headers.raw_values(root, "dkim-signature")))
    best, found = 0, {"dkim": "none"}
    for index in range(min(number, SIGNATURES)):
        result, domain = _signature(raw, index, lookups)
        rank = 1 + 2 * (result == "pass") + domains.aligned(domain, from_domain)
        if rank > best:
            best, found = rank, {"dkim": result, "dkim_domain": domain}
    return found


def _signature(raw: bytes, index: int, lookups: _Lookups) -> tuple[str, str]:
    message = None
    result = "fail"
    try:
        message = dkim.DKIM(raw, minkey=MINIMUM_KEY)
        if message.verify(index, dnsfunc=lookups.first):
            # A signature over the first bytes alone (l=) says nothing about what was put below them.
            result = "pass" if b"l" not in message.signature_fields else "fail"
    except Exception as error:  # malformed, or headers and keys that dkimpy did not foresee: not verified
        log.debug("verify.signature", error=repr(error))
    if result == "fail" and lookups.away:
        result = "temperror"
    domain = getattr(message, "domain", None) or b""
    return result, domain.decode("ascii", "replace").lower() if isinstance(domain, bytes) else ""


def _policy(domain: str, lookups: _Lookups) -> dict[str, str] | None:
    """The DMARC record of the domain, else of its organisation (RFC 7489, 6.6.3)."""
    for name in dict.fromkeys((domain, domains.organisational(domain))):
        records = [record for record in lookups.all(f"_dmarc.{name}") if re.match(rb"v\s*=\s*DMARC1\b", record)]
        if len(records) == 1:
            pairs = (part.partition("=") for part in records[0].decode("ascii", "replace").split(";"))
            return {key.strip().lower(): value.strip().lower() for key, _, value in pairs}
    return None


def _chain(raw: bytes, root: MimePart, lookups: _Lookups) -> str:
    """Whether the chain of those who passed it on is whole."""
    if len(list(headers.raw_values(root, "arc-seal"))) > SEALS:
        return "fail"
    try:
        result, _, _ = dkim.ARC(raw, minkey=MINIMUM_KEY).verify(dnsfunc=lookups.first)
    except Exception:  # the chain is not what RFC 8617 says, or dkimpy did not foresee it
        return "temperror" if lookups.away else "fail"
    if lookups.away:
        return "temperror"
    return result.decode("ascii") if isinstance(result, bytes) else "none"
