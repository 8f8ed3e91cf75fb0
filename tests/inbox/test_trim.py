"""The author's words: found in what mail programs write around them, and never lost."""

import sys
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.trimming import samples
from bench.trimming.samples import Sample
from services.inbox.footers import is_mobile_footer
from services.inbox.trim import read_written

SAMPLES = samples.load()
CASES = [pytest.param(each, None, id=f"{each.id}-text") for each in SAMPLES]
CASES += [pytest.param(each, each.html, id=f"{each.id}-html") for each in SAMPLES if each.html]


@pytest.mark.parametrize(("sample", "html"), CASES)
def test_sample(sample: Sample, html: str | None) -> None:
    """Every sample of the benchmark holds, by its HTML and by its words alone, or is told to be a miss in the data."""
    written = read_written(sample.text, html, subject=sample.subject, author=sample.author)
    assert not samples.lost(sample, written.new), written.new
    assert samples.exact(sample, written.new) is not bool(sample.known_miss), written.new
    told = [{"name": each.name, "address": each.address, "subject": each.subject} for each in written.forwarded]
    assert told == [{key: each[key] for key in ("name", "address", "subject")} for each in sample.forwarded]
    for each, expected in zip(written.forwarded, sample.forwarded, strict=True):
        assert samples.words(each.text) == samples.words(expected.get("text", each.text))


def test_the_set_is_what_it_says() -> None:
    assert len(SAMPLES) >= 160
    assert abs(sum(1 if sample.language == "es" else -1 for sample in SAMPLES)) <= 4
    assert len({sample.id for sample in SAMPLES}) == len(SAMPLES)
    assert sum(sample.held_out for sample in SAMPLES) >= 50


@pytest.mark.parametrize(
    "line",
    [
        "Sent from my iPhone", "Enviado desde mi iPhone", "Sent from my T-Mobile 5G Device", "Obtener Outlook para iOS",
        "Get Outlook for Android<https://aka.ms/x>", "Enviado desde mi Samsung Mobile de Telcel",
        "Sent via the Samsung Galaxy S21 5G, an AT&T 5G smartphone", "Enviado desde Correo para Windows 10",
        "Sent from AOL on Android", "Enviado desde Outlook para Android<https://aka.ms/x>",
        "Yahoo Mail: Search, Organize, Conquer", "Enviado con Proton Mail seguro.",
    ],
)  # fmt: skip
def test_mobile_footers(line: str) -> None:
    assert is_mobile_footer(line)


@pytest.mark.parametrize(
    "line",
    [
        "Sent from my iPhone are all the photos", "Enviado desde mi trabajo el viernes", "Sent from my phone on Friday",
        "Get Outlook to open the file, please help", "Enviado por correo el lunes", "Sent by mail on the 3rd of May",
        "Enviado desde el banco", "Sent with the check",
    ],
)  # fmt: skip
def test_sentences_that_begin_like_mobile_footers(line: str) -> None:
    assert not is_mobile_footer(line)


@pytest.mark.parametrize(
    ("below", "kept"),
    [
        ("Best regards,\nAna Pérez\n\nOne more thing: when does the office open on Saturday?", "when does the office"),
        ("Gracias,\nAna Pérez\nCuenta 1029384756", "1029384756"),
        ("Gracias.\nUrgente", "Urgente"),
        ("Thanks\n\nAccount Number\n1029384756", "1029384756"),
        ("Saludos,\nAna\nPor favor llámeme al 707-555-0123 después de las 5", "después de las 5"),
        ("Regards,\nAna\n\nP.S. the gate code is 4411", "4411"),
        ("-- \nAna\n\n¿Y cuándo viene el técnico?", "¿Y cuándo viene"),
        ("AVISO LEGAL: mensaje confidencial.\n\nPD: el código del portón es 4411", "4411"),
    ],
)
def test_what_says_something_below_a_signature_stays(below: str, kept: str) -> None:
    assert kept in read_written(f"The meter is broken.\n\n{below}", author="Ana Pérez").new


