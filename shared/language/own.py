"""The author's own words: a text without what is nobody's language, cut into clauses. Pure.

Left out are footers that a mail server adds, addresses of mail, web and street, whatever has a digit in it, what is
quoted, and the names of products and companies. Capitals mark what may be a name.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

# Read at most this much: a language shows early, and a mail of megabytes must not hold up the others.
MAX_CHARACTERS = 20_000

_ADDRESS = re.compile(r"(?<!\S)(?=\S*(?:@|://|\d)|www\.)\S+", re.IGNORECASE)
_LATIN = re.compile(r"[\x21-\x7e\u00a3\u20ac]+")
# Also as recognisers mishear them, in either language.
_BRANDS = re.compile(
    r"\b(pg\s?&\s?e|pge|p(?:i|ee)?\s?(?:g|gi|ji|yi)\s(?:and?|any|annie|&)\s?(?:e|i|ee)?|sonoma cl\w{1,8} \w{1,8}|scp"
    r"|(?:n?ever|eber)\s?green|cleanstart|grid\s?sav\w{1,3}|net\s?green|chargepoint|liheap|care|fera|amp|nem|pcia"
    r"|medical baseline)\b",
    re.IGNORECASE,
)
# «88 Quarry Bend Road»; a street without a number is told by its capitals.
_STREET = re.compile(
    r"\b\d{1,6}[\w/-]{0,6}(?:[ \t]+[^\W\d_]{1,20}){1,4}?[ \t]+"
    r"(?:street|st|avenue|ave|road|rd|drive|dr|lane|ln|way|court|ct|circle|boulevard|blvd|place|terrace|highway|hwy|trail)"
    r"\b\.?",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“«][^\"“”«»\n]{1,300}[\"”»]")
_CLAUSE = re.compile(r"[.!?;:…。？！()]+|[¿¡]|\n\s*\n|,\s+(?=but |and |pero |y )")
_LOWER = re.compile(r"(?<![^\W\d_])[a-zà-ÿ][^\W\d_]{3}")
_TITLE = 4  # words
_SPANISH = frozenset("áéíóúñü")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
# Boilerplate that a mail server adds, in English even under Spanish text.
_FOOTER = re.compile(
    r"(?ims)^[ \t*_>-]*(?:this (?:e-?mail|message|communication|transmission)[^\n]{0,80}?\b(?:and any|is intended"
    r"|may contain|contains|is confidential|is for)|confidentiality notice"
    r"|the information (?:contained )?in this (?:e-?mail|message)"
    r"|if you (?:are not the intended|have received this|received this)|sent from my |get outlook for"
    r"|enviado desde mi|obtener outlook|aviso de confidencialidad|este (?:correo|mensaje)[^\n]{0,60}confidencial)"
    r".*?(?=\n\s*\n|\Z)"
)


class Word(NamedTuple):
    """A word as it stands, and as it is looked up: `key`, lower case without accents."""

    text: str
    key: str
    accented: bool  # as Spanish is
    capital: bool  # and not because everything is, nor because a clause begins
    spelled: bool  # one of several single letters: «o s g o o d»


def fold(text: str) -> str:
    """Lower case without accents, as people type when they are in a hurry."""
    if text.isascii():
        return text.lower()
    return "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))


def without_boilerplate(text: str) -> str:
    """The text without footers, addresses, numbers, quotations and brand names, none of which is the author's language.

    What is quoted stays where there is little else.
    """
    text = _FOOTER.sub(" ", text[:MAX_CHARACTERS])
    text = _BRANDS.sub(" ", _ADDRESS.sub(_without_latin, _STREET.sub(" ", text)))
    unquoted = _QUOTED.sub(" ", text)
    return unquoted if len(_WORD.findall(unquoted)) >= 3 else text


def _without_latin(chunk: re.Match[str]) -> str:
    """Nothing of an address or number; of scripts that write no blanks, the words around it."""
    text = chunk.group()
    return " " if text.isascii() else _LATIN.sub(" ", text) if ord(max(text)) > 0x2E7F else " "


def clauses(text: str) -> Iterator[list[Word]]:
    """The words of each clause of a text, as `without_boilerplate` returned it."""
    shouted = sum(map(str.isupper, text)) > 0.6 * sum(map(str.isalpha, text))
    if not shouted and not _LOWER.search(text):  # Every Word Has One: a title, unless they are few enough for a name
        shouted = len(_WORD.findall(text)) >= _TITLE
    plain = text.isascii()
    for clause in _CLAUSE.split(text.replace("’", "'")):
        found = _WORD.findall(clause)
        if found:
            yield [_word(found, at, shouted, plain) for at in range(len(found))]


def _word(clause: list[str], at: int, shouted: bool, plain: bool) -> Word:
    text = clause[at]
    key = text.lower()
    accented = not plain and not text.isascii()
    if accented:
        accented = not _SPANISH.isdisjoint(key)
        key = fold(key)
    capital = at > 0 and not shouted and text[0].isupper() and text != "I" and text[1:2] != "'"
    spelled = len(text) == 1 and (
        (at > 0 and len(clause[at - 1]) == 1) or (at + 1 < len(clause) and len(clause[at + 1]) == 1)
    )
    return Word(text, key, accented, capital, spelled)
