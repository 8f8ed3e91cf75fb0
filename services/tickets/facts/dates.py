"""Days by which or on which something happens, in English and Spanish, resolved against the day of receipt. Pure.

Not: days in passing (yesterday, years, a month alone), times of day, what happens every week.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from services.tickets.facts.found import FactKind, Found

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january|jan|enero|ene", "february|feb|febrero", "march|mar|marzo", "april|apr|abril|abr", "may|mayo",
            "june|jun|junio", "july|jul|julio", "august|aug|agosto|ago", "september|sept|sep|septiembre|setiembre",
            "october|oct|octubre|otubre", "november|nov|noviembre", "december|dec|diciembre|dic",
        ),
        1,
    )
    for name in names.split("|")
}  # fmt: skip
_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday|mon|lunes", "tuesday|tues|tue|martes", "wednesday|wednsday|wed|miercoles",
            "thursday|thurs|thur|thu|jueves", "friday|fri|viernes", "saturday|sat|sabado", "sunday|sun|domingo",
        )
    )
    for name in names.split("|")
}  # fmt: skip
_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
)  # fmt: skip
_UNITS_ES = (
    "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once", "doce", "trece",
    "catorce", "quince", "dieciseis", "diecisiete", "dieciocho", "diecinueve", "veinte", "veintiuno", "veintidos",
    "veintitres", "veinticuatro", "veinticinco", "veintiseis", "veintisiete", "veintiocho", "veintinueve", "treinta",
)  # fmt: skip
_UNITS_EN = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_ORDINAL_DAYS = {word: day for day, word in enumerate(_ORDINALS, 1)}
_ORDINAL_DAYS |= {"twentieth": 20, "thirtieth": 30, "thirty first": 31, "primero": 1, "1ro": 1, "1o": 1, "1er": 1}
_ORDINAL_DAYS |= {f"twenty {word}": 20 + day for day, word in enumerate(_ORDINALS[:9], 1)}
_DAYS_ES = {word: day for day, word in enumerate(_UNITS_ES, 1)} | {"treinta y uno": 31}
_DAYS_EN = {word: day for day, word in enumerate(_UNITS_EN, 1)} | {"twenty": 20, "thirty": 30}
_DAYS_EN |= {f"twenty {word}": 20 + day for day, word in enumerate(_UNITS_EN[:9], 1)} | {"thirty one": 31}
_SPOKEN_DAYS = {**_DAYS_EN, **_DAYS_ES, **_ORDINAL_DAYS}
_COUNTS = {**_DAYS_EN, **_DAYS_ES, "forty eight": 48, "seventy two": 72, "cuarenta y ocho": 48, "setenta y dos": 72}
_COUNTS |= {"twenty four": 24, "veinticuatro": 24, "un": 1, "una": 1, "a": 1, "sixty": 60, "sesenta": 60, "ninety": 90}
_COUNTS |= {"couple of": 2, "un par de": 2, "cuarentaiocho": 48, "cuarenta yocho": 48, "cuarenta i ocho": 48}


def _any(words: Iterable[str]) -> str:
    """Longest first, as an alternation; blanks and hyphens inside are one."""
    ordered = sorted(words, key=len, reverse=True)
    return "|".join(re.escape(word).replace(r"\ ", r"[\s-]") for word in ordered)


_MONTH, _WEEKDAY = _any(_MONTHS), _any(_WEEKDAYS)
_ORDINAL, _SPOKEN, _COUNT = _any(_ORDINAL_DAYS), _any(_SPOKEN_DAYS), _any(_COUNTS)
_YEAR = r"(?:,?\s(?:de\s|del\s)?(?P<year{0}>20\d\d))?"
_ABBREVIATED = frozenset(("mon", "tues", "tue", "wed", "thurs", "thur", "thu", "fri", "sat", "sun"))
_LEADS = frozenset(("on", "by", "this", "next", "until", "till", "before", "for", "due", "since", "el", "este", "come"))

_CALENDAR = re.compile(
    rf"(?<![\d/$.,:-])(?:(?P<day1>\d{{1,2}})(?:st|nd|rd|th|er|ro|o)?|(?P<word1>{_SPOKEN}))\s(?:of\s|de\s"
    rf"|del\smes\sde\s)?"
    rf"(?P<month1>{_MONTH})\b\.?{_YEAR.format(1)}"
    rf"|\b(?P<month2>{_MONTH})\b\.?\s(?:the\s)?(?:(?P<day2>[0-3]?\d)(?:st|nd|rd|th)?(?![\d%:/]|\s?(?:am|pm)\b)"
    rf"|(?P<word2>{_SPOKEN})\b){_YEAR.format(2)}"
    r"|\b(?P<year3>20\d\d)-(?P<month3>[01]\d)-(?P<day3>[0-3]\d)\b"
    r"|(?<![\d/$.,:-])(?P<a4>[0-3]?\d)/(?P<b4>[0-3]?\d)(?:/(?P<year4>(?:20)?\d\d))?(?![\d/]|\s?(?:de|of)\s)"
)
_NAMED = re.compile(
    rf"\b(?P<which>this|next|last|este|el\spasado|el\sproximo|el|on|by|los|las|cada|every|each|todos\slos)?\s?"
    rf"\b(?P<weekday>{_WEEKDAY})\b(?P<plural>s)?(?P<behind>\s(?:que\sviene|proximo|pasado|next\sweek))?"
)
_RELATIVE = re.compile(
    r"\b(?P<two>(?:the\s)?day\safter\stomorrow|pasado\smanana)\b"
    r"|\b(?P<tomorrow>tomorr?ow|tommorr?ow|tmrw|tmw|tomoro|manana)\b"
    r"|\b(?P<today>today|tonight|hoy|esta\snoche)\b"
    rf"|\b(?P<lead>(?:in|within|en|dentro\sde|have|tengo|hay|next|los\sproximos|only|solo|my|de|a|another|otros)\s)?"
    rf"(?P<count>\d{{1,3}}|{_COUNT})[\s-]?(?P<unit>hours?|hrs?|h?oras?|days?|dias?|weeks?|semanas?)\b"
)
_BARE_DAY = re.compile(
    rf"\b(?:the|el)\s(?P<en>[0-3]?\d(?:st|nd|rd|th)|{_ORDINAL})\b"
    rf"|\b(?P<cue>el\sdia|dia|el|al|para\sel|hasta\sel|antes\sdel|partir\sdel)\s(?P<es>[0-3]?\d|primero"
    rf"|{_any(_DAYS_ES)})\b"
    r"|\b(?P<by>by|due|before|moving|on|until|closes)\s(?P<nth>[0-3]?\d(?:st|nd|rd|th))\b"
)
# Without one of these a text names no such day: to look for words costs a tenth of what the patterns cost.
_RUN = re.compile(r"[a-z]+")
_ANY_RELATIVE = (
    "day", "hour", "hr", "week", "ora", "dia", "semana", "omor", "tmrw", "tmw", "manana", "tonight", "hoy",
    "noche",
)  # fmt: skip
_MORNING = re.compile(r"\b(?:la|las|esta|cada|toda la|en la|por la|de la|una|otra|buena|tarde y)\s$")
_DUE_TODAY = re.compile(
    r"(?:\b(?:by|until|due|before|pay|pay it|pay you|shut (?:me )?off|disconnect\w*|vence|antes de|hasta|pagar|pago"
    r"|pagarlo"
    r"|cortan|cortar|para|expires|cut (?:me |us )?off|end of|deadline is|cut my \w+)\s)$"
)
_PAST = re.compile(
    r"\b(?:paid|called|came|was|were|sent|told|got|received|went|wrote|left|made|did|had|happened|started|telephoned"
    r"|said"
    r"|mailed|took|submitted|moved in|signed|ended|ending|spoke|emailed|visited|applied|posted|cashed|since|drafted"
    r"|dated"
    r"|[a-z]{2,}ed(?! for| by| to| on)|showed|olia|habia|salimos|vino|fue|fueron|dijo|hizo|hice|pague|llame|mande"
    r"|recibi|llego|pago|llamo|mando|paso|estuvo"
    r"|salio|hable|realizado|desde|fui|vinieron|dijeron|cortaron|mandaron|cobraron|era|estaba|fechad[oa]|escribi)\b"
)
_FUTURE = re.compile(
    r"\b(?:will|going to|gonna|by|before|until|due|unless|deadline|if|can|could|must|have to|need|want|plan|moving|move"
    r"|close[sd]? on|be|we'll|they'll|i'll|open|scheduled|van a|va a|voy a|vamos a|antes|hasta|vence|para|si|quiero"
    r"|quieren"
    r"|puedo|tengo que|tiene que|nos mudamos|me cambio|me mudo|corta[nr]?|clase|cita|mudar\w*|class|tour|appointment)\b"
)
_SPAN = re.compile(rf"^\s?(?:-|to|thru|through|a|al)\s?(?:el\s)?(?:{_WEEKDAY})\b")
_FROM = re.compile(rf"\b(?:{_WEEKDAY})\s?(?:-|to|thru|through|a|al)\s?(?:el\s)?$")
_NOT_A_DAY = re.compile(
    r"\s?(?:%|por ciento|de (?!"
    rf"(?:{_MONTH})\b)(?:[a-z]+)|kwh|kw\b|dolares|pesos|horas|dias|anos|meses|veces|personas|time|floor|notice|month\b"
    r"|street|st\b|avenue|ave\b|quarter|one\b|bill|call|party|person|year|grade|grader|graders|message|letter"
    r"|anniversary"
    r"|attempt|contact|unit|house|step|page|line|half|amendment|mensaje|recibo|piso|aviso|vez|grado|cliente|lugar|ano"
    r"|carta|pago|dia\b|y (?:medio|ultimo)|punto|[/:.]\d|,\d{3})"
)


_AHEAD = 1  # a tense, as `_tense` tells it


def dates(plain: str, received: date, *, ahead: bool = False) -> list[Found]:
    """In the order in which they stand, none overlapping. `received`: the day at the center.

    `ahead`: what the text speaks of is still to come, whatever the verbs around it. A weekday or «the 15th» is the next
    one then, and «today» and «two days» count without a word that says by when: too early is the safe side.
    """
    found: list[Found] = []
    words = set(_RUN.findall(plain))
    named_month = not words.isdisjoint(_MONTHS) or "/" in plain or "-" in plain
    for each in (
        *(_calendar(plain, received, ahead) if named_month else ()),
        *(_named(plain, received, ahead) if not words.isdisjoint(_WEEKDAYS) else ()),
        *(_relative(plain, received, ahead) if any(each in plain for each in _ANY_RELATIVE) else ()),
    ):
        if not any(each.overlaps(other) for other in found):
            found.append(each)
    for each in _bare(plain, received, ahead):
        if not any(each.overlaps(other) for other in found):
            found.append(each)
    return sorted(found, key=lambda each: each.start)


def _found(day: date, match: re.Match[str], group: int | str, confidence: float) -> Found:
    return Found(FactKind.DATE, day.isoformat(), match.start(group), match.end(group), confidence)


def _calendar(plain: str, received: date, ahead: bool) -> Iterator[Found]:
    for match in _CALENDAR.finditer(plain):
        tense = _AHEAD if ahead else _tense(plain, match.start())
        year = match["year1"] or match["year2"] or match["year3"] or match["year4"]
        confidence = 0.95
        if match["a4"]:
            month, day = int(match["a4"]), int(match["b4"])
            if (month > 12 and year) or (ahead and _sooner(day, month, received, than=(month, day))):
                month, day, confidence = day, month, 0.7  # as people from elsewhere write it
            if match["a4"] == match["b4"] and not year and not tense:
                continue  # «10/10»
            if len(match["a4"]) + len(match["b4"]) < 3 and not year:
                if not re.search(
                    r"\b(?:by|on|due|before|el|antes del|until|vence|dated|para el|dia|of|for)\s$",
                    plain[max(0, match.start() - 14) : match.start()],
                ):
                    continue  # «1/2 cup»
                confidence = 0.7
        else:
            name = match["month1"] or match["month2"]
            month = _MONTHS[name] if name else int(match["month3"])
            said = match["day1"] or match["day2"] or match["day3"]
            word = match["word1"] or match["word2"]
            day = int(said) if said else _SPOKEN_DAYS[re.sub(r"[\s-]", " ", word)]
            if match["month1"] in ("mar", "ago", "may", "jan", "sep") and word:
                continue  # «two may», «diez ago»
        resolved = _in_year(int(year) if year else 0, month, day, received, tense)
        if resolved is not None:
            yield _found(resolved, match, 0, confidence)


def _sooner(month: int, day: int, received: date, *, than: tuple[int, int]) -> bool:
    """Whether the one day of a year comes before the other; not where there is no such day."""
    one, other = _in_year(0, month, day, received, _AHEAD), _in_year(0, *than, received, _AHEAD)
    return one is not None and one >= received and (other is None or one < other)


def _in_year(year: int, month: int, day: int, received: date, tense: int) -> date | None:
    """The day of that month that is meant; without a year the nearest one, unless the words look one way."""
    try:
        if year:
            return date(year + 2000 if year < 100 else year, month, day)
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
    future = max((match.end() for match in _FUTURE.finditer(before)), default=-1)
    past = max((match.end() for match in _PAST.finditer(before)), default=-1)
    return 0 if future == past else 1 if future > past else -1


def _tense_behind(plain: str, at: int) -> int:
    """«El domingo olía…»: where nothing stands before, the first verb behind tells."""
    after = re.split(r"[.!?\n;]", plain[at : at + 40])[0]
    future, past = _FUTURE.search(after), _PAST.search(after)
    if past is None or future is None:
        return 0 if past is future else 1 if past is None else -1
    return -1 if past.start() < future.start() else 1


def _named(plain: str, received: date, ahead: bool) -> Iterator[Found]:
    for match in _NAMED.finditer(plain):
        name, which = match["weekday"], (match["which"] or "").replace("\n", " ")
        if match["plural"] or which in ("los", "las", "cada", "every", "each", "todos los"):
            continue
        before = plain[max(0, match.start() - 14) : match.start("weekday")]
        if name in _ABBREVIATED and (before.split() or [""])[-1] not in _LEADS:
            continue
        if (
            _SPAN.match(plain, match.end())
            or _SPAN.match(plain[match.end() : match.end() + 20])
            or _FROM.search(before)
        ):
            continue
        if re.search(
            r"\b(?:los|cada|every|each|a|an|un|una|one|any|algun|is|since|desde el|pleno|todo el|all|like)\s(?:el\s)?$",
            before,
        ):
            continue  # any such day, or since when
        until = (_WEEKDAYS[name] - received.weekday()) % 7
        behind = (match["behind"] or "").strip()
        if which in ("last", "el pasado") or behind == "pasado":
            day, sure = received - timedelta(days=(-until) % 7 or 7), 0.9
        elif which == "next" or behind == "next week":
            day, sure = received + timedelta(days=7 - received.weekday() + _WEEKDAYS[name]), 0.7
        elif not ahead and which not in ("this", "este", "by") and _was(plain, match):
            day, sure = received - timedelta(days=(-until) % 7 or 7), 0.75
        else:
            day, sure = received + timedelta(days=until), 0.85
        yield Found(FactKind.DATE, day.isoformat(), match.start("weekday"), match.end(), sure)


def _was(plain: str, match: re.Match[str]) -> bool:
    return (_tense(plain, match.start("weekday")) or _tense_behind(plain, match.end())) < 0


def _relative(plain: str, received: date, ahead: bool) -> Iterator[Found]:
    for match in _RELATIVE.finditer(plain):
        if match["two"]:
            yield _found(received + timedelta(days=2), match, "two", 0.95)
        elif match["tomorrow"]:
            before = plain[max(0, match.start() - 12) : match.start()]
            if match["tomorrow"] != "manana" or not _MORNING.search(before):
                yield _found(received + timedelta(days=1), match, "tomorrow", 0.93)
        elif match["today"]:
            if ahead or _DUE_TODAY.search(plain[max(0, match.start() - 24) : match.start()]):
                yield _found(received, match, "today", 0.85)
        else:
            count, unit = match["count"], match["unit"]
            number = int(count) if count.isdigit() else _COUNTS[re.sub(r"[\s-]", " ", count)]
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
            if lead in ("en", "in", "hay") and not ahead and _tense(plain, match.start()) < 0 and not notice:
                continue
            if lead in ("hay", "tengo") and not notice and not ahead:
                continue
            if re.search(
                r"\b(?:for|hace|por|llevo|llevamos|last|ya|past|over|hasta|up to|almost|casi|van)\s$",
                plain[max(0, match.start() - 10) : match.start()],
            ):
                continue
            days = number // 24 if hours else number * 7 if unit.startswith(("w", "s")) else number
            if days <= 60:
                yield Found(
                    FactKind.DATE, (received + timedelta(days=days)).isoformat(), match.start("count"), match.end(), 0.8
                )


def _bare(plain: str, received: date, ahead: bool) -> Iterator[Found]:
    """«by the 15th», «antes del día 30»: the next one, or the last where the words tell of what was."""
    for match in _BARE_DAY.finditer(plain):
        group = "en" if match["en"] else "es" if match["es"] else "nth"
        said = match[group]
        if _NOT_A_DAY.match(plain, match.end()):
            continue
        digits = re.match(r"\d+", said)
        number = int(digits.group()) if digits else _SPOKEN_DAYS[re.sub(r"[\s-]", " ", said)]
        sure = 0.75
        if group == "es" and match["cue"] in ("el", "al"):
            if re.search(
                r"\b(?:con|en|y|entre|como|por|tras|contra|es)\s$", plain[max(0, match.start() - 9) : match.start()]
            ):
                continue
            if not re.match(
                r"\s*(?:$|[.,;:!?)\n]|(?:y|o|para|pero|que|en|me|nos|se|a|no|por)\b)",
                plain[match.end() : match.end() + 12],
            ):
                continue
            if match["cue"] == "al" and not digits:
                continue
            sure = 0.6
        if group == "en" and not digits:
            if not re.search(
                r"\b(?:by|on|before|until|due|since|for|of)\s$", plain[max(0, match.start() - 8) : match.start()]
            ):
                continue
            if not re.match(
                r"\s*(?:$|[.,;:!?)\n]|(?:of|and|or|to|at|but|from|for|i|we|no|because|if|so|then|please|what|how|can|help|my"
                r"|is|who)\b)",
                plain[match.end() : match.end() + 12],
            ):
                continue
            sure = 0.65
        day = _day_of_month(number, received, _AHEAD if ahead else _tense(plain, match.start(group)))
        if day is not None:
            start = match.start(group)
            yield Found(FactKind.DATE, day.isoformat(), start, match.end(group), sure)


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
