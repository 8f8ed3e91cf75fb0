"""Reports about a mail of ours that are no bounces: complaints (ARF, RFC 5965) and read receipts (MDN, RFC 8098)."""

from email.message import Message as MimePart
from typing import Any

from services.inbox import bounces, headers
from services.inbox.headers import is_address
from services.inbox.structure import Body
from shared.models import Machine


def find_report(root: MimePart, body: Body) -> tuple[Machine, str, dict[str, Any]] | None:
    """The kind, its evidence, and what stands in `message.bounce`."""
    report_type = headers.parameter(root, "report-type")
    for original in bounces.originals(body):  # Outlook.com encloses the mail and says in it who complained
        if complainer := (headers.raw_value(original, "x-hmxmroriginalrecipient") or "").strip("<> ").lower():
            facts = _facts(body, "X-HmXmrOriginalRecipient", [complainer] if is_address(complainer) else [])
            return Machine.COMPLAINT, "X-HmXmrOriginalRecipient", facts | {"feedback_type": "abuse"}
    for part in body.report_parts:
        kind = part.get_content_type()
        if kind == "message/feedback-report":
            return Machine.COMPLAINT, kind, _complaint(part, body)
        if kind in ("message/disposition-notification", "message/global-disposition-notification"):
            return Machine.RECEIPT, kind, _receipt(part, body)
    if report_type == "disposition-notification":  # its machine-readable part was lost on the way
        return Machine.RECEIPT, f"report-type={report_type}", _facts(body, report_type, [])
    return None


def _complaint(part: MimePart, body: Body) -> dict[str, Any]:
    """Who complained is often blacked out; then the attached original says to whom it went, if anything does."""
    fields = _fields(part)
    named = fields.get("original-rcpt-to", "").strip().strip("<>").lower()
    recipients = [named] if is_address(named) else []
    if not recipients:
        recipients = [
            address for original in bounces.originals(body) for _, address in headers.addresses(original, "to")
        ]
    feedback_type = fields.get("feedback-type", "").strip().lower()[:40] or "abuse"
    return _facts(body, "message/feedback-report", recipients) | {"feedback_type": feedback_type}


def _receipt(part: MimePart, body: Body) -> dict[str, Any]:
    """Who says so, about which mail, and whether it was displayed or deleted unread."""
    fields = _fields(part)
    reader = fields.get("final-recipient", "").rpartition(";")[2].strip().strip("<>").lower()
    facts = _facts(body, part.get_content_type(), [reader] if is_address(reader) else [])
    original = fields.get("original-message-id", "").strip()
    disposition = fields.get("disposition", "").rpartition(";")[2].strip().lower()[:40]
    return facts | {"original_message_id": original or facts["original_message_id"], "disposition": disposition}


def _fields(part: MimePart) -> dict[str, str]:
    fields: dict[str, str] = {}
    for group in bounces.groups(part):
        fields = group | fields
    return fields


def _facts(body: Body, evidence: str, recipients: list[str]) -> dict[str, Any]:
    return {
        "recipients": [
            {"address": address, "status": "", "kind": "delivered", "permanent": False, "diagnostic": ""}
            for address in recipients[: bounces.RECIPIENT_LIMIT]
        ],
        "original_message_id": bounces.original_id(body),
        "evidence": evidence,
    }
