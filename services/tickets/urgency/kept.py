"""What is urgent on a ticket: the findings of all its messages, as `ticket.urgency` keeps them.

The same messages leave the same, in whatever order they are taken in.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from services.tickets.urgency.find import Finding
from services.tickets.urgency.kinds import Kind

MAX_KEPT = 40  # on one ticket; nobody reads more


def kept(findings: Iterable[Finding], at: datetime, **source: int | None) -> list[dict[str, Any]]:
    """As a ticket keeps them. `source`: message_id, recording_id or entry_id; `at`: when it was said."""
    told = {key: value for key, value in source.items() if value is not None}
    return [{**each.as_json(), **told, "at": at.isoformat()} for each in findings]


def together(*lists: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """All of them, each once, the most urgent kind first and of one kind what was said last."""
    order = {kind.value: place for place, kind in enumerate(Kind)}
    unique = {repr(sorted(each.items(), key=lambda item: item[0])): each for some in lists for each in some}
    latest = sorted(unique.values(), key=lambda each: (str(each.get("at", "")), repr(each)), reverse=True)
    return sorted(latest, key=lambda each: order.get(each["kind"], len(order)))[:MAX_KEPT]


def without(items: Iterable[dict[str, Any]], **source: int) -> list[dict[str, Any]]:
    """What is left when one message is read anew."""
    [(key, value)] = source.items()
    return [each for each in items if each.get(key) != value]


def kinds_of(items: Sequence[dict[str, Any]]) -> list[Kind]:
    """The kinds on a ticket, each once, the most urgent first."""
    return [Kind(value) for value in dict.fromkeys(each["kind"] for each in items) if value in list(Kind)]
