"""Who looked at or changed what. The table is append-only, by trigger."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.models import AuditEvent


def record(
    session: AsyncSession,
    actor_id: int | None,
    action: str,
    *,
    object_type: str = "",
    object_id: object = "",
    ticket_id: int | None = None,
    detail: dict[str, object] | None = None,
    ip: str = "",
) -> None:
    """Add one event to this transaction. `action` is noun.verb: ticket.view, greeting.activate."""
    session.add(
        AuditEvent(
            actor_id=actor_id,
            action=action,
            object_type=object_type,
            object_id=str(object_id),
            ticket_id=ticket_id,
            detail=detail or {},
            ip=ip,
        )
    )
