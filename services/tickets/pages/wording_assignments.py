"""Words why somebody was asked to take a ticket, for who leads the shift: urgency, who could, who could not."""

from collections.abc import Iterable

from services.tickets.pages import wording
from services.tickets.views.assignments import AskedView, Candidate
from services.tickets.views.shapes import PersonRef
from shared.web import vocabulary
from shared.web.i18n import N_, language_name, number, span, translate

# How far behind the best, in the points of plan.py: 6 are one more open ticket.
_BEHIND = ((0.005, N_("as good a choice")), (6.0, N_("nearly as good a choice")), (15.0, N_("a less good choice")))
_FAR_BEHIND = N_("a clearly less good choice")


def sentences(language: str, asked: AskedView) -> list[str]:
    """One assignment in words; the reader may see names."""
    say = []
    if not asked.routed:
        say.append(_by_hand(language, asked))
    if asked.urgency is not None:
        say.append(_urgency(language, asked))
    if asked.explanation.get("previous"):
        say.append(translate(language, N_("{name} knows this ticket already."), name=asked.person.name))
    required = asked.explanation.get("required_language")
    if required and required not in ("any", "en"):
        mode = vocabulary.label(language, "mode", asked.explanation.get("mode", "")).lower()
        needed = N_("It needed somebody verified in {name} ({mode}).")
        say.append(translate(language, needed, name=language_name(language, str(required)), mode=mode))
    elif required == "any":
        say.append(translate(language, N_("A verified bilingual is needed.")))
    if asked.could:
        say.append(_could(language, asked))
    say += [
        translate(
            language,
            N_("Not asked: {list}."),
            list=f"{wording.refused(language, each.rule, len(each.people))} ({_listed(each.people)})",
        )
        for each in asked.could_not
        if wording.refused(language, each.rule, len(each.people))
    ]
    return [*say, *wording.flags(language, asked.explanation)]


def _by_hand(language: str, asked: AskedView) -> str:
    if asked.by is None:
        return translate(language, N_("{name} took it from the queue."), name=asked.person.name)
    return translate(language, N_("{actor} gave it to {person}."), actor=asked.by.name, person=asked.person.name)


def _urgency(language: str, asked: AskedView) -> str:
    waited, target = asked.waited_minutes or 0.0, asked.target_minutes or 0.0
    values = {"waited": span(language, max(60.0, waited * 60)), "target": span(language, max(60.0, target * 60))}
    if asked.explanation.get("urgent") and waited < target:
        sentence = N_("It came first as urgent; it had waited {waited} of {target}.")
    elif asked.explanation.get("overdue") and not asked.explanation.get("urgent"):
        sentence = N_("It was late for so long that it came first: it had waited {waited}, and {target} were promised.")
    elif waited >= target:
        sentence = N_("It was late: it had waited {waited}, and {target} were promised.")
    elif waited >= target / 2:
        sentence = N_("It was getting late: it had waited {waited} of {target}.")
    else:
        sentence = N_("There was time: it had waited {waited} of {target}.")
    return translate(language, sentence, **values)


def _could(language: str, asked: AskedView) -> str:
    others = [each for each in asked.could if each.person.id != asked.person.id]
    if not others:
        return translate(language, N_("Only {name} could be asked."), name=asked.person.name)
    told = ", ".join(f"{each.person.name} ({_behind(language, asked, each)})" for each in others)
    return translate(language, N_("{name} was asked; {list} could have been."), name=asked.person.name, list=told)


def _behind(language: str, asked: AskedView, other: Candidate) -> str:
    mine = next((each.behind for each in asked.could if each.person.id == asked.person.id), 0.0)
    behind = other.behind - mine
    if behind < -0.005:  # the best for this ticket was the better one for another
        return translate(language, N_("the better choice here, but needed for another ticket"))
    words = translate(language, next((text for limit, text in _BEHIND if behind <= limit), _FAR_BEHIND))
    return words if behind <= 0.005 else f"{words}, +{number(language, round(behind, 1))}"


def _listed(people: Iterable[PersonRef]) -> str:
    return ", ".join(each.name for each in people)
