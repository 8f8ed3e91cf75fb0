"""Mail that says that a mail of ours did not arrive: RFC 3464 reports, and the many that are not such reports."""

import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from email import message_from_bytes
from email.message import Message as MimePart
from typing import Any

from flufl.bounce import all_failures

from services.inbox import headers, machines
from services.inbox.content import payload_of
from services.inbox.headers import GUARDED, is_address
from services.inbox.structure import Body
from shared.models import Machine

RECIPIENT_LIMIT = 50
_STATUS_PARTS = {"message/delivery-status", "message/global-delivery-status"}
_ORIGINALS = {"message/rfc822", "message/global", "message/global-headers"}
# Below it stands our own mail, and what a daemon quotes of it.
_COPY = re.compile(
    r"^.{0,20}(?:below this line|(?:this is a )?copy of (?:the|your) message|original message (?:headers|follows)|"
    r"mensaje original|encabezados (?:del mensaje|de mensaje) original)",
    re.IGNORECASE | re.MULTILINE,
)
_ABOUT_IDS = re.compile(
    r"^.{0,4}(?:message-id|references|in-reply-to|from|de|reply-to|return-path)\s*:.*$", re.IGNORECASE | re.MULTILINE
)
DAEMON_TEXT = 100_000  # bytes in which a daemon has said what it has to say

# It logs every detector it runs, and a traceback for each one that fails on a mail: both are expected here.
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)

