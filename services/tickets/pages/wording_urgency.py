"""Words why a ticket is urgent: «high: disconnection tomorrow («me cortan la luz mañana»)»."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from services.tickets.triage.leaning import leaned
from services.tickets.urgency.kinds import MEANINGS, Kind
from services.tickets.views.urgency_models import UrgencyView, UrgentView
from shared.models import Priority
from shared.web import i18n, vocabulary
from shared.web.i18n import N_, translate

_KINDS = {
    Kind.CRISIS: N_("somebody may harm themselves"),
    Kind.THREAT: N_("threat against people"),
    Kind.LIFE_SUPPORT: N_("life-support equipment"),
    Kind.DISCONNECTED: N_("power disconnected"),
    Kind.DISCONNECTION: N_("disconnection"),
    Kind.VULNERABLE: N_("a vulnerable person without power"),
    Kind.PRESS: N_("press"),
    Kind.REGULATOR: N_("regulator or elected official"),
    Kind.LEGAL: N_("lawyer, court or deadline in law"),
    Kind.REPEATED: N_("asked several times"),
    Kind.DATA_GIVEN: N_("data or money given to an impostor"),
}
_AT_RISK = N_("life-support equipment, and the power is off or will be")


def what(language: str, found: UrgentView, today: date) -> str:
    """The kind in words, with the day of a disconnection told from today: «disconnection tomorrow»."""
    if found.kind is Kind.LIFE_SUPPORT and found.at_risk:
        return translate(language, _AT_RISK)
    if found.kind is not Kind.DISCONNECTION or found.on is None:
        return translate(language, _KINDS[found.kind])
    if found.on == today:
        return translate(language, N_("disconnection today"))
    if found.on == today + timedelta(1):
        return translate(language, N_("disconnection tomorrow"))
    day = i18n.day(language, found.on)
    if found.on < today:
        return translate(language, N_("disconnection was announced for {day}"), day=day)
    return translate(language, N_("disconnection on {day}"), day=day)


def sentences(language: str, found: Sequence[UrgencyView], today: date) -> list[str]:
    """Each kind with its priority and the words that say so, the most urgent first."""
    lines = []
    for each in found:
        priority = vocabulary.label(language, "priority", MEANINGS[each.kind].priority).lower()
        quotes = ", ".join(f"«{quote.words}»" for quote in each.quotes)
        lines.append(f"{priority}: {what(language, each, today)} ({quotes})")
    return list(dict.fromkeys(lines))


def instead(language: str, priority: Priority, evidence: dict[str, Any]) -> str:
    """Why the priority is not the one of its topic, where no sign of urgency says so. '': it is, or a person set it."""
    default, shares = evidence.get("instead_of"), evidence.get("priorities") or {}
    if default is None or evidence.get("priority_corrected") or leaned(Priority(default), shares) is not priority:
        return ""
    return translate(
        language,
        N_("By its topic alone it would be {default}; in these words it is {priority} ({percent} %)."),
        default=vocabulary.label(language, "priority", default).lower(),
        priority=vocabulary.label(language, "priority", priority).lower(),
        percent=min(99, round(100 * shares[priority])),
    )
