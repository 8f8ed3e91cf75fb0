"""The author's words: found in what mail programs write around them, and never lost."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.inbox.trim import new_text

BODY = "The meter shows 410 and the bill says 583.\n\n¿Me pueden ayudar, por favor?"


@pytest.mark.parametrize(
    "around",
    [
        "On Tue, Nov 10, 2026 at 10:04 AM Customer Center <help@center.example.org> wrote:\n> Old",
        "On Nov 10, 2026, at 10:04, Customer Center\n<help@center.example.org> wrote:\n\n> Old",
        "El mar, 10 nov 2026 a las 10:04, Centro (<help@center.example.org>) escribió:\n> Viejo",
        "El mar, 10 nov 2026 a la(s) 10:04 a. m., Centro de Clientes\n(help@center.example.org) escribió:\n\nViejo",
        "El 10/11/2026 a las 10:04, Centro escribió:\n> Viejo",
        "El 10 nov 2026, a las 10:04, Centro <help@center.example.org> escribió:\n\n> Viejo",
        "On Tuesday, November 10, 2026 at 10:04:01 AM PST, Center <help@center.example.org> wrote:\n\nOld\nlines",
        "-----Original Message-----\nFrom: Center <help@center.example.org>\nSent: Monday\nTo: Ana\nSubject: x\n\nOld",
        "-----Mensaje original-----\nDe: Centro [mailto:help@center.example.org]\nEnviado el: lunes\n\nViejo",
        "________________________________\nDe: Centro <help@center.example.org>\nEnviado: lunes, 9 de noviembre\n"
        "Para: Ana <ana@example.com>\nAsunto: Su factura\n\nViejo",
        "*From:* Center <help@center.example.org>\n*Date:* Mon, 9 Nov 2026\n*To:* Ana\n*Subject:* Re: x\n\nOld",
        "From: Center <help@center.example.org>\nSent: Monday\nTo: Ana <ana@example.com>\nSubject: RE: x\n\nOld",
        "Sent from my iPhone",
        "Enviado desde mi iPhone",
        "Sent from my Samsung Galaxy smartphone.",
        "Enviado desde mi Samsung Mobile de Telcel",
        "Obtener Outlook para Android<https://aka.ms/x>",
        "Get Outlook for iOS",
        "Enviado desde Yahoo Mail para iPhone",
        "Sent from Mail for Windows",
        "-- \nAna Pérez\nCalle 1, Santa Rosa",
        "Best regards,\nAna Pérez\n(707) 555-0123",
        "Saludos cordiales,\nAna Pérez",
        "Atentamente,\n\nAna Pérez\nTel. 707-555-0123",
        "Ana Pérez | Taller Pérez | 707.555.0123",
        "AVISO DE CONFIDENCIALIDAD: Este mensaje es confidencial y para uso exclusivo de su destinatario.",
        "This e-mail message and its attachments are intended solely for the addressee.",
    ],
)
def test_what_mail_programs_add_is_cut(around: str) -> None:
    assert new_text(f"{BODY}\n\n{around}\n", subject="Re: Mi factura", author="Ana Pérez") == BODY


@pytest.mark.parametrize(
    "text",
    [
        "Datos de envío: Calle 1, Santa Rosa.\nDe: lunes a viernes.\nGracias",
        "Ayer escribió mi esposo que la luz se fue.",
        "On Monday my neighbor wrote: the meter is broken.",
        "El lunes mi vecina me escribió:\nque viene el técnico",
        "From: my point of view this is wrong.\nI want it corrected.",
        "> de 30 días llevo esperando\n\nY nadie contesta.",
        "Thanks",
        "Gracias,",
        "Ana Pérez",
        "My account is with Ana.\nPlease call her.",
        "I write on behalf of my mother.\n\nBest regards are not what I want, I want my money back.",
        "Is this email confidential? I intended to ask before sending the account number.",
        "Sent from my iPhone are all the photos, did you get them?\nThe meter is broken.",
    ],
)
def test_words_of_the_author_stay(text: str) -> None:
    kept = new_text(text, subject="Question", author="Ana Pérez")
    for word in text.replace(">", "").split():
        if "iPhone" in text or text.startswith(">"):
            continue
        assert word in kept.split(), kept
    assert kept


def test_question_below_the_signature_stays() -> None:
    text = "First point.\n\nBest regards,\nAna Pérez\n\nOne more thing: when does the office open on Saturday?"
    assert "when does the office open" in new_text(text, author="Ana Pérez")


def test_answer_below_the_quote_stays() -> None:
    text = "On Mon, Nov 9, 2026 at 8:00 AM Center <h@center.example.org> wrote:\n> Your address?\n\n88 Quarry Rd"
    assert new_text(text) == "88 Quarry Rd"


def test_outlook_forward_keeps_the_forwarded_message() -> None:
    text = (
        "Please see below.\n\nFrom: PG&E <bills@utility.example.com>\nSent: Monday\nTo: Ana\n"
        "Subject: Your bill\n\nYou owe $412."
    )
    assert new_text(text, subject="FW: Your bill").endswith("You owe $412.")
    assert new_text(text, subject="RE: Your bill") == "Please see below."


@pytest.mark.parametrize(
    "line",
    ["> quoted words here\n", "On a b 2026 10:00\n", "From: a\n", "x", "-- \n", "El " * 20 + "\n", "Gracias,\nAna\n"],
)
def test_time_is_linear(line: str) -> None:
    text = line * (770_000 // len(line))
    started = time.process_time()
    new_text(text, author="Ana Pérez")
    assert time.process_time() - started < 2.5


WORDS = st.sampled_from(["hola", "meter", "factura", "¿cuándo?", "bill", "no", "84", "luz"])
LINES = st.lists(WORDS, min_size=1, max_size=8).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=8), st.lists(LINES, max_size=5))
def test_plain_words_above_a_quote_are_kept_exactly(own: list[str], quoted: list[str]) -> None:
    text = "\n".join(own) + "\n\nOn Mon, Nov 9, 2026 at 8:00 AM C <h@center.example.org> wrote:\n"
    text += "\n".join(f"> {line}" for line in quoted)
    assert new_text(text, author="Zoe Quill") == "\n".join(own)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=400))
def test_nothing_is_invented_and_nothing_wholly_lost(text: str) -> None:
    kept = new_text(text)
    assert bool(kept) == bool("".join(line.rstrip() for line in text.replace("\r", "\n").split("\n")).strip("\n"))
