"""The shapes of what callers want, and of calls without words, as pages and API show them."""

from datetime import datetime

from pydantic import Field

from services.tickets.views.models import TicketRow
from services.tickets.views.shapes import PersonRef, View
from shared.models import CallerFactKind, CallerFactState


class SilentCalls(View):
    """Calls without words that are one matter."""

    ticket: TicketRow
    caller_id: str | None = Field(description="E.164; null when it was withheld.")
    calls: int
    first_at: datetime
    last_at: datetime
    minutes: float = Field(description="From the first call to the last.")
    seconds: float | None = Field(description="How long the recordings last together.")


class PlaceView(View):
    """One time it was said."""

    said: str
    from_s: float | None = Field(description="Seconds into the recording; null when its words are not timed.")
    to_s: float | None
    confidence: float | None = Field(description="Of its least certain word.")


class CallerFactView(View):
    """What a caller wants, as it was heard or written down."""

    id: int
    recording_id: int
    kind: CallerFactKind
    value: str = Field(
        description="A number in E.164, or its digits when it was not said whole; a name; an account number, masked."
    )
    extension: str
    state: CallerFactState
    places: list[PlaceView]
    confidence: float | None
    doubts: list[str] = Field(
        description="`incomplete`, `not_valid`, `too_many`, `unclear`, `disagrees`, `corrected`, `spelled_differently`."
    )
    unclear_digits: list[int] = Field(description="Which digits were not heard well, counted from 1.")
    earlier: str = Field(description="What the caller said before correcting it.")
    agrees_with_caller_id: bool | None
    for_other: bool = Field(description="Of a name: the caller speaks for them.")
    in_use: bool = Field(description="It is the number at which the ticket is called back.")
    usable: bool = Field(description="It can be confirmed as it is.")
    by_hand: bool
    decided_by: PersonRef | None
    decided_at: datetime | None


class CallerView(View):
    """What the callers of a ticket's recordings want."""

    facts: list[CallerFactView]
    caller_id: str | None = Field(description="Of the last call; what was said never replaces it.")
    recordings: int = Field(description="How many recordings the ticket has.")
    pending: bool = Field(description="One of them has no transcript yet: more may come.")
