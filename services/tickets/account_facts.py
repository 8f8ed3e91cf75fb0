"""Facts of a customer's account in a reply, each with the words that show it: what must not reach a stranger. Pure.

Facts are what only the customer and the utility know: account and service numbers, what was billed, paid or is owed,
where the service is, how much was used, a file with a bill in it. What anybody may know is none: fees, rates, rebates,
the center's own telephone numbers and addresses, dates of events.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.tickets import account_patterns as words
from services.tickets.facts import FactKind as Stated
from services.tickets.facts import numbers_in
from services.tickets.facts.addresses import streets
from services.tickets.facts.amounts import WRITTEN
from services.tickets.plain import folded

MAX_CHARACTERS = 100_000
MAX_FACTS = 20
_AROUND = 40  # characters of the reply shown on each side


class FactKind(StrEnum):
    ACCOUNT_NUMBER = "account_number"
    SERVICE_NUMBER = "service_number"  # service agreement, meter, application
    AMOUNT = "amount"
    ADDRESS = "address"
    HISTORY = "history"  # balance, payments, usage
    ATTACHMENT = "attachment"


@dataclass(frozen=True)
class Fact:
    kind: FactKind
    found: str  # the fact itself
    quote: str  # the fact among its words


def find(text: str, *, files: Sequence[str] = (), told: Iterable[str] = ()) -> list[Fact]:
    """The facts in a reply, in their order, and in the names of the files it carries.

    `told`: what the recipients themselves wrote. A number that they named first is not told to them by repeating it;
    an amount or an address is, because an answer confirms it.
    """
    text = text[:MAX_CHARACTERS]
    plain = folded(text)
    known = {digits for each in told for digits in re.findall(r"\d{10,11}", re.sub(r"(?<=\d)[\s-](?=\d)", "", each))}
    found: dict[tuple[int, int], Fact] = {}
    for start, end, kind in _spans(text, plain):
        value = " ".join(text[start:end].split())
        if kind in (FactKind.ACCOUNT_NUMBER, FactKind.SERVICE_NUMBER) and _is_known(value, known):
            continue
        if not any(start < other_end and other_start < end for other_start, other_end in found):
            found[start, end] = Fact(kind, value, _quote(text, start, end))
        if len(found) == MAX_FACTS:
            break
    facts = [found[span] for span in sorted(found)]
    facts += [Fact(FactKind.ATTACHMENT, name, name) for name in files if words.FILE.search(name)]
    return facts[:MAX_FACTS]


def _is_known(value: str, known: set[str]) -> bool:
    digits = re.sub(r"\D", "", value)
    return bool(digits) and any(each.startswith(digits[:10]) for each in known)


def _spans(text: str, plain: str) -> Iterator[tuple[int, int, FactKind]]:
    """The surer kinds first: of two that overlap the first one stays."""
    for match in words.SERVICE.finditer(plain):
        yield match.start(1), match.end(1), FactKind.SERVICE_NUMBER
    for number in numbers_in(text):
        if number.kind is not Stated.PHONE:
            agreement = number.kind is Stated.AGREEMENT
            yield number.start, number.end, FactKind.SERVICE_NUMBER if agreement else FactKind.ACCOUNT_NUMBER
    for match in words.ACCOUNT.finditer(plain):  # also where nothing says what the digits are
        telephone = match.group(1) is None and words.TELEPHONE_BEFORE.search(
            plain[max(0, match.start() - 40) : match.start()]
        )
        if not telephone:
            yield match.start(), match.end(), FactKind.ACCOUNT_NUMBER
    for start, sentence in _sentences(plain):
        if words.BILLED.search(sentence) and words.THEIRS.search(sentence):
            for match in WRITTEN.finditer(sentence):
                if not words.PUBLIC.search(sentence[max(0, match.start() - 45) : match.end() + 30]):
                    yield start + match.start(), start + match.end(), FactKind.AMOUNT
        if words.ADDRESS_OF.search(sentence) and not words.PUBLIC_PLACE.search(sentence):
            for begins, ends in streets(sentence):
                yield start + begins, start + ends, FactKind.ADDRESS
    for match in words.HISTORY.finditer(plain):
        yield match.start(), match.end(), FactKind.HISTORY


def _sentences(plain: str) -> Iterator[tuple[int, str]]:
    """Each with its place. A single line break is none: people's programs wrap lines."""
    start = 0
    for boundary in words.BOUNDARY.finditer(plain):
        yield start, plain[start : boundary.end()]
        start = boundary.end()
    yield start, plain[start:]


def _quote(text: str, start: int, end: int) -> str:
    before, after = text[max(0, start - _AROUND) : start], text[end : end + _AROUND]
    before = before if start <= _AROUND else "…" + before.partition(" ")[2]
    after = after if end + _AROUND >= len(text) else after.rpartition(" ")[0] + "…"
    return " ".join((before + text[start:end] + after).split())
