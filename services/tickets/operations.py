"""What is wrong with the machines, and what to do about it: problems and mailboxes."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.models import (
    Mailbox,
    MailboxState,
    Problem,
)
from shared.people import Actor, Permission


class ProblemView(BaseModel):
    """A machine's failure that somebody can act on."""

    model_config = ConfigDict(frozen=True)

    id: int
    service: str
    key: str
    message: str
    hint: str = Field(description="What to do about it.")
    count: int
    first_at: datetime
    last_at: datetime
    resolved_at: datetime | None


class MailboxView(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: int
    name: str
    address: str
    state: MailboxState
    last_seen_at: datetime | None = Field(description="Last good answer of the server.")
    last_error: str | None
    last_error_at: datetime | None


async def problems(session: AsyncSession, me: Actor, *, include_resolved: bool = False) -> list[ProblemView]:
    """Open ones first, the newest first; with `include_resolved` also the last hundred that are over."""
    me.require(Permission.HEALTH_READ)
    statement = select(Problem).order_by(Problem.resolved_at.is_(None).desc(), Problem.last_at.desc()).limit(200)
    if not include_resolved:
        statement = statement.where(Problem.resolved_at.is_(None))
    return [
        ProblemView(
            id=row.id,
            service=row.service,
            key=row.key,
            message=row.message,
            hint=row.hint,
            count=row.count,
            first_at=row.first_at,
            last_at=row.last_at,
            resolved_at=row.resolved_at,
        )
        for row in await session.scalars(statement)
    ]


async def mailboxes(session: AsyncSession, me: Actor) -> list[MailboxView]:
    me.require(Permission.HEALTH_READ)
    return [
        MailboxView(
            id=row.id,
            name=row.name,
            address=row.address,
            state=row.state,
            last_seen_at=row.last_seen_at,
            last_error=row.last_error,
            last_error_at=row.last_error_at,
        )
        for row in await session.scalars(select(Mailbox).order_by(Mailbox.name))
    ]
