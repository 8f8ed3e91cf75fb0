"""Facts that a mail or a note states: a number to call back, an account. Never guesses which ten digits are which.

What a caller says is read by callers/listen.py.
"""

import re
from dataclasses import dataclass

import phonenumbers

from services.tickets.callers.runs import numbers
from services.tickets.callers.words import of_text
from services.tickets.topics import normalised

MAX_CHARACTERS = 20_000
# The customer's account number is ten digits, a dash and a check digit; without the dash it needs its name beside it.
_ACCOUNT_DASHED = re.compile(r"(?<![\d-])(\d{10})\s?-\s?(\d)(?![\d-])")
_ACCOUNT_NAMED = re.compile(
    r"\b(?:account|acct|cuenta|cta)\b[^\d\n]{0,25}?(?<!\d)(\d{10})(?:\s?-?\s?(\d))?(?!\d)", re.IGNORECASE
)
# Three groups with something between them, or a leading +1: written as telephone numbers are.
_PHONE = re.compile(
    r"(?<![\d-])(?:\+?1[\s.-]{1,2})?(?:\(\d{3}\)\s?|\d{3}[\s.-])\d{3}[\s.-]?\d{4}(?![\d-]|\.\d)|(?<!\d)\+\d{10,14}(?!\d)"
)
_BARE_TEN = re.compile(
    r"\b(?:call(?: me)?(?: back)?(?: at)?|phone|tel|telefono|cell|cel|celular|mobile|text me(?: at)?|llam\w+|marqu\w+)"
    r"\b[^\d\n]{0,20}?(?<!\d)(\d{10})(?![\d-])"
)
_SHORT_NUMBER = re.compile(r"\d{3}[\s.-]\d{4}")
_FAX = re.compile(r"\b(?:fax|f)\s*[.:#]?\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Facts:
    callback_number: str | None = None  # E.164
    account_number: str | None = None  # as written; ten digits, or ten, a dash and one

    def as_json(self) -> dict[str, str]:
        named = {"callback_number": self.callback_number, "account_number": self.account_number}
        return {key: value for key, value in named.items() if value}


def find_facts(text: str) -> Facts:
    """What the text says."""
    readable = _half_words(text[:MAX_CHARACTERS])
    account = _account(readable)
    rest = _ACCOUNT_DASHED.sub(" ", _ACCOUNT_NAMED.sub(" ", readable))
    return Facts(_phone(rest), account)


def as_e164(number: str, region: str = "US") -> str | None:
    """The number in the one form we store and compare; None when it cannot be one."""
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _half_words(text: str) -> str:
    """Also written text mixes: «siete cero siete, 555-0188». Only lines with such a mix are read as speech."""
    return "\n".join(_in_digits(line) if re.search(r"\d{3}[\s.-]\d{4}", line) else line for line in text.split("\n"))


def _in_digits(line: str) -> str:
    """The line with every run of seven or more spoken or written digits in digits; ten become 707-555-0112."""
    speech = of_text(line)
    out, at = [], 0
    for number in numbers(speech):
        digits = number.digits
        start, end = speech.words[number.first].start, speech.words[number.last].end
        if len(digits) < 7 or not any(c.isalpha() for c in line[start:end]):
            continue  # what stands in digits already is read as it stands
        if number.dash_before_last:
            digits = f"{digits[:-1]}-{digits[-1]}"
        elif len(digits) == 10:
            digits = f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"
        out += [line[at:start], digits]
        at = end
    return "".join([*out, line[at:]])


def _account(text: str) -> str | None:
    dashed = _ACCOUNT_DASHED.search(text)
    if dashed:
        return f"{dashed.group(1)}-{dashed.group(2)}"
    named = _ACCOUNT_NAMED.search(text)
    if named is None:
        return None
    return named.group(1) + (f"-{named.group(2)}" if named.group(2) else "")


def _phone(text: str) -> str | None:
    """The last number that is not a fax: signatures stand below, and people who misspeak say it again right."""
    found: list[str] = []
    for match in _PHONE.finditer(text):
        before = text[max(0, match.start() - 12) : match.start()]
        if not _FAX.search(before):
            found.append(match.group())
    found.extend(match.group(1) for match in _BARE_TEN.finditer(normalised(text)) if not found)
    for number in reversed(found):
        e164 = as_e164(number)
        if e164:
            return e164
    return None
