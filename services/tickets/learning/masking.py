"""Takes out of a text who wrote it: numbers, addresses, names. What it is about stays. Pure.

Masked text is for teaching a model which topic words mean; it is never shown or sent. Digits become noughts and names
become the same placeholder, so that their shape, which a model may learn from, stays. Better a word too many than one
too few: the words after «my name is» go too, and whatever the ticket knows its customer by.
"""

import re
from collections.abc import Iterable

NAME = "Nombre"  # a name in both languages' sense, and no topic's word
_MAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
# A street's number, name and kind, or the kind and its name, as they are written in California.
_STREET = re.compile(
    r"\b\d{1,6}\s+(?:[\w'.-]+\s+){1,4}?(?:st|street|ave|avenue|rd|road|dr|drive|ln|lane|ct|court|way|blvd|boulevard|pl|"
    r"place|cir|circle|terrace|ter|hwy|highway)\b\.?(?:\s*(?:#|apt\.?|unit|suite|depto\.?)\s*\w+)?"
    r"|\b(?:calle|avenida|av\.|camino|paseo|boulevard)\s+(?:(?:de|del|la|las|los|el)\s+)*[A-ZÁÉÍÓÚÑ][\w'-]*"
    r"(?:\s+[A-ZÁÉÍÓÚÑ][\w'-]*)*(?:\s*(?:#|n[úu]m\.?|no\.)?\s*\d+)?",
    re.IGNORECASE,
)
_LONG_NUMBER = re.compile(r"\d(?:[\s().-]{0,2}\d){3,}")  # four digits and more: telephones, accounts, years, codes
_MONEY = re.compile(r"[$€]\s?\d[\d.,]*\d|[$€]\s?\d|\d[\d.,]*\s?(?:dollars|dólares|dolares|pesos|usd)\b", re.IGNORECASE)
_INTRODUCED = re.compile(
    r"(\b(?i:my name is|this is|i am|i'm|me llamo|mi nombre es|soy|habla|le habla|se llama|name:|nombre:|sra?\.|mr\.?|"
    r"mrs\.?|ms\.?|señora?|senora?|doña|dona|don)\s+)((?:[A-ZÁÉÍÓÚÑ][\w'’-]+\s?){1,4})"
)
_SIGNED = re.compile(
    r"((?:^|\n)\s*(?:thanks|thank you|regards|sincerely|best|cheers|gracias|saludos|atentamente|cordialmente)"
    r"[^\n]{0,30}[,.!]?\s*\n+\s*)([^\n]{2,40})(?=\s*(?:\n|$))",
    re.IGNORECASE,
)
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
    text = _STREET.sub(lambda found: f"0 {NAME} St" if found.group()[0].isdigit() else f"Calle {NAME} 0", text)
    text = _MONEY.sub(_noughts, text)
    text = _LONG_NUMBER.sub(_noughts, text)
    text = _SIGNED.sub(lambda found: f"{found.group(1)}{NAME}", text)
    text = _INTRODUCED.sub(lambda found: f"{found.group(1)}{NAME} ", text)
    known = {part.casefold() for name in names for part in _WORD.findall(name.replace("_", " "))}
    known = {part for part in known if len(part) >= _SHORTEST and part not in _PLAIN}
    return _WORD.sub(lambda found: NAME if found.group().casefold() in known else found.group(), text).strip()


def _noughts(found: re.Match[str]) -> str:
    return re.sub(r"\d", "0", found.group())
