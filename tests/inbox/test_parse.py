"""What the parser makes of a mail: words, files, machines, tokens, and who is believed."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inbox import headers
from services.inbox.machines import MARKER, marker
from services.inbox.parse import TOO_LARGE, Parsed, Surroundings, parse
from shared.models import Machine
from tests.inbox.conftest import HELP, mail

SAMPLES = Path(__file__).parent / "mail"
SECRET = "a secret of the center " * 3
AROUND = Surroundings(own_addresses=frozenset({HELP}), secret=SECRET, authserv_ids=("mx.center.example.org",))


def sample(name: str, around: Surroundings = AROUND) -> Parsed:
    return parse((SAMPLES / f"{name}.eml").read_bytes(), around)


def test_gmail_reply_in_spanish_with_a_wrapped_attribution() -> None:
    parsed = sample("gmail_reply_es_wrapped")
    assert parsed.text_new == (
        "Gracias, pero sigo sin entender el cargo de generación.\n\n"
        "Ayer escribió mi esposo que lo revisarían: ¿ya lo hicieron?"
    )
    assert "La generación va en la segunda hoja." in parsed.text_full
    assert (parsed.from_name, parsed.from_address) == ("Lucía Prado", "lucia.prado@example.com")
    assert parsed.subject == "Re: Su factura de noviembre"
    assert parsed.in_reply_to == ["<d1@center.example.org>"]
    assert parsed.references == ["<q1@mail.example.com>", "<d1@center.example.org>"]
    assert parsed.machine is None


def test_outlook_reply_below_a_rule_and_header_lines() -> None:
    assert sample("outlook_reply_en_header_block").text_new == (
        "It has been nine weeks. Was the check mailed?\n\nDatos de envio: PO Box 4471."
    )


def test_answers_between_quoted_lines_stay() -> None:
    text = sample("apple_mail_answers_between_quotes").text_new
    assert "It is 1020304050-6." in text
    assert "No, we rent." in text
    assert "> What is your account number?" in text  # with the lines they answer
    assert "iPhone" not in text


def test_forwarded_message_is_content() -> None:
    parsed = sample("forwarded_gmail")
    assert parsed.text_new == "Is this letter really from you?"
    [passed_on] = parsed.forwarded
    assert (passed_on.name, passed_on.address) == ("Energy Saver", "promo@scam.example.net")
    assert passed_on.text.endswith("Pay with gift cards today or your power is cut.")


def test_mail_that_is_only_a_quote_is_not_emptied() -> None:
    assert "We have answered your question." in sample("quote_only").text_new


def test_signature_and_english_legal_footer_go() -> None:
    assert sample("legal_footer_english_under_spanish").text_new == (
        "No estoy de acuerdo con la lectura. Quiero que me hagan el ajuste."
    )


def test_address_group_without_addresses() -> None:
    parsed = sample("no_to_header_group")
    assert parsed.to_addresses == []
    assert parsed.text_new == "To whom was this?"


def test_raw_latin1_everywhere() -> None:
    parsed = sample("raw_latin1_without_charset")
    assert parsed.from_name == "José Pérez"
    assert parsed.subject == "Facturación atrasada"
    assert parsed.text_new == "¿Cuánto debo?"
    assert parsed.defects == ["8-bit text without a charset"]


def test_unknown_charset_and_transfer_encoding() -> None:
    parsed = sample("unknown_charset_and_encoding")
    assert parsed.text_new == "¿Dónde está mi reembolso?"
    assert "unknown charset x-nobody-knows" in parsed.defects


def test_nuls_that_postgresql_would_refuse_go() -> None:
    parsed = sample("nul_bytes")
    assert parsed.subject == "Nul"
    assert parsed.text_full == "Beforeafter"


def test_html_alone_becomes_readable_text() -> None:
    parsed = sample("html_only_hidden_and_quoted")
    assert parsed.text_new == "Se fue la luz en mi casa.\n\n- Calle 1\n- Calle 2"
    assert "> Texto citado" in parsed.text_full
    assert "preheader" not in parsed.text_full
    assert parsed.html is not None
    assert "preheader" in parsed.html  # as received


def test_html_labelled_plain() -> None:
    parsed = sample("html_labelled_plain")
    assert parsed.text_new == "My meter smokes."
    assert parsed.html is not None


def test_nested_message_does_not_leak_and_its_files_are_reachable() -> None:
    parsed = sample("nested_message_does_not_leak")
    assert parsed.text_full == "Please look at the mail I attach."
    assert [(file.filename, file.content_type) for file in parsed.files] == [
        ("Secret of the inner mail.eml", "message/rfc822"),
        ("bill.pdf", "application/pdf"),
    ]
    assert b"Inner words." in parsed.files[0].data
    assert parsed.files[1].data == b"%PDF-"


def test_cid_image_is_inline_and_its_name_only_a_name() -> None:
    parsed = sample("cid_image_without_disposition")
    (image,) = parsed.files
    assert (image.filename, image.content_id, image.inline) == ("meter.png", "meter@x", True)
    assert parsed.text_full == "The meter: [image]"
    assert "cid:meter@x" in (parsed.html or "")


def test_uuencoded_file_leaves_the_text() -> None:
    parsed = sample("uuencoded_in_text")
    assert parsed.text_full == "Here is the file.\n\n\nThanks\n".strip("\n")
    assert [(file.filename, file.data) for file in parsed.files] == [("hello.txt", b"Hello world")]


def test_cut_mail_keeps_what_came() -> None:
    parsed = sample("missing_final_boundary")
    assert parsed.text_new == "The end of this mail was cut"
    assert "CloseBoundaryNotFoundDefect" in parsed.defects


def test_invitation_and_signature_are_no_files() -> None:
    assert sample("calendar_is_not_an_attachment").files == []


def test_bounce_with_a_report() -> None:
    parsed = sample("bounce_rfc3464")
    assert parsed.machine is Machine.BOUNCE
    assert parsed.bounce == {
        "recipients": [
            {"address": "gone@example.com", "status": "5.1.1", "kind": "failed", "permanent": True,
             "diagnostic": "smtp; 550 5.1.1 No such user"},
            {"address": "slow@example.com", "status": "4.2.2", "kind": "delayed", "permanent": False, "diagnostic": ""},
        ],
        "original_message_id": "<delivery.77@center.example.org>",
        "evidence": "message/delivery-status",
    }  # fmt: skip


def test_bounce_that_is_only_text() -> None:
    parsed = sample("bounce_qmail_text_only")
    assert parsed.machine is Machine.BOUNCE
    assert parsed.bounce is not None
    assert [(r["address"], r["kind"]) for r in parsed.bounce["recipients"]] == [("gone@example.com", "failed")]
    assert parsed.bounce["original_message_id"] == "<delivery.78@center.example.org>"


def test_delivery_receipt_is_no_bounce() -> None:
    receipt = sample("delivery_receipt_is_no_bounce")
    assert receipt.machine is Machine.RECEIPT
    assert receipt.bounce is not None
    assert [(r["address"], r["kind"]) for r in receipt.bounce["recipients"]] == [("ana@example.com", "delivered")]


def test_machines_are_told_with_their_evidence() -> None:
    out = sample("out_of_office_es")
    assert (out.machine, out.machine_evidence) == (Machine.AUTO_REPLY, "Subject: Respuesta automática: Su factura")
    news = sample("newsletter_list")
    assert (news.machine, news.machine_evidence) == (Machine.LIST, "List-Id: Letters <letters.example.net>")
    assert sample("exchange_suppress_header_alone").machine is None


def test_our_own_mail_come_back_is_known_by_a_mark_that_nobody_else_can_write() -> None:
    own = mail(message_id="<d9@center.example.org>", **{MARKER: marker(SECRET, "<d9@center.example.org>")})
    assert parse(own, AROUND).machine is Machine.LOOP
    forged = mail(message_id="<d9@center.example.org>", **{MARKER: marker("another secret", "<d9@center.example.org>")})
    assert parse(forged, AROUND).machine is None
    assert parse(mail(sender=f"Center <{HELP}>"), AROUND).machine is Machine.LOOP
    assert parse(mail(sender="Center <help+abcdef@center.example.org>"), AROUND).machine is Machine.LOOP


def test_authentication_is_believed_only_of_our_own_server() -> None:
    believed = sample("authentication_results_forged_below").authentication
    assert believed == {
        "spf": "fail", "spf_domain": "bank.example.com", "dkim": "none", "dmarc": "fail",
        "authserv_id": "mx.center.example.org", "trusted": True,
        "verdict": "fail", "verified_by": "server", "domain": None,
    }  # fmt: skip
    unknown = sample("authentication_results_forged_below", Surroundings(frozenset({HELP}), SECRET)).authentication
    assert (unknown["trusted"], unknown["verdict"], unknown["verified_by"]) == (False, "unknown", None)


@pytest.mark.parametrize(
    ("to", "token"),
    [
        ("Center <help+AbC123def456@center.example.org>", "AbC123def456"),
        ("help@center.example.org", None),
        ("help+abc123def456@elsewhere.example.org", None),
        ("other@x.example.com, HELP+abc123def456@Center.Example.org", "abc123def456"),
    ],
)
def test_reply_token(to: str, token: str | None) -> None:
    assert parse(mail(to=to), AROUND).reply_token == token


def test_reply_token_that_only_the_server_noted() -> None:
    raw = b"Delivered-To: help+abc123def456@center.example.org\r\n" + mail(to="undisclosed@example.com")
    assert parse(raw, AROUND).reply_token == "abc123def456"


def test_voicemail_by_sender_and_by_content() -> None:
    phone = Surroundings(frozenset({HELP}), SECRET, voicemail_senders=frozenset({"pbx@center.example.org"}))
    wave = b"RIFF\x24\x00\x00\x00WAVEfmt "
    raw = (
        b"From: PBX <pbx@center.example.org>\nTo: help@center.example.org\nSubject: New voicemail\n"
        b"Auto-Submitted: auto-generated\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
        b"Content-Type: text/plain\n\nA message.\n--b\nContent-Type: application/octet-stream; name=msg0001\n"
        b"Content-Transfer-Encoding: base64\n\n" + base64.b64encode(wave) + b"\n--b\n"
        b"Content-Type: audio/wav; name=not.wav\nContent-Transfer-Encoding: base64\n\n"
        + base64.b64encode(b"%PDF-1.7 this is no sound")
        + b"\n--b--\n"
    )
    parsed = parse(raw, phone)
    assert parsed.voicemails == {0}
    assert parsed.machine is None  # named in the settings: meant to be taken in
    assert parse(raw, AROUND).voicemails == set()


def test_mail_too_large_to_parse_keeps_headers_and_text() -> None:
    small = Surroundings(frozenset({HELP}), SECRET, max_parse_bytes=2_000)
    parsed = parse(mail("Big", "Short text. " + "x" * 5_000), small)
    assert parsed.defects == [TOO_LARGE]
    assert parsed.subject == "Big"
    assert parsed.text_full.startswith("Short text.")


NAMES = st.lists(st.text(st.characters(categories=["L", "M", "N"], include_characters="'-_"), min_size=1), max_size=3)
PARTS = st.lists(st.text("abcXYZ019+=_-", min_size=1, max_size=8), min_size=1, max_size=3).map(".".join)
HOSTS = st.lists(st.text("abz09-", min_size=1, max_size=8), min_size=2, max_size=3).map(".".join)


@given(NAMES, PARTS, HOSTS, st.booleans())
def test_the_short_way_to_an_address_finds_what_the_grammar_finds(
    name: list[str], local: str, host: str, bare: bool
) -> None:
    raw = f"{local}@{host}" if bare else " ".join([*name, f"<{local}@{host}>"])
    plain = headers._PLAIN_MAILBOX.fullmatch(raw)
    if plain is not None:
        found = headers.GUARDED.header_factory("from", raw).addresses
        assert [(each.display_name, each.addr_spec) for each in found] == [(plain[1] or "", plain[2] or plain[3])]
