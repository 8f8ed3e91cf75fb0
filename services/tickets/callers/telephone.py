"""Which of the numbers said are to be called back, which are an account, and which are neither."""

import re
from collections.abc import Sequence
from dataclasses import replace

from services.tickets.callers import cues
from services.tickets.callers.cues import Cue, Gap
from services.tickets.callers.facts import Fact, Kind
from services.tickets.callers.runs import Number, numbers
from services.tickets.callers.told import Said, fact_of, told_together
from services.tickets.callers.words import Speech

BEFORE, AFTER = 9, 7  # words around a number that say what it is for
FAR = 25  # words before a number that cannot be another one
_ACCOUNTS = frozenset(("account", "acct", "cuenta"))
_NAMING = frozenset(("llamo", "nombre", "soy", "habla", "saluda", "name", "name's", "this"))
# Of telephones in northern California, where the center's customers live.
_LOCAL = frozenset(
    ("707", "369", "415", "628", "510", "341", "925", "650", "408", "669", "916", "279", "530", "837", "209", "350")
)
_MY_NUMBER = re.compile(r"\b(?:mi numero|my number)(?: (?:it's|es|is|el|the))*$")  # of what it is, the digits tell
_SHORTEST = 5  # digits that may be the beginning of a telephone number, where somebody asks to be called


def callbacks_and_accounts(speech: Speech, caller_id: str | None) -> list[Fact]:
    """Callback numbers in the order they were said, then accounts and service agreements.

    `caller_id` (E.164) is only compared.
    """
    said = _combined(speech, _classified(speech, [each for each in numbers(speech) if not _is_a_word(speech, each)]))
    phones = [each for each in said if _is_phone(speech, each)]
    accounts = [each for each in said if each not in phones and _is_account(each)]
    found = told_together(speech, phones, caller_id)
    for each in accounts:
        _add(found, _account(speech, each))
    for each in said:
        if each.cue is Cue.AGREEMENT and len(each.number.digits) == 10:
            _add(found, fact_of(speech, Kind.AGREEMENT, each.number.digits, each.number, []))
    return found


def _classified(speech: Speech, found: Sequence[Number]) -> list[Said]:
    said: list[Said] = []
    for i, number in enumerate(found):
        previous = found[i - 1] if i else None
        between = [
            cues.PAST.get(word.text.lower(), word.key)
            for word in speech.words[(previous.last + 1 if previous else 0) : number.first]
        ]
        gap = cues.gap(between) if previous else Gap.OTHER
        cue = _cue(speech, number, previous, found[i + 1] if i + 1 < len(found) else None, between)
        unnamed = cue is None or (cue is Cue.ACCOUNT and not _ACCOUNTS.intersection(between))
        if unnamed and said and len(between) <= 3 and set(between) & (cues.ALTERNATIVES | {"and", "y", "e"}):
            cue = said[-1].cue or cue  # «service agreements 50… and 60…»
        if cue is None and said and gap in (Gap.REPEAT, Gap.CORRECTION):
            cue = said[-1].cue
        said.append(Said(number, cue, gap, cues.is_area_code(between), gap is Gap.REPEAT))
    return said


def _is_a_word(speech: Speech, number: Number) -> bool:
    """«the wrong one», «no sé, o tal vez»: digits by their letters only."""
    if len(number.digits) > 1 or speech.words[number.first].key not in ("one", "uno", "oh", "o"):
        return False
    return not number.first or speech.words[number.first - 1].key not in cues.EXTENSION


