"""What is told of a number: a fact with its doubts and places, and readings of one number taken together."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import phonenumbers

from services.tickets.callers.cues import Cue, Gap
from services.tickets.callers.facts import UNCLEAR_BELOW, Doubt, Fact, Kind, Place
from services.tickets.callers.runs import NANP, Number
from services.tickets.callers.words import Speech


@dataclass(frozen=True, slots=True)
class Said:
    """A number in its place: what the words around it call it, and what stands before it."""

    number: Number
    cue: Cue | None
    gap: Gap
    area: bool = False
    repeats: bool = False


def told_together(speech: Speech, phones: list[Said], caller_id: str | None) -> list[Fact]:
    """Readings of one number strengthen each other; readings that differ are shown both, and say so."""
    found: list[Fact] = []
    previous: Said | None = None
    for each in phones:
        digits = each.number.digits
        whole = _whole(found)
        if previous is not None and whole is not None and len(digits) in (4, 7) and not each.number.is_nanp:
            tail = re.sub(r"\D", "", whole.value)[-len(digits) :]
            if tail == digits:
                _strengthen(found, whole, speech, each)
                continue
            if each.repeats:
                at = found.index(whole)
                found[at] = _with_doubt(whole, Doubt.DISAGREES)
                stem = re.sub(r"\D", "", whole.value)[: -len(digits)]
                other = replace(each, number=replace(each.number, digits=stem[-10:] + digits))
                found.append(_with_doubt(_phone(speech, other, caller_id), Doubt.DISAGREES))
                continue
        if len(digits) < 7 and whole is not None:
            continue  # a few digits after a whole number are no second one
        fact = _phone(speech, each, caller_id)
        same = next((one for one in found if (one.value, one.kind) == (fact.value, fact.kind)), None)
        if same is not None:
            _strengthen(found, same, speech, each)
        elif found and _misread(found[-1].value, fact.value, each.repeats):
            found[-1] = _with_doubt(found[-1], Doubt.DISAGREES)
            found.append(_with_doubt(fact, Doubt.DISAGREES))
        else:
            found.append(fact)
        previous = each
    if any(Doubt.INCOMPLETE not in one.doubts for one in found):  # a beginning that was said again, whole
        found = [one for one in found if not (Doubt.INCOMPLETE in one.doubts and _begun(one, found))]
    return found


def _whole(found: list[Fact]) -> Fact | None:
    return next((fact for fact in reversed(found) if Doubt.INCOMPLETE not in fact.doubts), None)


def _begun(fact: Fact, found: list[Fact]) -> bool:
    digits = re.sub(r"\D", "", fact.value)
    for one in found:
        national = re.sub(r"^\+1", "", one.value)
        if (
            one is not fact
            and Doubt.INCOMPLETE not in one.doubts
            and (national.startswith(digits[:6]) or national.endswith(digits))
        ):
            return True
    return False


def _misread(a: str, b: str, repeats: bool) -> bool:
    if repeats:
        return True
    return len(a) == len(b) and 0 < sum(x != y for x, y in zip(a, b, strict=True)) <= 1


def _strengthen(found: list[Fact], fact: Fact, speech: Speech, each: Said) -> None:
    at = found.index(fact)
    place = _place(speech, each.number)
    unclear = fact.unclear_digits
    doubts = fact.doubts
    if len(each.number.digits) >= 10:  # what one reading left unclear the other may say clearly
        unclear = tuple(sorted(set(unclear) & set(_unclear(speech, each.number))))
        if not unclear:
            doubts = tuple(doubt for doubt in doubts if doubt is not Doubt.UNCLEAR)
    found[at] = replace(
        fact,
        places=(*fact.places, place),
        unclear_digits=unclear,
        doubts=doubts,
        extension=fact.extension or each.number.extension,
    )


def _phone(speech: Speech, each: Said, caller_id: str | None) -> Fact:
    number = each.number
    digits = number.digits.removeprefix("011") if not number.is_nanp else number.digits
    doubts: list[Doubt] = []
    value = digits
    international = number.plus or number.digits.startswith("011") or (len(digits) == 12 and digits.startswith("52"))
    parsed = _parsed(f"+{digits}" if international and not NANP.fullmatch(digits) else digits)
    if len(digits) < 10:
        doubts.append(Doubt.INCOMPLETE)
        if len(digits) == 7 and caller_id and caller_id.endswith(digits):
            value, doubts = caller_id, []  # a local number: it is the one that called
    elif parsed is not None and phonenumbers.is_possible_number(parsed) and (number.is_nanp or international):
        value = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        if not phonenumbers.is_valid_number(parsed):
            doubts.append(Doubt.NOT_VALID)
    else:
        doubts.append(Doubt.TOO_MANY if len(digits) > 10 else Doubt.NOT_VALID)
    if number.crowded:
        doubts.append(Doubt.TOO_MANY)
    fact = fact_of(speech, Kind.CALLBACK, value, number, doubts)
    return replace(fact, agrees_with_caller_id=None if not caller_id else value == caller_id)


def _parsed(number: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(number, "US")
    except phonenumbers.NumberParseException:
        return None


def fact_of(speech: Speech, kind: Kind, value: str, number: Number, doubts: list[Doubt]) -> Fact:
    unclear = _unclear(speech, number)
    if unclear:
        doubts = [*doubts, Doubt.UNCLEAR]
    if number.corrected:
        doubts = [*doubts, Doubt.CORRECTED]
    return Fact(
        kind,
        value,
        (_place(speech, number),),
        extension=number.extension,
        doubts=tuple(dict.fromkeys(doubts)),
        unclear_digits=unclear,
        earlier=number.corrected,
    )


def _unclear(speech: Speech, number: Number) -> tuple[int, ...]:
    return tuple(
        place
        for place, word in enumerate(number.said_in, 1)
        if (probability := speech.words[word].probability) is not None and probability < UNCLEAR_BELOW
    )


def _place(speech: Speech, number: Number) -> Place:
    return place_of(speech, [*number.said_in, *number.extension_in])


def place_of(speech: Speech, places: Sequence[int]) -> Place:
    """From the first of these words to the last of them."""
    words = [speech.words[place] for place in sorted(set(places))]
    probabilities = [word.probability for word in words if word.probability is not None]
    return Place(
        speech.text[words[0].start : words[-1].end],
        _opened(speech.text, words[0].start, words[-1].end),
        words[-1].end,
        words[0].from_s,
        max((word.to_s for word in words if word.to_s is not None), default=None),
        min(probabilities, default=None),
    )


def _opened(text: str, start: int, end: int) -> int:
    """With the sign or the bracket before the first digit: «+1 707…», «(707) …»."""
    before = text[max(0, start - 1) : start]
    return start - 1 if before == "+" or (before == "(" and ")" in text[start:end]) else start


def _with_doubt(fact: Fact, doubt: Doubt) -> Fact:
    return fact if doubt in fact.doubts else replace(fact, doubts=(*fact.doubts, doubt))
