"""Sessions and access tokens: makes, finds and ends them. The store only ever holds SHA-256 of a secret."""

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import HTTPConnection
from starlette.responses import Response

from shared import clock
from shared.database import Database
from shared.errors import NotSignedIn
from shared.models import AccessToken, Person, WebSession
from shared.people import Actor
from shared.settings import Settings
from shared.web.context import client_ip

IDLE = timedelta(hours=3)  # without any request
ABSOLUTE = timedelta(hours=14)  # the longest shift with its breaks; then one signs in again
TOUCH = timedelta(minutes=1)  # how exact last_seen_at and last_used_at are
TOKEN_PREFIX = "ctl_"  # noqa: S105  (lets scanners recognise a leaked token)


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def cookie_name(settings: Settings) -> str:
    """`__Host-` makes browsers refuse the cookie without Secure, with a Domain, or from another host."""
    return "__Host-centralita" if settings.secure_cookies else "centralita"


async def open_session(session: AsyncSession, settings: Settings, request: HTTPConnection, person_id: int) -> str:
    """A new session's token for the cookie. A session that this browser had before ends: tokens rotate."""
    await end_session(session, settings, request)
    token = secrets.token_urlsafe(32)
    now = clock.now()
    session.add(
        WebSession(
            token_hash=digest(token),
            person_id=person_id,
            csrf_token=secrets.token_urlsafe(24),
            user_agent=request.headers.get("user-agent", "")[:400],
            ip=client_ip(request),
            created_at=now,
            last_seen_at=now,
            expires_at=now + ABSOLUTE,
        )
    )
    await session.flush()
    return token


async def end_session(session: AsyncSession, settings: Settings, request: HTTPConnection) -> None:
    """Ends the session of this browser, if it has one."""
    if token := request.cookies.get(cookie_name(settings)):
        await session.execute(
            update(WebSession)
            .where(WebSession.token_hash == digest(token), WebSession.ended_at.is_(None))
            .values(ended_at=clock.now())
        )


async def end_sessions_of(session: AsyncSession, person_id: int) -> None:
    """Signs a person out everywhere."""
    await session.execute(
        update(WebSession)
        .where(WebSession.person_id == person_id, WebSession.ended_at.is_(None))
        .values(ended_at=clock.now())
    )


def set_cookie(response: Response, settings: Settings, token: str) -> None:
    response.set_cookie(
        cookie_name(settings),
        token,
        max_age=int(ABSOLUTE.total_seconds()),
        path="/",
        secure=settings.secure_cookies,
        httponly=True,
        samesite="lax",
    )


def clear_cookie(response: Response, settings: Settings) -> None:
    response.delete_cookie(
        cookie_name(settings), path="/", secure=settings.secure_cookies, httponly=True, samesite="lax"
    )


async def identify(request: HTTPConnection, database: Database, settings: Settings) -> Actor | None:
    """Who asks: by `Authorization: Bearer ctl_…`, else by the session cookie; None for a stranger.

    In a short transaction of its own, so that a request that fails later was still seen, and no row of the session
    stays locked while the request works. Raises NotSignedIn for a token that is wrong, expired or revoked.
    """
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return await _by_token(request, database, credentials.strip())
    if token := request.cookies.get(cookie_name(settings)):
        return await _by_session(request, database, token)
    return None


async def _by_token(request: HTTPConnection, database: Database, secret: str) -> Actor:
    now = clock.now()
    async with database.transaction() as session:
        found = (
            await session.execute(
                select(AccessToken, Person)
                .join(Person, Person.id == AccessToken.person_id)
                .where(AccessToken.token_hash == digest(secret), AccessToken.revoked_at.is_(None), Person.active)
            )
        ).one_or_none()
        if found is None or (found[0].expires_at is not None and found[0].expires_at <= now):
            raise NotSignedIn("This access token is not valid: it is unknown, expired or revoked.")
        row, person = found
        if row.last_used_at is None or row.last_used_at < now - TOUCH:
            await session.execute(update(AccessToken).where(AccessToken.id == row.id).values(last_used_at=now))
        return Actor(
            id=person.id,
            name=person.name,
            email=person.email,
            role=person.role,
            ui_language=person.ui_language,
            scopes=frozenset(row.scopes),
            ip=client_ip(request),
        )


async def _by_session(request: HTTPConnection, database: Database, token: str) -> Actor | None:
    now = clock.now()
    async with database.transaction() as session:
        found = (
            await session.execute(
                select(WebSession, Person)
                .join(Person, Person.id == WebSession.person_id)
                .where(
                    WebSession.token_hash == digest(token),
                    WebSession.ended_at.is_(None),
                    WebSession.expires_at > now,
                    WebSession.last_seen_at > now - IDLE,
                    Person.active,
                )
            )
        ).one_or_none()
        if found is None:
            return None
        row, person = found
        if row.last_seen_at < now - TOUCH:
            await session.execute(
                update(WebSession).where(WebSession.token_hash == row.token_hash).values(last_seen_at=now)
            )
        return Actor(
            id=person.id,
            name=person.name,
            email=person.email,
            role=person.role,
            ui_language=person.ui_language,
            ip=client_ip(request),
            csrf_token=row.csrf_token,
        )
