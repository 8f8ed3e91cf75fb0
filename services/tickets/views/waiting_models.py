"""The shapes of what keeps a ticket waiting, and of its ladder."""

from datetime import datetime

from pydantic import Field

from services.tickets.routing.waiting import Change
from services.tickets.views.models import TicketRow
from services.tickets.views.shapes import PersonRef, View
from shared.models import Level, Missing, Rung, TicketState


class KeptPerson(View):
    """One who may answer the ticket, and until when they are kept from it."""

    person: PersonRef
    load: int
    capacity: int
    since: datetime | None = Field(description="Of one who declined or missed it: when.")
    until: datetime | None = Field(description="By the clock; null: by what somebody does.")


class KeptGroup(View):
    """People whom the same thing keeps from being asked."""

    rule: str = Field(
        description="`free` (nothing keeps them), `capacity`, `busy`, `break`, `offline`, `live`, `responsive`, "
        "`on_shift`, `shift_end`, `barred`, `sticky` or `reserve`; of those who may not answer it `language`, `level` "
        "or `intern`.",
        examples=["capacity"],
    )
    n: int
    until: datetime | None = Field(description="When the first of them is no longer kept, by the clock.")
    people: list[KeptPerson] = Field(description="For who leads the shift; empty for everybody else.")


class NextChange(View):
    at: datetime
    what: Change
    person: PersonRef | None = Field(description="For who leads the shift.")


class StepView(View):
    """A step that was taken because nobody there may answer the ticket."""

    id: int
    rung: Rung
    missing: Missing
    at: datetime
    share: float = Field(description="Of the promise that had passed.")
    detail: dict[str, object]
    acknowledged_at: datetime | None
    acknowledged_by: PersonRef | None


class NextStep(View):
    rung: Rung
    at: datetime | None = Field(description="Null: nothing is promised, so that no step is due by the clock.")


class LadderView(View):
    """How far a ticket has climbed while nobody there may answer it."""

    missing: Missing | None = Field(description="What nobody has who is there; null: somebody may answer it.")
    steps: list[StepView] = Field(description="Of the customer's present wait, oldest first.")
    next: NextStep | None
    expected_at: datetime | None = Field(description="When somebody who may answer it is planned to be there.")


class StuckTicket(View):
    """A ticket in the queue that nobody there may answer."""

    ticket: TicketRow
    since: datetime = Field(description="When its first step was taken.")
    used: float | None = Field(description="Share of the promise that has passed; above 1 it is overdue.")
    needs_decision: bool = Field(description="A supervisor must decide, and none has said that they take care of it.")
    ladder: LadderView


class WaitingView(View):
    """What keeps a ticket waiting, as it is at this moment."""

    ticket_id: int
    state: TicketState
    language: str
    mode: str = Field(description="How it is answered: `written` or `spoken`.")
    level: Level
    at: datetime
    due_at: datetime | None
    used: float | None = Field(description="Share of the promise that has passed; above 1 it is overdue.")
    opens_at: datetime | None = Field(description="The doors are closed until then; null: they are open.")
    first_from: datetime | None = Field(
        description="Of a queued ticket that is late: what can still be answered in time goes first until then, and "
        "then nothing but what is urgent."
    )
    until: datetime | None = Field(description="Until when somebody is asked, or the next call is due.")
    holder: PersonRef | None = Field(description="Who is asked, for who leads the shift; or who works on it.")
    offered_to_nobody: bool = Field(description="Nobody spoke in the call.")
    position: int | None = Field(description="Its place among the queued tickets of its language; 1 is next.")
    queued: int | None = Field(description="How many there are.")
    could: list[KeptGroup] = Field(description="Who may answer it, by what keeps them.")
    cannot: list[KeptGroup] = Field(description="Who may not, by the rule that says so.")
    next_change: NextChange | None
    ladder: LadderView
    interpreter_line: str
    sentences: list[str] = Field(description="The same in words, in the language of the request.")
