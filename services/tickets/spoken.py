"""Numbers said digit by digit, in English, Spanish or both in one breath, written as digits."""

import re

from shared.language import fold

_DIGITS = {
    "zero": "0", "oh": "0", "o": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6",
    "seven": "7", "eight": "8", "nine": "9",
    "cero": "0", "uno": "1", "dos": "2", "tres": "3", "cuatro": "4", "cinco": "5", "seis": "6", "siete": "7",
    "ocho": "8", "nueve": "9",
}  # fmt: skip
_TEENS = {
    "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14", "fifteen": "15", "sixteen": "16",
    "seventeen": "17", "eighteen": "18", "nineteen": "19",
    "diez": "10", "once": "11", "doce": "12", "trece": "13", "catorce": "14", "quince": "15", "dieciseis": "16",
    "diecisiete": "17", "dieciocho": "18", "diecinueve": "19", "veintiuno": "21", "veintidos": "22",
    "veintitres": "23", "veinticuatro": "24", "veinticinco": "25", "veintiseis": "26", "veintisiete": "27",
    "veintiocho": "28", "veintinueve": "29",
}  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
    "veinte": 20, "treinta": 30, "cuarenta": 40, "cincuenta": 50, "sesenta": 60, "setenta": 70, "ochenta": 80,
    "noventa": 90,
}  # fmt: skip
_HUNDREDS = {
    "cien": 100, "ciento": 100, "doscientos": 200, "trescientos": 300, "cuatrocientos": 400, "quinientos": 500,
    "seiscientos": 600, "setecientos": 700, "ochocientos": 800, "novecientos": 900,
}  # fmt: skip
_REPEATS = {"double": 2, "doble": 2, "triple": 3}
_DASH = {"dash", "guion", "hyphen"}
_GLUE = re.compile(r"^[\s,\-–]*$")  # what may stand between two parts of one number
_TOKEN = re.compile(r"\d+|[^\W\d_]+")


def digits_of_speech(text: str) -> str:
    """The text with every run of seven or more spoken or written digits as digits; ten become 707-555-0112.

    Shorter runs («two weeks», «nineteen forty») stay words: only long ones can be a number to call or an account.
    """
    tokens = [(match.start(), match.end(), fold(match.group())) for match in _TOKEN.finditer(text)]
    out: list[str] = []
    at = index = 0
    while index < len(tokens):
        digits, after = _run(text, tokens, index)
        if len(digits.replace("-", "")) >= 7:
            start, end = tokens[index][0], tokens[after - 1][1]
            out.append(text[at:start] + _written(digits))
            at, index = end, after
        else:
            index = max(after, index + 1)
    out.append(text[at:])
    return "".join(out)


def _run(text: str, tokens: list[tuple[int, int, str]], index: int) -> tuple[str, int]:
    """The digits that begin at this token, and the token after them."""
    digits, previous_end = "", None
    while index < len(tokens):
        start = tokens[index][0]
        if previous_end is not None and not _GLUE.match(text[previous_end:start]):
            break
        said, used = _said(tokens, index, started=bool(digits))
        if used == 0:
            break
        digits += said
        index += used
        previous_end = tokens[index - 1][1]
    return digits.rstrip("-"), index


def _said(tokens: list[tuple[int, int, str]], index: int, *, started: bool) -> tuple[str, int]:
    word = tokens[index][2]
    following = tokens[index + 1][2] if index + 1 < len(tokens) else ""
    if word.isdigit():
        return word, 1
    if word in ("o", "once") and not started:
        return "", 0  # «o» and «once» are words too; within a number they are digits
    if word in _DASH and started and (following in _DIGITS or following.isdigit()):
        return "-", 1
    if word in _REPEATS and following in _DIGITS:
        return _DIGITS[following] * _REPEATS[word], 2
    if word in _HUNDREDS:
        value, used = _HUNDREDS[word], 1
        rest, more = _below_hundred(tokens, index + 1)
        return str(value + rest), used + more
    if word in _TENS:
        value, used = _below_hundred(tokens, index)
        return str(value), used
    if word in _TEENS:
        return _TEENS[word], 1
    if word in _DIGITS:
        return _DIGITS[word], 1
    return "", 0


def _below_hundred(tokens: list[tuple[int, int, str]], index: int) -> tuple[int, int]:
    """«cuarenta y siete», «forty seven», «siete»: the value and how many words it took."""
    words = [word for _, _, word in tokens[index : index + 3]]
    if not words:
        return 0, 0
    if words[0] in _TEENS:
        return int(_TEENS[words[0]]), 1
    if words[0] not in _TENS:
        return 0, 0
    value = _TENS[words[0]]
    if len(words) == 3 and words[1] == "y" and words[2] in _DIGITS:
        return value + int(_DIGITS[words[2]]), 3
    if len(words) >= 2 and words[1] in _DIGITS and _DIGITS[words[1]] != "0" and words[1] != "o":
        return value + int(_DIGITS[words[1]]), 2
    return value, 1


def _written(digits: str) -> str:
    if len(digits) == 10 and digits.isdigit():
        return f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"
    return digits
