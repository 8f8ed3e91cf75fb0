"""When somebody who may answer a ticket is planned to be there again: a pure question to shifts and opening hours."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date

from services.tickets.routing.terms import PersonState
from services.tickets.shift_plan import Duty, ShiftPlan, intervals
from shared.calendar import OpenTime
from shared.web.i18n import clock_time, locale

DAYS_AHEAD = 14  # what lies further ahead changes before it comes


@dataclass(frozen=True, slots=True)
class Expected:
    """The earliest moment at which one of them is planned to work while the center is open."""

    at: datetime
    person_id: int


def next_there(
    people: Iterable[PersonState], plans: Mapping[int, ShiftPlan], open_time: OpenTime, now: datetime
) -> Expected | None:
    """`people`: who may answer, none of whom is there. None: nobody is planned, so nothing can be said.

    Who is planned to be here now and is not (ill, late, away from the screen) does not count for today: nobody knows.
    Who is on a planned break does.
    """
    today = now.astimezone(open_time.zone).date()
    found: Expected | None = None
    for person in sorted(people, key=lambda each: each.id):
        plan = plans.get(person.id)
        if plan is None:
            continue
        first = 1 if person.duty is Duty.ON else 0
        for number in range(first, DAYS_AHEAD + 1):
            at = _first_open(plan, today + timedelta(days=number), open_time, now)
            if at is not None:
                if found is None or at < found.at:
                    found = Expected(at, person.id)
                break
    return found


def _first_open(plan: ShiftPlan, day: date, open_time: OpenTime, now: datetime) -> datetime | None:
    for interval in intervals(day, plan.spans(day), open_time.zone):
        opens = open_time.next_opening(max(interval.start, now))
        if interval.start > now and opens is not None and opens < interval.end:
            return opens
    return None


def in_words(language: str, at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """«tomorrow, Friday, November 27, from 9:30 AM»: with its date, because nobody knows when the mail is read."""
    local = at.astimezone(zone)
    days = (local.date() - now.astimezone(zone).date()).days
    near, later = _WORDS[language]
    date_words = format_date(local.date(), _DATES[language], locale=locale(language))
    # In Spanish it is «la una» and «las dos».
    article = "la" if local.hour % 12 == 1 else "las"
    pattern = near[days] if days < len(near) else later
    return pattern.format(day=date_words, time=clock_time(language, local.time()), article=article)


_DATES = {"en": "EEEE, MMMM d", "es": "EEEE d 'de' MMMM"}
# Of a mail to a customer, which has its own language: today, tomorrow; and any later day.
_WORDS = {
    "en": (("today, {day}, from {time}", "tomorrow, {day}, from {time}"), "on {day}, from {time}"),
    "es": (
        ("hoy, {day}, a partir de {article} {time}", "mañana, {day}, a partir de {article} {time}"),
        "el {day}, a partir de {article} {time}",
    ),
}
