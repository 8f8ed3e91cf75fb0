"""A delivery row as the mail that leaves: the same bytes' meaning at every try, with everything a reply needs."""

import re
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from services.inbox import machines
from shared.models import Delivery, DeliveryKind
from shared.settings import MailboxSettings

# Written by machines, so that other machines leave it unanswered (RFC 3834).
_AUTOMATIC = {
    DeliveryKind.ACKNOWLEDGEMENT: "auto-replied",
    DeliveryKind.SAFETY: "auto-replied",
    DeliveryKind.PAGE: "auto-generated",
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_ID = re.compile(r"^<[^<>\s]+>$")
_POLICY = SMTP.clone(max_line_length=76, cte_type="7bit")


@dataclass(frozen=True)
class Outgoing:
    sender: str
    recipients: list[str]
    message: EmailMessage

    def as_bytes(self, *, utf8: bool = False) -> bytes:
        """`utf8` when an address needs SMTPUTF8 and the server offers it."""
        policy = _POLICY.clone(utf8=True) if utf8 else _POLICY
        return self.message.as_bytes(policy=policy)


def reply_address(address: str, token: str) -> str:
    """Our address with the ticket's token: `help+token@center`."""
    local, _, domain = address.rpartition("@")
    return f"{local}+{token}@{domain}"


def compose(delivery: Delivery, mailbox: MailboxSettings, secret: str) -> Outgoing:
    """Raises ValueError when an address of the row is not one."""
    message = EmailMessage(policy=_POLICY)
    message["From"] = _address(mailbox.address, mailbox.display_name)
    message["To"] = [_address(address) for address in delivery.to_addresses]
    if delivery.cc_addresses:
        message["Cc"] = [_address(address) for address in delivery.cc_addresses]
    if delivery.kind is not DeliveryKind.PAGE:
        message["Reply-To"] = _address(reply_address(mailbox.address, delivery.reply_token), mailbox.display_name)
    message["Subject"] = _line(delivery.subject)
    message["Date"] = format_datetime(delivery.created_at)
    message["Message-ID"] = delivery.rfc_message_id
    if delivery.in_reply_to and _ID.match(delivery.in_reply_to):
        message["In-Reply-To"] = delivery.in_reply_to
    references = [reference for reference in delivery.references if _ID.match(reference)]
    if references:
        message["References"] = " ".join(references)
    if automatic := _AUTOMATIC.get(delivery.kind):
        message["Auto-Submitted"] = automatic
        message["X-Auto-Response-Suppress"] = "All"
    message[machines.MARKER] = machines.marker(secret, delivery.rfc_message_id)
    message.set_content(delivery.text.replace("\x00", ""), charset="utf-8")
    if delivery.html.strip():
        message.add_alternative(_page(delivery.html.replace("\x00", ""), delivery.language), subtype="html")
    if re.fullmatch(r"[a-z]{2}", delivery.language):
        message["Content-Language"] = delivery.language
    recipients = list(dict.fromkeys([*delivery.to_addresses, *delivery.cc_addresses]))
    return Outgoing(mailbox.address, recipients, message)


def _address(address: str, display_name: str = "") -> Address:
    local, at, domain = _line(address).rpartition("@")
    if not (local and at and domain) or any(c in domain for c in " <>,;"):
        raise ValueError(f"not an address: {address[:200]!r}")
    return Address(display_name=_line(display_name), username=local, domain=domain)


def _line(text: str) -> str:
    """One line: a subject must not be able to add headers."""
    return " ".join(_CONTROL.sub(" ", text).split())


def _page(html: str, language: str) -> str:
    """A whole document around what tickets wrote, unless it is one."""
    if html.lstrip()[:20].lower().startswith(("<!doctype", "<html")):
        return html
    return (
        f'<!DOCTYPE html>\n<html lang="{language if language.isalpha() else "en"}">'
        '<head><meta charset="utf-8"></head>\n'
        f"<body>\n{html}\n</body></html>\n"
    )
