"""What makes a ticket urgent, as screens and the API show it."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from pydantic import Field

from services.tickets.urgency.kinds import Kind
from services.tickets.views.shapes import View


class QuoteView(View):
    """Words that say so, and where they stand: characters of the message's `part`."""

    part: str = Field(description="`text` or `subject`.", examples=["text"])
    start: int
    end: int
    words: str = Field(examples=["me cortan la luz mañana"])


class UrgentView(View):
    """A kind of urgency, in short."""

    kind: Kind
    on: date | None = Field(default=None, description="The day of a disconnection, as it was read.")
    at_risk: bool = Field(default=False, description="Of life-support equipment: its power is off or will be.")


class UrgencyView(UrgentView):
    """A kind of urgency in one message: the rule that found it, and the words."""

    rule: str = Field(description="The rule of `data/urgency.txt` that found it.", examples=["soon"])
    quotes: list[QuoteView]
    at: datetime = Field(description="When it was said.")
    message_id: int | None = None
    recording_id: int | None = None
    entry_id: int | None = None


def urgent(kept: Iterable[Mapping[str, Any]]) -> list[UrgentView]:
    """The kinds, each once, the most urgent first."""
    views: dict[str, UrgentView] = {}
    for each in kept:
        view = UrgentView(kind=each["kind"], on=each.get("on"), at_risk=each.get("at_risk", False))
        views.setdefault(each["kind"], view)
    return list(views.values())
