"""What leaves, as the other side reads it: structure, names, and the headers that machines go by."""

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage, MIMEPart
from typing import Any

import pytest

from services.inbox.compose import compose
from services.inbox.machines import recognise
from services.inbox.parse import Surroundings, parse
from shared import no_acknowledgement
from shared.models import Delivery, DeliveryFile, DeliveryKind, Machine
from shared.settings import MailboxSettings, Settings
from tests.inbox.conftest import HELP, mailbox

PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452")
SECRET = "test-key-" * 5


def box(**more: Any) -> MailboxSettings:
    return mailbox("main", HELP, imap_port=1, smtp_port=1, **more)


def settings(**more: Any) -> Settings:
    return Settings.model_validate(
        {"database_url": "postgresql+asyncpg://nowhere/x", "secret_key": SECRET, "environment": "test", **more}
    )


def delivery(**changes: Any) -> Delivery:
    values: dict[str, Any] = {
        "kind": DeliveryKind.REPLY, "to_addresses": ["ana@example.com"], "cc_addresses": [],
        "subject": "Re: Mi factura", "language": "es", "text": "Hola Ana:\n", "html": "<p>Hola Ana:</p>",
        "rfc_message_id": "<d1@center.example.org>", "references": [], "reply_token": "tok1abcdef",
        "created_at": datetime(2026, 11, 16, 17, 0, tzinfo=UTC),
    }  # fmt: skip
    return Delivery(**values | changes)


def file(name: str, kind: str, *, cid: str = "c1@center", inline: bool = False) -> DeliveryFile:
    return DeliveryFile(filename=name, content_type=kind, content_id=cid, inline=inline)


def sent(what: Delivery, *files: tuple[DeliveryFile, bytes], **more: Any) -> EmailMessage:
    raw = compose(what, box(), settings(**more), files).as_bytes()
    assert raw == compose(what, box(), settings(**more), files).as_bytes(), "the same bytes at every try"
    return email.message_from_bytes(raw, policy=email.policy.default)


def shape(part: MIMEPart) -> Any:
    return {part.get_content_type(): [shape(each) for each in part.iter_parts()]} if part.is_multipart() else (
        part.get_content_type()
    )  # fmt: skip


def test_images_stand_in_the_text_and_files_beside_it() -> None:
    long_name = "Factura de energía del período de facturación más largo de todos, n.º 2026-11.pdf"
    message = sent(
        delivery(html='<p>Mire: <img src="cid:c1@center" alt="medidor"></p>'),
        (file("medidor.png", "image/png", inline=True), PNG),
        (file(long_name, "application/pdf", cid="c2@center"), b"%PDF-1.4"),
        (file("mail.eml", "message/rfc822", cid="c3@center"), b"Subject: x\r\n\r\ny"),
    )
    assert shape(message) == {
        "multipart/mixed": [
            {"multipart/alternative": ["text/plain", {"multipart/related": ["text/html", "image/png"]}]},
            "application/pdf",
            "application/octet-stream",
        ]
    }
    image = next(part for part in message.walk() if part.get_content_type() == "image/png")
    assert (image["Content-ID"], image.get_content_disposition()) == ("<c1@center>", "inline")
    assert image.get_content() == PNG
    names = [part.get_filename() for part in message.iter_attachments()]
    assert names == [long_name, "mail.eml"]
    assert "filename*0*=utf-8''" in compose(
        delivery(), box(), settings(), [(file(long_name, "application/pdf"), b"%PDF")]
    ).as_bytes().decode("ascii"), "RFC 2231"


def test_a_name_cannot_add_headers() -> None:
    message = sent(delivery(), (file("a\r\nBcc: spy@example.com\r\n.txt", "text/plain"), b"x"))
    assert message["Bcc"] is None
    (attachment,) = message.iter_attachments()
    assert attachment.get_filename() == "a Bcc: spy@example.com .txt"


def test_a_person_s_reply_looks_like_a_person_s() -> None:
    message = sent(delivery())
    for name in ("Auto-Submitted", "X-Auto-Response-Suppress", "Precedence", "List-Unsubscribe", "List-Id"):
        assert message[name] is None, name
    assert message["Date"] == "Mon, 16 Nov 2026 17:00:00 +0000"
    assert message["MIME-Version"] == "1.0"


@pytest.mark.parametrize(
    ("kind", "submitted", "way_out"),
    [
        (DeliveryKind.ACKNOWLEDGEMENT, "auto-replied", True),
        (DeliveryKind.EXPECTATION, "auto-replied", True),
        (DeliveryKind.SAFETY, "auto-replied", False),
        (DeliveryKind.PAGE, "auto-generated", False),
    ],
)
def test_what_machines_write(kind: DeliveryKind, submitted: str, *, way_out: bool) -> None:
    """RFC 3834; and a way to stop what is not vital, by one click only where our pages are reachable with TLS."""
    message = sent(delivery(kind=kind), public_url="https://desk.center.example")
    assert message["Auto-Submitted"] == submitted
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["Precedence"] is None
    if not way_out:
        assert message["List-Unsubscribe"] is None
        return
    by_mail, by_click = message["List-Unsubscribe"].replace("\n", "").split(", ")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    token = by_click.strip("<> ").rpartition("/")[2]
    assert no_acknowledgement.address_of(SECRET, token) == "ana@example.com"
    plus = by_mail.removeprefix("<mailto:help+").partition("@")[0]
    assert no_acknowledgement.is_tag_of(SECRET, "Ana@example.com", plus)
    assert not no_acknowledgement.is_tag_of(SECRET, "bob@example.com", plus)
    # The mail that such a link makes is understood when it comes.
    raw = f"From: ana@example.com\r\nTo: {by_mail[8:].partition('?')[0]}\r\nSubject: stop\r\n\r\n".encode()
    assert parse(raw, Surroundings(own_addresses=frozenset({HELP}), secret=SECRET)).reply_token == plus
    plain = sent(delivery(kind=kind))
    assert "https" not in plain["List-Unsubscribe"]
    assert plain["List-Unsubscribe-Post"] is None


@pytest.mark.parametrize("token", ["", "x", "x.y", "ñ.ñ", "YW5hQGV4YW1wbGUuY29t.0000"])
def test_a_link_of_somebody_else_s_making(token: str) -> None:
    assert no_acknowledgement.address_of(SECRET, token) is None


def test_our_own_copy_is_recognised_where_it_is_found() -> None:
    """Somebody watches the Sent folder by mistake: it stays our own mail."""
    message = sent(delivery())
    verdict = recognise(
        message, from_address="someone@else.example", subject="", own_addresses=frozenset(), secret=SECRET
    )
    assert verdict is not None
    assert verdict.kind is Machine.LOOP
