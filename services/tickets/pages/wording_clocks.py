"""Words what became of a promise on the timeline, in the reader's language."""

from datetime import datetime

from services.tickets.views.models import EntryView
from shared.web import vocabulary
from shared.web.i18n import N_, instant, translate

_SAYS = {
    "soon": N_("Nearly due: {promise}, by {time}."),
    "late": N_("Late from now on: {promise}."),
    "moved": N_("What the customer was promised is due at another time: {time}."),
}
_STANDS = N_("What the customer was promised is counted anew.")
_CAUSES = {
    "targets": N_("The targets were changed."),
    "week": N_("The opening hours were changed."),
    "day": N_("A special day was entered or removed."),
}


def entry(language: str, entry: EntryView, timezone: str) -> str:
    """One line about a promise that is nearly due, late, or due at another time than before."""
    detail = entry.detail
    what, due = str(detail.get("what") or ""), detail.get("due_at")
    sentence = _STANDS if what == "moved" and not due else _SAYS.get(what, _STANDS)
    said = translate(
        language,
        sentence,
        promise=vocabulary.label(language, "promise", detail.get("promise") or "").lower(),
        time=instant(language, timezone, datetime.fromisoformat(str(due))) if due else "",
    )
    cause = _CAUSES.get(str(detail.get("cause") or ""))
    return f"{translate(language, cause)} {said}" if cause else said
