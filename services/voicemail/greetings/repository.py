"""The SQL of greetings."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.voicemail.greetings.resolve import Standing
from shared.errors import NotFound
from shared.greeting_targets import AnyGreetingTarget
from shared.models import (
    GreetingActivation,
    GreetingApproval,
    GreetingCheck,
    GreetingLive,
    GreetingRendition,
    GreetingSlot,
    GreetingVersion,
    Person,
    Situation,
)
from shared.settings import Settings


def lines(settings: Settings) -> list[str]:
    """Every line that has greetings, those that a phone system asks for included."""
    return list(dict.fromkeys([*settings.greeting_lines, *(target.line for target in settings.greeting_targets)]))


def targets_of(settings: Settings, line: str) -> list[AnyGreetingTarget]:
    return [target for target in settings.greeting_targets if target.line == line]


def fallback_language(settings: Settings, line: str) -> str:
    """What callers of a line hear when nothing is recorded in their language."""
    return next((target.fallback_language for target in targets_of(settings, line)), settings.languages[0])


async def ensure_slots(session: AsyncSession, settings: Settings) -> None:
    """One slot for each line, language and situation; safe to repeat."""
    wanted = {
        (line, language, situation)
        for line in lines(settings)
        for language in settings.languages
        for situation in Situation
    }
    found = await session.execute(select(GreetingSlot.line, GreetingSlot.language, GreetingSlot.situation))
    missing = sorted(wanted - {tuple(row) for row in found})
    if missing:
        rows = [{"line": line, "language": language, "situation": situation} for line, language, situation in missing]
        await session.execute(insert(GreetingSlot).values(rows).on_conflict_do_nothing())


async def slots(session: AsyncSession, line: str | None = None) -> Sequence[GreetingSlot]:
    statement = select(GreetingSlot).order_by(GreetingSlot.line, GreetingSlot.language, GreetingSlot.id)
    return (await session.scalars(statement.where(GreetingSlot.line == line) if line else statement)).all()


async def slot(session: AsyncSession, slot_id: int, *, lock: bool = False) -> GreetingSlot | None:
    """`lock` lets one writer at a time change the slot's versions and activations."""
    statement = select(GreetingSlot).where(GreetingSlot.id == slot_id)
    return await session.scalar(statement.with_for_update(key_share=True) if lock else statement)


async def slot_or_error(session: AsyncSession, slot_id: int, *, lock: bool = False) -> GreetingSlot:
    found = await slot(session, slot_id, lock=lock)
    if found is None:
        raise NotFound("There is no such greeting slot.")
    return found


async def version_or_error(session: AsyncSession, version_id: int) -> GreetingVersion:
    found = await version(session, version_id)
    if found is None:
        raise NotFound("There is no such greeting.")
    return found


async def version(session: AsyncSession, version_id: int) -> GreetingVersion | None:
    return await session.get(GreetingVersion, version_id)


async def versions(session: AsyncSession, slot_ids: Iterable[int]) -> Sequence[GreetingVersion]:
    """Newest first."""
    statement = select(GreetingVersion).where(GreetingVersion.slot_id.in_(list(slot_ids)))
    return (await session.scalars(statement.order_by(GreetingVersion.number.desc()))).all()


async def versions_with_slots(
    session: AsyncSession, version_ids: Iterable[int]
) -> Sequence[tuple[GreetingVersion, GreetingSlot]]:
    statement = (
        select(GreetingVersion, GreetingSlot)
        .join(GreetingSlot, GreetingSlot.id == GreetingVersion.slot_id)
        .where(GreetingVersion.id.in_(list(version_ids)))
    )
    return [(version, slot) for version, slot in await session.execute(statement)]


async def approvals(session: AsyncSession, version_ids: Iterable[int]) -> dict[int, GreetingApproval]:
    """By version: the newest decision."""
    statement = (
        select(GreetingApproval).where(GreetingApproval.version_id.in_(list(version_ids))).order_by(GreetingApproval.id)
    )
    return {each.version_id: each for each in await session.scalars(statement)}


async def checks(session: AsyncSession, version_ids: Iterable[int]) -> dict[int, GreetingCheck]:
    """By version."""
    statement = select(GreetingCheck).where(GreetingCheck.version_id.in_(list(version_ids)))
    return {each.version_id: each for each in await session.scalars(statement)}


async def activation(session: AsyncSession, activation_id: int) -> GreetingActivation | None:
    return await session.get(GreetingActivation, activation_id)


async def activations(session: AsyncSession, slot_ids: Iterable[int]) -> Sequence[GreetingActivation]:
    """The one that began, or will begin, last comes first."""
    statement = select(GreetingActivation).where(GreetingActivation.slot_id.in_(list(slot_ids)))
    order = (GreetingActivation.starts_at.desc(), GreetingActivation.id.desc())
    return (await session.scalars(statement.order_by(*order))).all()


async def standings(session: AsyncSession, since: datetime, line: str | None = None) -> list[Standing]:
    """Every activation that is in force at `since` or later."""
    statement = (
        select(GreetingActivation, GreetingSlot)
        .join(GreetingSlot, GreetingSlot.id == GreetingActivation.slot_id)
        .where(or_(GreetingActivation.ends_at.is_(None), GreetingActivation.ends_at > since))
        .where(or_(GreetingActivation.cancelled_at.is_(None), GreetingActivation.cancelled_at > since))
    )
    if line is not None:
        statement = statement.where(GreetingSlot.line == line)
    return [
        Standing(
            id=each.id,
            line=slot.line,
            language=slot.language,
            situation=slot.situation,
            version_id=each.version_id,
            starts_at=each.starts_at,
            ends_at=each.ends_at,
            cancelled_at=each.cancelled_at,
        )
        for each, slot in await session.execute(statement)
    ]


async def rendition(session: AsyncSession, version_id: int, target: str) -> GreetingRendition | None:
    return await session.scalar(
        select(GreetingRendition).where(GreetingRendition.version_id == version_id, GreetingRendition.target == target)
    )


async def add_rendition(session: AsyncSession, version_id: int, target: str, blob: str) -> None:
    statement = insert(GreetingRendition).values(version_id=version_id, target=target, blob=blob)
    await session.execute(statement.on_conflict_do_nothing())


async def live(session: AsyncSession) -> dict[tuple[str, str, str], GreetingLive]:
    """By line, language and target."""
    return {(row.line, row.language, row.target): row for row in (await session.scalars(select(GreetingLive))).all()}


async def names(session: AsyncSession, people: Iterable[int | None]) -> dict[int, str]:
    ids = {person for person in people if person is not None}
    if not ids:
        return {}
    found = await session.execute(select(Person.id, Person.name).where(Person.id.in_(ids)))
    return {row.id: row.name for row in found}
