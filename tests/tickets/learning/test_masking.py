"""Masked text keeps what a message is about and loses who wrote it."""

import pytest

from services.tickets.learning.masking import masked

NAMES = ("Rosario Peñaloza", "rosario.penaloza@example.com", "+17075550142")


@pytest.mark.parametrize(
    ("text", "gone", "stays"),
    [
        (
            "My account 2468013579-0 was charged $412.77 twice.",
            ("2468013579", "412.77"),
            ("account", "charged", "twice"),
        ),
        ("Llámeme al (707) 555-0188 antes de 48 horas.", ("555", "0188"), ("Llámeme", "48 horas")),
        ("Write to ana.ruiz@example.net or see https://example.net/u/ana", ("ruiz", "/u/ana"), ("Write to",)),
        ("I live at 1428 Old Mill Rd apt 3 and lost power.", ("1428", "Old Mill"), ("I live at", "lost power")),
        ("Vivo en la calle Los Pinos 45 y no hay luz.", ("Pinos", "45"), ("no hay luz",)),
        ("Hi, this is Dana Whitlock, my bill doubled.", ("Dana", "Whitlock"), ("my bill doubled",)),
        ("Me llamo Lupita Armenta y quiero mudarme.", ("Lupita", "Armenta"), ("quiero mudarme",)),
        ("My bill doubled.\n\nThanks,\nWalt Brisco", ("Walt", "Brisco"), ("My bill doubled",)),
        ("habla la señora rosario peñaloza, sobre mi recibo", ("rosario", "peñaloza"), ("sobre mi recibo",)),
    ],
)
def test_what_identifies_somebody_goes_and_the_matter_stays(
    text: str, gone: tuple[str, ...], stays: tuple[str, ...]
) -> None:
    found = masked(text, NAMES)
    assert not [each for each in gone if each in found], found
    assert not [each for each in stays if each not in found], found


def test_masking_twice_is_masking_once() -> None:
    once = masked("This is Dana Whitlock at 1428 Old Mill Rd, 707-555-0188. Thanks,\nDana", NAMES)
    assert masked(once, NAMES) == once
