"""How much of a ticket's promise has passed, and when a share of it will have: open time, for emergencies all time."""

from datetime import datetime, timedelta

from shared.calendar import OpenTime
from shared.models import Priority, Ticket


def promise_used(open_time: OpenTime, ticket: Ticket, now: datetime) -> float | None:
    """0.5 at half of the time to the first response, above 1 when it is overdue; None: nothing is promised now."""
    due = _due(ticket)
    if due is None:
        return None
    whole = _between(open_time, ticket, ticket.queued_at, due)
    if whole <= timedelta(0):
        return 1.0 if now >= due else 0.0
    return _between(open_time, ticket, ticket.queued_at, now) / whole


def at_share(open_time: OpenTime, ticket: Ticket, share: float) -> datetime | None:
    """When that share of the promise will have passed. None: nothing is promised, or it never comes."""
    due = _due(ticket)
    if due is None:
        return None
    wanted = _between(open_time, ticket, ticket.queued_at, due) * share
    if ticket.priority is Priority.EMERGENCY:
        return ticket.queued_at + wanted
    return open_time.add_open(ticket.queued_at, wanted)


def _due(ticket: Ticket) -> datetime | None:
    answered = ticket.first_responded_at
    return None if answered is not None and answered >= ticket.queued_at else ticket.due_at


def _between(open_time: OpenTime, ticket: Ticket, start: datetime, end: datetime) -> timedelta:
    if ticket.priority is Priority.EMERGENCY:  # does not wait for the doors to open
        return max(end - start, timedelta(0))
    return open_time.open_between(start, end)