_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_FIELD = re.compile(r"^([A-Za-z-]{1,40})\s*:\s*(.*)$")
_FAILED_SUBJECT = re.compile(
    r"undeliver|undelivered|delivery (?:status notification|failure|has failed|incomplete)|returned mail|mail delivery "
    r"(?:failed|system)|failure notice|message not delivered|no se (?:ha podido|pudo|puede) entregar|no entregado|"
    r"entrega (?:fallida|retrasada)|error de entrega|mensaje no entregado|delivery delayed|address not found",
    re.IGNORECASE,
)
_FULL = re.compile(
    r"over ?quota|quota (?:exceeded|full)|mailbox (?:is |size limit )?(?:full|exceeded)|insufficient (?:disk|storage)|"
    r"buz[oó]n\b.{0,40}\blleno|excedid[oa] (?:su|la|el) (?:cuota|l[ií]mite)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"<?([\w.+'-]{1,64}@[\w-]+(?:\.[\w-]+)+)>?")
_ORIGINAL_ID = re.compile(r"^Message-I[dD]\s*:\s*(<[^<>\s]{1,990}>)", re.MULTILINE | re.IGNORECASE)


def find_bounce(
    root: MimePart, body: Body, raw: bytes, *, from_address: str, subject: str
) -> tuple[Machine, str, dict[str, Any]] | None:
    """The kind (a report that all arrived is a receipt), its evidence and `message.bounce`; None when it is neither."""
    report_type = headers.parameter(root, "report-type")
    daemon = machines.is_daemon(from_address)
    null_path = machines.has_null_return_path(root)
    by_machine = daemon or null_path or bool(report_type) or machines.is_submitted_by_machine(root)
    # A person who forwards a report to us asks about it.
    recipients = _from_reports(body) if by_machine or _FAILED_SUBJECT.match(subject) else []
    evidence = "message/delivery-status" if recipients else ""
    if not recipients and (value := headers.raw_value(root, "x-failed-recipients")):
        status = _status_in(body.text)
        recipients = [
            _recipient(address, status, "failed", "")
            for address in re.split(r"[,\s]+", value[:4000])
            if is_address(address)
        ]
        evidence = "X-Failed-Recipients"
    suspicious = daemon or report_type == "delivery-status" or (null_path and bool(_FAILED_SUBJECT.search(subject)))
    if not recipients and suspicious:
        recipients = _from_flufl(raw, _status_in(body.text))
        evidence = "text of a mail daemon" if recipients else ""
        if not recipients and _FAILED_SUBJECT.search(subject):
            recipients = _from_text(body.text)
            evidence = f"Subject: {subject[:80]}"
    if not evidence:
        return None
    arrived = bool(recipients) and all(r["kind"] == "delivered" for r in recipients)
    facts = {
        "recipients": recipients[:RECIPIENT_LIMIT],
        "original_message_id": original_id(body),
        "evidence": evidence,
    }
    return (Machine.RECEIPT if arrived else Machine.BOUNCE), evidence, facts


def is_permanent(status: str, kind: str, diagnostic: str) -> bool:
    """Whether writing to this address again is pointless. A full mailbox (x.2.2) and over-quota may empty again."""
    if kind != "failed" or status.startswith("4"):
        return False
    return not (status.endswith(".2.2") or _FULL.search(diagnostic))


def _recipient(address: str, status: str, kind: str, diagnostic: str) -> dict[str, Any]:
    return {
        "address": address.lower(),
        "status": status,
        "kind": kind,
        "permanent": is_permanent(status, kind, diagnostic),
        "diagnostic": " ".join(headers.clean(diagnostic).split())[:500],
    }


def _from_reports(body: Body) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for part in body.report_parts:
        if part.get_content_type() not in _STATUS_PARTS:
            continue
        for fields in groups(part):
            address = _bare(fields.get("final-recipient") or fields.get("original-recipient") or "")
            action = (
                fields.get("action", "").split()[0].strip(";,()").lower() if fields.get("action", "").split() else ""
            )
            match = _STATUS.search(fields.get("status", ""))
            status = match.group() if match else ""
            if not address or not (action or status):
                continue
            if action in ("delivered", "relayed", "expanded") or (not action and status.startswith("2")):
                kind = "delivered"
            elif action == "delayed" or (status.startswith("4") and not action.startswith("fail")):
                kind = "delayed"
            elif action.startswith("fail") or action == "error" or status.startswith("5"):
                kind = "failed"
            else:
                continue
            found[address] = _recipient(address, status, kind, fields.get("diagnostic-code", ""))
    return list(found.values())


def groups(part: MimePart) -> list[dict[str, str]]:
    """The field groups of a report part, however it was put there; names in lower case."""
    payload = part.get_payload()
    if isinstance(payload, list):
        blocks = [block for block in payload[: RECIPIENT_LIMIT + 1] if isinstance(block, MimePart)]
        found = [{key.lower(): headers.clean(str(it))[:2000] for key, it in block.raw_items()} for block in blocks]
        # What the library does not know as a report it has read as one message: the other groups are its text.
        rest = _text(blocks[0]) if len(blocks) == 1 and not blocks[0].is_multipart() else ""
        return found + _groups_in(rest) if rest.strip() else found
    return _groups_in(_text(part))


def _text(part: MimePart) -> str:
    return payload_of(part)[:200_000].decode("utf-8", "replace")


def _groups_in(text: str) -> list[dict[str, str]]:
    groups: list[dict[str, str]] = [{}]
    last = ""
    for line in text.splitlines():
        if not line.strip():
            groups.append({})
        elif line[0] in " \t" and last:
            groups[-1][last] = f"{groups[-1].get(last, '')} {line.strip()}"[:2000]
        elif match := _FIELD.match(line[:2000]):
            last = match.group(1).lower()
            groups[-1][last] = headers.clean(match.group(2))
    return groups[: RECIPIENT_LIMIT + 1]


def _bare(value: str) -> str:
    address = value.rpartition(";")[2].strip().strip("<>").lower()
    return address if is_address(address) else ""


def _from_flufl(raw: bytes, told: str) -> list[dict[str, Any]]:
    """The detectors of Mailman. They raise on raw 8-bit headers and take uuencoded lines for addresses."""
    try:
        temporary, permanent = all_failures(message_from_bytes(raw[:DAEMON_TEXT], policy=GUARDED))
    except Exception:  # any of its seventeen detectors on any mail
        return []
    found = []
    for addresses, kind, status in ((permanent, "failed", told), (temporary, "delayed", "4.0.0")):
        for data in sorted(addresses)[:RECIPIENT_LIMIT]:
            address = data.decode("ascii", "replace").strip("<>")
            if _ADDRESS.fullmatch(address):
                found.append(_recipient(address, status, kind, ""))
    return found


def _from_text(text: str) -> list[dict[str, Any]]:
    """Addresses that the daemon names in its first lines."""
    head = _ABOUT_IDS.sub("", _COPY.split(text[:3000], maxsplit=1)[0])
    status = _status_in(head)
    kind = (
        "delayed" if status.startswith("4") or re.search(r"delay|retras|will (?:keep|retry)", head, re.I) else "failed"
    )
    named = dict.fromkeys(address.lower() for address in _ADDRESS.findall(head) if not machines.is_daemon(address))
    return [_recipient(address, status, kind, "") for address in list(named)[:5]]


def _status_in(text: str) -> str:
    """The status that a daemon's own words stand for."""
    head = _COPY.split(text[:3000], maxsplit=1)[0]
    if match := _STATUS.search(head):
        return match.group()
    return "5.2.2" if _FULL.search(head) else "5.0.0"


def originals(body: Body) -> Iterator[MimePart]:
    """The headers of our own mail that a report encloses."""
    for part in body.report_parts:
        kind = part.get_content_type()
        payload = part.get_payload()
        if kind in _ORIGINALS and isinstance(payload, list) and payload and isinstance(payload[0], MimePart):
            yield payload[0]
        elif kind == "text/rfc822-headers":
            with suppress(Exception):  # whatever they enclosed
                yield message_from_bytes(payload_of(part)[:200_000], policy=GUARDED)


def original_id(body: Body) -> str | None:
    """The Message-ID of the mail that a report is about: by it the delivery is found."""
    for original in originals(body):
        found = headers.message_id(original)
        if found:
            return found
    match = _ORIGINAL_ID.search(body.text[:200_000])
    return match.group(1) if match else None
