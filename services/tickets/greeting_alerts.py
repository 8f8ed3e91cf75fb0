"""Tells shift leads that callers hear what nobody here published."""

from sqlalchemy import Text, cast, select

from shared.database import Database
from shared.events import Event, publish
from shared.models import Alert, AlertKind, GreetingDrift


async def tell_changed_greetings(database: Database) -> int:
    """Once for each greeting that somebody changed on the phone system, while nobody has decided about it."""
    told = select(Alert.detail["drift_id"].astext).where(Alert.kind == AlertKind.GREETING)
    undecided = select(GreetingDrift).where(GreetingDrift.settled_at.is_(None), GreetingDrift.decision.is_(None))
    async with database.transaction() as session:
        found = (await session.scalars(undecided.where(cast(GreetingDrift.id, Text).not_in(told)))).all()
        for drift in found:
            detail = {"drift_id": drift.id, "line": drift.line, "language": drift.language, "target": drift.target}
            alert = Alert(kind=AlertKind.GREETING, detail=detail)
            session.add(alert)
            await session.flush()
            await publish(session, Event("alert", alert.id, what=AlertKind.GREETING.value))
        return len(found)
