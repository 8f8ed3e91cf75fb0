"""The shapes of the supervisor's board."""

from datetime import datetime
from typing import Any

from pydantic import Field

from services.tickets.views.call_models import PromiseView
from services.tickets.views.clock_models import ClockCount
from services.tickets.views.models import LanguageCount, PresenceView, TicketRow
from services.tickets.views.shapes import PersonRef, View
from services.tickets.views.supervisor_models import BilingualGap
from shared.models import AlertKind, Role


class BoardPerson(View):
    person: PersonRef
    role: Role
    presence: PresenceView
    load: int
    capacity: int
    in_the_way: list[str] = Field(
        default=[], description="Rules that keep every ordinary offer away now: live, on_shift, capacity…"
    )
    languages: list[str] = Field(description="Verified and valid today, as `es:written`, `es:spoken`.")
    tickets: list[TicketRow]


class AlertView(View):
    id: int
    kind: AlertKind
    danger: bool = Field(description="Somebody may come to harm: these are shown first.")
    ticket_id: int | None
    subject: str = Field(description="The ticket's.")
    person: PersonRef | None
    detail: dict[str, Any]
    created_at: datetime


class Board(View):
    languages: list[LanguageCount]
    people: list[BoardPerson]
    alerts: list[AlertView]
    promises: list[PromiseView] = Field(description="Everything promised that is due.")
    unassigned: list[TicketRow]
    stuck: int = Field(description="Tickets in the queue that nobody there may answer.")
    clocks: list[ClockCount] = Field(description="How many promises are open, of each kind.")
    held_spam: int = Field(description="Mail held as spam that nobody has looked at.")
    wordless: int = Field(description="Calls in which nobody spoke, open and offered to nobody.")
    bilingual_gaps: list[BilingualGap] = Field(description="From now on, today; none without planned shifts.")
