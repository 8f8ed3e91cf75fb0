"""Which target counts for a ticket: rows for a channel, a priority, a language, and the most specific one wins."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.models import Channel, ClockKind, Priority

# What a row names, by how much it counts: a row for a priority wins over any for a channel and a language together,
# so that a target for Spanish voicemail never lets an emergency wait.
PRIORITY, CHANNEL, LANGUAGE = 4, 2, 1
MAX_MINUTES = 525_600


@dataclass(frozen=True, slots=True)
class Key:
    """What a row is for; None stands for all of them."""

    kind: ClockKind
    channel: Channel | None = None
    priority: Priority | None = None
    language: str | None = None

    @property
    def weight(self) -> int:
        return (
            PRIORITY * (self.priority is not None)
            + CHANNEL * (self.channel is not None)
            + LANGUAGE * (self.language is not None)
        )

    def names(self, channel: Channel, priority: Priority, language: str) -> bool:
        return (
            self.channel in (None, channel) and self.priority in (None, priority) and self.language in (None, language)
        )


@dataclass(frozen=True, slots=True)
class Target:
    key: Key
    minutes: int | None  # None: nothing is promised
    around_clock: bool = False  # nights and holidays count
    default: bool = False  # the product's own, where nobody has set another
    id: int | None = None  # of the row that somebody set

    @property
    def seconds(self) -> int:
        return 60 * (self.minutes or 0)


def _default(
    kind: ClockKind,
    minutes: int,
    *,
    channel: Channel | None = None,
    priority: Priority | None = None,
    around_clock: bool = False,
) -> Target:
    return Target(Key(kind, channel, priority), minutes, around_clock, default=True)


# Open minutes. Of responses: those that the center tuned its routing with. Of resolutions: three days, one, half.
DEFAULTS = (
    *(
        target
        for kind in (ClockKind.FIRST_RESPONSE, ClockKind.NEXT_RESPONSE)
        for target in (
            _default(kind, 240),
            _default(kind, 120, channel=Channel.VOICEMAIL),
            _default(kind, 30, priority=Priority.HIGH),
            _default(kind, 30, priority=Priority.EMERGENCY, around_clock=True),
        )
    ),
    _default(ClockKind.RESOLUTION, 1800),
    _default(ClockKind.RESOLUTION, 3000, priority=Priority.LOW),
    _default(ClockKind.RESOLUTION, 600, priority=Priority.HIGH),
    _default(ClockKind.RESOLUTION, 240, priority=Priority.EMERGENCY, around_clock=True),
)


def in_force(rows: Iterable[Target]) -> list[Target]:
    """What was set, and the defaults that nobody replaced; the most specific first."""
    found = {target.key: target for target in (*DEFAULTS, *rows)}
    return sorted(found.values(), key=_order)


def _order(target: Target) -> tuple[object, ...]:
    key = target.key
    return (
        list(ClockKind).index(key.kind), -key.weight, key.priority or "", key.channel or "", key.language or "",
    )  # fmt: skip


def ranked(
    targets: Sequence[Target], kind: ClockKind, channel: Channel, priority: Priority, language: str
) -> list[Target]:
    """Those that name such a ticket, the most specific first. There is always one: each kind has one for everything."""
    found = [each for each in targets if each.key.kind is kind and each.key.names(channel, priority, language)]
    return sorted(found, key=lambda each: -each.key.weight)


def chosen(targets: Sequence[Target], kind: ClockKind, channel: Channel, priority: Priority, language: str) -> Target:
    """The one that counts."""
    return ranked(targets, kind, channel, priority, language)[0]
