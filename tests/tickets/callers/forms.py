"""Numbers as people say them: one telephone number, put into words in every form the reading promises to know."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

DIGITS = {
    "en": ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
    "es": ["cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"],
}
TEENS = {
    "en": [
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ],
    "es": ["diez", "once", "doce", "trece", "catorce", "quince", "dieciséis", "diecisiete", "dieciocho", "diecinueve"],
}
TENS = {
    "en": ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"],
    "es": ["veinte", "treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa"],
}
TWENTIES = ["veinte", "veintiuno", "veintidós", "veintitrés", "veinticuatro", "veinticinco", "veintiséis",
            "veintisiete", "veintiocho", "veintinueve"]  # fmt: skip
HUNDREDS = ["", "ciento", "doscientos", "trescientos", "cuatrocientos", "quinientos", "seiscientos", "setecientos",
            "ochocientos", "novecientos"]  # fmt: skip
DOUBLE = {"en": "double", "es": "doble"}


def digit(language: str, value: str, oh: bool = False) -> str:
    return "oh" if oh and language == "en" and value == "0" else DIGITS[language][int(value)]


def one_by_one(language: str, digits: str, oh: bool = False) -> str:
    return " ".join(digit(language, each, oh) for each in digits)


def pair(language: str, two: str, oh: bool = False) -> str:
    value = int(two)
    if value < 10:
        return one_by_one(language, two, oh)
    if value < 20:
        return TEENS[language][value - 10]
    if language == "es" and value < 30:
        return TWENTIES[value - 20]
    tens, ones = TENS[language][value // 10 - 2], value % 10
    if ones == 0:
        return tens
    return f"{tens} y {DIGITS['es'][ones]}" if language == "es" else f"{tens} {DIGITS['en'][ones]}"


def pairs(language: str, digits: str, oh: bool = False) -> str:
    """The odd one first, as in «four fifteen»; a pause where «twenty» and «five» would run together."""
    head, rest = (digits[:1], digits[1:]) if len(digits) % 2 else ("", digits)
    parts = ([digit(language, head, oh)] if head else []) + [
        pair(language, rest[i : i + 2], oh) for i in range(0, len(rest), 2)
    ]
    return ", ".join(parts)


def hundreds(language: str, three: str) -> str:
    if three[0] == "0":
        return one_by_one(language, three)
    rest = three[1:]
    if language == "en":
        words = f"{DIGITS['en'][int(three[0])]} hundred"
        return (
            words if rest == "00" else f"{words} {pair('en', rest) if rest[0] != '0' else DIGITS['en'][int(rest[1])]}"
        )
    if three == "100":
        return "cien"
    words = HUNDREDS[int(three[0])]
    if rest == "00":
        return words
    return f"{words} {pair('es', rest) if rest[0] != '0' else DIGITS['es'][int(rest[1])]}"


def doubled(language: str, digits: str, oh: bool = False) -> str:
    """«triple five», «doble dos» wherever a digit is said again."""
    parts, i = [], 0
    while i < len(digits):
        run = 1
        while run < 3 and i + run < len(digits) and digits[i + run] == digits[i]:
            run += 1
        word = {1: "", 2: f"{DOUBLE[language]} ", 3: "triple "}[run]
        parts.append(word + digit(language, digits[i], oh))
        i += run
    return " ".join(parts)


@dataclass(frozen=True)
class Spoken:
    number: str
    said: str


GROUPS = {"digits": one_by_one, "pairs": pairs, "doubled": doubled}


@st.composite
def numbers(draw: Any) -> str:
    """Ten digits that a telephone here may have."""
    area = draw(st.sampled_from(["707", "415", "510", "925", "628", "800", "213", "530", "209"]))
    exchange = draw(st.sampled_from(["555", "542", "220", "700", "999", "232", "801"]))
    return f"{area}{exchange}{draw(st.integers(0, 9999)):04d}"


@st.composite
def spoken(draw: Any, number: str | None = None) -> Spoken:
    """A number in one of the forms: each of its groups in its own form, language and breath."""
    number = number or draw(numbers())
    style = draw(st.sampled_from(["written", "plain", "mixed", "code switching"]))
    if style == "written":
        shape = draw(
            st.sampled_from(["{}-{}-{}", "({}) {}-{}", "{}.{}.{}", "{} {} {}", "1-{}-{}-{}", "+1 {} {} {}", "{}{}{}"])
        )
        return Spoken(number, shape.format(number[:3], number[3:6], number[6:]))
    language = draw(st.sampled_from(["en", "es"]))
    oh = draw(st.booleans())
    if style == "plain":
        breath = draw(st.sampled_from([" ", ", ", ". ", " - "]))
        return Spoken(number, breath.join(digit(language, each, oh) for each in number))
    parts = []
    for group in (number[:3], number[3:6], number[6:]):
        spoken_in = draw(st.sampled_from(["en", "es"])) if style == "code switching" else language
        form = draw(
            st.sampled_from(["digits", "pairs", "doubled", "written", *(["hundreds"] if len(group) == 3 else [])])
        )
        if form == "written":
            parts.append(group)
        elif form == "hundreds":
            parts.append(hundreds(spoken_in, group))
        else:
            parts.append(GROUPS[form](spoken_in, group, oh))
    pause = draw(st.sampled_from([", ", ". ", ", uh, ", ", este, "]))
    return Spoken(number, pause.join(parts))
