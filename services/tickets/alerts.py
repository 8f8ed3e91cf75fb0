"""Alerts: what a shift lead must know stays on the board until somebody takes it."""

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared import audit, clock
from shared.errors import Conflict, NotFound
from shared.events import Event, publish
from shared.models import Alert, AlertKind, Entry, EntryKind
from shared.people import Actor, Permission


async def raise_alert(
    session: AsyncSession, kind: AlertKind, ticket_id: int, detail: dict[str, object] | None = None
) -> bool:
    """Put it on the board and the ticket's timeline. False: it is open already."""
    return await open_alert(session, kind, ticket_id, detail) is not None


async def open_alert(
    session: AsyncSession, kind: AlertKind, ticket_id: int, detail: dict[str, object] | None = None
) -> int | None:
    """The same, and the number of the new alert; None: it is open already, the table refuses a second one."""
    statement = (
        insert(Alert)
        .values(kind=kind, ticket_id=ticket_id, detail=detail or {})
        .on_conflict_do_nothing(
            index_elements=["kind", "ticket_id"], index_where=text("taken_at IS NULL AND ticket_id IS NOT NULL")
        )
        .returning(Alert.id)
    )
    alert_id: int | None = await session.scalar(statement)
    if alert_id is None:
        return None
    session.add(
        Entry(
            ticket_id=ticket_id,
            kind=EntryKind.ALERT,
            detail={"alert_id": alert_id, "alert": kind.value, **(detail or {})},
        )
    )
    await publish(session, Event("alert", alert_id, what=kind.value))
    await publish(session, Event("ticket", ticket_id, what="alert"))
    return alert_id


async def take_alert(session: AsyncSession, me: Actor, alert_id: int) -> Alert:
    """Say «I have it». Conflict: somebody else has."""
    me.require(Permission.ALERT_TAKE)
    alert: Alert | None = await session.scalar(select(Alert).where(Alert.id == alert_id).with_for_update())
    if alert is None:
        raise NotFound("There is no alert {number}.", number=alert_id)
    if alert.taken_by_id == me.id:
        return alert
    if alert.taken_at is not None:
        raise Conflict("Somebody else has taken this alert.")
    alert.taken_at = clock.now()
    alert.taken_by_id = me.id
    audit.record(
        session, me.id, "alert.take", object_type="alert", object_id=alert.id, ticket_id=alert.ticket_id, ip=me.ip
    )
    await publish(session, Event("alert", alert.id, what="taken"))
    return alert
