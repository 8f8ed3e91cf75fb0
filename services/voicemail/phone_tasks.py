"""What a phone system is told once a ticket stands: read, moved, removed. Never before, never by touching files."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from sqlalchemy import func, or_, select
from sqlalchemy.orm import aliased

from shared import clock
from shared.database import Database
from shared.models import Intake, PhoneTask, Recording

log = structlog.get_logger(__name__)

RETRY_AFTER = (timedelta(seconds=30), timedelta(minutes=5), timedelta(hours=1), timedelta(hours=6))
BATCH = 50


async def work_off(
    database: Database, system: str, tell: Callable[[dict[str, str]], Awaitable[None]], refusal: type[Exception]
) -> int:
    """Tell the system of every message whose ticket stands; how many it took.

    `refusal` is what `tell` raises when the system refuses this one: it is tried again later, and given up in the end,
    for somebody may have moved or deleted the message at the telephone. Anything else that `tell` raises is raised.
    """
    done = 0
    for recording_id, message in await _due(database, system):
        try:
            await tell(message)
        except refusal as error:
            await _refused(database, recording_id, str(error))
            continue
        done += 1
        async with database.transaction() as session:
            task = await session.get_one(PhoneTask, recording_id, with_for_update=True)
            task.next_attempt_at = task.error = None
            task.attempts += 1
        log.info("phone_task.done", system=system, recording=recording_id)
    return done


async def _due(database: Database, system: str) -> list[tuple[int, dict[str, str]]]:
    """A recording that is the same call as another has the other's ticket."""
    ticketed = aliased(Intake)
    async with database.transaction() as session:
        rows = await session.execute(
            select(PhoneTask.recording_id, PhoneTask.message)
            .join(Recording, Recording.id == PhoneTask.recording_id)
            .join(ticketed, ticketed.recording_id == func.coalesce(Recording.same_as, Recording.id))
            .where(
                PhoneTask.system == system,
                PhoneTask.next_attempt_at <= clock.now(),
                ticketed.ticket_id.is_not(None),
                or_(Recording.blob.is_not(None), Recording.same_as.is_not(None)),
            )
            .order_by(PhoneTask.next_attempt_at)
            .limit(BATCH)
        )
        return [(row[0], row[1]) for row in rows]


async def _refused(database: Database, recording_id: int, error: str) -> None:
    async with database.transaction() as session:
        task = await session.get_one(PhoneTask, recording_id, with_for_update=True)
        again = RETRY_AFTER[task.attempts] if task.attempts < len(RETRY_AFTER) else None
        task.attempts += 1
        task.error = error[:500]
        task.next_attempt_at = clock.now() + again if again is not None else None
    log.warning("phone_task.refused", recording=recording_id, error=error, given_up=again is None)