def _cue(
    speech: Speech, number: Number, previous: Number | None, following: Number | None, between: list[str]
) -> Cue | None:
    after_end = following.first if following is not None else len(speech.words)
    after = [word.key for word in speech.words[number.last + 1 : min(after_end, number.last + 1 + AFTER)]]
    named = cues.behind(" ".join(after))
    if named is not None:
        return named
    if between[-1:] == ["f"] and len("".join(between[-2:-1])) != 1:
        return Cue.FAX  # «T 707-555-0128 | F 707-555-0129»; among other letters it is spelled
    before = " ".join(between[-BEFORE:])
    cue, distance = cues.nearest(before)
    account = max((match.end() for match in cues.ACCOUNT_NUMBER.finditer(before)), default=-1)
    phone = max((match.end() for match in cues.PHONE_NUMBER.finditer(before)), default=-1)
    if phone > account and number.is_nanp and cue is not Cue.FAX:
        return Cue.PHONE  # also «the phone number on the account is …»
    if account > phone and cue is Cue.PHONE and not cues.CALL_ME.search(before[account:]) and not _is_local(number):
        return Cue.ACCOUNT  # «my account number, it's …»
    if _in_one_piece(number) and not _is_local(number) and _unnamed(speech, number, cue, distance, between):
        return Cue.ACCOUNT  # «Would like back on. Gil Yamamoto, 6647102938»: telephones are written in groups
    weak = cue is Cue.ACCOUNT and account < 0 and number.is_nanp
    if weak and (_sentence_between(speech, number, distance) or between[-1:] in (["at"], ["al"], ["on"])):
        return None  # «It's about my account. 707…», «… at 707…»
    if weak and _is_local(number) and _NAMING.intersection(between[len(between) - distance :]):
        return None  # «… esa cuenta, me llamo Fabiola Rentería, 707…»
    if cue is Cue.AGREEMENT and number.is_nanp and number.groups[-3:] == (3, 3, 4):
        return None  # written as telephone numbers are; in Tagalog «sa» is «at»
    if cue is None and len(number.digits) in (10, 11) and not number.is_nanp:
        # No telephone has it: ten digits alone are the account's. Where an account was spoken of so are eleven: «saquen
        # mi cuenta de eso, por favor, es la 220 144…».
        alone = len(number.digits) == 10 and not number.plus
        return Cue.ACCOUNT if alone or _ACCOUNTS.intersection(between[-FAR:]) else None
    if cue is Cue.PHONE and len(number.digits) == 10 and not number.is_nanp and not number.plus:
        return Cue.ACCOUNT if _MY_NUMBER.search(before) else cue  # «mi número es 3300182754»
    return cue


def _in_one_piece(number: Number) -> bool:
    """Ten digits without a sign or a blank between them, as accounts are written."""
    return len(number.digits) == 10 and not number.plus and max(number.groups, default=1) == 10


def _unnamed(speech: Speech, number: Number, cue: Cue | None, distance: int, between: list[str]) -> bool:
    """Whether nothing calls it a telephone, or only a sentence before it: «… de mi casa. 9926603158», not «Tel. …»."""
    ended = between[-1:] not in (["tel"], ["cel"], ["ph"]) and _sentence_between(speech, number, distance)
    return cue is None or (cue is not Cue.AGREEMENT and ended)


def _is_local(number: Number) -> bool:
    return number.is_nanp and number.digits[-10:-7] in _LOCAL


def _sentence_between(speech: Speech, number: Number, distance: int) -> bool:
    start = speech.words[max(0, number.first - distance - 1)].end
    return bool(re.search(r"[.!?…]\s", speech.text[start : speech.words[number.first].start]))


def _combined(speech: Speech, said: list[Said]) -> list[Said]:
    """Numbers said in parts are one; what was corrected takes the place of what was wrong."""
    out: list[Said] = []
    for each in said:
        if out:
            together = _together(speech, out[-1], each)
            if together is not None:
                out[-1] = together
                continue
        out.append(each)
    return out


def _together(speech: Speech, previous: Said, now: Said) -> Said | None:
    a, b = previous.number, now.number
    if now.gap is Gap.EXTENSION and len(a.digits) >= 7 and len(b.digits) <= 6:
        return replace(previous, number=replace(a, extension=b.digits, extension_in=b.said_in, crowded=False))
    words = b.first - a.last - 1
    if now.area and len(b.digits) == 3 and len(a.digits) == 7 and words <= 6:
        return replace(previous, number=_joined(b, a))
    if previous.area and len(a.digits) == 3 and len(b.digits) in (3, 7) and words <= 7:
        return replace(previous, number=_joined(a, b), cue=now.cue or previous.cue, area=len(b.digits) == 3)
    near = now.gap is Gap.SOFT or words == 0
    if (
        near
        and len(a.digits) in (3, 6)
        and len(a.digits) + len(b.digits) in (6, 10)
        and previous.cue is not Cue.ACCOUNT
    ):
        joined = _joined(a, b)
        if len(joined.digits) == 6 or joined.is_nanp:
            return replace(previous, number=joined, cue=previous.cue or now.cue)
    if now.gap is Gap.CORRECTION and now.cue in (previous.cue, None, Cue.PHONE):
        return _corrected(previous, now)
    return None