@pytest.mark.parametrize(
    "above",
    [
        "---- Customer Center wrote ----", "------On 12/29/2026 17:32, Customer Center wrote-----",
        "2026/11/9 Customer Center <help@center.example.org>",
        "* Customer Center <help@center.example.org> [2026-11-09]:",
    ],
)  # fmt: skip
def test_rare_attributions(above: str) -> None:
    assert read_written(f"My answer\n\n{above}\n\n> quoted").new == "My answer"


def test_a_subject_says_whether_headers_stand_above_a_forward_or_a_quote() -> None:
    headers = "From: PG&E <bills@utility.example.com>\nSent: Monday\nTo: Ana\nSubject: x"
    text = f"Please see below.\n\n{headers}\n\nYou owe $412."
    assert [each.text for each in read_written(text, subject="FW: Your bill").forwarded] == ["You owe $412."]
    assert read_written(text, subject="RE: FW: Your bill") == read_written("Please see below.")
    unsaid = text.partition("\n\n")[2]  # no words and no mark: better taken for a forward than for nothing
    assert [each.text for each in read_written(unsaid, subject="Your bill").forwarded] == ["You owe $412."]


def test_words_below_a_quoted_forward_are_the_authors() -> None:
    text = "Look:\n\nBegin forwarded message:\n\n> From: A <a@example.com>\n> Subject: x\n>\n> Old\n\nIs that right?"
    written = read_written(text, subject="Fwd: x")
    assert (written.new, [each.text for each in written.forwarded]) == ("Look:\n\nIs that right?", ["Old"])


def test_forwards_inside_forwards_are_counted_out() -> None:
    written = read_written("---------- Forwarded message ---------\nFrom: A <a@example.com>\n\nx\n\n" * 100)
    assert len(written.forwarded) == 20
    assert "Forwarded message" in written.forwarded[-1].text  # the rest is still there


def test_marks_cannot_be_brought_along() -> None:
    forged = "".join(chr(0xF0F0 + number) for number in range(6))
    for sign in forged:
        assert read_written(f"One\n{sign}\nTwo\n{sign}\nThree").new.split() == ["One", "Two", "Three"]
    html = f"<p>One</p><p>{forged[0]}</p><p>Two</p><blockquote type=cite>old</blockquote>"
    assert read_written("One\nTwo", html).new.split() == ["One", "Two"]


def test_html_that_says_nothing_is_answered_by_the_text() -> None:
    html = '<div class="gmail_quote"><blockquote type="cite">On Mon X wrote: old</blockquote></div>'
    assert read_written("My words", html).new == "My words"


