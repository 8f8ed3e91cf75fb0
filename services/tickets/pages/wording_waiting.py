"""Words what keeps a ticket waiting, in the reader's language, so that a screen reader reads an answer and no table."""

from datetime import datetime

from services.tickets.pages import wording_ladder
from services.tickets.routing.waiting import Change
from services.tickets.views.waiting_models import (
    KeptGroup,
    KeptPerson,
    LadderView,
    NextChange,
    StepView,
    WaitingView,
)
from shared.models import TicketState
from shared.web import vocabulary
from shared.web.i18n import N_, ago, instant, language_name, ntranslate, number, translate

# By what somebody is kept who may answer the ticket.
_COULD = {
    "capacity": (N_("{n} could take it but has enough work"), N_("{n} could take it but have enough work")),
    "busy": (N_("{n} could take it but is busy"), N_("{n} could take it but are busy")),
    "break": (N_("{n} is on a break"), N_("{n} are on a break")),
    "offline": (N_("{n} is offline"), N_("{n} are offline")),
    "live": (N_("{n} is not at the screen"), N_("{n} are not at the screen")),
    "responsive": (
        N_("{n} let an offer run out and has not clicked since"),
        N_("{n} let offers run out and have not clicked since"),
    ),
    "on_shift": (N_("{n} is not on shift"), N_("{n} are not on shift")),
    "shift_end": (N_("{n} goes home in a moment"), N_("{n} go home in a moment")),
    "barred": (
        N_("{n} has just declined, missed or given it back"),
        N_("{n} have just declined, missed or given it back"),
    ),
    "sticky": (
        N_("{n} is not asked yet: first whoever knows the ticket"),
        N_("{n} are not asked yet: first whoever knows the ticket"),
    ),
    "reserve": (N_("{n} is kept for Spanish work"), N_("{n} are kept for Spanish work")),
}  # fmt: skip
_CANNOT = {
    "language": (N_("{n} is not verified in {language} ({mode})"), N_("{n} are not verified in {language} ({mode})")),
    "level": (N_("{n} has a level too low for it"), N_("{n} have a level too low for it")),
    "intern": (N_("{n} is an intern and this is not simple work"), N_("{n} are interns and this is not simple work")),
}
_UNTIL = {
    "break": N_("until {time}"),
    "on_shift": N_("again {time}"),
    "shift_end": N_("again {time}"),
    "barred": N_("may be asked again {time}"),
    "sticky": N_("until {time}"),
    "reserve": N_("until {time}"),
    "capacity": N_("their open offer ends {time}"),
}
_CHANGES = {
    Change.BREAK_ENDS: N_("a break ends"),
    Change.SHIFT_BEGINS: N_("a shift begins"),
    Change.MAY_BE_ASKED_AGAIN: N_("somebody may be asked again"),
    Change.OFFER_ENDS: N_("an open offer to somebody who could take it ends"),
    Change.OPEN_TO_OTHERS: N_("more people may be asked"),
}


