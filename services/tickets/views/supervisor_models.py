"""The shapes of what supervisors move, and of the hours that lack bilinguals."""

from datetime import datetime

from pydantic import Field

from services.tickets.views.shapes import PersonRef, View
from shared.models import MoveOutcome, UndoOutcome


class MovedTicketView(View):
    """A ticket of a reassignment."""

    ticket_id: int
    outcome: MoveOutcome
    flags: list[str] = Field(description="What is unusual about it.")
    from_person: PersonRef | None = Field(description="Who had it; null: the queue.")
    to_person: PersonRef | None = Field(description="Who was given it; null: the queue.")
    undo_outcome: UndoOutcome | None = Field(description="Whether undoing put it back, or why not.")


class ReassignmentView(View):
    """What a supervisor moved in one action."""

    id: int
    by: PersonRef
    to: list[PersonRef] = Field(description="None: back to the queue. Several: spread over them.")
    reason: str
    override: bool = Field(description="Also to who is not verified in the language.")
    at: datetime
    undo_until: datetime
    undone_at: datetime | None
    undone_by: PersonRef | None
    can_undo: bool = Field(description="By who assigns, until then.")
    tickets: list[MovedTicketView]


class BilingualGap(View):
    """Hours in a row for which too few bilinguals are planned, and who of them is not planned then."""

    starts_at: datetime
    ends_at: datetime
    planned: int = Field(description="At each of these hours.")
    needed: int = Field(description="The most at any of them.")
    alarm: bool = Field(description="Fewer than two are planned.")
    could_come: list[PersonRef]
