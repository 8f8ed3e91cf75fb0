"""Days by which or on which something happens, in English and Spanish, resolved against the day of receipt. Pure.

Not: days in passing (yesterday, years, a month alone), times of day, what happens every week.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta

from services.tickets.facts import day_words as say
from services.tickets.facts.found import FactKind, Found

_NEAREST_FIRST = sorted(range(-60, 120), key=lambda shift: (abs(shift), -shift))  # days from that of receipt
_RUN = re.compile("[a-z]+")
_AHEAD = 1  # a tense, as `_tense` tells it


def dates(plain: str, received: date, *, ahead: bool = False) -> list[Found]:
    """In the order in which they stand, none overlapping. `received`: the day at the center.

    `ahead`: what the text speaks of is still to come, whatever the verbs around it. A weekday or «the 15th» is the next
    one then, and «today» and «two days» count without a word that says by when: too early is the safe side.
    """
    words = set(_RUN.findall(plain))
    digits = any(char.isdigit() for char in plain)
    weekday = not words.isdisjoint(say.WEEKDAYS)
    month = not words.isdisjoint(say.MONTHS)
    found: list[Found] = []
    for there, days in (
        (month or digits, _calendar(plain, received, ahead)),
        (weekday and digits, _numbered(plain, received)),
        (weekday, _named(plain, received, ahead)),
        (not words.isdisjoint(say.IN_RELATIVE), _relative(plain, received, ahead)),
        (digits or not words.isdisjoint(say.IN_BARE), _bare(plain, received, ahead)),
    ):
        for each in days if there else ():
            if not any(each.overlaps(other) for other in found):
                found.append(each)
    return sorted(found, key=lambda each: each.start)


def _found(day: date, match: re.Match[str], group: int | str, confidence: float) -> Found:
    return Found(FactKind.DATE, day.isoformat(), match.start(group), match.end(group), confidence)


def _calendar(plain: str, received: date, ahead: bool) -> Iterator[Found]:
    for match in say.CALENDAR.finditer(plain):
        tense = _AHEAD if ahead else _tense(plain, match.start())
        year = match["year1"] or match["year2"] or match["year3"] or match["year4"]
        confidence = 0.95
        if match["a4"]:
            month, day = int(match["a4"]), int(match["b4"])
            if (month > 12 and year) or (ahead and _sooner(day, month, received, than=(month, day))):
                month, day, confidence = day, month, 0.7  # as people from elsewhere write it
            if (match["a4"] == match["b4"] and not year) or say.FRACTION.match(plain, match.end()):
                continue  # «10/10»
            if len(match["a4"]) + len(match["b4"]) < 3 and not year:
                if not say.SHORT_LEAD.search(plain[max(0, match.start() - 14) : match.start()]):
                    continue  # «1/2 cup»
                confidence = 0.7
        else:
            name = match["month1"] or match["month2"]
            month = say.MONTHS[name] if name else int(match["month3"])
            said = match["day1"] or match["day2"] or match["day3"]
            word = match["word1"] or match["word2"]
            day = int(said) if said else say.SPOKEN_DAYS[re.sub(r"[\s-]", " ", word)]
            if (
                match["word1"]
                and match["month1"] in ("mar", "ago", "may", "jan", "sep")
                and " of " not in match.group()
            ):
                continue  # «two may», «diez ago»
            if match["word1"] in say.DAYS_EN and match["month1"] in say.ENGLISH_MONTHS and " of " not in match.group():
                continue  # «two September evenings»
            if match["month2"] and _is_no_day(match):
                continue
        before = plain[max(0, match.start() - 40) : match.start()]
        if say.BORN.search(before) or say.OF_LAW.search(before):
            continue
        resolved = _in_year(int(year) if year else 0, month, day, received, tense)
        if resolved is not None:
            named = say.WITH_WEEKDAY.search(plain[: match.start()], max(0, match.start() - 16))
            yield Found(
                FactKind.DATE, resolved.isoformat(), named.start() if named else match.start(), match.end(), confidence
            )


def _is_no_day(match: re.Match[str]) -> bool:
    """«8 kW in September. Three applications», «in January once the county pays»."""
    before = match.string[max(0, match.start() - 8) : match.start()]
    if match["month2"] == "may" and (match["word2"] == "one" or say.MAY_THE_VERB.search(before)):
        return True  # «May one be borrowed?»
    behind, word = match.group()[len(match["month2"]) :], match["word2"] or ""
    if match["month2"] == "ago" and match.string[: match.start()].endswith(say.SO_LONG):
        return True  # «ten minutes ago. Two residents»
    if match["day2"] and match.string[: match.start()].endswith((". in ", "\nin ")) and behind[-1:].isdigit():
        return True  # «in August 29», kilowatt-hours
    return (behind.startswith(".") and match["month2"] in say.WHOLE_MONTHS) or (
        word in say.DAYS_ES and match["month2"] in say.ENGLISH_MONTHS
    )


def _numbered(plain: str, received: date) -> Iterator[Found]:
    """«martes 1», «Friday the 4th»: the nearest day that is both."""
    for match in say.WEEKDAY_AND_NUMBER.finditer(plain):
        said = (int(match["number"]), say.WEEKDAYS[match["weekday"]])
        near = (received + timedelta(days=shift) for shift in _NEAREST_FIRST)
        day = next((each for each in near if (each.day, each.weekday()) == said), None)
        if day is not None:
            yield Found(FactKind.DATE, day.isoformat(), match.start(), match.end(), 0.9)


def _sooner(month: int, day: int, received: date, *, than: tuple[int, int]) -> bool:
    """Whether the one day of a year comes before the other; not where there is no such day."""
    one, other = _in_year(0, month, day, received, _AHEAD), _in_year(0, *than, received, _AHEAD)
    return one is not None and one >= received and (other is None or one < other)


def _in_year(year: int, month: int, day: int, received: date, tense: int) -> date | None:
    """The day of that month that is meant; without a year the nearest one, unless the words look one way."""
    try:
        if year:
            if year < 100:
                year += 2000 if year + 2000 <= received.year + 20 else 1900
            return date(year, month, day)
        choices = [date(received.year + shift, month, day) for shift in (-1, 0, 1)]
    except ValueError:
        return None
    if tense < 0:
        return max(each for each in choices if each <= received)
    later = [each for each in choices if each >= received]
    if tense > 0 and (later[0] - received).days <= 300:
        return later[0]
    return min(choices, key=lambda each: abs((each - received).days))


def _tense(plain: str, at: int) -> int:
    """-1 when the words before tell of what was, 1 of what will be, 0 when they do not say."""
    before = plain[max(0, at - 60) : at]
    cut = max(before.rfind(mark) for mark in (". ", "! ", "? ", "\n", "; "))
    before = before[cut + 1 :]
    future = max((match.end() for match in say.FUTURE.finditer(before)), default=-1)
    past = max((match.end() for match in say.PAST.finditer(before)), default=-1)
    return 0 if future == past else 1 if future > past else -1


def _tense_behind(plain: str, at: int) -> int:
    """«El domingo olía…»: where nothing stands before, the first verb behind tells."""
    after = re.split(r"[.!?\n;]", plain[at : at + 40])[0]
    future, past = say.FUTURE.search(after), say.PAST.search(after)
    if past is None or future is None:
        return 0 if past is future else 1 if past is None else -1
    return -1 if past.start() < future.start() else 1


def _named(plain: str, received: date, ahead: bool) -> Iterator[Found]:
    for match in say.NAMED.finditer(plain):
        name, which = match["weekday"], (match["which"] or "").replace("\n", " ")
        if match["plural"] or which in ("los", "las", "cada", "every", "each", "todos los"):
            continue
        before = plain[max(0, match.start() - 24) : match.start("weekday")]
        if say.HOLIDAY.search(before) or say.HOLIDAY_BEHIND.match(plain, match.end()):
            continue
        if name in say.ABBREVIATED and (before.split() or [""])[-1] not in say.LEADS:
            continue
        if (
            say.SPAN.match(plain, match.end())
            or say.SPAN.match(plain[match.end() : match.end() + 20])
            or say.FROM.search(before)
        ):
            continue
        if say.ANY_SUCH.search(before) or say.EVERY_SUCH.match(plain, match.end()):
            continue  # any such day, or since when
        until = (say.WEEKDAYS[name] - received.weekday()) % 7
        behind = (match["behind"] or "").strip()
        if behind == "of last week":
            day, sure = received - timedelta(days=7 + received.weekday() - say.WEEKDAYS[name]), 0.9
        elif which in ("last", "el pasado") or behind == "pasado":
            day, sure = received - timedelta(days=(-until) % 7 or 7), 0.9
        elif which == "next" or behind == "next week":
            day, sure = received + timedelta(days=7 - received.weekday() + say.WEEKDAYS[name]), 0.7
        elif not ahead and which not in ("this", "este", "by") and _was(plain, match):
            day, sure = received - timedelta(days=(-until) % 7 or 7), 0.75
        else:
            day, sure = received + timedelta(days=until), 0.85
        yield Found(FactKind.DATE, day.isoformat(), match.start("weekday"), match.end(), sure)


def _was(plain: str, match: re.Match[str]) -> bool:
    if say.SENT.search(plain, max(0, match.start("weekday") - 16), match.start("weekday")):
        return True
    tense = _tense(plain, match.start("weekday"))
    if not tense and not say.IT_IS.search(plain[max(0, match.start() - 8) : match.start()]):
        tense = _tense_behind(plain, match.end())
    return tense < 0


def _relative(plain: str, received: date, ahead: bool) -> Iterator[Found]:
    for match in say.RELATIVE.finditer(plain):
        if match["two"]:
            yield _found(received + timedelta(days=2), match, "two", 0.95)
        elif match["tomorrow"]:
            before = plain[max(0, match.start() - 12) : match.start()]
            if match["tomorrow"] != "manana" or not say.MORNING.search(before):
                yield _found(received + timedelta(days=1), match, "tomorrow", 0.93)
        elif match["today"]:
            if ahead or say.DUE_TODAY.search(plain[max(0, match.start() - 24) : match.start()]):
                yield _found(received, match, "today", 0.85)
        else:
            count, unit = match["count"], match["unit"]
            number = int(count) if count.isdigit() else say.COUNTS[re.sub(r"[\s-]", " ", count)]
            lead = (match["lead"] or "").strip()
            hours = unit.startswith(("h", "o"))
            notice = hours and number in (48, 72)
            after = plain[match.end() : match.end() + 22]
            if not (ahead or lead in ("in", "within", "en", "dentro de", "have", "tengo", "hay") or notice):
                continue
            if re.search(
                r"^\s?(?:ago|old|de (?:nacid|edad|embarazo))"
                r"|\b(?:sin|without|a day|al dia|after|despues|no power|straight|with no|que no)\b",
                after,
            ):
                continue
            tense = _AHEAD if ahead else _tense(plain, match.start())
            if hours and number < 24 and not ahead:
                continue  # «the linemen came within two hours»
            if lead in ("en", "in", "hay") and tense < 0 and not notice:
                continue
            if not ahead and say.IT_TOOK.search(plain[max(0, match.start() - 24) : match.start()]):
                continue
            if lead in ("hay", "tengo") and not notice and not ahead:
                continue
            if re.search(
                r"\b(?:for|hace|por|llevo|llevamos|last|ya|past|over|hasta|up to|almost|casi|van)\s$",
                plain[max(0, match.start() - 10) : match.start()],
            ):
                continue
            days = number // 24 if hours else number * 7 if unit.startswith(("w", "s")) else number
            if days <= (60 if ahead else 29):  # «you have 45 days» is what a law gives everybody
                yield Found(
                    FactKind.DATE, (received + timedelta(days=days)).isoformat(), match.start("count"), match.end(), 0.8
                )


def _bare(plain: str, received: date, ahead: bool) -> Iterator[Found]:
    """«by the 15th», «antes del día 30»: the next one, or the last where the words tell of what was."""
    for match in say.BARE_DAY.finditer(plain):
        group = "en" if match["en"] else "es" if match["es"] else "nth"
        said = match[group]
        if say.NOT_A_DAY.match(plain, match.end()):
            continue
        digits = re.match(r"\d+", said)
        number = int(digits.group()) if digits else say.SPOKEN_DAYS[re.sub(r"[\s-]", " ", said)]
        sure = 0.75
        before = plain[max(0, match.start() - 14) : match.start()]
        if say.IDIOM.search(before) or (match["cue"] == "dia" and say.A_DAY.search(before)):
            continue
        if group == "es" and say.KEY_PRESSED.search(plain[max(0, match.start() - 14) : match.start()]):
            continue
        if group == "es" and match["cue"] in ("el", "al"):
            if say.AMONG_OTHERS.search(plain[max(0, match.start() - 9) : match.start()]):
                continue
            if match["cue"] == "al" and plain[max(0, match.start() - 2) : match.start()].strip().isdigit():
                continue
            if not say.GOES_ON.match(plain, match.end()) or say.TO_NUMBER.match(plain, match.end()):
                continue
            if match["cue"] == "al" and not digits:
                continue
            sure = 0.6
        before = plain[max(0, match.start() - 9) : match.start()]
        if said == "primero" and match.group().startswith("el "):
            if say.AMONG_OTHERS.search(before) or not say.GOES_ON.match(plain, match.end()):
                continue
            sure = 0.6
        elif group == "en" and not digits:
            if not say.ON_THE.search(before):
                continue
            if number < 4 and not re.match(
                r"\s*(?:$|[.,;:!?)\n]|(?:of|and|or|to|at|but|from|for|i|we|no|because|if|so|then|please|what|how|can|help|my"
                r"|is|who)\b)",
                plain[match.end() : match.end() + 12],
            ):
                continue
            sure = 0.65
        tense = _AHEAD if ahead else _tense(plain, match.start(group))
        if not tense and ". " in plain:  # what is said without a stop may go on about something else
            tense = _tense_behind(plain, match.end())
        if not ahead and say.WAS_ON.search(plain[max(0, match.start(group) - 24) : match.start(group)]):
            tense = -1
        day = _day_of_month(number, received, tense)
        if of_month := say.OF_MONTH.match(plain, match.end()):
            day = _in_month(number, received, back=not of_month["this"])
        elif with_month := say.WITH_MONTH.match(plain, match.end()):
            day = _in_year(0, say.MONTHS[with_month["month"]], number, received, tense)
        if day is not None:
            start = match.start(group)
            yield Found(FactKind.DATE, day.isoformat(), start, match.end(group), sure)


def _in_month(number: int, received: date, *, back: bool) -> date | None:
    """That day of the month of receipt, or of the one before."""
    first = received.replace(day=1)
    try:
        return (first - timedelta(days=1) if back else first).replace(day=number)
    except ValueError:
        return None


def _day_of_month(number: int, received: date, tense: int) -> date | None:
    if not 1 <= number <= 31:
        return None
    step = -1 if tense < 0 else 1
    month = received.year * 12 + received.month - 1
    for _ in range(3):
        year, index = divmod(month, 12)
        try:
            day = date(year, index + 1, number)
        except ValueError:
            month += step
            continue
        if (day - received).days * step >= 0:
            return day
        month += step
    return None
