"""On which day something happens that a message speaks of: «tomorrow», «en 48 horas», «el jueves», «Dec 3», «12/04».

Read against the day on which the message came. What is said of a day of the week or of a month is the next one from
that day on, that day included: too early is the safe side of a shut-off.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from services.tickets.urgency.words import STOP, Word

_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (("monday", "mon", "lunes"), ("tuesday", "tue", "tues", "martes"), ("wednesday", "wed", "miercoles"),
         ("thursday", "thu", "thurs", "jueves"), ("friday", "fri", "viernes"), ("saturday", "sat", "sabado"),
         ("sunday", "sun", "domingo"))
    )
    for name in names
}  # fmt: skip
_MONTHS = {
    name: number
    for number, names in enumerate(
        (("january", "jan", "enero", "ene"), ("february", "feb", "febrero"), ("march", "mar", "marzo"),
         ("april", "apr", "abril", "abr"), ("may", "mayo"), ("june", "jun", "junio"), ("july", "jul", "julio"),
         ("august", "aug", "agosto", "ago"), ("september", "sep", "sept", "septiembre", "setiembre"),
         ("october", "oct", "octubre"), ("november", "nov", "noviembre"), ("december", "dec", "diciembre", "dic")), 1
    )
    for name in names
}  # fmt: skip
_ORDINALS = {
    name: number
    for number, name in enumerate(
        ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
         "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
         "twentieth"), 1
    )
} | {"primero": 1, "thirtieth": 30}  # fmt: skip
_SUFFIXED = re.compile(r"(\d{1,2})(?:st|nd|rd|th|ro)")
_UNITS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "uno": 1,
    "un": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7, "ocho": 8, "nueve": 9,
}  # fmt: skip
_MORNING = frozenset({"esta", "la", "de", "ayer"})  # before «manana» it is a time of day
_NUMERIC = re.compile(r"(?<![\d/-])(?:(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})/(\d{1,2})(?:/(\d{2,4}))?)(?![\d/])")


@dataclass(frozen=True, slots=True)
class When:
    """A day and where the text names it; `first` and `last` count words."""

    day: date
    first: int
    last: int


def days_in(text: str, words: Sequence[Word], today: date) -> list[When]:
    """Every day that the words name, in their order."""
    found = [*_spoken(words, today), *_written(text, words, today)]
    return sorted(found, key=lambda each: (each.first, -each.last))


def nearest(days: Sequence[When], first: int, last: int, words: Sequence[Word], reach: int = 12) -> When | None:
    """The day that goes with what stands from `first` to `last`: in it, else near it, rather behind than before."""
    inside = [each for each in days if first <= each.first <= last + 1]
    if inside:
        return inside[0]

    def far(each: When) -> float:
        between = words[last + 1 : each.first] if each.first > last else words[each.last + 1 : first]
        stops = sum(word.key == STOP for word in between)
        behind = 0 if each.first > last else 2
        return len(between) + 4 * stops + behind

    near = [each for each in days if far(each) <= reach]
    return min(near, key=far, default=None)


def _spoken(words: Sequence[Word], today: date) -> Iterator[When]:
    keys = [word.key for word in words]
    at = 0
    while at < len(keys):
        day, used = _at(keys, at, today)
        if day is not None:
            yield When(day, at, at + used - 1)
        at += used


def _at(keys: Sequence[str], at: int, today: date) -> tuple[date | None, int]:
    """The day that is named from this word on and of how many words its name is; None and 1 where none is."""
    key, following = keys[at], [*keys[at + 1 : at + 4], "", "", ""]
    before = keys[at - 1] if at else ""
    if key in ("today", "tonight", "hoy"):
        return today, 1
    if key == "esta" and following[0] in ("noche", "tarde"):
        return today, 2
    if key == "day" and following[:2] == ["after", "tomorrow"]:
        return today + timedelta(2), 3
    if key == "pasado" and following[0] == "manana":
        return today + timedelta(2), 2
    if key == "tomorrow" or (key == "manana" and before not in _MORNING and following[0] != "pasado"):
        return today + timedelta(1), 1
    if key in _WEEKDAYS and (len(key) > 3 or before in ("on", "by", "this", "next")):
        return today + timedelta((_WEEKDAYS[key] - today.weekday()) % 7), 1
    number = _number(key)
    if number is not None:
        return _counted(number, following, before, today)
    if key in _MONTHS and (day := _number(following[0])) is not None:
        return _of_month(today, _MONTHS[key], day), 2
    if key in ("the", "el", "dia"):
        ordinal = _number(following[0]) if key != "the" else _ordinal(following[0])
        named = following[1] in ("de", "of") and following[2] in _MONTHS
        if ordinal is not None and key == "el" and following[1] in ("anos", "%", "por"):
            ordinal = None
        if ordinal is not None and following[1] not in _MONTHS and not named:
            return _of_month(today, None, ordinal), 2
    return None, 1


def _counted(number: int, following: Sequence[str], before: str, today: date) -> tuple[date | None, int]:
    unit = following[0]
    if unit in ("hour", "hours", "horas", "hora") and number <= 96:
        return today + timedelta(-(-number // 24)), 2
    if unit in ("day", "days", "dias", "dia") and number <= 60 and before not in ("hace", "last"):
        return (today + timedelta(number), 2) if following[1] not in ("ago", "late", "old") else (None, 1)
    if unit in ("de", "of") and following[1] in _MONTHS:
        return _of_month(today, _MONTHS[following[1]], number), 3
    if unit in _MONTHS:
        return _of_month(today, _MONTHS[unit], number), 2
    return None, 1


def _number(key: str) -> int | None:
    if key.isdigit() and len(key) <= 2:
        return int(key)
    return _UNITS.get(key, _ordinal(key))


def _ordinal(key: str) -> int | None:
    if suffixed := _SUFFIXED.fullmatch(key):
        return int(suffixed[1])
    return _ORDINALS.get(key)


def _written(text: str, words: Sequence[Word], today: date) -> Iterator[When]:
    for found in _NUMERIC.finditer(text):
        inside = [at for at, word in enumerate(words) if found.start() <= word.start and word.end <= found.end()]
        if found[1]:
            day = _of_month(today, int(found[2]), int(found[3]), int(found[1]))
        else:  # as the utility writes it; 14/12 can only be the other way
            month, number = (int(found[4]), int(found[5])) if int(found[4]) <= 12 else (int(found[5]), int(found[4]))
            day = _of_month(today, month, number, int(f"20{found[6][-2:]}") if found[6] else None)
        if day is not None and inside:
            yield When(day, inside[0], inside[-1])


def _of_month(today: date, month: int | None, day: int, year: int | None = None) -> date | None:
    """The next such day from today on; without a year one of the last month is meant when it is nearer."""
    if month is None:
        months = [(today.year + (today.month - 1 + more) // 12, (today.month - 1 + more) % 12 + 1) for more in range(3)]
        days = (_date(each_year, each, day) for each_year, each in months)
        return next((each for each in days if each is not None and each >= today), None)
    if year is not None:
        return _date(year, month, day)
    candidates = [_date(today.year + more, month, day) for more in (0, 1)]
    return next((each for each in candidates if each is not None and each >= today - timedelta(31)), None)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
