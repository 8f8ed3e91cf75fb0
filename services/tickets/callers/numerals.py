"""How digits are said: every way in which the words at one place can be read as digits, in English and Spanish."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

DIGITS = {
    "zero": "0", "oh": "0", "o": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6",
    "seven": "7", "eight": "8", "nine": "9",
    "cero": "0", "uno": "1", "dos": "2", "tres": "3", "cuatro": "4", "cinco": "5", "seis": "6", "siete": "7",
    "ocho": "8", "nueve": "9",
}  # fmt: skip
TEENS = {
    "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14", "fifteen": "15", "sixteen": "16",
    "seventeen": "17", "eighteen": "18", "nineteen": "19",
    "diez": "10", "once": "11", "doce": "12", "trece": "13", "catorce": "14", "quince": "15", "dieciseis": "16",
    "diecisiete": "17", "dieciocho": "18", "diecinueve": "19", "veintiuno": "21", "veintidos": "22",
    "veintitres": "23", "veinticuatro": "24", "veinticinco": "25", "veintiseis": "26", "veintisiete": "27",
    "veintiocho": "28", "veintinueve": "29",
}  # fmt: skip
TENS = {
    "twenty": "20", "thirty": "30", "forty": "40", "fourty": "40", "fifty": "50", "sixty": "60", "seventy": "70",
    "eighty": "80", "ninety": "90",
    "diez": "10", "veinte": "20", "treinta": "30", "cuarenta": "40", "cincuenta": "50", "sesenta": "60",
    "setenta": "70", "ochenta": "80", "noventa": "90",
}  # fmt: skip
HUNDREDS = {
    "cien": "100", "ciento": "100", "doscientos": "200", "trescientos": "300", "cuatrocientos": "400",
    "quinientos": "500", "seiscientos": "600", "setecientos": "700", "ochocientos": "800", "novecientos": "900",
}  # fmt: skip
TIMES = {"double": 2, "doble": 2, "triple": 3, "quadruple": 4, "cuadruple": 4}
PLURALS = {
    "zeros": "0", "zeroes": "0", "ohs": "0", "ones": "1", "twos": "2", "threes": "3", "fours": "4", "fives": "5",
    "sixes": "6", "sevens": "7", "eights": "8", "nines": "9",
    "ceros": "0", "unos": "1", "doses": "2", "treses": "3", "cuatros": "4", "cincos": "5", "seises": "6",
    "sietes": "7", "ochos": "8", "nueves": "9",
}  # fmt: skip
_HUNDRED, _THOUSAND = {"hundred", "cientos"}, {"thousand", "mil"}
_AND = {"and", "y"}
NUMBER_WORDS = frozenset({*DIGITS, *TEENS, *TENS, *HUNDREDS, *TIMES, "mil"})
# Joining what a pause separates («forty, five» as 45) costs more than leaving apart what is said in one breath.
APART, ACROSS_PAUSE = 4.0, 4.6
_TORN = 5.0  # «dos mil» read as 2 and 1000


@dataclass(frozen=True, slots=True)
class Piece:
    """Words read as digits; `cost` says how unusual that reading is."""

    digits: str
    used: int
    cost: float = 0.0


def readings(keys: Sequence[str], at: int, pauses: Sequence[bool], end: int) -> list[Piece]:
    """What the words from `at` (before `end`) may stand for; `pauses[i]`: something stands between words i-1 and i."""
    return sorted(set(_readings(keys, at, pauses, end)), key=lambda piece: (piece.cost, -piece.used))


def _readings(keys: Sequence[str], at: int, pauses: Sequence[bool], end: int) -> Iterator[Piece]:
    key = keys[at]
    following = keys[at + 1] if at + 1 < end else ""
    if key in TIMES and following in DIGITS:
        yield Piece(DIGITS[following] * TIMES[key], 2)
        return
    if key in TIMES and following.isdigit() and len(following) == 1:
        yield Piece(following * TIMES[key], 2)
        return
    if key in DIGITS and following in PLURALS and 2 <= int(DIGITS[key]) <= 5:
        yield Piece(PLURALS[following] * int(DIGITS[key]), 2)
        return
    for small in _below_hundred(keys, at, pauses, end):
        yield small
        after = at + small.used
        if not int(small.digits) > 0 or len(small.digits) > 2 or small.digits[0] == "0":
            continue
        word = keys[after] if after < end else ""
        if word in _HUNDRED and not pauses[after]:
            yield from _with_rest(f"{int(small.digits) * 100}", small.used + 1, 2, keys, at, pauses, end)
        elif word in _THOUSAND and not pauses[after]:
            yield from _with_rest(f"{int(small.digits) * 1000}", small.used + 1, 3, keys, at, pauses, end)
    if key in HUNDREDS:
        for hundred in _with_rest(HUNDREDS[key], 1, 2, keys, at, pauses, end):
            yield hundred
            after = at + hundred.used
            if after < end and keys[after] in _THOUSAND and not pauses[after]:
                yield Piece(f"{int(hundred.digits) * 1000}", hundred.used + 1, hundred.cost)
    if key == "mil":
        torn = at > 0 and not pauses[at] and (keys[at - 1] in DIGITS or keys[at - 1] in TEENS or keys[at - 1] in TENS)
        for thousand in _with_rest("1000", 1, 3, keys, at, pauses, end):
            yield Piece(thousand.digits, thousand.used, thousand.cost + _TORN * torn)
    if key.isdigit() and (len(key) > 2 or key[0] == "0"):
        yield Piece(key, 1)


def _below_hundred(keys: Sequence[str], at: int, pauses: Sequence[bool], end: int) -> Iterator[Piece]:
    """One digit, a teen, or tens with or without their ones."""
    key = keys[at]
    if key.isdigit() and len(key) <= 2:
        yield Piece(key, 1)
    if key in DIGITS:
        yield Piece(DIGITS[key], 1)
    if key in TEENS:
        yield Piece(TEENS[key], 1)
    if key not in TENS:
        return
    tens = TENS[key]
    after = at + 1
    joined = after + 1 < end and keys[after] in _AND and _ones(keys[after + 1]) is not None
    if joined:
        yield Piece(tens[0] + str(_ones(keys[after + 1])), 3)
        return
    ones = _ones(keys[after]) if after < end else None
    if ones is not None and key != "diez":
        yield Piece(tens[0] + ones, 2, ACROSS_PAUSE if pauses[after] else 0.0)
        if key not in TEENS:
            yield Piece(tens, 1, 0.0 if pauses[after] else APART)
    elif key not in TEENS:
        yield Piece(tens, 1)


def _ones(key: str) -> str | None:
    digit = DIGITS.get(key)
    return digit if digit is not None and digit != "0" else None


def _with_rest(
    value: str, used: int, zeros: int, keys: Sequence[str], at: int, pauses: Sequence[bool], end: int
) -> Iterator[Piece]:
    """«five hundred», and «five hundred (and) fifty five»: the rest fills the last `zeros` digits."""
    after = at + used
    linked = after + 1 < end and keys[after] == "and"
    rest_at = after + 1 if linked else after
    rests: list[Piece] = []
    if rest_at < end:
        if zeros == 3 and keys[rest_at] in HUNDREDS:
            rests = list(_with_rest(HUNDREDS[keys[rest_at]], 1, 2, keys, rest_at, pauses, end))
        else:
            rests = list(_below_hundred(keys, rest_at, pauses, end))
        rests = [rest for rest in rests if 0 < int(rest.digits) < 10**zeros and rest.digits[0] != "0"]
    paused = rest_at < end and pauses[rest_at] and not linked
    for rest in rests:
        cost = rest.cost + (ACROSS_PAUSE if paused else 0.0)
        yield Piece(str(int(value) + int(rest.digits)), rest_at - at + rest.used, cost)
    yield Piece(value, used, 0.0 if paused or not rests else APART)
