"""Personal access tokens: made once, shown once, limited to scopes, revocable."""

import secrets
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared import audit, clock
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.models import AccessToken, Person, Role
from shared.people import PERMISSIONS, Actor, Permission
from shared.web import auth

LONGEST_DAYS = 366
MOST = 20


class TokenView(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: int
    person_id: int
    name: str
    scopes: list[str] = Field(description="Permissions that the token may use, if its person still has them.")
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")
    revoked_at: datetime | None


def _view(row: AccessToken) -> TokenView:
    return TokenView(
        id=row.id,
        person_id=row.person_id,
        name=row.name,
        scopes=row.scopes,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )


async def list_tokens(session: AsyncSession, me: Actor, person_id: int | None = None) -> list[TokenView]:
    """One's own; of others for who manages people."""
    if person_id is not None and person_id != me.id:
        me.require(Permission.PEOPLE_WRITE)
        if await session.get(Person, person_id) is None:
            raise NotFound("There is no such person.")
    rows = await session.scalars(
        select(AccessToken).where(AccessToken.person_id == (person_id or me.id)).order_by(AccessToken.id.desc())
    )
    return [_view(row) for row in rows]


async def create_token(
    session: AsyncSession,
    me: Actor,
    *,
    name: str,
    scopes: list[str],
    days: int = 90,
    person_id: int | None = None,
) -> tuple[TokenView, str]:
    """The token's facts and, only now, the token. For oneself, or for a machine by who manages people."""
    if me.scopes is not None:
        raise Forbidden("A token cannot make tokens: sign in.")
    owner = await session.get(Person, person_id or me.id, with_for_update={"key_share": True})
    if owner is None:
        raise NotFound("There is no such person.")
    if owner.id != me.id:
        me.require(Permission.PEOPLE_WRITE)
        if owner.role is not Role.SERVICE:
            raise Forbidden("People make their own tokens; others make them for machines only.")
    if not owner.active:
        raise Conflict("This account is not active.")
    plain = " ".join(name.split())
    if not plain:
        raise Invalid("A name is needed, so that you know later what the token is for.", field="name")
    if not 1 <= days <= LONGEST_DAYS:
        raise Invalid("A token lasts from 1 to {longest} days.", field="days", longest=LONGEST_DAYS)
    wanted = sorted(set(scopes))
    if not wanted:
        raise Invalid("Choose at least one scope.", field="scopes")
    for scope in wanted:
        if scope not in {permission.value for permission in PERMISSIONS[owner.role]}:
            raise Invalid(
                "The scope {scope} does not exist or is not allowed to this role.", field="scopes", scope=scope
            )
    usable = select(func.count()).where(
        AccessToken.person_id == owner.id, AccessToken.revoked_at.is_(None), AccessToken.expires_at > clock.now()
    )
    if (await session.scalar(usable) or 0) >= MOST:
        raise Conflict("There are {most} tokens already. Revoke one first.", most=MOST)
    secret = auth.TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = AccessToken(
        person_id=owner.id,
        name=plain[:100],
        token_hash=auth.digest(secret),
        scopes=wanted,
        expires_at=clock.now() + timedelta(days=days),
    )
    session.add(row)
    await session.flush()
    audit.record(
        session, me.id, "token.create", object_type="access_token", object_id=row.id,
        detail={"person": owner.id, "name": row.name, "scopes": wanted, "days": days}, ip=me.ip,
    )  # fmt: skip
    return _view(row), secret


async def revoke_token(session: AsyncSession, me: Actor, token_id: int) -> None:
    """One's own; anybody's for who manages people. A token that is somebody else's is not there for others."""
    row = await session.get(AccessToken, token_id, with_for_update=True)
    if row is None or (row.person_id != me.id and not me.may(Permission.PEOPLE_WRITE)):
        raise NotFound("There is no such token.")
    if row.revoked_at is not None:
        return
    row.revoked_at = clock.now()
    audit.record(
        session, me.id, "token.revoke", object_type="access_token", object_id=row.id,
        detail={"person": row.person_id, "name": row.name}, ip=me.ip,
    )  # fmt: skip
