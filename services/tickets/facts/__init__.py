"""What messages state: numbers, amounts, days, addresses and names, each with its place. The one entrance; pure.

Mails and transcripts are read by the same code: numbers and announced names by `callers`, which knows how people say
and write digits, the rest by the modules beside this one.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

import phonenumbers

from services.tickets.callers.facts import Doubt, Fact, Kind, Wishes
from services.tickets.callers.listen import listen
from services.tickets.callers.words import MAX_CHARACTERS, Speech, of_text
from services.tickets.facts.addresses import addresses
from services.tickets.facts.amounts import amounts
from services.tickets.facts.dates import dates
from services.tickets.facts.found import FactKind, FactPart, Found
from services.tickets.facts.masking import masked
from services.tickets.facts.names import names
from services.tickets.plain import folded

__all__ = [
    "MAX_CHARACTERS",
    "FactKind",
    "FactPart",
    "Found",
    "as_e164",
    "callback_of",
    "find",
    "find_in",
    "find_numbers",
    "find_signed",
    "masked",
    "numbers_in",
    "signed_number_of",
]

_KINDS = {Kind.CALLBACK: FactKind.PHONE, Kind.ACCOUNT: FactKind.ACCOUNT, Kind.AGREEMENT: FactKind.AGREEMENT}
MAX_FACTS = 200  # of one message: a list of a thousand amounts is an attachment that somebody pasted
_SIGNED = (FactKind.PHONE, FactKind.ADDRESS, FactKind.ACCOUNT, FactKind.AGREEMENT)
_FAX = re.compile(r"\bfax\b[^\d\n]*$")
_SHORTEST = 7  # digits of a telephone number without its area code


def find(text: str, received: date) -> list[Found]:
    """Everything that a written text states, in its order. `received`: the day at the center, for «by Friday»."""
    speech = of_text(text)
    return find_in(speech, listen(speech), received)


def find_in(speech: Speech, wishes: Wishes, received: date) -> list[Found]:
    """The same of words that were listened to already; places are characters of `speech.text`."""
    plain = folded(speech.text)
    found: list[Found] = []
    taken = bytearray(len(plain))
    for more in (  # of two that overlap the first one stays
        _numbers(wishes.facts),
        amounts(plain, speech.words),
        addresses(plain, speech.text),
        dates(plain, received),
        names(speech, wishes.of(Kind.NAME)),
    ):
        for each in more:
            if not any(taken[each.start : each.end]):
                taken[each.start : each.end] = b"\1" * (each.end - each.start)
                found.append(each)
    return sorted(found, key=lambda each: each.start)[:MAX_FACTS]


def find_signed(signature: str, received: date, said: Iterable[Found] = ()) -> list[Found]:
    """Numbers and addresses of a mail's signature, but no fax, and not what the text states (`said`)."""
    if not signature:
        return []
    stated = {(each.kind, each.value) for each in said}
    plain = folded(signature)
    return [
        replace(each, part=FactPart.SIGNATURE)
        for each in find(signature, received)
        if each.kind in _SIGNED
        and (each.kind, each.value) not in stated
        and not _FAX.search(plain[max(0, each.start - 14) : each.start])
    ]


def numbers_in(text: str) -> list[Found]:
    """Telephone, account and agreement numbers alone, which need no day and cost the least."""
    return find_numbers(listen(of_text(text)))


def find_numbers(wishes: Wishes) -> list[Found]:
    """The same of words that were listened to already."""
    return sorted(_numbers(wishes.facts), key=lambda each: each.start)


def callback_of(facts: Iterable[Found]) -> str | None:
    """Where the author wants to be called: the last number, because people who misspeak say it again right."""
    numbers = _phones(facts, FactPart.TEXT)
    return numbers[-1] if numbers else None


def signed_number_of(facts: Iterable[Found]) -> str | None:
    """The first number of the signature: behind it stand those of the office, if any."""
    numbers = _phones(facts, FactPart.SIGNATURE)
    return numbers[0] if numbers else None


def _phones(facts: Iterable[Found], part: FactPart) -> list[str]:
    return [
        each.value for each in facts if each.kind is FactKind.PHONE and each.part is part and each.value.startswith("+")
    ]


def as_e164(number: str, region: str = "US") -> str | None:
    """The number in the one form we store and compare; None when it cannot be one."""
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _numbers(facts: Iterable[Fact]) -> Iterable[Found]:
    for fact in facts:
        kind = _KINDS.get(fact.kind)
        if kind is None or sum(char.isdigit() for char in fact.value) < _SHORTEST:
            continue
        if kind is FactKind.PHONE and not fact.value.startswith("+") and len(fact.value) != _SHORTEST:
            continue  # digits of which nobody can tell what they are
        sure = 0.95 if not set(fact.doubts) - {Doubt.CORRECTED} else 0.6
        heard = fact.confidence if fact.confidence is not None else 1.0
        for place in fact.places:
            yield Found(kind, fact.value, place.start, place.end, round(min(sure, heard), 4))
