"""Did the receiving server call it spam? Its own header is the evidence, not one that the sender wrote.

Servers write these headers on top of what they receive, so what stands below our own `Received` lines came with the
mail. Exchange is different: it writes them at the end and removes those that came with the mail. A header that says
«not spam» is never read: it would help nobody but a sender who wrote it himself.
"""

import re
from collections.abc import Callable, Sequence
from email.message import Message as MimePart

from services.inbox import headers
from shared import domains

_NUMBER = re.compile(r"-?\d{1,3}")
_BY = re.compile(r"\bby\s+([\w.-]{1,255})", re.IGNORECASE)
_EXCHANGE = re.compile(r"with\s+Microsoft\s+SMTP\s+Server|\bby\s+\S{1,200}\.outlook\.com\b", re.IGNORECASE)
SCL_OF_SPAM = 5  # Exchange's spam confidence level: 5 and 6 spam, 7 to 9 certainly


def _yes(value: str) -> bool:
    return value.strip().lower().startswith(("yes", "true"))


def _scl(value: str) -> bool:
    match = _NUMBER.match(value.strip())
    return match is not None and int(match.group()) >= SCL_OF_SPAM


def _forefront(value: str) -> bool:
    """Filtered as spam, phishing or malware (SFV:SPM, SKS by a mail flow rule, SKB by a blocked sender)."""
    return bool(re.search(r"(?:^|;)\s*SFV:(?:SPM|SKS|SKB)\b", value, re.IGNORECASE))


def _action(value: str) -> bool:
    return value.strip().lower() in ("reject", "add header", "rewrite subject", "quarantine", "discard")


# Written on top of the mail by SpamAssassin, rspamd, amavis and their like.
_ON_TOP: dict[str, Callable[[str], bool]] = {
    "x-spam-flag": _yes,
    "x-spam-status": _yes,
    "x-spam": _yes,
    "x-rspamd-action": _action,
    "x-spam-action": _action,
}
# Written anywhere by Exchange, which takes out what senders wrote by these names.
_BY_EXCHANGE: dict[str, Callable[[str], bool]] = {
    "x-ms-exchange-organization-scl": _scl,
    "x-forefront-antispam-report": _forefront,
}
_TESTS = _ON_TOP | _BY_EXCHANGE


def find(root: MimePart, believed: Sequence[str] | None, own_hosts: Sequence[str]) -> str | None:
    """The header that says so. `believed`: names from the settings, or None for the usual ones, where they can be
    our server's; `own_hosts`: names or domains of our own servers, beside the one in the topmost `Received`."""
    ours = _ours(root, own_hosts)
    wanted = {name.strip().lower() for name in believed} if believed is not None else None
    exchange = any(_EXCHANGE.search(value) for value in list(headers.raw_values(root, "received"))[:1])
    for position, (key, raw) in enumerate(root.raw_items()):
        name = key.lower()
        says_so = _TESTS.get(name) or (_yes if wanted and name in wanted else None)
        if says_so is None:
            continue
        if wanted is not None:
            if name not in wanted:
                continue
        elif not (exchange if name in _BY_EXCHANGE else position < ours):
            continue
        value = " ".join(headers.clean(str(raw)[:2000]).split())
        if says_so(value):
            return f"{key}: {value[:120]}"
    return None


def _ours(root: MimePart, own_hosts: Sequence[str]) -> int:
    """How many of the headers, from the top, our own servers can have written: down to their last `Received`."""
    own = {domains.organisational(host) for host in own_hosts if host}
    last: int | None = None
    for position, (key, raw) in enumerate(root.raw_items()):
        if key.lower() != "received":
            continue
        match = _BY.search(headers.clean(str(raw)[:2000]))
        host = domains.organisational(match.group(1)) if match else ""
        if last is not None and host not in own:
            break
        own.add(host)
        last = position
    return last if last is not None else len(root.keys())
