"""English and Spanish: reads the catalogs at start and words messages, times and sizes in the reader's language."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import phonenumbers
from babel import Locale
from babel.dates import format_date, format_datetime, format_time, format_timedelta, get_timezone_name
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal
from babel.units import format_unit

from shared import clock

LANGUAGES = ("en", "es")
LOCALES = {"en": Locale("en", "US"), "es": Locale("es", "US")}
CATALOG_DIR = Path(__file__).parent / "locale"
DOMAIN = "centralita"


def N_(message: str) -> str:  # noqa: N802  (the name that gettext tools know)
    """Marks a sentence for the catalogs where it stands as data; it is translated where it is shown."""
    return message


class Translations:
    """Both catalogs, read straight from the .po files."""

    def __init__(self, directory: Path = CATALOG_DIR) -> None:
        self._messages: dict[str, dict[str, str | tuple[str, ...]]] = {}
        for language in LANGUAGES:
            with (directory / language / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as file:
                catalog = read_po(file, locale=language, domain=DOMAIN)
            messages: dict[str, str | tuple[str, ...]] = {}
            for message in catalog:
                if message.id and message.string and not message.fuzzy:
                    key = message.id[0] if isinstance(message.id, (tuple, list)) else message.id
                    string = message.string
                    messages[key] = tuple(string) if isinstance(string, (tuple, list)) else string
            self._messages[language] = messages

    def gettext(self, language: str, message: str) -> str:
        found = self._messages.get(language, {}).get(message)
        if isinstance(found, tuple):
            found = found[0]
        return found or message

    def ngettext(self, language: str, singular: str, plural: str, n: int) -> str:
        # English and Spanish count alike here: one, and all the rest (Spanish "de" for millions does not occur).
        chosen, index = (singular, 0) if n == 1 else (plural, 1)
        found = self._messages.get(language, {}).get(singular)
        if isinstance(found, tuple) and len(found) > index and found[index]:
            return found[index]
        return self.gettext(language, chosen)  # both forms stood as sentences of their own


@cache
def translations() -> Translations:
    return Translations()


def language_or_default(language: str | None) -> str:
    return language if language in LANGUAGES else "en"


def _fill(text: str, values: Mapping[str, object]) -> str:
    if not values:
        return text
    try:
        # «…desde las 8:18 a.m.»: the period of an abbreviation ends its sentence, too.
        return text.format(**values).replace(".m..", ".m.")
    except (KeyError, IndexError, ValueError):  # a value that is missing must not hide the message
        return text


def translate(language: str, message: str, /, **values: object) -> str:
    """The sentence in the reader's language with its {placeholders} filled."""
    return _fill(translations().gettext(language, message), values)


def ntranslate(language: str, singular: str, plural: str, n: int, /, **values: object) -> str:
    """The same for a number of things; {n} is the number as the language writes it."""
    return _fill(translations().ngettext(language, singular, plural, n), {"n": number(language, n), **values})


def locale(language: str) -> Locale:
    return LOCALES[language_or_default(language)]


def number(language: str, value: float) -> str:
    return format_decimal(value, locale=locale(language))


def dollars(language: str, amount: str) -> str:
    """«412.77» as $412.77, in both languages as people in California write it."""
    return format_currency(Decimal(amount), "USD", locale=locale(language))


def instant(language: str, timezone: str, at: datetime, style: str = "auto") -> str:
    """A moment in the center's time zone. Styles: auto (today: the time; else with its day), time, date, full."""
    there = LOCALES[language_or_default(language)]
    zone = ZoneInfo(timezone)
    local = at.astimezone(zone)
    if style == "time":
        return format_time(local, "short", tzinfo=zone, locale=there)
    if style == "date":
        return format_date(local.date(), "medium", locale=there)
    if style == "full":
        return format_datetime(at, "full", tzinfo=zone, locale=there)
    if style == "medium":
        return format_datetime(at, "medium", tzinfo=zone, locale=there)
    today = clock.now().astimezone(zone).date()
    clock_time = format_time(local, "short", tzinfo=zone, locale=there)
    days = (local.date() - today).days
    if days == 0:
        return clock_time
    if days in (-1, 1):
        day = N_("yesterday") if days < 0 else N_("tomorrow")
        return f"{translate(language, day)} {clock_time}"
    pattern = "E d MMM" if language == "es" else "E, MMM d"
    if local.year != today.year:
        pattern = "d MMM y" if language == "es" else "MMM d, y"
    return f"{format_date(local.date(), pattern, locale=there)}, {clock_time}"


def day(language: str, value: date, style: str = "medium") -> str:
    return format_date(value, style, locale=locale(language))


def clock_time(language: str, value: time) -> str:
    return format_time(value, "short", locale=locale(language))


def ago(language: str, at: datetime) -> str:
    """How long ago or until: «5 minutes ago», «hace 5 minutos», «in 2 hours»."""
    return _lasting(language, at - clock.now(), direction=True)


def span(language: str, seconds: float) -> str:
    """A length of time: «12 minutes», «2 horas»."""
    return _lasting(language, timedelta(seconds=seconds))


def _lasting(language: str, length: timedelta, *, direction: bool = False) -> str:
    """A unit begins with two of it: beside «1 day», which may be 36 hours, nobody sees that «25 hours» are less."""
    granularity: Literal["second", "minute"] = "second" if abs(length) < timedelta(minutes=1) else "minute"
    return format_timedelta(length, granularity, threshold=2, add_direction=direction, locale=locale(language))


def duration(language: str, minutes: int) -> str:
    """So many minutes as people say it, never in days, which open time has none of: «30 hours», «1 hora 30 minutos»."""
    hours, rest = divmod(minutes, 60)
    parts = [(hours, "hour"), (rest, "minute")]
    said = [format_unit(number, unit, "long", locale=locale(language)) for number, unit in parts if number]
    return " ".join(said) or format_unit(0, "minute", "long", locale=locale(language))


def zone_name(language: str, timezone: str) -> str:
    """The center's time zone as people say it: «Pacific Time», «hora del Pacífico»."""
    return get_timezone_name(ZoneInfo(timezone), zone_variant="generic", locale=locale(language))


def playing_time(seconds: float) -> str:
    """A recording's length or position as players write it: 1:05."""
    whole = max(0, round(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def phone(number: str) -> str:
    """A number as people here read it: (707) 555-0142; from elsewhere with its country's code."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    style = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(parsed, style.NATIONAL if parsed.country_code == 1 else style.INTERNATIONAL)


def file_size(language: str, size: int) -> str:
    if size < 1024:
        return f"{number(language, size)} B"
    if size < 1024 * 1024:
        return f"{number(language, round(size / 1024))} kB"
    return f"{number(language, round(size / 1024 / 1024, 1))} MB"


def language_name(language: str, code: str) -> str:
    """The name of a ticket's language in the reader's: «Spanish», «español»; also for mixed and unknown."""
    if code == "mixed":
        return translate(language, "English and Spanish mixed")
    if code == "unknown":
        return translate(language, "language unknown")
    name = locale(language).languages.get(code)
    return name or code
