"""What clocks are counted by: the calendar, the targets, and the newest change of either that these hold."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.clocks.count import Scale
from services.tickets.clocks.targets import Key, Target, chosen, in_force
from services.tickets.remembered import Remembered
from shared.calendar import OpenTime, load_open_time
from shared.models import ClockKind, SlaChange, SlaTarget, Ticket
from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class Rules:
    open_time: OpenTime
    targets: list[Target]
    revision: int
    warn_share: float

    def scale(self, around_clock: bool) -> Scale:
        return Scale(self.open_time, around_clock)

    def target(self, ticket: Ticket, kind: ClockKind) -> Target:
        return chosen(self.targets, kind, ticket.channel, ticket.priority, ticket.language)


_rules: Remembered[Rules] = Remembered(seconds=5)


async def rules(session: AsyncSession, settings: Settings) -> Rules:
    """As they stand, or as they stood a few seconds ago: what a clock misses by that, its revision makes up for."""
    key = settings.timezone, settings.due_warning_share
    return await _rules.get(session, key, lambda: load_rules(session, settings))


async def load_rules(session: AsyncSession, settings: Settings) -> Rules:
    # The revision before what it is a revision of: a change that comes between is applied once more, not left out.
    revision = await session.scalar(select(func.max(SlaChange.id)))
    targets = await set_targets(session)
    open_time = await load_open_time(session, settings)
    return Rules(open_time, in_force(targets), int(revision or 0), settings.due_warning_share)


async def set_targets(session: AsyncSession) -> list[Target]:
    """Those that somebody set."""
    return [target_of(row) for row in await session.scalars(select(SlaTarget))]


def target_of(row: SlaTarget) -> Target:
    return Target(Key(row.kind, row.channel, row.priority, row.language), row.minutes, row.around_clock, id=row.id)
