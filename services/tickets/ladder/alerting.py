"""The alerts that nobody is there who may answer: one at a time for each way of answering, not one for each ticket."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.alerts import open_alert
from services.tickets.ladder import repository
from services.tickets.ladder.look import Look
from services.tickets.locks import lock_last, lock_ticket
from shared.database import Database
from shared.models import Alert, AlertKind, Missing, Priority, Ticket

# Once somebody has taken the alert that nobody is there, they know for a while.
QUIET = timedelta(minutes=30)


def kind_of(lacks: Missing) -> AlertKind:
    return AlertKind.NO_CSR2 if lacks is Missing.LEVEL else AlertKind.NO_BILINGUAL


@dataclass(frozen=True, slots=True)
class Told:
    """`alert_id`: of the alert that stands for this ticket; None: one who has just taken it knows."""

    alert_id: int | None
    new: bool = False


async def tell_shift_leads(session: AsyncSession, ticket: Ticket, lacks: Missing, now: datetime) -> Told:
    """See to it that shift leads know.

    A morning without a bilingual is one line on the board and not a hundred; an emergency always has its own.
    """
    kind, mode = kind_of(lacks), repository.mode_of(ticket)
    await lock_last(session, [f"ladder:alert:{kind}:{mode}"])
    same = and_(Alert.kind == kind, Alert.detail["mode"].astext == mode)
    if ticket.priority is Priority.EMERGENCY:
        same = and_(same, Alert.ticket_id == ticket.id)
    known = (
        await session.execute(
            select(Alert.id, Alert.taken_at)
            .where(same, or_(Alert.taken_at.is_(None), Alert.taken_at > now - QUIET))
            .order_by(Alert.taken_at.is_not(None), Alert.id.desc())
            .limit(1)
        )
    ).one_or_none()
    if known is not None:
        return Told(known.id if known.taken_at is None else None)
    detail: dict[str, object] = {"language": ticket.language, "mode": mode}
    return Told(await open_alert(session, kind, ticket.id, detail), new=True)


async def tell_at_once(database: Database, look: Look, kinds: Sequence[repository.Kind]) -> int:
    """A Spanish ticket waits while the center is open and no verified bilingual is there: shift leads hear at once.

    Only of what is certainly for them, so that a language nobody knows does not cry wolf. Returns how many alerts are
    new.
    """
    if not look.open_time.is_open(look.now):
        return 0
    certain = (look.situation.policy.verified_language, "mixed")
    lacking: dict[bool, tuple[repository.Kind, Missing]] = {}
    for kind in kinds:
        lacks, _ = look.path(kind.example())
        if kind.language in certain and lacks in (Missing.LANGUAGE, Missing.BOTH):
            lacking.setdefault(kind.written, (kind, lacks))
    raised = 0
    for kind, lacks in lacking.values():
        async with database.transaction() as session:
            for ticket in await repository.waiting(session, kind, 0, 1):
                # Before the lock on the alert, as whoever climbs does.
                await lock_ticket(session, ticket.id)
                raised += (await tell_shift_leads(session, ticket, lacks, look.now)).new
    return raised
