"""Takes out of a text who wrote it: numbers, addresses, names. What it is about stays. Pure.

Masked text is for teaching a model which topic words mean; it is never shown or sent. What identifies somebody is found
as everywhere else (facts/), and whatever the ticket knows its customer by goes too. Digits become noughts, written or
said, and names the same placeholder, so that their shape, which a model may learn from, stays.
"""

import re
from collections.abc import Iterable
from datetime import date

from services.tickets.callers.numerals import NUMBER_WORDS
from services.tickets.facts import FactKind, Found, find
from services.tickets.plain import folded

NAME = "Nombre"  # a name in both languages' sense, and no topic's word
_MAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_LONG_NUMBER = re.compile(r"\d(?:[\s().-]{0,2}\d){3,}")  # whatever else has four digits and more: years, codes
_ANY_DAY = date(2000, 1, 1)  # days are read too, and stay as they are written
_SAID = re.compile(r"[^\W\d_]+")
_ENGLISH = frozenset(
    ("zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
     "double", "triple")
)  # fmt: skip
_WORD = re.compile(r"[^\W\d_][\w'’-]+")
_SHORTEST = 3  # letters of a name that is looked for anywhere
# Parts of names that are words of what customers write about, or join names.
_PLAIN = frozenset(
    {"del", "las", "los", "the", "and", "inc", "llc", "solar", "power", "energy", "electric", "water", "mail"}
)


def masked(text: str, names: Iterable[str] = ()) -> str:
    """The text without what identifies somebody. `names`: by what the customer is known, addresses among them."""
    text = _MAIL.sub("nombre@example.com", text)
    text = _LINK.sub("https://example.com", text)
    for fact in sorted(find(text, _ANY_DAY), key=lambda each: -each.start):
        text = text[: fact.start] + _instead(fact, text[fact.start : fact.end]) + text[fact.end :]
    text = _LONG_NUMBER.sub(lambda found: _noughts(found.group()), text)
    known = {part.casefold() for name in names for part in _WORD.findall(name.replace("_", " "))}
    known = {part for part in known if len(part) >= _SHORTEST and part not in _PLAIN}
    return _WORD.sub(lambda found: NAME if found.group().casefold() in known else found.group(), text).strip()


def _instead(fact: Found, said: str) -> str:
    if fact.kind is FactKind.NAME:
        return NAME
    if fact.kind is FactKind.ADDRESS:
        return f"Calle {NAME} 0" if folded(said).startswith(("calle", "avenida", "camino", "paseo")) else f"0 {NAME} St"
    return said if fact.kind is FactKind.DATE else _noughts(said)


def _noughts(said: str) -> str:
    """«(707) 555-0188» as «(000) 000-0000», «siete cero siete» as «cero cero cero»."""
    return _SAID.sub(lambda found: _nought(found.group()), re.sub(r"\d", "0", said))


def _nought(word: str) -> str:
    key = folded(word)
    if key not in NUMBER_WORDS:
        return word
    return "zero" if key in _ENGLISH or key.endswith(("teen", "ty")) else "cero"
