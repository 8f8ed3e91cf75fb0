"""Who could hear what when: written as it is proven, asked for when somebody wants to know what a caller had heard."""

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.voicemail.greetings.place import Place
from shared import clock
from shared.models import GreetingAiring, Situation


async def note(
    session: AsyncSession,
    place: Place,
    situation: Situation,
    *,
    version_id: int | None = None,
    drift_id: int | None = None,
) -> None:
    """From now on callers hear this. Safe to repeat."""
    now = clock.now()
    target = place.target
    open_one = await session.scalar(
        select(GreetingAiring).where(
            GreetingAiring.line == target.line,
            GreetingAiring.language == place.language,
            GreetingAiring.target == target.name,
            GreetingAiring.ended_at.is_(None),
        )
    )
    if open_one is not None:
        heard = (open_one.version_id, open_one.drift_id, open_one.situation, open_one.mailbox)
        if heard == (version_id, drift_id, situation, target.mailbox_name):
            return
        open_one.ended_at = max(now, open_one.started_at)
        await session.flush()
    session.add(
        GreetingAiring(
            line=target.line,
            language=place.language,
            target=target.name,
            mailbox=target.mailbox_name,
            is_fallback=place.language == target.fallback_language,
            version_id=version_id,
            drift_id=drift_id,
            situation=situation,
            started_at=now,
        )
    )


async def between(
    session: AsyncSession, since: datetime, until: datetime, line: str | None = None, limit: int = 500
) -> list[GreetingAiring]:
    """What could be heard from `since` to `until`, the newest first; equal instants: what was heard then."""
    statement = (
        select(GreetingAiring)
        .where(GreetingAiring.started_at <= until)
        .where(or_(GreetingAiring.ended_at.is_(None), GreetingAiring.ended_at > since))
        .order_by(GreetingAiring.started_at.desc(), GreetingAiring.id.desc())
        .limit(limit)
    )
    if line is not None:
        statement = statement.where(GreetingAiring.line == line)
    return list(await session.scalars(statement))
