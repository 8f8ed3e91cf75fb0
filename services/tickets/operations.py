"""What is wrong with the machines, and what to do about it."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.models import Problem
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
