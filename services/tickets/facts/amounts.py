"""Amounts of money, written («$1,234.56», «120 bucks») and spoken («ciento veinte dólares»), as dollars. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.tickets.callers.words import Word
from services.tickets.facts import cardinals
from services.tickets.facts import money_words as say
from services.tickets.facts.found import FactKind, Found
from services.tickets.facts.street_words import TYPES

_DIGITS = r"\d{1,3}(?:,\d{3})+|\d{1,7}"
_UNIT = r"dollars?|bucks|dolar(?:es)?|usd|pesos"
# Written: with its sign, or with its unit. Cents of one digit («$3.5») belong to thousands and rates.
WRITTEN = re.compile(
    r"(?:us\s?)?\$\s?(?P<elsewhere>[1-9]\d{0,2}(?:\.\d{3})+(?:,\d\d)?)(?!\d)"
    rf"|(?:us\s?)?\$\s?(?P<signed>{_DIGITS})(?P<cents>[.,]\d{{1,5}})?(?!\d)(?P<thousand>\s?(?:k|mil)\b)?"
    rf"|(?<![\d.,$#-])(?P<named>{_DIGITS})(?P<named_cents>[.,]\d\d)?\s?(?:(?P<thousands>mil|thousand|k)\s(?:{_UNIT})"
    rf"|{_UNIT}|grand)\b"
)
_BARE = re.compile(
    r"(?<![\d.,$#/:+-])(?:\d{1,3}(?:\s(?:mil|thousand)|k)\b|(?:\d{1,2},\d{3}|\d{2,5})(?:\.\d\d)?(?![\d/:-]|[.,]\d))"
)
_LEAST = 20  # dollars of a sum that only the words around it call one


@dataclass(frozen=True, slots=True)
class _Number:
    """A number without a unit, which the words around it may call money. `sum_like`: said as people say sums alone."""

    value: str
    start: int
    end: int
    sum_like: bool = False


def amounts(plain: str, words: Sequence[Word]) -> list[Found]:
    """In the order in which they stand. `plain`: the text, folded; `words`: its words, empty where it names none."""
    found = list(_written(plain))
    numbers: list[_Number] = []
    if words:
        _spoken(plain, words, found, numbers)
    for match in _BARE.finditer(plain):
        value = match.group()
        if value[-1] in "kld":  # «6 mil», «24k»
            value = re.sub(r"\D+", "000", value)
        numbers.append(_Number(_dollars(value), *match.span()))
    places = {each.start: each.end for each in found}
    ends = set(places.values())
    doubtful = []
    for number in sorted(numbers, key=lambda each: each.start):
        if any(start < number.end and number.start < end for start, end in places.items()):
            continue
        if say.NOT_MONEY.match(plain, number.end):
            continue
        if _is_money(plain, number, ends):
            found.append(_of(number))
            places[number.start] = number.end
            ends.add(number.end)
        else:
            doubtful.append(number)
    for number in doubtful:  # «de sesenta a trescientos dólares»
        link = say.TO_SUM.match(plain, number.end)
        if link is not None and link.end() in places:
            found.append(_of(number))
    return sorted(found, key=lambda each: each.start)


def _of(number: _Number) -> Found:
    return Found(FactKind.AMOUNT, number.value, number.start, number.end, 0.6)


def value_of(match: re.Match[str]) -> str:
    """Of a match of WRITTEN."""
    if match["elsewhere"]:  # «$1.234,50», as it is written in other countries
        return _dollars(match["elsewhere"].replace(".", "").replace(",", "."))
    whole = match["signed"] or match["named"]
    cents = match["cents"] or match["named_cents"] or ""
    if match["thousand"] or match["thousands"] or match.group().endswith("grand"):
        return f"{float(_dollars(whole + cents.replace(',', '.'))) * 1_000:.2f}"
    return _dollars(whole + cents.replace(",", "."))


def _written(plain: str) -> Iterator[Found]:
    if "$" in plain or re.search(r"\d\s?(?:dol|buck|usd|grand|peso|mil\b|thous|k\s)", plain):
        for match in WRITTEN.finditer(plain):
            if match["signed"] == "0" and len(match["cents"] or "") > 3:
                continue  # «$0.025», the price of a kilowatt-hour
            yield Found(FactKind.AMOUNT, value_of(match), match.start(), match.end(), 0.97)


def _dollars(digits: str) -> str:
    whole, _, cents = digits.replace(",", "").partition(".")
    return f"{int(whole)}.{cents.ljust(2, '0') if cents else '00'}"


def _is_money(plain: str, number: _Number, ends: set[int]) -> bool:
    """By what stands before it, by what follows, or, of what is said as sums are, by what is spoken of."""
    start, end = number.start, number.end
    before = plain[max(0, start - 90) : start].replace("\n", " ")
    link = say.TO.search(before)
    if link is not None and start - len(link.group()) in ends:
        return True
    filler = say.FILLERS.search(before)
    cue = before[: filler.start()] if filler else before
    goes_on = say.GOES_ON.match(plain, end) is not None
    energy = say.ENERGY.search(plain, max(0, start - 70), end + 40) is not None
    if float(number.value) < 100 and say.IN_CENTS.search(plain[max(0, start - 60) : start]):
        return False
    owed = say.OWED.search(cue) if goes_on or float(number.value) >= 100 else None
    if owed is not None and not (energy and say.PAID.search(owed.group()) is None):
        return True
    if not goes_on or energy or say.USED.search(cue):
        return False
    if number.sum_like and say.SAYS.search(cue):
        return True
    so_much = number.sum_like and not say.NO_SUM.search(cue)
    return (so_much or say.WHOLE.match(plain, end) is not None) and say.SPEAKS_OF_MONEY.search(
        plain, max(0, start - 80), start
    ) is not None


def _spoken(plain: str, words: Sequence[Word], found: list[Found], numbers: list[_Number]) -> None:
    """Appends amounts with their unit to `found`, and what may be one without to `numbers`."""
    keys = [word.key for word in words]
    at = 0
    while at < len(keys):
        if keys[at] not in cardinals.WORDS and not (keys[at] == "a" and keys[at + 1 : at + 2] in _AFTER_A):
            at += 1
            continue
        breath = _same_breath(plain, words, at)
        one = keys[at] == "a" and keys[at + 1] in say.UNITS  # «a dollar nineteen»
        read = (1, 1) if one else cardinals.cardinal(keys, at, breath)
        if read is None:
            at += 1
            continue
        value, used = read
        if value < 100 and keys[at + used : at + used + 1] in (["oh"], ["o"]) and at + used + 1 < breath:
            ones = cardinals.cardinal(keys, at + used + 1, at + used + 2)  # «nine oh four» is 904
            if ones is not None and ones[0] < 10:
                value, used = value * 100 + ones[0], used + 2
        after = at + used
        unit = after < len(keys) and keys[after] in say.UNITS
        grand = keys[after - 1] == "grand"
        if grand and keys[after : after + 1] and keys[after] in TYPES:  # «sixteen eighteen grand avenue»
            at = after
            continue
        cents, behind = _cents(keys, after + unit, dollars=unit)
        last = behind if cents is not None else after + unit
        end = words[last - 1].end
        if cents is None and (unit or value >= 100) and (small := _small(keys, last, breath)):
            rest_end = words[last + small[1] - 1].end
            if say.GOES_ON.match(plain, rest_end) and not say.NOT_MONEY.match(plain, rest_end):
                cents, last, end = small[0], last + small[1], rest_end  # «two eighty four sixty»
        if unit or grand or (cents is not None and value < 5_000 and keys[last - 1] in say.CENTS):
            if not (one and cents is None):  # «a dollar» is no sum
                found.append(Found(FactKind.AMOUNT, f"{value}.{cents or 0:02d}", words[at].start, end, 0.93))
        elif (value >= _LEAST or cents is not None) and (cents is not None or used <= 6):
            said = keys[at:after]
            numbers.append(
                _Number(f"{value}.{cents or 0:02d}", words[at].start, end, _like_a_sum(value, said, cents is not None))
            )
        at = last


_TELEPHONES = (211, 311, 411, 511, 711, 811, 911, 988)
_AFTER_A = [["hundred"], ["thousand"], ["dollar"], ["buck"]]


def _like_a_sum(value: int, said: Sequence[str], cents: bool) -> bool:
    """«four hundred and twelve», «doscientos», «three eighty»: not «ten thirty», «nineteen eighty», «ninety»."""
    if value < 100 or 1950 < value < 2050 or list(said) == ["ciento"]:
        return False
    counted = any(word in ("hundred", "thousand", "mil") or word.endswith(("cientos", "ciento")) for word in said)
    if counted or "quinientos" in said or "cien" in said:
        return True
    o_clock = value // 100 <= 12 and value % 100 in (15, 30, 45)
    return cents or not (o_clock or value in _TELEPHONES)


def _same_breath(plain: str, words: Sequence[Word], at: int) -> int:
    """Where a run of words ends that nothing but blanks and hyphens divides."""
    end = at + 1
    while end < len(words) and end - at < 12 and not plain[words[end - 1].end : words[end].start].strip(" -"):
        end += 1
    return end


def _small(keys: Sequence[str], at: int, end: int) -> tuple[int, int] | None:
    """Cents without their word: two digits and what they take, where no more of a number follows."""
    if at >= end or keys[at] not in cardinals.WORDS or keys[at] == "once":  # «a thousand dollars once a year»
        return None
    read = cardinals.cardinal(keys, at, min(at + 3, end))
    if read is None or not 10 <= read[0] < 100:
        return None
    after = at + read[1]
    if after < len(keys) and (keys[after] in cardinals.WORDS or keys[after] in say.UNITS):
        return None
    return read


def _cents(keys: Sequence[str], at: int, *, dollars: bool) -> tuple[int | None, int]:
    """«… and eighteen cents», «… con cincuenta (centavos)»; (None, …) without any."""
    place = at
    linked = place < len(keys) and keys[place] in ("and", "y", "con")
    con = linked and keys[place] == "con"
    place += linked
    read = cardinals.cardinal(keys, place, min(place + 3, len(keys))) if place < len(keys) else None
    if read is None or not 0 < read[0] < 100:
        return None, at
    after = place + read[1]
    if after < len(keys) and keys[after] in (say.CENTS_HEARD if dollars else say.CENTS):
        return read[0], after + 1
    return (read[0], after) if con else (None, at)
