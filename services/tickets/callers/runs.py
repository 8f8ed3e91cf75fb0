"""Divides what is said in digits into whole numbers: the reading of a run of number words that makes most sense."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import phonenumbers

from services.tickets.callers import numerals
from services.tickets.callers.cues import DASHES, FILLERS, PLUS
from services.tickets.callers.words import Speech

MAX_RUN = 60  # words of one run that are weighed together
MAX_DIGITS = 15  # ITU-T E.164
MAX_PATHS = 160  # readings of one place that are followed
NANP = re.compile(r"[2-9]\d{2}[2-9]\d{6}")
_INSIDE = frozenset({"and", "y", "hundred", "cientos", "thousand", "mil"})  # within a number, never one alone
_MAY_SEPARATE = frozenset({"o", "y", "and"})
_BREAKS = re.compile(r"[/$:&@#%€=]|\d")  # between two words of digits: a date, a time, an amount
_STOPS = re.compile(r"[.;!?…\n]\s|[.;!?…]$")
TIGHT, PAUSE, STOP = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Number:
    """Digits with the word (its place in the speech) that each was said in."""

    digits: str
    said_in: tuple[int, ...]
    dash_before_last: bool = False
    plus: bool = False
    extension: str = ""
    extension_in: tuple[int, ...] = ()
    crowded: bool = False  # digits stand right beside it that belong to nothing
    corrected: str = ""  # what was said before the speaker corrected it
    groups: tuple[int, ...] = ()  # how many digits were said together

    @property
    def first(self) -> int:
        return self.said_in[0]

    @property
    def last(self) -> int:
        return (self.extension_in or self.said_in)[-1]

    @property
    def is_nanp(self) -> bool:
        return bool(NANP.fullmatch(self.digits)) or (
            len(self.digits) == 11 and self.digits[0] == "1" and bool(NANP.fullmatch(self.digits[1:]))
        )


@dataclass(frozen=True, slots=True)
class _Path:
    """One way to read the words from a place on: where it ends, and what it costs."""

    end: int
    digits: str
    places: tuple[int, ...]
    cost: float
    groups: tuple[int, ...]


def numbers(speech: Speech) -> list[Number]:
    """Every number in order, each as it makes most sense beside its neighbours."""
    found: list[Number] = []
    for run in _runs(speech):
        found += _divide(speech, run)
    return found


def _runs(speech: Speech) -> list[list[int]]:
    """Places of words that may belong to numbers and stand together; what only fills pauses is left out."""
    words = speech.words
    runs: list[list[int]] = []
    current: list[int] = []
    for place, word in enumerate(words):
        numeral = _is_numeral(speech, place)
        inside = word.key in _INSIDE and current
        if numeral or inside:
            if current and (not _together(speech, current[-1], place) or len(current) >= MAX_RUN):
                runs.append(current)
                current = []
            if numeral or current:
                current.append(place)
        elif not (current and (word.key in FILLERS or word.key in DASHES)):
            if current:
                runs.append(current)
            current = []
    if current:
        runs.append(current)
    return runs


def _is_numeral(speech: Speech, place: int) -> bool:
    key = speech.words[place].key
    if key.isdigit():
        # «2nd», «4A» and «B52» are no numbers; «x42» is an extension.
        left = speech.between(place - 1, place) if place else " "
        right = speech.between(place, place + 1) if place + 1 < len(speech.words) else " "
        glued_left = left == "" and speech.words[place - 1].key not in ("x", "ext")
        return not (glued_left or right == "") and len(key) <= MAX_DIGITS
    if key == "o" and place and _STOPS.search(speech.between(place - 1, place)):
        # «… doce. O al 415…»: the beginning of a sentence is no zero, unless another digit follows.
        return place + 1 < len(speech.words) and speech.words[place + 1].key in numerals.DIGITS
    if key in numerals.PLURALS and place:
        return speech.words[place - 1].key in numerals.DIGITS
    return key in numerals.NUMBER_WORDS


def _together(speech: Speech, left: int, right: int) -> bool:
    between = speech.text[speech.words[left].end : speech.words[right].start]
    if "\n" in between and speech.words[left].key.isdigit() and speech.words[right].key.isdigit():
        return False  # a column of figures
    if right - left > 1 and speech.text[speech.words[left].start - 1] == "." and speech.words[left].key.isdigit():
        return False  # «61.20 minus 18.43»
    if right - left == 1:
        return not _BREAKS.search(between) and len(between) < 12
    return right - left <= 4 and not re.search(r"[/$%€=]", between)


def _divide(speech: Speech, run: list[int]) -> list[Number]:
    keys = [speech.words[place].key for place in run]
    strengths = [TIGHT] + [_strength(speech, run[i - 1], run[i]) for i in range(1, len(run))]
    dashes = [False] + [_dash(speech, run[i - 1], run[i]) for i in range(1, len(run))]
    pauses = [strength > TIGHT for strength in strengths]
    plus = [_plus(speech, place) for place in run]
    end = len(run)
    best: list[tuple[float, int, _Path | None]] = [(0.0, end, None)] * (end + 1)
    for at in range(end - 1, -1, -1):
        # A word that can only join, or that nothing reads, separates; digits are not passed over.
        skip = 4.0 if keys[at] not in _MAY_SEPARATE else 0.6 if keys[at] == "o" else 0.0
        best[at] = (best[at + 1][0] - skip, at + 1, None)
        for path in _paths(keys, at, pauses, end):
            score = _worth(path, at, strengths, dashes, plus[at]) - path.cost
            if path.end < end:
                score -= (4.0, 1.5, 0.3)[strengths[path.end]] if keys[path.end] not in _MAY_SEPARATE else 0.2
            score += best[path.end][0]
            if score > best[at][0]:
                best[at] = (score, path.end, path)
    return _collect(best, run, strengths, dashes, plus)


def _collect(
    best: list[tuple[float, int, _Path | None]],
    run: list[int],
    strengths: list[int],
    dashes: list[bool],
    plus: list[bool],
) -> list[Number]:
    found: list[Number] = []
    bounds: list[tuple[int, int]] = []
    at = 0
    while at < len(run):
        _, after, path = best[at]
        if path is not None:
            found.append(
                Number(
                    path.digits,
                    tuple(run[place] for place in path.places),
                    _dashed_last(path, dashes),
                    plus[at],
                    groups=path.groups,
                )
            )
            bounds.append((at, after))
        at = after
    return [_with_crowd(found, bounds, i, strengths) for i in range(len(found))]


def _with_crowd(found: list[Number], bounds: list[tuple[int, int]], i: int, strengths: list[int]) -> Number:
    """Mark a telephone number that has stray digits right behind or before it: perhaps it is another one."""
    number = found[i]
    if len(number.digits) < 10:
        return number
    if i + 1 < len(found) and bounds[i + 1][0] == bounds[i][1] and strengths[bounds[i + 1][0]] < STOP:
        stray = found[i + 1].digits
        if len(stray) < 7 and not number.digits.endswith(stray):
            return replace(number, crowded=True)
    if i and bounds[i - 1][1] == bounds[i][0] and strengths[bounds[i][0]] == TIGHT:
        stray = found[i - 1].digits
        if len(stray) < 7 and not number.digits.startswith(stray):  # who starts again says the beginning twice
            return replace(number, crowded=True)
    return number


def _paths(keys: Sequence[str], at: int, pauses: Sequence[bool], end: int) -> list[_Path]:
    complete: list[_Path] = []
    open_ = [_Path(at, "", (), 0.0, ())]
    while open_ and len(complete) < MAX_PATHS:
        path = open_.pop()
        if path.end >= end:
            continue
        for piece in numerals.readings(keys, path.end, pauses, end):
            digits = path.digits + piece.digits
            if len(digits) > MAX_DIGITS:
                continue
            # Each digit is said in one of the words of its piece: the first ones in the first.
            places = path.places + tuple(
                path.end + min(k * piece.used // len(piece.digits), piece.used - 1) for k in range(len(piece.digits))
            )
            longer = _Path(
                path.end + piece.used, digits, places, path.cost + piece.cost, (*path.groups, len(piece.digits))
            )
            complete.append(longer)
            open_.append(longer)
    return complete


def _worth(path: _Path, at: int, strengths: list[int], dashes: list[bool], plus: bool) -> float:
    digits = path.digits
    worth = -1.0 if len(path.digits) <= 4 else -3.0
    inner = [strengths[place] for place in range(at + 1, path.end)]
    worth -= 0.6 * inner.count(STOP) + 0.05 * inner.count(PAUSE)
    count = len(digits)
    if NANP.fullmatch(digits):
        worth += 20
    elif count == 11 and digits[0] == "1" and NANP.fullmatch(digits[1:]):
        worth += 19.5
    elif _dashed_last(path, dashes) or _from_abroad(digits, plus):
        worth += 20
    elif count == 12 and digits.startswith("52") and _international(digits):
        worth += 22  # Mexico: more than what is left of it without its country, said without a plus
    elif count == 10:
        worth += 6
    elif count == 7 or count in (8, 9):
        worth += 2.5
    return worth


def _dashed_last(path: _Path, dashes: list[bool]) -> bool:
    """Ten digits, a dash and one: how account numbers are written."""
    return len(path.digits) == 11 and path.groups[-1] == 1 and dashes[path.places[-1]]


def _from_abroad(digits: str, plus: bool) -> bool:
    return (plus or digits.startswith("011")) and len(digits) >= 8 and _international(digits)


def _international(digits: str) -> bool:
    try:
        parsed = phonenumbers.parse("+" + digits.removeprefix("011"))
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(parsed)


def _strength(speech: Speech, left: int, right: int) -> int:
    between = speech.text[speech.words[left].end : speech.words[right].start]
    if right - left > 1:
        return PAUSE
    if _STOPS.search(between):
        return STOP
    return PAUSE if re.search(r"[,;–—]|\s-\s", between) else TIGHT


def _dash(speech: Speech, left: int, right: int) -> bool:
    between = speech.text[speech.words[left].end : speech.words[right].start]
    return bool(re.search(r"[-–—]", between)) or any(word.key in DASHES for word in speech.words[left + 1 : right])


def _plus(speech: Speech, place: int) -> bool:
    word = speech.words[place]
    return speech.text[max(0, word.start - 1) : word.start] == "+" or (
        place > 0 and speech.words[place - 1].key in PLUS
    )
