"""What the center promises its customers in time, and the alerts before a promise breaks."""

from datetime import datetime, timedelta

from shared.calendar import OpenTime
from shared.models import Channel, Priority
from shared.settings import Settings


def target_minutes(settings: Settings, channel: Channel, priority: Priority) -> float:
    """Minutes to the first response: by priority when urgent, else by channel."""
    targets = settings.first_response_minutes
    for key in (priority.value, channel.value, "default"):
        if key in targets:
            return float(targets[key])
    return 240.0


def first_response_due(
    open_time: OpenTime, settings: Settings, channel: Channel, priority: Priority, queued_at: datetime
) -> datetime | None:
    """When the customer must have heard from a person. An emergency does not wait for the doors to open.

    None: the center has no opening hours ahead.
    """
    target = timedelta(minutes=target_minutes(settings, channel, priority))
    if priority is Priority.EMERGENCY:
        return queued_at + target
    return open_time.add_open(queued_at, target)
