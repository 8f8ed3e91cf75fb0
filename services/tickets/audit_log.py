"""Reading the audit log: who looked at or changed what, newest first."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import cursors
from shared import audit
from shared.models import AuditEvent, Person
from shared.people import Actor, Permission


class AuditFilter(BaseModel):
    actor_id: int | None = None
    ticket_id: int | None = None
    action: str = Field(default="", max_length=100, description="`ticket.view`, or `ticket.` for all about tickets.")
    since: datetime | None = None
    until: datetime | None = None


class AuditView(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: int
    at: datetime
    actor_id: int | None = Field(description="Null: the system.")
    actor: str | None
    action: str
    object_type: str
    object_id: str
    ticket_id: int | None
    detail: dict[str, Any]
    ip: str


class AuditPage(BaseModel):
    items: list[AuditView]
    next: str | None = Field(description="Cursor of the next page; null on the last.")


async def read(
    session: AsyncSession, me: Actor, wanted: AuditFilter, cursor: str | None = None, limit: int = 50
) -> AuditPage:
    """One page. Reading the log is an event too."""
    me.require(Permission.AUDIT_READ)
    statement = (
        select(AuditEvent, Person.name)
        .outerjoin(Person, Person.id == AuditEvent.actor_id)
        .order_by(AuditEvent.id.desc())
    )
    if wanted.actor_id is not None:
        statement = statement.where(AuditEvent.actor_id == wanted.actor_id)
    if wanted.ticket_id is not None:
        statement = statement.where(AuditEvent.ticket_id == wanted.ticket_id)
    if wanted.action.endswith("."):
        statement = statement.where(AuditEvent.action.startswith(wanted.action, autoescape=True))
    elif wanted.action:
        statement = statement.where(AuditEvent.action == wanted.action)
    if wanted.since is not None:
        statement = statement.where(AuditEvent.at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(AuditEvent.at < wanted.until)
    if cursor:
        statement = statement.where(AuditEvent.id < cursors.decode(cursor))
    found = list(await session.execute(statement.limit(limit + 1)))
    page = found[:limit]
    asked = wanted.model_dump(mode="json", exclude_defaults=True)
    audit.record(session, me.id, "audit.view", object_type="audit", detail=asked, ip=me.ip)
    return AuditPage(
        items=[
            AuditView(
                id=event.id,
                at=event.at,
                actor_id=event.actor_id,
                actor=actor,
                action=event.action,
                object_type=event.object_type,
                object_id=event.object_id,
                ticket_id=event.ticket_id,
                detail=event.detail,
                ip=event.ip,
            )
            for event, actor in page
        ],
        next=cursors.encode(page[-1][0].id) if len(found) > limit else None,
    )
