"""Which greeting the caller of a voicemail had heard: what was played on that line, in that language, at that time."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.views.models import GreetingHeard
from shared.models import GreetingAiring, GreetingSlot, GreetingVersion, Recording


async def heard_before(session: AsyncSession, recordings: Sequence[Recording]) -> dict[int, GreetingHeard]:
    """By recording. Where nobody knows the caller's language, what is played to such callers."""
    if not recordings:
        return {}
    times = [recording.called_at for recording in recordings]
    statement = (
        select(GreetingAiring, GreetingVersion.number, GreetingSlot)
        .outerjoin(GreetingVersion, GreetingVersion.id == GreetingAiring.version_id)
        .outerjoin(GreetingSlot, GreetingSlot.id == GreetingVersion.slot_id)
        .where(GreetingAiring.started_at <= max(times))
        .where(or_(GreetingAiring.ended_at.is_(None), GreetingAiring.ended_at > min(times)))
        .order_by(GreetingAiring.id)
    )
    airings = (await session.execute(statement)).all()
    return {
        recording.id: GreetingHeard(
            version_id=airing.version_id,
            number=number,
            slot_id=slot.id if slot is not None else None,
            language=slot.language if slot is not None else airing.language,
            situation=airing.situation,
        )
        for recording in recordings
        for airing, number, slot in _of(recording, airings)
    }


def _of(recording: Recording, airings: Iterable[Any]) -> list[Any]:
    """The one that fits best, or none."""
    at = recording.called_at
    then = [
        each for each in airings if each[0].started_at <= at and (each[0].ended_at is None or each[0].ended_at > at)
    ]
    by_mailbox = [each for each in then if recording.mailbox and each[0].mailbox == recording.mailbox]
    by_line = [each for each in then if recording.line and each[0].line == recording.line]
    # A center with one line need not name it.
    alone = then if len({each[0].line for each in then}) == 1 else []
    place = by_mailbox or by_line or alone
    spoken = [each for each in place if each[0].language == recording.menu_language]
    return (spoken or [each for each in place if each[0].is_fallback])[:1]
