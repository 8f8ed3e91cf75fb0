"""Words what was done for a ticket that nobody there may answer, in the reader's language."""

from datetime import datetime

from services.tickets.views.models import EntryView
from shared.web.i18n import N_, instant, language_name, translate

_LACKS = {
    "language": N_("nobody who is there is verified in its language"),
    "level": N_("nobody who is there may close tickets of its level"),
    "both": N_("nobody who is there is verified in its language and may close tickets of its level"),
}
_STEPS = {
    "confirm_language": N_(
        "Its language is not certain, and nobody is there who may take it like this. Somebody must read or hear it and "
        "say which language it is: one click."
    ),
    "alert": N_("The shift leads were told: {lacks}."),
    "supervisor": N_("A supervisor must decide: {lacks}."),
    "acknowledged": N_("{actor} takes care of it."),
    "used": N_("{actor} used the interpreter line: {line}."),
    "given": N_("{actor} gave it to {person}, who is not verified in its language, with the interpreter line: {line}."),
    "given_unnoted": N_(
        "{actor} gave it to {person}, who is not verified in its language. Which interpreter line to use is not "
        "entered in the settings."
    ),
}
_TOLD = {
    "sent": N_("The customer was told that nobody can say yet when somebody who speaks their language will be there."),
    "no_address": N_("Nobody told the caller that it takes longer: there is no address. To call back is what is due."),
    "machine": N_("The customer was not told that it takes longer: nobody reads what is sent to that address."),
    "unwanted": N_("The customer was not told that it takes longer: they asked for nothing automatic."),
    "old": N_("The customer was not told that it takes longer: their mail is from long before it came to us."),
    "lately": N_("The customer was not told again that it takes longer: they were, about another ticket."),
}
_EXPECTED = N_("The customer was told that somebody who speaks their language is expected: {when}.")
_LINE = N_("Nobody there is verified in {language}: use the interpreter line, {line}.")
NO_LINE = N_(
    "No interpreter line is entered. An administrator enters its name and number as CENTRALITA_INTERPRETER_LINE; until "
    "then ask your supervisor which service to call."
)
_NO_LINE_STEP = N_("Nobody there is verified in {language}: an interpreter is the way on, and no line is entered.")


def lacks(language: str, missing: str) -> str:
    """What nobody has who is there, to go on after a colon."""
    return translate(language, _LACKS.get(missing, _LACKS["language"]))


def entry(language: str, line: EntryView, timezone: str) -> str:
    """The timeline's sentence."""
    actor = line.actor.name if line.actor else translate(language, N_("The system"))
    return step(language, line.detail, timezone, actor=actor)


def step(language: str, detail: dict[str, object], timezone: str, *, actor: str = "") -> str:
    """One step in a sentence, from its facts as the timeline keeps them."""
    what = str(detail.get("what", ""))
    number = str(detail.get("line") or "")
    if what == "tell_customer":
        return _told(language, detail, timezone)
    if what == "interpreter":
        name = language_name(language, str(detail.get("language", "unknown")))
        return translate(language, _LINE if number else _NO_LINE_STEP, language=name, line=number)
    if what == "given" and not number:
        what = "given_unnoted"
    return translate(
        language,
        _STEPS.get(what, _STEPS["supervisor"]),
        lacks=lacks(language, str(detail.get("missing", ""))),
        actor=actor,
        person=detail.get("person", ""),
        line=number or "—",
    )


def _told(language: str, detail: dict[str, object], timezone: str) -> str:
    expected = detail.get("expected_at")
    if isinstance(expected, str):
        return translate(language, _EXPECTED, when=instant(language, timezone, datetime.fromisoformat(expected)))
    return translate(language, _TOLD.get(str(detail.get("outcome")), _TOLD["no_address"]))
