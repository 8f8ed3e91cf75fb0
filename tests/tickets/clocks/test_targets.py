"""The most specific target counts, and a priority counts more than everything else."""

import pytest

from services.tickets.clocks.targets import DEFAULTS, Key, Target, chosen, in_force
from shared.models import Channel, ClockKind, Priority

FIRST = ClockKind.FIRST_RESPONSE


@pytest.mark.parametrize(
    ("channel", "priority", "language", "minutes"),
    [
        (Channel.EMAIL, Priority.NORMAL, "en", 240),
        (Channel.VOICEMAIL, Priority.LOW, "en", 120),
        (Channel.VOICEMAIL, Priority.NORMAL, "es", 45),
        (Channel.EMAIL, Priority.NORMAL, "es", 90),
        (Channel.VOICEMAIL, Priority.EMERGENCY, "es", 30),
        (Channel.EMAIL, Priority.HIGH, "es", 30),
    ],
)
def test_the_most_specific_wins(channel: Channel, priority: Priority, language: str, minutes: int) -> None:
    targets = in_force(
        [
            Target(Key(FIRST, language="es"), 90),
            Target(Key(FIRST, channel=Channel.VOICEMAIL, language="es"), 45),
        ]
    )
    assert chosen(targets, FIRST, channel, priority, language).minutes == minutes


def test_what_somebody_set_replaces_the_default_of_the_same_tickets() -> None:
    mine = Target(Key(FIRST), None)
    targets = in_force([mine])
    assert len(targets) == len(DEFAULTS)
    assert chosen(targets, FIRST, Channel.EMAIL, Priority.NORMAL, "en") is mine
    assert chosen(targets, ClockKind.RESOLUTION, Channel.EMAIL, Priority.NORMAL, "en").default
    emergency = chosen(targets, FIRST, Channel.EMAIL, Priority.EMERGENCY, "unknown")
    assert (emergency.minutes, emergency.around_clock) == (30, True)


def test_every_ticket_has_exactly_one_that_is_most_specific() -> None:
    keys = [
        Key(FIRST, channel, priority, language)
        for channel in (None, Channel.EMAIL)
        for priority in (None, Priority.HIGH)
        for language in (None, "es")
    ]
    assert sorted(key.weight for key in keys) == list(range(8))
