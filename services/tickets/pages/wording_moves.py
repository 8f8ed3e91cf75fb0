"""Words what supervisors do with a ticket: who has it, what was unusual about that, and who keeps it where it is."""

from services.tickets.views.models import EntryView
from shared.models import EntryKind
from shared.web.i18n import N_, translate

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
