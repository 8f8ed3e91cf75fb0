"""A delivery row as the mail that leaves: the same bytes at every try, with everything a reply needs."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from services.inbox import machines
from services.inbox.pacing import domain_of
from shared import no_acknowledgement
from shared.models import Delivery, DeliveryFile, DeliveryKind
from shared.settings import MailboxSettings, Settings

# Written by machines, so that other machines leave it unanswered (RFC 3834).
_AUTOMATIC = {
    DeliveryKind.ACKNOWLEDGEMENT: "auto-replied",
    DeliveryKind.SAFETY: "auto-replied",
    DeliveryKind.EXPECTATION: "auto-replied",
    DeliveryKind.PAGE: "auto-generated",
}
# What its receiver may stop: not safety instructions, and not replies, which people write.
_STOPPABLE = frozenset({DeliveryKind.ACKNOWLEDGEMENT, DeliveryKind.EXPECTATION})
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_ID = re.compile(r"^<[^<>\s]+>$")
_TYPE = re.compile(r"^(application|audio|image|text|video|font|model)/[a-z0-9][a-z0-9.+_-]*$")
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


def compose(
    delivery: Delivery,
    mailbox: MailboxSettings,
    settings: Settings,
    files: Sequence[tuple[DeliveryFile, bytes]] = (),
) -> Outgoing:
    """Raises ValueError when an address of the row is not one."""
    secret = settings.secret_key.get_secret_value()
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
    _way_out(message, delivery, mailbox, settings)
    message[machines.MARKER] = machines.marker(secret, delivery.rfc_message_id)
    _content(message, delivery, files)
    if re.fullmatch(r"[a-z]{2}", delivery.language):
        message["Content-Language"] = delivery.language
    _name_boundaries(message, delivery.rfc_message_id)
    addresses = [*delivery.to_addresses, *delivery.cc_addresses]
    return Outgoing(mailbox.address, list(dict.fromkeys(map(_envelope, addresses))), message)


def _way_out(message: EmailMessage, delivery: Delivery, mailbox: MailboxSettings, settings: Settings) -> None:
    """How to stop these: by mail, and by one click where our pages are reachable with TLS (RFC 8058)."""
    if delivery.kind not in _STOPPABLE or len(delivery.to_addresses) != 1:
        return
    secret, (address,) = settings.secret_key.get_secret_value(), delivery.to_addresses
    ways = [f"<mailto:{reply_address(mailbox.address, no_acknowledgement.tag(secret, address))}?subject=stop>"]
    if settings.public_url.startswith("https://"):
        page = f"{settings.public_url.rstrip('/')}/acknowledgements/{no_acknowledgement.token(secret, address)}"
        ways.append(f"<{page}>")
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["List-Unsubscribe"] = ", ".join(ways)


def _content(message: EmailMessage, delivery: Delivery, files: Sequence[tuple[DeliveryFile, bytes]]) -> None:
    """text, or alternative(text, related(html, images)); and mixed with attachments around it."""
    message.set_content(delivery.text.replace("\x00", ""), charset="utf-8")
    html = delivery.html.replace("\x00", "")
    shown = [each for each in files if each[0].inline and html.strip()]
    if html.strip():
        message.add_alternative(_page(html, delivery.language), subtype="html")
        part = next(each for each in message.iter_parts() if each.get_content_type() == "text/html")
        for file, data in shown:
            kind, sub = _type_of(file)
            part.add_related(
                data, kind, sub, disposition="inline", filename=_line(file.filename), cid=f"<{file.content_id}>"
            )
    for file, data in files:
        if (file, data) not in shown:
            kind, sub = _type_of(file)
            message.add_attachment(data, kind, sub, filename=_line(file.filename))


def _type_of(file: DeliveryFile) -> tuple[str, str]:
    """What it is, if it is something that any program may be told; mails and the like are only bytes."""
    kind = file.content_type.partition(";")[0].strip().lower()
    main, _, sub = (kind if _TYPE.match(kind) else "application/octet-stream").partition("/")
    return main, sub


def _name_boundaries(message: EmailMessage, message_id: str) -> None:
    """The same at every try, so that a copy is the mail that was sent."""
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{hashlib.sha256(f'{message_id} {number}'.encode()).hexdigest()[:32]}")


def _envelope(address: str) -> str:
    """As SMTP takes it: the domain in A-labels (RFC 5891), so that only a local part can need SMTPUTF8."""
    return f"{address.rpartition('@')[0]}@{domain_of(address)}" if not address.isascii() else address


def _address(address: str, display_name: str = "") -> Address:
    local, at, domain = _envelope(_line(address)).rpartition("@")
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