def _joined(a: Number, b: Number) -> Number:
    places = tuple(sorted((*a.said_in, *b.said_in)))
    said_in = (*a.said_in, *b.said_in) if a.first < b.first else (*b.said_in, *a.said_in)
    return replace(a, digits=a.digits + b.digits, said_in=said_in if said_in == places else places, groups=())


def _corrected(previous: Said, now: Said) -> Said | None:
    """«…0 1 1 3, no, sorry, 1 2»: the new digits replace the last ones, so that ten remain."""
    a, b = previous.number, now.number
    whole = 11 if a.digits.startswith("1") and len(a.digits) > 10 else 10
    if previous.cue is Cue.ACCOUNT:
        whole = 11 if a.dash_before_last else 10
    if len(b.digits) >= whole:
        if len(a.digits) < 3:
            return None
        return replace(now, number=replace(b, corrected=a.digits), cue=now.cue or previous.cue)
    if len(a.digits) > whole or len(a.digits) < 3 or (len(b.digits) < 2 and len(a.digits) < whole):
        return None
    replaced = len(a.digits) + len(b.digits) - whole
    if not 0 <= replaced <= len(b.digits):
        return None
    kept = len(a.digits) - replaced
    number = replace(
        a,
        digits=a.digits[:kept] + b.digits,
        said_in=(*a.said_in[:kept], *b.said_in),
        corrected=a.digits if replaced else "",
        crowded=b.crowded,
        groups=(),
    )
    return replace(previous, number=number, cue=previous.cue or now.cue)


def _is_phone(speech: Speech, each: Said) -> bool:
    number, count = each.number, len(each.number.digits)
    if each.cue in (Cue.ACCOUNT, Cue.AGREEMENT, Cue.OTHER, Cue.FAX) or _is_amount(speech, number):
        return False
    if number.groups == (10, 1) or (number.dash_before_last and not number.is_nanp):
        return False  # written like an account
    if number.plus or number.digits.startswith("011") or number.is_nanp:
        return True
    if _looks_like_a_date_or_zip(speech, number):
        return False
    if count == 7:
        return each.cue is Cue.PHONE or number.digits[0] in "23456789"
    if 8 <= count <= 12:
        return True
    return each.cue is Cue.PHONE and _SHORTEST <= count <= 6 and max(number.groups, default=1) < count


def _is_amount(speech: Speech, number: Number) -> bool:
    first = speech.words[number.first]
    if speech.text[max(0, first.start - 2) : first.start].strip() in ("$", "€", "#") and not number.is_nanp:
        return True
    after = [word.key for word in speech.words[number.last + 1 : number.last + 3]]
    return bool(set(after[:1]) & cues.UNITS) and not number.is_nanp


def _looks_like_a_date_or_zip(speech: Speech, number: Number) -> bool:
    written = speech.text[speech.words[number.first].start : speech.words[number.last].end]
    return bool(
        re.fullmatch(r"(?:19|20)\d{2}-\d{1,2}-\d{1,2}|\d{5}-\d{4}|\d{3}-\d{2}-\d{4}|\d{1,2}-\d{1,2}-\d{4}", written)
    )


def _is_account(each: Said) -> bool:
    number = each.number
    if number.groups == (10, 1):
        return True  # «Minerva Case, 9142203366-4»
    if each.cue in (Cue.AGREEMENT, Cue.OTHER, Cue.FAX):
        return False
    if number.dash_before_last and len(number.digits) == 11:
        return True
    return each.cue is Cue.ACCOUNT and len(number.digits) in (10, 11)


def _account(speech: Speech, each: Said) -> Fact:
    digits = each.number.digits
    value = f"{digits[:10]}-{digits[10]}" if len(digits) == 11 else digits
    return fact_of(speech, Kind.ACCOUNT, value, each.number, [])


def _add(found: list[Fact], fact: Fact) -> None:
    for at, one in enumerate(found):
        if (one.kind, one.value) == (fact.kind, fact.value):
            found[at] = replace(one, places=(*one.places, *fact.places))
            return
    found.append(fact)