def calls(text: str, html: str | None = None) -> int:
    """How many functions, ours and the library's, are called: work as a number that no busy machine changes."""
    count = 0

    def counted(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        read_written(text, html, subject="Re: x", author="Ana Pérez")
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(
    "line",
    [
        "> quoted words here\n", "On a b 2026 10:00\n", "From: a\n", "To: a@b.example\n", "-- \n", "El " * 20 + "\n",
        "Gracias,\nAna\n", "\n", "> x\ny\n\n", "From: a\n\n\n\n", "---------- Forwarded message ---------\nFrom: a\n\n",
        "On Mon 9 Nov 2026 8:00 <a@b.example> wrote:\n> x\ny\n", "This e-mail is confidential, delete it.\n\n",
        "From: a@b.example\nTo: b\nSubject: c\n\n",
    ],
)  # fmt: skip
def test_work_grows_with_the_mail_and_no_faster(line: str) -> None:
    """A body of 0.77 MB takes about a second at worst. Lines are cut before a pattern sees them: count calls."""
    small, large = (calls("Hola\n\n" + line * count) for count in (400, 1600))
    assert large < 4.6 * small


@pytest.mark.parametrize(
    "piece",
    [
        '<blockquote type="cite">', '<div class="gmail_signature">x</div>', "<p>a@b:</p><blockquote>x</blockquote>",
        '<div id="appendonsend">x</div>', '<div style="border-top:solid 1px">', '<div class="gmail_attr">x</div>',
    ],
)  # fmt: skip
def test_work_on_html_grows_with_it_and_no_faster(piece: str) -> None:
    small, large = (calls("x", '<div class="gmail_quote">' + piece * count) for count in (100, 400))
    assert large < 4.6 * small


SIGNED = "I smell gas by the meter.\n\nThanks,\nTess Albright\nAlbright Farms\nCell: 707-555-0153"
QUOTE = "On Mon, Nov 9, 2026 at 8:00 AM C <h@center.example.org> wrote:\n> We are closed.\n> Carla, 707-555-0100"


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        (SIGNED, "Tess Albright\nAlbright Farms\nCell: 707-555-0153"),
        (f"{SIGNED}\n\n{QUOTE}", "Tess Albright\nAlbright Farms\nCell: 707-555-0153"),
        ("I smell gas.\n\nTess Albright, 12 Alder Court\n707-555-0153", "Tess Albright, 12 Alder Court\n707-555-0153"),
        ("I smell gas.\n\n-- \nTess Albright\n707-555-0153", "Tess Albright\n707-555-0153"),
        (f"I smell gas.\n\n{QUOTE}\n\n-- \nTess Albright\n707-555-0153", "Tess Albright\n707-555-0153"),
        (f"I smell gas.\n\n{QUOTE}", ""),
        ("I smell gas. Call 707-555-0153", ""),
        ("I smell gas.\n\nSent from my iPhone", ""),
    ],
)
def test_the_authors_signature_is_kept_beside_their_words(text: str, signature: str) -> None:
    written = read_written(text, author="Tess Albright")
    assert written.signature == signature
    assert "707-555-0153" not in written.new or not signature


def test_a_signature_that_html_marks_is_kept_too() -> None:
    html = '<div>I smell gas.</div><div class="gmail_signature">Tess Albright<br>707-555-0153</div>'
    written = read_written("I smell gas.\n\nTess Albright\n707-555-0153", html, author="Tess Albright")
    assert (written.new, written.signature) == ("I smell gas.", "Tess Albright\n707-555-0153")


WORDS = st.sampled_from(["hola", "meter", "factura", "¿cuándo?", "bill", "no", "84", "luz"])
LINES = st.lists(WORDS, min_size=1, max_size=8).map(" ".join)


@settings(max_examples=100, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=8), st.lists(LINES, max_size=5))
def test_plain_words_above_a_quote_are_kept_exactly(own: list[str], quoted: list[str]) -> None:
    text = "\n".join(own) + "\n\nOn Mon, Nov 9, 2026 at 8:00 AM C <h@center.example.org> wrote:\n"
    text += "\n".join(f"> {line}" for line in quoted)
    assert read_written(text, author="Zoe Quill").new == "\n".join(own)


PIECES = st.sampled_from(
    [
        "> quoted", "", "own words", "On Mon, Nov 9, 2026 at 8:00 AM C <h@c.example> wrote:", "From: a <a@b.example>",
        "Sent: Monday 8:00", "To: b", "Subject: c", "---------- Forwarded message ---------", "-- ", "Saludos,", "Ana",
        "________________________________", "Enviado desde mi iPhone", ">> deep", "-----Mensaje original-----",
    ]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=14) | st.text(max_size=300).map(lambda text: text.split("\n")))
def test_nothing_is_invented_and_nothing_wholly_lost(lines: list[str]) -> None:
    text = "\n".join(lines)
    written = read_written(text)
    said = " ".join(
        [written.new, *(f"{f.name} {f.address} {f.date} {f.to} {f.subject} {f.text}" for f in written.forwarded)]
    )
    assert set(said.replace(">", " ").replace("<", " ").split()) <= set(
        samples.words(text.replace(">", " ").replace("<", " "))
    )
    assert bool(said.strip()) == bool(text.replace("\ufeff", "").strip().strip(">"))
