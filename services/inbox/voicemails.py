"""Does this mail tell of a voicemail, and did the phone system really send it? By headers and by who authenticated.

Voicemail notices are a usual lure of phishing: a subject proves nothing, and so nothing here reads one. What looks like
a notice and cannot show where it is from stays an ordinary mail, with a warning on its ticket.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from email.message import Message as MimePart
from typing import Any

from services.inbox import headers
from services.inbox.authentication import Verdict
from shared import domains

# Of these the voicemail service reads who called, when and for how long.
HEADERS = (
    "x-asterisk-callerid", "x-asterisk-calleridname", "x-asterisk-vm-extension", "x-asterisk-vm-orig-time",
    "x-asterisk-vm-duration", "x-asterisk-vm-flag", "x-fusionpbx-email-type", "x-fusionpbx-call-uuid",
    "x-fusionpbx-domain-name", "x-voicemail-length", "x-callingtelephonenumber", "x-voicemessageduration",
    "x-voicemessagesendername", "content-class",
)  # fmt: skip
_ASTERISK_ID = re.compile(r"<Asterisk-\d+-\d+-[^-@]*-\d+@")  # app_voicemail.c, make_email_file
_CLOUD = {"ringcentral.com": "ringcentral", "zoom.us": "zoom", "zoom.com": "zoom"}
LINK = re.compile(
    r"https://[^\s\"'<>]{0,300}(?:voice-?_?mail|voice-?message|recording|/messages?/)[^\s\"'<>]{0,700}", re.IGNORECASE
)
_ADDRESS = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f:.]{3,45})\]")
_NAME = re.compile(r"\(\s*([\w.-]{1,253})\s*\[")
_LOCAL = re.compile(r"\bwith\s+(?:LMTP|LOCAL)\w*", re.IGNORECASE)
ADMITTED = "accepted"


def system_of(root: MimePart, rfc_message_id: str | None, from_address: str) -> str | None:
    """Which phone system writes such headers; of those that write none of their own, whose domain it is."""
    if _has(root, "x-fusionpbx-email-type") == "voicemail":
        return "fusionpbx"
    if _has(root, "x-voicemail-length"):
        return "freeswitch"
    if (
        _has(root, "x-asterisk-callerid")
        or _has(root, "x-asterisk-vm-extension")
        or _ASTERISK_ID.match(rfc_message_id or "")
    ):
        return "asterisk"
    # MS-OXOUM: the unified messaging headers of Exchange, which its cloud voicemail goes on writing.
    kind = _has(root, "content-class").removeprefix("urn:content-classes:")
    if _has(root, "x-voicemessageduration") or kind in ("voice", "voice-ca", "voice-uc"):
        return "microsoft"
    return _CLOUD.get(domains.organisational(domains.of_address(from_address)))


def has_own_headers(system: str | None) -> bool:
    return system is not None and system not in _CLOUD.values()


def is_listed(from_address: str, senders: Iterable[str]) -> bool:
    """Named in the settings: the address, or its domain."""
    domain = domains.of_address(from_address)
    return any(each in (from_address, domain, f"@{domain}") for each in senders)


def kept_headers(root: MimePart) -> dict[str, str]:
    found = {name: headers.raw_value(root, name) for name in HEADERS}
    return {name: value[:1000] for name, value in found.items() if value}


def sending_host(root: MimePart) -> tuple[str, ...]:
    """Who handed the mail to our server, as that noted it: address and name in its Received line, the topmost.

    Lines of handing it on inside the server (LMTP, its own address) are passed over.
    """
    for raw in list(headers.raw_values(root, "received"))[:5]:
        line = re.sub(r"\s+", " ", raw[:2000])
        head = line.partition(" by ")[0]
        addresses = _ADDRESS.findall(head)
        if _LOCAL.search(line) or (addresses and all(_is_loopback(each) for each in addresses)):
            continue
        return (*addresses, *(name.lower() for name in _NAME.findall(head)))
    return ()


def is_trusted_host(host: Sequence[str], trusted: Sequence[str]) -> bool:
    """Whether one of these is named: as address, network, name, or `*` for any host at all."""
    if "*" in trusted:
        return True
    for each in host:
        for entry in trusted:
            if each == entry.lower() or _is_in(each, entry):
                return True
    return False


def judge(
    authentication: dict[str, Any], *, system: str | None, folder: bool, listed: bool, host: bool
) -> dict[str, Any]:
    """What `message.voicemail` says: the system, whether it is accepted as a voicemail, and why."""
    verdict = authentication.get("verdict")
    if folder:
        accepted, why = True, "folder"
    elif not listed:
        accepted, why = False, "not_listed"
    elif verdict == Verdict.FAIL.value:
        accepted, why = False, "failed"
    elif verdict == Verdict.PASS.value:
        accepted, why = True, "authenticated"
    elif host:
        accepted, why = True, "host"
    else:
        accepted, why = False, "unauthenticated"
    return {"system": system, ADMITTED: accepted, "why": why}


def link_in(text: str, html: str | None) -> str | None:
    """Where the phone system keeps the recording, when the mail names such a place."""
    found = LINK.search(text) or LINK.search(html or "")
    return found.group(0).replace("&amp;", "&") if found else None


def _has(root: MimePart, name: str) -> str:
    return (headers.raw_value(root, name) or "").strip().lower()


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _is_in(address: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
