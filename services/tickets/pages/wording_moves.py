"""Words how a ticket moves: who has it and what was unusual about that, who keeps it there, and who gives it back."""

from datetime import datetime

from services.tickets.views.models import EntryView
from shared.models import EntryKind
from shared.web.i18n import N_, instant, translate

ASSIGN_FLAGS = {
    "unverified_language": N_("This person is not verified in the ticket's language; that is written down."),
    "language_uncertain": N_("The ticket's language is not certain and this person is not a verified bilingual."),
    "over_capacity": N_("This person now has more than their usual amount of work."),
    "below_level": N_("A ticket is above this person's level."),
    "not_at_work": N_("This person is not at work now."),
}


def assign_flag(language: str, value: str) -> str:
    """What is unusual about an assignment that was made all the same."""
    return translate(language, ASSIGN_FLAGS[value]) if value in ASSIGN_FLAGS else value.replace("_", " ")


def entry(language: str, entry: EntryView) -> str:
    """One line about an assignment or a pin."""
    actor = entry.actor.name if entry.actor else ""
    person = str(entry.detail.get("person") or "")
    if entry.kind is EntryKind.PIN:
        pinned = N_("{actor} keeps it with {person}.")
        unpinned = N_("{actor} let it follow the rules again: it is no longer kept with {person}.")
        said = pinned if entry.detail.get("what") == "pinned" else unpinned
        return translate(language, said, actor=actor, person=person)
    if actor and (entry.detail.get("how") == "taken" or not person or person == actor):
        return translate(language, N_("{actor} took it from the queue."), actor=actor)
    if actor and entry.detail.get("how") == "undone":
        return translate(language, N_("{actor} undid the move: it is back with {person}."), actor=actor, person=person)
    if actor:
        return translate(language, N_("{actor} assigned it to {person}."), actor=actor, person=person)
    return translate(language, N_("It was assigned to {person}."), person=person)


_LAST_DONE = {
    "mail_out": N_("{person} had it since {since} and last answered on {when}."),
    "call": N_("{person} had it since {since} and last called on {when}."),
    "contact": N_("{person} had it since {since} and last wrote down a contact on {when}."),
    "note": N_("{person} had it since {since} and last wrote a note on {when}."),
    "": N_("{person} had it since {since} and wrote nothing on it."),
}


def released(language: str, entry: EntryView, timezone: str) -> str:
    """One line about a ticket that went back to the queue, with a hand-over note for whoever goes on with it."""
    actor, person = entry.actor.name if entry.actor else "", str(entry.detail.get("person") or "")
    if actor:
        line = translate(language, N_("{actor} put it back in the queue."), actor=actor)
    elif not person:
        line = translate(language, N_("It went back to the queue."))
    elif entry.detail.get("was") == "offered":
        line = translate(language, N_("The offer to {person} was taken back."), person=person)
    else:
        line = translate(language, N_("It went from {person} back to the queue."), person=person)
    note = entry.detail.get("handover")
    if not note:
        return line

    def told(moment: str) -> str:
        return instant(language, timezone, datetime.fromisoformat(moment)) if moment else ""

    handed_over = translate(
        language,
        _LAST_DONE[note.get("last", "")],
        person=person or translate(language, N_("Somebody")),
        since=told(note["since"]),
        when=told(note.get("last_at", "")),
    )
    return f"{line} {handed_over}"