class Speaker:
    """Says it in one language, with times of the center's zone."""

    def __init__(self, language: str, timezone: str) -> None:
        self.language, self.timezone = language, timezone

    def sentences(self, view: WaitingView) -> list[str]:
        if view.state is not TicketState.QUEUED or view.offered_to_nobody:
            return self._not_queued(view)
        say = [self._head(view)]
        say += [self._group(group, *_COULD[group.rule]) for group in view.could if group.rule != "free"]
        say += [self._unsuited(view, group) for group in view.cannot if group.rule in _CANNOT]
        if view.opens_at is not None:
            say.append(self._say(N_("The doors are closed until {time}."), time=self._time(view.opens_at)))
        if view.first_from is not None:
            late = N_(
                "It is late. What can still be answered in time goes first until {time}; then only what is urgent."
            )
            say.append(self._say(late, time=self._time(view.first_from)))
        if view.next_change is not None:
            say.append(self.change(view.next_change))
        if view.position is not None and view.queued is not None:
            say.append(
                self._say(
                    N_("It is number {position} of {queued} in the queue ({language})."),
                    position=number(self.language, view.position),
                    queued=number(self.language, view.queued),
                    language=language_name(self.language, view.language),
                )
            )
        return say

    def steps(self, view: WaitingView) -> list[str]:
        """What was done about it so far, and what comes next."""
        return [*(self.step(step) for step in view.ladder.steps), *self.ahead(view.ladder)]

    def ahead(self, ladder: LadderView) -> list[str]:
        """When somebody is expected, and the step that comes next."""
        say = []
        if ladder.missing is not None and ladder.expected_at is not None:
            expected = N_("Somebody who may answer it is planned to be here: {time}.")
            say.append(self._say(expected, time=self._time(ladder.expected_at)))
        if ladder.next is not None and ladder.next.at is not None:
            word = vocabulary.label(self.language, "rung_next", ladder.next.rung)
            say.append(self._say(N_("Next, {time}: {step}."), time=self._time(ladder.next.at), step=word))
        return say

    def step(self, step: StepView) -> str:
        detail = {"what": step.rung.value, "missing": step.missing.value, **step.detail}
        sentence = wording_ladder.step(self.language, detail, self.timezone)
        if step.acknowledged_by is None:
            return sentence
        return f"{sentence} {self._say(N_('{name} takes care of it.'), name=step.acknowledged_by.name)}"

    def change(self, change: NextChange) -> str:
        what = translate(self.language, _CHANGES[change.what])
        if change.person is not None:
            what = f"{what} ({change.person.name})"
        return self._say(
            N_("The next thing that changes by the clock, {time}: {what}."), time=self._time(change.at), what=what
        )

    def _head(self, view: WaitingView) -> str:
        free = next((group.n for group in view.could if group.rule == "free"), 0)
        if free:
            return ntranslate(
                self.language,
                N_("{n} person can be asked now: it is offered as soon as those before it have somebody."),
                N_("{n} people can be asked now: it is offered as soon as those before it have somebody."),
                free,
            )
        if view.ladder.missing is not None:
            words = wording_ladder.lacks(self.language, view.ladder.missing.value)
            return self._say(N_("It waits because {lacks}."), lacks=words)
        if not view.could:
            return self._say(N_("It waits because nobody who works here may answer it."))
        return self._say(N_("It waits because nobody who may answer it can be asked now."))

    def _unsuited(self, view: WaitingView, group: KeptGroup) -> str:
        return self._group(
            group,
            *_CANNOT[group.rule],
            language=language_name(self.language, "es" if view.language in ("mixed", "unknown") else view.language),
            mode=vocabulary.label(self.language, "mode", view.mode).lower(),
        )

    def _group(self, group: KeptGroup, one: str, many: str, **values: object) -> str:
        sentence = ntranslate(self.language, one, many, group.n, **values)
        if group.people:
            named = ", ".join(self._person(group.rule, each) for each in group.people)
            return f"{sentence}: {named}."
        if group.until is not None and group.rule in _UNTIL:
            return f"{sentence} ({self._say(_UNTIL[group.rule], time=self._time(group.until))})."
        return f"{sentence}."

    def _person(self, rule: str, each: KeptPerson) -> str:
        facts = []
        if rule == "capacity":
            facts.append(self._say(N_("{load} of {capacity}"), load=each.load, capacity=each.capacity))
        if each.since is not None:
            facts.append(ago(self.language, each.since))
        if each.until is not None and rule in _UNTIL:
            facts.append(self._say(_UNTIL[rule], time=self._time(each.until)))
        return f"{each.person.name} ({', '.join(facts)})" if facts else each.person.name

    def _not_queued(self, view: WaitingView) -> list[str]:
        name = view.holder.name if view.holder else ""
        time = self._time(view.until) if view.until else ""
        if view.state is TicketState.OFFERED:
            if name:
                return [self._say(N_("{name} is asked to take it, until {time}."), name=name, time=time)]
            return [self._say(N_("One person is asked to take it, until {time}."), time=time)]
        if view.state is TicketState.ASSIGNED:
            return [self._say(N_("It waits for nobody else: {name} works on it."), name=name)]
        if view.state is TicketState.WAITING:
            if time:
                return [self._say(N_("It waits for the next call to the customer: {time}."), time=time)]
            return [self._say(N_("It waits for the customer."))]
        if view.state is TicketState.CLOSED:
            return [self._say(N_("It is closed."))]
        return [self._say(N_("It is offered to nobody: nobody spoke in the call."))]

    def _time(self, at: datetime) -> str:
        return instant(self.language, self.timezone, at)

    def _say(self, message: str, /, **values: object) -> str:
        said = translate(self.language, message, **values)
        return said[:-1] if said.endswith("m..") else said  # «9:00 a.m.» ends the sentence by itself
