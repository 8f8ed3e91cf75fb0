"""How many: number words as a value, in English and Spanish («two seventeen» dollars are 217). Pure."""

from collections.abc import Sequence

from services.tickets.callers.numerals import DIGITS, HUNDREDS, TEENS, TENS

_SMALL = {word: int(value) for words in (DIGITS, TEENS) for word, value in words.items() if word not in ("o", "oh")}
_SMALL |= {"un": 1, "una": 1, "veintiun": 21, "veintiuna": 21}
_TENS = {word: int(value) for word, value in TENS.items() if word != "diez"}
_HUNDREDS = {word: int(value) for word, value in HUNDREDS.items()}
_HUNDREDS |= {word.removesuffix("os") + "as": value for word, value in _HUNDREDS.items() if word.endswith("os")}
_LINKS = {"and", "y"}
WORDS = frozenset({*_SMALL, *_TENS, *_HUNDREDS, "hundred", "thousand", "mil", "grand"})


def cardinal(words: Sequence[str], at: int, end: int) -> tuple[int, int] | None:
    """The number that begins here, and how many words it takes; None where there is none.

    A following digit group without «hundred» is one: «two seventeen» 217, «eleven fifty» 1150.
    """
    total, place, current = 0, at, 1
    if at < end and words[at] == "a" and words[at + 1 : at + 2] and words[at + 1] in ("hundred", "thousand", "grand"):
        place += 1
    elif not (at < end and words[at] == "mil"):
        read = _below_thousand(words, at, end)
        if read is None:
            return None
        current, place = read
    while place < end and words[place] in ("thousand", "mil", "grand"):
        total += current * 1_000
        place += 1
        current = 0
        after = place + 1 if place < end and words[place] in _LINKS else place
        read = _below_thousand(words, after, end)
        if read is not None and read[0] < 1_000:
            current, place = read
    if place < end and words[place] == "hundred":
        current, place = current * 100, place + 1
        current, place = _with_rest(words, current, place, end)
    return total + current, place - at


def _below_thousand(words: Sequence[str], at: int, end: int) -> tuple[int, int] | None:
    """(value, place behind it)."""
    if at >= end:
        return None
    word = words[at]
    if word in _HUNDREDS:
        return _with_rest(words, _HUNDREDS[word], at + 1, end)
    read = _below_hundred(words, at, end)
    if read is None:
        return None
    value, place = read
    if place < end and words[place] == "hundred" and value < 100:
        return _with_rest(words, value * 100, place + 1, end)
    spoken_pair = place < end and 0 < value < 100 and words[at] not in ("un", "una") and words[place] not in _LINKS
    if spoken_pair:  # «two seventeen», «siete cincuenta»
        second = _below_hundred(words, place, end)
        range_of_tens = second is not None and value % 10 == 0 and second[0] == value + 10  # «eighty ninety bucks»
        if second is not None and 10 <= second[0] < 100 and not range_of_tens:
            return value * 100 + second[0], second[1]
    return value, place


def _with_rest(words: Sequence[str], value: int, place: int, end: int) -> tuple[int, int]:
    rest_at = place + 1 if place < end and words[place] in _LINKS else place
    rest = _below_hundred(words, rest_at, end)
    if rest is not None and rest[0] > 0:
        return value + rest[0], rest[1]
    return value, place


def _below_hundred(words: Sequence[str], at: int, end: int) -> tuple[int, int] | None:
    if at >= end:
        return None
    word = words[at]
    if word in _TENS:
        value, place = _TENS[word], at + 1
        ones_at = place + 1 if place < end and words[place] in _LINKS else place
        if ones_at < end and 0 < _SMALL.get(words[ones_at], 0) < 10:
            return value + _SMALL[words[ones_at]], ones_at + 1
        return value, place
    if word in _SMALL:
        return _SMALL[word], at + 1
    return None
