"""Mail as it really comes: each sample in `mail/` is named after what is odd about it, and what must be read in it."""

from pathlib import Path
from typing import Any

import pytest

from services.inbox.parse import Parsed, Surroundings, parse
from tests.inbox.conftest import HELP

SAMPLES = Path(__file__).parent / "mail"
AROUND = Surroundings(own_addresses=frozenset({HELP}), secret="a secret of the center " * 3)
PDF = ("application/pdf", b"%PDF-")


def sample(name: str, around: Surroundings = AROUND) -> Parsed:
    return parse((SAMPLES / f"{name}.eml").read_bytes(), around)


# Name of the sample, and the fields that must come out. `files` are (name, type, first bytes).
READ: list[tuple[str, dict[str, Any]]] = [
    # Charsets
    ("charset_raw_utf8_without_charset", {"subject": "¿Cuánto debo?", "from_name": "Íñigo Muñoz",
        "text_full": "¿Cuánto debo? Señas: ñandú.", "defects": []}),
    ("charset_utf7", {"text_full": "¿Dónde está el técnico?", "defects": []}),
    ("charset_utf16_with_mark", {"text_full": "¿Cuándo abren?"}),
    ("charset_utf16_without_mark", {"text_full": "When do you open on Saturday?"}),
    ("charset_utf16_not_named", {"text_full": "My meter is broken, who comes?",
        "defects": ["UTF-16 without a charset"]}),
    ("charset_euc_jp", {"subject": "請求書について", "text_full": "請求書を送ってください。"}),
    ("charset_iso_2022_jp_not_named", {"subject": "電気の質問", "text_full": "電気が止まりました。"}),
    ("charset_shift_jis_not_named", {"text_full": "でんきがとまりました。どうすればいいですか？",
        "defects": ["8-bit text without a charset"]}),
    ("charset_windows_1258", {"text_full": "Tôi cần giúp đỡ"}),
    ("charset_ks_c_5601_for_cyrillic", {"subject": "Здравствуйте", "text_full": "Когда придёт счёт?"}),
    ("charset_latin1_means_windows_1252", {"subject": "“Quoted” € 5", "text_full": "It’s € 5 – why?"}),
    ("charset_utf8_claimed_but_latin1", {"text_full": "¿Qué pasó con mi señal?",
        "defects": ["bytes that are not utf-8"]}),
    ("charset_quadratic_codec", {"text_full": "Solo texto-con guion", "defects": ["unknown charset punycode"]}),
    ("html_control_characters_after_an_attribution", {"text_new": "Calle 1\n\nY yo digo que no.\nTexto citado"}),
    # Headers
    ("header_rfc6532_address", {"from_address": "josé@correo.example", "from_name": "José Peña"}),
    ("header_encoded_word_with_comma", {"from_address": "jose@example.com", "from_name": "Pérez, José",
        "subject": "Factura, urgente"}),
    ("header_character_split_between_words", {"subject": "Facturación"}),
    ("header_encoded_words_broken", {"subject": "Hola mundocon espaciosaño"}),
    ("header_address_in_an_encoded_word", {"from_address": "ana@example.com", "from_name": "Ana Ruiz"}),
    ("header_duplicates", {"from_address": "first@example.com", "subject": "The first", "html": None,
        "to_addresses": [HELP, "ayuda@center.example.org"], "rfc_message_id": "<dup1@mail.example.com>",
        "text_full": "Which one counts?", "defects": ["several From headers"]}),
    ("header_block_broken_by_a_line", {"subject": "The rest of the headers", "text_full": "¿Se lee?",
        "rfc_message_id": "<broken1@mail.example.com>", "defects": ["a broken line among the headers"]}),
    ("header_space_before_colon", {"from_address": "ana@example.com",
        "subject": "Spaces", "text_full": "Old program."}),
    ("header_from_line_of_an_mbox", {"subject": "From a mailbox file", "text_full": ">From here on it is text."}),
    ("header_address_groups", {"to_addresses": ["bo@example.com", "eva@example.com", HELP], "cc_addresses": []}),
    ("header_text_begins_without_blank_line", {"subject": "No blank line",
        "text_full": "Hello, I have no water.\nFrom: is a word that I use."}),
    ("line_ends_bare_cr", {"subject": "Only CR", "text_full": "First line\nSecond line"}),
    ("line_ends_mixed", {"subject": "Mixed", "text_full": "One\nTwo\nThree\nFour"}),
    ("line_ends_doubled", {"subject": "Doubled", "text_full": "One\nTwo", "defects": ["line ends were doubled"]}),
    # Transfer encodings
    ("transfer_encodings_misspelled", {"text_full": "Señal uno.\n\nSeñal dos.\n\nSeñal tres.\n\nSeñal cuatro.\n\n"
        "Señal cinco.\n\nSeñal seis.\n--- sent from the stone age ---"}),
    ("transfer_encoding_x_uuencode", {"text_full": "The reading is attached.",
        "files": [("meter.txt", "text/plain", b"Reading 12345\n")]}),
    ("transfer_encoding_quoted_printable_broken", {"text_full": "100=% sure =ZZ that it =Eñ= \n is ="}),
    # Separators of parts
    ("boundary_glued_to_text", {"text_full": "The last words", "files": [("a.png", "image/png", b"\x89PNG")]}),
    ("boundary_in_another_case", {"text_full": "Lower case.", "files": [("b.txt", "text/plain", b"file")]}),
    ("boundary_that_is_a_dash", {"text_full": "Between dashes.\n-- \nAna", "text_new": "Between dashes.",
        "files": [("a.pdf", *PDF)]}),
    ("boundary_prefix_of_another", {"text_full": "Plain words.", "html": "<p>Rich words.</p>",
        "files": [("a.pdf", *PDF)]}),
    ("boundary_opened_without_blank_line", {"text_full": "No blank line before me."}),
    ("boundary_not_declared", {"text_full": "Who declared me?", "files": []}),
    # Messages in messages
    ("nested_message_in_base64", {"text_full": "See the mail inside.",
        "files": [("Inner.eml", "message/rfc822", b"From: other@example.net"), ("bill.pdf", *PDF)]}),
    ("nested_global_message", {"text_full": "See the mail inside.",
        "files": [("Inner.eml", "message/rfc822", "From: josé@correo.example".encode())]}),
    ("nested_partial_message_is_text", {"text_full": "The first half of my words."}),
    ("parameter_that_is_folded_for_ever", {"text_full": "Please look atAKLl I attach."}),
    # What is no file, and what is
    ("calendar_attached_is_a_file", {"files": [("visit.ics", "text/calendar", b"BEGIN")]}),
    ("pgp_signed_parts", {"text_full": "Firmado por mí.", "files": []}),
    ("pgp_signed_in_the_text", {"text_full": "I signed this.\n-- not a signature"}),
    ("pgp_encrypted_parts", {"text_full": "", "defects": ["encrypted"],
        "files": [("encrypted.asc", "application/octet-stream", b"-----BEGIN PGP")]}),
    ("pgp_encrypted_in_the_text", {"defects": ["encrypted"]}),
    ("smime_signed_opens", {"text_full": "Firmado: ¿cuánto debo?", "files": []}),
    ("smime_signed_in_chunks_opens", {"text_full": "Firmado: ¿cuánto debo?", "files": []}),
    ("smime_encrypted_is_shown_as_such", {"text_full": "", "defects": ["encrypted"],
        "files": [("smime.p7m", "application/pkcs7-mime", b"0\x82")]}),
    ("tnef_opens_into_body_and_files", {"text_full": "Adjunto la medición.", "html": "<p>Adjunto la medición.</p>",
        "files": [("Medición.pdf", *PDF), ("meter.png", "image/png", b"\x89PNG")]}),
    ("tnef_beside_a_text_gives_only_files", {"text_full": "The words outside.", "html": None,
        "files": [("Medición.pdf", *PDF), ("meter.png", "image/png", b"\x89PNG")]}),
    ("tnef_with_a_body_in_rtf", {"text_full": "hello world", "files": [("message.rtf", "application/rtf",
        rb"{\rtf1\ansi\ansicpg1252\pard hello world}")]}),
    ("tnef_broken_stays_a_file", {"text_full": "The words outside.",
        "files": [("winmail.dat", "application/ms-tnef", b"\x78\x9f")]}),
    ("file_name_in_rfc2231_pieces", {"files": [("Factura de octubre ñandu.pdf", *PDF)]}),
    ("file_name_raw_utf8", {"files": [("Medición año.pdf", *PDF)]}),
    ("file_name_raw_latin1", {"files": [("Medición año.pdf", *PDF)]}),
    ("file_name_in_encoded_words", {"files": [("Medición año.pdf", *PDF)]}),
    ("file_name_undecodable", {"files": [("_a.pdf", *PDF), ("_.png", "image/png", b"x")]}),
    ("file_name_is_a_trap", {"files": [("cod_gpj.exe", "application/octet-stream", b"MZ")]}),
    ("file_without_a_name", {"files": [("unnamed.pdf", *PDF), ("unnamed.jpg", "image/jpeg", b"\xff\xd8"),
        ("unnamed", "application/x-what", b"?")]}),
    # Bodies
    ("body_empty_with_attachment", {"text_full": "", "files": [("bill.pdf", *PDF)]}),
    ("body_is_only_an_attachment", {"text_full": "", "files": [("scan.pdf", *PDF)]}),
    ("body_of_texts_with_images_between", {"text_full": "First the meter:\n\nThen the bill:\n\nWhat now?",
        "files": [("meter.jpg", "image/jpeg", b"\xff\xd8"), ("bill.jpg", "image/jpeg", b"\xff\xd8")]}),
    ("body_of_html_pieces_with_images_between", {"text_full": "One\nTwo", "html": "<p>One</p>\n<p>Two</p>",
        "files": [("a.png", "image/png", b"\x89PNG")]}),
    ("body_named_text_is_a_file", {"text_full": "The log is attached.",
        "files": [("log.txt", "text/plain", b"line 1")]}),
    ("body_html_twin_beside_text", {"text_full": "My bill is wrong.", "html": "<p>My bill is wrong.</p>"}),
    ("body_content_type_is_nonsense", {"text_full": "Still text."}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "expected"), READ, ids=[name for name, _ in READ])
def test_what_is_read_in_a_sample(name: str, expected: dict[str, Any]) -> None:
    parsed = sample(name)
    for field, value in expected.items():
        if field == "files":
            found = [(file.filename, file.content_type, file.data) for file in parsed.files]
            assert [each[:2] for each in found] == [each[:2] for each in value]
            assert all(data.startswith(first) for (_, _, data), (_, _, first) in zip(found, value, strict=True))
        else:
            assert getattr(parsed, field) == value, field
