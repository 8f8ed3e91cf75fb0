"""Words calls and promises on the timeline in the reader's language."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from services.tickets.views.models import EntryView
from shared.models import EntryKind
from shared.web.i18n import N_, day, instant, phone, translate

_CALLS = {
    "reached": N_("{actor} called {number} and reached the customer."),
    "no_answer": N_("{actor} called {number}. Nobody answered."),
    "left_message": N_("{actor} called {number} and left a message."),
    "wrong_number": N_("{actor} called {number}: a wrong number."),
    "not_made": N_("{actor} did not make the call to {number} after all."),
    "not_logged": N_("A call to {number} began, and nobody wrote down how it ended."),
}
CLEARED = N_("It is no longer this ticket’s number.")
_PROMISES = {
    "made": (N_("{actor} promised: «{promise}»"), N_("{actor} promised by {day}: «{promise}»")),
    "due": (N_("Promised, and due: «{promise}»"), N_("Promised by {day}, and due: «{promise}»")),
    "kept": (N_("{actor} kept what was promised: «{promise}»"),) * 2,
}


def entry(language: str, entry: EntryView, timezone: str) -> str:
    """One line about a call or a promise."""
    detail, actor = entry.detail, entry.actor.name if entry.actor else translate(language, N_("The desk"))
    what = str(detail.get("what") or "")
    if entry.kind is EntryKind.PROMISE:
        due = detail.get("due_on")
        return translate(
            language,
            _PROMISES.get(what, _PROMISES["made"])[bool(due)],
            actor=actor,
            promise=detail.get("promise") or "",
            day=day(language, date.fromisoformat(str(due))) if due else "",
        )
    if what == "due":
        return translate(language, N_("It is time to call again."))
    if what == "scheduled":
        return _scheduled(language, entry, actor, timezone)
    number = phone(str(detail.get("number") or "")) or "—"
    said = translate(language, _CALLS.get(what, _CALLS["not_logged"]), actor=actor, number=number)
    began = detail.get("started_at")
    if began and entry.at:
        zone = ZoneInfo(timezone)
        start = datetime.fromisoformat(str(began)).astimezone(zone)
        if start.date() == entry.at.astimezone(zone).date():
            said = f"{said} ({instant(language, timezone, start, 'time')})"
    return f"{said} {translate(language, CLEARED)}" if detail.get("cleared") else said


def _scheduled(language: str, entry: EntryView, actor: str, timezone: str) -> str:
    at = entry.detail.get("call_at")
    when = instant(language, timezone, datetime.fromisoformat(str(at))) if at else "—"
    if entry.actor:
        said = N_("{actor} set the next call for {when}. Until then it waits.")
        return translate(language, said, actor=actor, when=when)
    said = N_("{n} calls without an answer: the next one is set for {when}. Until then it waits, its clock stopped.")
    return translate(language, said, n=entry.detail.get("attempts") or 2, when=when)
