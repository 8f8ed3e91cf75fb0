"""Who wrote: people, and machines of every kind; what reports say about our own mail; what our server called spam."""

from typing import Any

import pytest

from services.inbox.parse import Surroundings
from shared.models import Machine
from tests.inbox.conftest import HELP
from tests.inbox.test_samples import AROUND, sample

DELIVERY_90 = "<delivery.90@center.example.org>"

KINDS: list[tuple[str, Machine | None, str | None]] = [
    ("auto_reply_by_subject_only_en", Machine.AUTO_REPLY, "Subject: Automatic reply: Your bill"),
    ("auto_reply_exchange_suppress_and_no_reply", Machine.AUTO_REPLY, "X-Auto-Response-Suppress: All"),
    ("auto_reply_gmail_vacation_es", Machine.AUTO_REPLY, "Auto-Submitted: auto-replied"),
    ("auto_reply_null_return_path", Machine.AUTO_REPLY, "Return-Path: <>"),
    ("auto_reply_ticket_system", Machine.AUTO_REPLY, "X-Autorespond: yes"),
    ("out_of_office_es", Machine.AUTO_REPLY, "Subject: Respuesta automática: Su factura"),
    ("challenge_to_the_sender", Machine.CHALLENGE, "Subject: Please verify your email to ana@example.com"),
    ("list_by_precedence", Machine.LIST, "Precedence: bulk"),
    ("newsletter_list", Machine.LIST, "List-Id: Letters <letters.example.net>"),
    ("form_mail", Machine.AUTO_REPLY, "Auto-Submitted: auto-generated"),
    # People
    ("auto_submitted_no_is_a_person", None, None),
    ("list_unsubscribe_alone_is_no_list", None, None),
    ("exchange_suppress_header_alone", None, None),
    ("bounce_that_a_person_forwards", None, None),
    ("delivery_status_in_a_mixed_mail", None, None),
    ("mail_about_mail_that_failed", None, None),
]


@pytest.mark.parametrize(("name", "kind", "evidence"), KINDS, ids=[name for name, _, _ in KINDS])
def test_who_wrote(name: str, kind: Machine | None, evidence: str | None) -> None:
    parsed = sample(name)
    assert (parsed.machine, parsed.machine_evidence, parsed.bounce) == (kind, evidence, None)


# The recipients as (address, status, kind, permanent), and which mail of ours it is about.
BOUNCES: list[tuple[str, list[tuple[str, str, str, bool]], str | None, str]] = [
    ("bounce_gmail", [("gone@example.com", "5.1.1", "failed", True)], DELIVERY_90, "message/delivery-status"),
    ("bounce_postfix_delayed", [("slow@example.com", "4.4.1", "delayed", False)], DELIVERY_90,
        "message/delivery-status"),
    ("bounce_several_recipients", [("gone@example.com", "5.1.1", "failed", True),
        ("full@example.com", "5.2.2", "failed", False), ("slow@example.com", "4.4.1", "delayed", False),
        ("here@example.com", "2.0.0", "delivered", False)], DELIVERY_90, "message/delivery-status"),
    ("bounce_mailbox_full_is_soft", [("full@example.com", "4.2.2", "failed", False)], DELIVERY_90,
        "message/delivery-status"),
    ("bounce_exim_without_report", [("gone@example.com", "5.0.0", "failed", True),
        ("other@example.com", "5.0.0", "failed", True)], "<delivery.91@center.example.org>", "X-Failed-Recipients"),
    ("bounce_exchange_es", [("gone@example.com", "5.1.10", "failed", True)], DELIVERY_90, "message/delivery-status"),
    ("bounce_exchange_en_without_report", [("gone@example.com", "5.1.10", "failed", True)],
        "<delivery.92@center.example.org>", "Subject: Undeliverable: Your bill"),
    ("bounce_exchange_es_without_report", [("gone@example.com", "5.2.2", "failed", False)], None,
        "Subject: No se puede entregar: Su factura"),
    ("bounce_text_es", [("gone@example.com", "5.0.0", "failed", True)], "<delivery.93@center.example.org>",
        "Subject: Mensaje no entregado"),
    ("bounce_uuencoded_lines_are_no_addresses", [("gone@example.com", "5.1.1", "failed", True)],
        "<delivery.94@center.example.org>", "text of a mail daemon"),
    ("bounce_from_raw_8_bit_daemon", [("gone@example.com", "5.1.1", "failed", True)], None, "text of a mail daemon"),
    ("bounce_internationalised", [("josé@correo.example", "5.1.1", "failed", True)], DELIVERY_90,
        "message/delivery-status"),
    ("bounce_found_by_the_address_it_came_to", [("gone@example.com", "5.1.1", "failed", True)], None,
        "message/delivery-status"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "recipients", "original", "evidence"), BOUNCES, ids=[each[0] for each in BOUNCES])
