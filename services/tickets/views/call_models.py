"""The shapes of calls to customers and of what was promised to them."""

from datetime import date, datetime

from pydantic import Field

from services.tickets.calls.numbers import NumberSource
from services.tickets.views.shapes import PersonRef, View
from shared.models import CallOutcome


class PromiseView(View):
    """What somebody promised a customer."""

    id: int
    ticket_id: int
    text: str
    due_on: date | None = Field(description="The last day for it, in the center's time zone.")
    by: PersonRef
    made_at: datetime
    due: bool = Field(description="It must be looked at now: its last day has come, or passed.")
    late: bool = Field(description="Its last day is over.")
    kept_at: datetime | None


class CallNumberView(View):
    """A number at which the customer can be called."""

    number: str = Field(description="E.164.", examples=["+17075550142"])
    source: NumberSource
    wrong: bool = Field(description="Somebody else answered there.")


class CallView(View):
    """A call to the customer, or an attempt."""

    id: int
    ticket_id: int
    person: PersonRef
    number: str
    started_at: datetime
    ended_at: datetime | None
    outcome: CallOutcome | None = Field(description="Null while somebody is calling.")
    note: str


class CallsView(View):
    """Everything about calling a ticket's customer."""

    numbers: list[CallNumberView] = Field(description="The likeliest first; those that were wrong last.")
    calling: CallView | None = Field(description="Who is calling now.")
    attempts: list[CallView] = Field(description="Newest first, without the one under way.")
    next_call_at: datetime | None = Field(description="When the next call is scheduled; the ticket waits until then.")
    promises: list[PromiseView] = Field(description="Open ones first, what is due first.")
