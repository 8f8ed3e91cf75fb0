"""How fast mail goes to one domain: turns at an interval, few at a time, and slower while the domain says «later».

Receiving systems count connections and mails per sender and defer whoever comes in a burst (421, 450, 451; M3AAWG's
sender practices say to spread them). Every mail that cannot go at once is given a turn of its own, so a thousand mails
to one domain are looked at a thousand times, not a million. What is urgent never waits for a turn.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import idna

from shared.models import DeliveryKind, MailDomain

URGENT = frozenset({DeliveryKind.SAFETY, DeliveryKind.PAGE})  # somebody may be in danger
SLOW_INTERVAL = timedelta(seconds=5)  # between two tries at a domain that said «later»
SLOW_FLOOR, SLOW_CEILING = timedelta(seconds=30), timedelta(minutes=15)
# When as many as may be are on their way: one of ours that ends wakes the next, of another process we hear nothing.
BUSY_WAIT = timedelta(seconds=2)
STALE_AFTER = (
    10  # intervals: a turn that was missed by more (nothing ran) is given anew, so that they do not come at once
)


@dataclass(frozen=True)
class Pace:
    interval: timedelta
    concurrency: int


@dataclass(frozen=True)
class Turn:
    """`wait_until` None: it goes now. `slot_at`: the turn it has now, if it must wait. `crowded`: it waits for others,
    and may go as soon as one of them ends."""

    wait_until: datetime | None
    slot_at: datetime | None = None
    crowded: bool = False


def domain_of(address: str) -> str:
    """Lower case, in A-labels where it can be written so; '' when there is none."""
    domain = address.rpartition("@")[2].strip().lower()
    if domain.isascii():
        return domain
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return domain


def domains_of(addresses: Iterable[str]) -> list[str]:
    return sorted({domain_of(address) for address in addresses})


def take_turn(domain: MailDomain, *, active: int, slot_at: datetime | None, pace: Pace, now: datetime) -> Turn:
    """Whether a mail to this domain may begin now. Notes in `domain` what was decided: the caller holds its lock.

    `active`: mails to it that are on their way. `slot_at`: the turn that this mail was given earlier.
    """
    free = _free(domain, pace, now)
    has_turn = slot_at is not None and slot_at <= now <= slot_at + STALE_AFTER * _interval(domain, pace)
    nobody_ahead = domain.next_slot_at is None or domain.next_slot_at <= now
    room = active < (1 if domain.refusals else pace.concurrency)
    if now >= free and room and (has_turn or nobody_ahead):
        begin(domain, pace, now)
        return Turn(None)
    slot = slot_at if has_turn else give_turn(domain, pace, now)
    after = free if has_turn or slot is None else slot
    return Turn(after, slot) if room else Turn(max(after, now + BUSY_WAIT), slot, crowded=True)


def give_turn(domain: MailDomain, pace: Pace, now: datetime) -> datetime:
    """The next turn at this domain that nobody has yet: now or later."""
    slot = max(filter(None, (domain.next_slot_at, _free(domain, pace, now), now)))
    domain.next_slot_at = slot + _interval(domain, pace)
    return slot


def _free(domain: MailDomain, pace: Pace, now: datetime) -> datetime:
    """From when on the next mail may begin."""
    last = domain.last_at and domain.last_at + _interval(domain, pace)
    return max(filter(None, (last, domain.slowed_until)), default=now)


def _interval(domain: MailDomain, pace: Pace) -> timedelta:
    return max(pace.interval, SLOW_INTERVAL) if domain.refusals else pace.interval


def begin(domain: MailDomain, pace: Pace, now: datetime) -> None:
    """A mail to the domain begins."""
    domain.last_at = now
    domain.next_slot_at = max(filter(None, (domain.next_slot_at, now + pace.interval)))


def refuse(domain: MailDomain, words: str, now: datetime) -> None:
    """It said «later»: everything for it waits, twice as long at each refusal in a row."""
    domain.refusals += 1
    domain.slowed_until = now + min(SLOW_CEILING, SLOW_FLOOR * 2.0 ** min(domain.refusals - 1, 10))
    domain.last_error = words[:500]