def test_bounces(name: str, recipients: list[tuple[str, str, str, bool]], original: str | None, evidence: str) -> None:
    parsed = sample(name)
    assert parsed.machine is Machine.BOUNCE
    assert parsed.bounce is not None
    found = [(each["address"], each["status"], each["kind"], each["permanent"]) for each in parsed.bounce["recipients"]]
    assert found == recipients
    assert parsed.bounce["original_message_id"] == original
    assert (parsed.bounce["evidence"], parsed.machine_evidence) == (evidence, evidence)


@pytest.mark.parametrize("name", ["bounce_found_by_the_address_it_came_to", "bounce_gmail"])
def test_the_token_leads_to_the_ticket_whether_it_stands_in_the_address_or_in_the_original(name: str) -> None:
    assert sample(name).reply_token == "Tok3nTok3nTok3n"


REPORTS: list[tuple[str, Machine, str, dict[str, Any]]] = [
    ("complaint_arf", Machine.COMPLAINT, "ana@example.com", {"feedback_type": "abuse",
        "original_message_id": DELIVERY_90}),
    ("complaint_arf_recipient_blacked_out", Machine.COMPLAINT, "gone@example.com", {"feedback_type": "abuse",
        "original_message_id": DELIVERY_90}),
    ("complaint_hotmail", Machine.COMPLAINT, "ana@hotmail.example", {"feedback_type": "abuse",
        "original_message_id": DELIVERY_90}),
    ("receipt_read_es", Machine.RECEIPT, "ana@example.com", {"disposition": "displayed",
        "original_message_id": "<delivery.95@center.example.org>"}),
    ("receipt_deleted_unread", Machine.RECEIPT, "ana@example.com", {"disposition": "deleted",
        "original_message_id": "<delivery.95@center.example.org>"}),
    ("delivery_receipt_is_no_bounce", Machine.RECEIPT, "ana@example.com", {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kind", "address", "facts"), REPORTS, ids=[each[0] for each in REPORTS])
def test_complaints_and_receipts(name: str, kind: Machine, address: str, facts: dict[str, Any]) -> None:
    parsed = sample(name)
    assert parsed.machine is kind
    assert parsed.bounce is not None
    assert [(each["address"], each["kind"]) for each in parsed.bounce["recipients"]] == [(address, "delivered")]
    assert {key: parsed.bounce[key] for key in facts} == facts


def test_what_a_known_web_form_sends_is_a_customers() -> None:
    around = Surroundings(AROUND.own_addresses, AROUND.secret, form_senders=frozenset({"forms@center.example.net"}))
    parsed = sample("form_mail", around)
    assert (parsed.machine, parsed.from_address) == (None, "lucia@example.com")
    assert parsed.headers["form"] == "forms@center.example.net"
    assert parsed.authentication["verdict"] == "unknown"  # anybody can type an address into a form


SPAM: list[tuple[str, str | None]] = [
    ("spam_by_our_own_server", "X-Spam-Flag: YES"),
    ("spam_by_rspamd", "X-Rspamd-Action: add header"),
    ("spam_by_exchange_online", "X-MS-Exchange-Organization-SCL: 6"),
    ("spam_header_written_by_the_sender", None),
    ("spam_level_of_exchange_on_another_server", None),
    ("spam_denied_is_no_evidence", None),
]


@pytest.mark.parametrize(("name", "evidence"), SPAM)
def test_spam_is_what_our_own_server_called_so(name: str, evidence: str | None) -> None:
    assert sample(name).spam == evidence


def test_the_settings_say_which_headers_of_spam_are_believed() -> None:
    named = Surroundings(frozenset({HELP}), AROUND.secret, spam_headers=("X-Spam-Flag",))
    assert sample("spam_header_written_by_the_sender", named).spam == "X-Spam-Flag: YES"
    assert sample("spam_by_rspamd", named).spam is None
    nothing = Surroundings(frozenset({HELP}), AROUND.secret, spam_headers=())
    assert sample("spam_by_our_own_server", nothing).spam is None
