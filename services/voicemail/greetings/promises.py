"""What a script says of hours and dates, held against the calendar that supervisors edit: pure.

Only what is surely a promise is read: a range of two times, a date with its month. What cannot be read is passed over;
a warning that is often wrong is soon read by nobody.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from babel.dates import format_date, format_time

from services.voicemail.greetings.checks import Warned
from shared.calendar import DAY, MIDNIGHT, OpenTime
from shared.web.i18n import LOCALES, N_


def _list(names: str) -> list[str]:
    return names.split()


_NUMBERS = {
    "en": _list("one two three four five six seven eight nine ten eleven twelve"),
    "es": _list("una dos tres cuatro cinco seis siete ocho nueve diez once doce"),
}
_WEEKDAYS = {
    "en": _list("monday tuesday wednesday thursday friday saturday sunday"),
    "es": _list("lunes martes miercoles jueves viernes sabado domingo"),
}
_MONTHS = {
    "en": _list("january february march april may june july august september october november december"),
    "es": _list("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"),
}
_MORNING = r"a ?m\b|in the morning|de la manana"
_EVENING = r"p ?m\b|in the (?:afternoon|evening)|de la (?:tarde|noche)"


def _time(language: str, name: str) -> str:
    hour = "|".join([r"\d{1,2}", *_NUMBERS[language]])
    article = r"(?:las? )?" if language == "es" else ""
    return (
        rf"{article}(?P<{name}_hour>{hour})\b(?: ?: ?(?P<{name}_minute>\d\d))?(?: o'?clock)?"
        rf"(?: ?(?:(?P<{name}_am>{_MORNING})|(?P<{name}_pm>{_EVENING})))?"
    )


_RANGE = {
    "en": re.compile(
        rf"(?P<lead>\b(?:from|between) )?\b{_time('en', 'opens')}"
        rf"(?: ?- ?| (?:to|until|till|through|and) ){_time('en', 'closes')}"
    ),
    "es": re.compile(
        rf"(?P<lead>\b(?:de|desde|entre) )?\b{_time('es', 'opens')}(?: ?- ?| (?:a|hasta|y) ){_time('es', 'closes')}"
    ),
}
_DAYS = {
    language: re.compile(
        rf"\b(?P<first>{'|'.join(names)})s?"
        rf"(?: (?P<to>through|to|thru|a|hasta|and|y|-)(?: el)? (?P<last>{'|'.join(names)})s?)?\b"
    )
    for language, names in _WEEKDAYS.items()
}
_DATE = {
    "en": re.compile(
        rf"(?:\b(?P<weekday>{'|'.join(_WEEKDAYS['en'])}),? )?"
        rf"\b(?P<month>{'|'.join(_MONTHS['en'])}) (?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b"
        r"(?:,? (?P<year>20\d\d))?"
    ),
    "es": re.compile(
        rf"(?:\b(?P<weekday>{'|'.join(_WEEKDAYS['es'])}),? )?"
        rf"\b(?P<day>\d{{1,2}}) de (?P<month>{'|'.join(_MONTHS['es'])})\b"
        r"(?: (?:de|del) (?P<year>20\d\d))?"
    ),
}
_REOPENS = re.compile(r"\b(?:re-?open|open again|be back|open on|volve|abrire|abrimos|reabri|abierto)")
_CLOSED = re.compile(r"\b(?:closed|not open|cerrad|cerram|cerrare|no abri)")
_SENTENCE = re.compile(r"[^.!?;\n]+")
# Dots of «a.m.» and «9.» would end sentences and hide times.
_MERIDIEM = re.compile(r"\b([ap])\. ?m\b\.?")


@dataclass(frozen=True)
class SaidHours:
    said: str
    weekdays: tuple[int, ...]  # empty: no day was named
    opens: time
    closes: time


@dataclass(frozen=True)
class SaidDate:
    said: str
    day: date
    weekday: int | None
    open: bool | None  # what the sentence says of it; None: nothing


def contradictions(script: str, language: str, hours: OpenTime, at: datetime) -> list[Warned]:
    """Where the script, heard from `at` on, promises other hours or days than the calendar has."""
    today = at.astimezone(hours.zone).date()
    found = [_about_hours(each, language, hours, today) for each in said_hours(script, language)]
    for each in said_dates(script, language, today):
        found += _about_date(each, language, hours, today)
    return [each for each in found if each is not None]


def said_hours(script: str, language: str) -> Iterator[SaidHours]:
    for sentence in _sentences(script):
        days = _weekdays(sentence, language)
        for match in _RANGE[language].finditer(sentence):
            meridiem = any(match[f"{name}_{half}"] for name in ("opens", "closes") for half in ("am", "pm"))
            if not (meridiem or match["lead"]):
                continue  # «two to three days» is no promise of hours
            opens, closes = _read(match, language)
            if opens is not None and closes is not None and (opens < closes or closes == MIDNIGHT):
                yield SaidHours(match.group().strip(), days, opens, closes)


def said_dates(script: str, language: str, today: date) -> Iterator[SaidDate]:
    for sentence in _sentences(script):
        # «closed on the 26th and open again on the 27th»: each date belongs to the words before it.
        start = 0
        for match in _DATE[language].finditer(sentence):
            before = sentence[start : match.start()]
            start = match.end()
            day = _day(match, language, today)
            if day is None:
                continue
            weekday = _WEEKDAYS[language].index(match["weekday"]) if match["weekday"] else None
            state = True if _REOPENS.search(before) else False if _CLOSED.search(before) else None
            if state is None and _CLOSED.search(sentence) and not _REOPENS.search(sentence):
                state = False
            yield SaidDate(match.group().strip(), day, weekday, state)


def _about_hours(said: SaidHours, language: str, hours: OpenTime, today: date) -> Warned | None:
    week = [today + timedelta(days=number) for number in range(1, 15)]
    plain = [day for day in week if hours.special_day(_noon(day, hours)) is None]
    asked = [day for day in plain if not said.weekdays or day.weekday() in said.weekdays]
    kept = [day for day in asked if _hours_of(day, hours) == (said.opens, said.closes)]
    wrong = [day for day in asked if day not in kept] if said.weekdays else ([] if kept else asked)
    if not wrong:
        return None
    actual = dict.fromkeys(_worded(day, language, hours) for day in sorted(wrong, key=lambda d: d.weekday()))
    return Warned(
        N_("The script says “{said}”, but the calendar says: {hours}. Correct whichever is wrong."),
        {"said": said.said, "hours": ", ".join(list(actual)[:7])},
    )


def _about_date(said: SaidDate, language: str, hours: OpenTime, today: date) -> Iterator[Warned]:
    if said.weekday is not None and said.weekday != said.day.weekday():
        yield Warned(
            N_("The script says “{said}”, but that date is a {weekday}."),
            {"said": said.said, "weekday": format_date(said.day, "EEEE", locale=LOCALES[language])},
        )
    if said.day < today:
        yield Warned(N_("The script names a date that is over: “{said}”."), {"said": said.said})
        return
    is_open = bool(_hours_of(said.day, hours))
    if said.open is False and is_open:
        yield Warned(
            N_("The script says that the center is closed on “{said}”, but the calendar has it open."),
            {"said": said.said},
        )
    elif said.open is True and not is_open:
        yield Warned(
            N_("The script says that the center opens on “{said}”, but the calendar has it closed."),
            {"said": said.said},
        )


def _sentences(script: str) -> list[str]:
    plain = "".join(
        c for c in unicodedata.normalize("NFD", script.lower().replace("–", "-")) if not unicodedata.combining(c)
    )
    return [re.sub(r"\s+", " ", each) for each in _SENTENCE.findall(_MERIDIEM.sub(r"\1m", plain))]


def _read(match: re.Match[str], language: str) -> tuple[time | None, time | None]:
    def hour_of(name: str) -> int:
        word = match[f"{name}_hour"]
        return int(word) if word.isdigit() else _NUMBERS[language].index(word) + 1

    opens, closes = hour_of("opens"), hour_of("closes")
    if opens > 24 or closes > 24:
        return None, None
    if match["opens_pm"] and opens < 12:
        opens += 12
    elif match["opens_am"] and opens == 12:
        opens = 0
    if (match["closes_pm"] and closes < 12) or (not match["closes_am"] and closes <= opens and closes <= 12):
        closes = closes % 12 + 12  # «from eight to five»
    elif match["closes_am"] and closes == 12:
        closes = 0
    minutes = [int(match[f"{name}_minute"] or 0) for name in ("opens", "closes")]
    if max(minutes) > 59 or opens > 23:
        return None, None
    return time(opens, minutes[0]), time(closes % 24, minutes[1])


def _weekdays(sentence: str, language: str) -> tuple[int, ...]:
    names = _WEEKDAYS[language]
    found: set[int] = set()
    for match in _DAYS[language].finditer(sentence):
        first = names.index(match["first"])
        last = names.index(match["last"]) if match["last"] else first
        if match["to"] in ("and", "y"):
            found |= {first, last}
        else:
            found |= {(first + number) % 7 for number in range((last - first) % 7 + 1)}
    if not found and re.search(r"\bweekdays\b|\bdias (?:laborables|habiles)\b|\bentre semana\b", sentence):
        return (0, 1, 2, 3, 4)
    return tuple(sorted(found))


def _day(match: re.Match[str], language: str, today: date) -> date | None:
    """The date that is meant: without a year, the one nearest to today."""
    month, day = _MONTHS[language].index(match["month"]) + 1, int(match["day"])
    years = [int(match["year"])] if match["year"] else [today.year - 1, today.year, today.year + 1]
    possible = []
    for year in years:
        try:
            possible.append(date(year, month, day))
        except ValueError:
            continue
    return min(possible, key=lambda each: abs(each - today), default=None)


def _noon(day: date, hours: OpenTime) -> datetime:
    return datetime.combine(day, time(12), hours.zone)


def _hours_of(day: date, hours: OpenTime) -> tuple[time, time] | None:
    """When the doors open first and close last on a date, as clocks show it; None: not at all."""
    at = datetime.combine(day, MIDNIGHT, hours.zone)
    opens = hours.next_opening(at)
    if opens is None or opens.astimezone(hours.zone).date() != day:
        return None
    end, closes = datetime.combine(day + DAY, MIDNIGHT, hours.zone), opens
    while closes < end and (change := hours.next_change(closes)) is not None and change <= end:
        closes = change
        if not hours.is_open(change) and (hours.next_opening(change) or end) >= end:
            break
    return opens.astimezone(hours.zone).time(), closes.astimezone(hours.zone).time()


def _worded(day: date, language: str, hours: OpenTime) -> str:
    there = LOCALES[language]
    name = format_date(day, "EEEE", locale=there)
    found = _hours_of(day, hours)
    if found is None:
        return f"{name} {'cerrado' if language == 'es' else 'closed'}"
    opens, closes = (format_time(each, "short", locale=there) for each in found)
    return f"{name} {opens}–{closes}"
