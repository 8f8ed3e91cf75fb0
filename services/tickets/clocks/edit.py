"""What supervisors set: targets, by channel, priority and language. Open tickets follow at once (changes.py)."""

import re

from sqlalchemy import Select, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.clocks import changes
from services.tickets.clocks.rules import set_targets, target_of
from services.tickets.clocks.targets import MAX_MINUTES, Key, Target, in_force
from shared import audit, clock
from shared.errors import Invalid, NotFound
from shared.models import SlaTarget
from shared.people import Actor, Permission

_LANGUAGE = re.compile(r"[a-z]{2}|mixed|unknown")


async def targets(session: AsyncSession) -> list[Target]:
    """All that are in force, the most specific of each kind first."""
    return in_force(await set_targets(session))


async def set_target(
    session: AsyncSession, me: Actor, key: Key, minutes: int | None, *, around_clock: bool = False
) -> Target:
    """Set what is promised to the tickets that `key` names; `minutes` None: nothing. Raises Invalid."""
    me.require(Permission.TARGET_WRITE)
    if key.language is not None and not _LANGUAGE.fullmatch(key.language):
        raise Invalid("Please choose a language.", field="language")
    if minutes is not None and not 1 <= minutes <= MAX_MINUTES:
        raise Invalid("Give minutes from 1 to {limit}.", field="minutes", limit=MAX_MINUTES)
    await _lock(session)
    row = await session.scalar(_row(key))
    before = None if row is None else _said(target_of(row))
    if row is None:
        row = SlaTarget(kind=key.kind, channel=key.channel, priority=key.priority, language=key.language)
        session.add(row)
    row.minutes, row.around_clock = minutes, around_clock and minutes is not None
    row.updated_at, row.updated_by_id = clock.now(), me.id
    await session.flush()
    now = _said(target_of(row))
    if now != before:
        await _changed(session, me, "target.set", row, before, now)
    return target_of(row)


async def remove_target(session: AsyncSession, me: Actor, target_id: int) -> None:
    """Take a target away. Where the product has one of its own for the same tickets, that counts again."""
    me.require(Permission.TARGET_WRITE)
    await _lock(session)
    row = await session.get(SlaTarget, target_id)
    if row is None:
        raise NotFound("There is no such target.")
    before = _said(target_of(row))
    await session.delete(row)
    await session.flush()
    await _changed(session, me, "target.remove", row, before, None)


async def _lock(session: AsyncSession) -> None:
    await session.execute(text("LOCK TABLE sla_target IN SHARE ROW EXCLUSIVE MODE"))


def _row(key: Key) -> Select[SlaTarget]:
    return select(SlaTarget).where(
        SlaTarget.kind == key.kind,
        SlaTarget.channel.is_not_distinct_from(key.channel),
        SlaTarget.priority.is_not_distinct_from(key.priority),
        SlaTarget.language.is_not_distinct_from(key.language),
    )


def _said(target: Target) -> dict[str, object]:
    return {"minutes": target.minutes, "around_clock": target.around_clock}


async def _changed(
    session: AsyncSession,
    me: Actor,
    action: str,
    row: SlaTarget,
    before: dict[str, object] | None,
    after: dict[str, object] | None,
) -> None:
    names = {name: getattr(row, name) for name in ("kind", "channel", "priority", "language")}
    audit.record(
        session, me.id, action, object_type="sla_target", object_id=row.id,
        detail={"for": {name: value for name, value in names.items() if value is not None},
                "before": before, "after": after},
        ip=me.ip,
    )  # fmt: skip
    await changes.targets_changed(session, me)
