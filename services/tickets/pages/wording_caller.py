"""The timeline's sentences about what callers want, and about calls without words."""

from services.tickets.views.models import EntryView
from shared.models import EntryKind
from shared.web import vocabulary
from shared.web.i18n import N_, phone, translate

_DONE = {
    "confirmed": N_("{actor} confirmed what the caller wants: {value}."),
    "corrected": N_("{actor} corrected what the caller wants: {value}."),
    "added": N_("{actor} noted what the caller wants: {value}."),
    "rejected": N_("{actor} said that this was heard wrong: {value}."),
}
_KINDS = {
    "hang_up": N_("The caller hung up without a word: nobody is offered this call."),
    "silence": N_("Nobody spoke in the call: nobody is offered it."),
    "repeated_calls": N_("The same number called again and again without a word: somebody should call back."),
    "contact": N_("There are words after all: it is an ordinary ticket."),
}


def entry(language: str, line: EntryView) -> str:
    actor = line.actor.name if line.actor else translate(language, N_("The system"))
    if line.kind is EntryKind.CALLER:
        value = str(line.detail.get("value", ""))
        shown = phone(value) if line.detail.get("kind") == "callback" else value
        what = vocabulary.label(language, "caller_fact", line.detail.get("kind", "callback")).lower()
        done = _DONE.get(str(line.detail.get("what")), _DONE["added"])
        return translate(language, done, actor=actor, value=f"{what} {shown}")
    if line.actor:
        return translate(language, N_("{actor} made it an ordinary ticket."), actor=actor)
    return translate(language, _KINDS.get(str(line.detail.get("to")), _KINDS["contact"]))
