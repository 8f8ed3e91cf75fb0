"""The shapes that pages and API show of promises to customers and of their targets."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from services.tickets.views.shapes import View
from shared.models import Channel, ClockKind, PauseCause, Priority


class ClockState(StrEnum):
    RUNNING = "running"
    NEARLY_DUE = "nearly_due"
    LATE = "late"
    STANDING = "standing"  # it waits for the customer
    KEPT = "kept"
    KEPT_LATE = "kept_late"
    DROPPED = "dropped"  # nobody waits for it any more


class PauseView(View):
    """While a clock stood still."""

    cause: PauseCause
    stopped_at: datetime
    resumed_at: datetime | None
    minutes: float | None = Field(description="Of open time; null while it stands still.")


class ClockView(View):
    """One promise on a ticket, now or in the past."""

    kind: ClockKind
    state: ClockState
    started_at: datetime
    target_minutes: int
    around_clock: bool = Field(description="Nights and holidays count; else only open time does.")
    used_minutes: float = Field(description="Counted so far, without pauses.")
    due_at: datetime | None = Field(description="Null while it stands still.")
    warned_at: datetime | None = Field(description="When those concerned were told that it is nearly due.")
    breached_at: datetime | None = Field(description="When it was due and not kept.")
    ended_at: datetime | None
    late_minutes: float = Field(description="Counted over the target.")
    pauses: list[PauseView]


class ClockCount(View):
    """Open promises of one kind."""

    kind: ClockKind
    running: int = Field(description="All that run, with those nearly due or late.")
    nearly_due: int
    late: int
    standing: int


class TargetView(View):
    """What is promised to the tickets that it names; null names all of them."""

    id: int | None = Field(description="To remove it by; null of the product’s own.")
    kind: ClockKind
    channel: Channel | None
    priority: Priority | None
    language: str | None
    minutes: int | None = Field(description="Null: nothing is promised.")
    around_clock: bool
    default: bool = Field(description="The product’s own: nobody has set another for these tickets.")


class ChosenTarget(View):
    """Which target counts for a ticket, and which others name it as well."""

    target: TargetView
    others: list[TargetView] = Field(description="Less specific, the most specific first.")
