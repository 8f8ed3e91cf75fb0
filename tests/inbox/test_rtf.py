"""RTF bodies become text: the letters of every charset, no tables or pictures, and nothing without bound."""

import pytest

from services.inbox import rtf
from services.inbox.parse import Surroundings, parse
from tests.inbox.conftest import HELP

HEAD = rb"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss Arial;}{\f1\fswiss\fcharset204 Arial Cyr;}}"
PACKED = b"\0" * 8 + b"LZFu" + b"\0" * 4


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (rb"\pard Hola, se\'f1or.\par Mi recibo\line es alto.\par}", "Hola, señor.\nMi recibo\nes alto."),
        (rb"\uc1 50 \u8364?\'80 and \u-10179?\u-8704? here}", "50 €€ and 😀 here"),
        (rb"\f1\'cf\'f0\'e8\'e2\'e5\'f2\f0  \'e9}", "Привет é"),
        (rb"a{\*\generator none}{\pict 0102}{\info{\author X}}{\v hidden}\tab b\~c \{d\} \\}", "a\tb c {d} \\"),
        (rb"\fromhtml1 {\*\htmltag64 <p>}{\htmlrtf {\htmlrtf0}My bill.{\*\htmltag72 </p>}}", "My bill."),
        (rb"{{{ unbalanced", "unbalanced"),
        (b"", ""),
    ],
)
def test_the_words_of_rtf(body: bytes, expected: str) -> None:
    assert rtf.to_text(HEAD + body).strip() == expected


@pytest.mark.parametrize("other", [b"", b"hello", b"{\\rt", b"<p>{\\rtf1 x}"])
def test_what_is_no_rtf_says_nothing(other: bytes) -> None:
    assert rtf.to_text(other) == ""


def test_a_part_that_is_rtf_is_shown_as_text() -> None:
    raw = b"From: a@b.example\nContent-Type: text/rtf\n\n" + HEAD + rb"\pard Hola.\par}"
    around = Surroundings(own_addresses=frozenset({HELP}), secret="s" * 40)
    assert parse(raw, around).text_full == "Hola."


def test_what_is_packed_cannot_grow_without_bound() -> None:
    bomb = PACKED + (b"\xff" + b"\x00\x0e" * 8) * 20_000  # 16 bytes from every two
    assert len(rtf.decompress(bomb)) == rtf.LIMIT
    assert len(rtf.to_text(HEAD + rb"\par" * 400_000)) < rtf.TOKENS


def test_a_reference_may_reach_into_itself_and_before_the_beginning() -> None:
    # Three letters, then 10 bytes from one byte back, then 4 from the prescribed beginning of the dictionary.
    start = 207
    packed = PACKED + b"\x18abc" + ((start + 2) << 4 | 8).to_bytes(2, "big") + (0 << 4 | 2).to_bytes(2, "big")
    assert rtf.decompress(packed) == b"abc" + b"c" * 10 + b"{\\rt"
