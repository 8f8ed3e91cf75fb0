"""Signing in and out: who guesses is slowed down, who knows the password is let in."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import HTTPConnection

from services.tickets import passwords
from shared import audit, clock
from shared.database import Database
from shared.errors import NotSignedIn, TooMany
from shared.models import Person, Role, SignInAttempt
from shared.people import Actor
from shared.settings import Settings
from shared.web import auth
from shared.web.context import client_ip

WINDOW = timedelta(minutes=15)
FREE_TRIES = 5  # wrong passwords for one account before one has to wait
LONGEST_WAIT = timedelta(seconds=60)
PER_ADDRESS = 30  # wrong passwords from one address in the window, whatever the accounts
KNOWN_ADDRESS = timedelta(days=30)


async def sign_in(
    database: Database, settings: Settings, request: HTTPConnection, *, email: str, password: str
) -> tuple[Person, str]:
    """The person and the token for the cookie. Raises NotSignedIn, or TooMany with the seconds to wait.

    The try is written down, as a wrong one, before the password is looked at: many tries at once count as many.
    """
    email = email.strip().lower()[:254]
    ip = client_ip(request)
    async with database.transaction() as session:
        attempt_id = await _admit(session, email, ip)
        person = await session.scalar(select(Person).where(Person.email == email))
    may = person is not None and person.active and person.role is not Role.SERVICE
    right, fresh_hash = await passwords.verify(password, person.password_hash if person and may else None)
    async with database.transaction() as session:
        if person is None or not right:
            audit.record(
                session, None, "sign_in.failed", object_type="person", object_id=person.id if person else "", ip=ip
            )
        else:
            await session.execute(update(SignInAttempt).where(SignInAttempt.id == attempt_id).values(succeeded=True))
            if fresh_hash is not None:
                await session.execute(update(Person).where(Person.id == person.id).values(password_hash=fresh_hash))
            token = await auth.open_session(session, settings, request, person.id)
            audit.record(session, person.id, "sign_in.succeeded", object_type="person", object_id=person.id, ip=ip)
            return person, token
    raise NotSignedIn(
        "This email address and password do not belong together. Try again, or have a manager set a new password."
    )


async def _admit(session: AsyncSession, email: str, ip: str) -> int:
    """Writes the try down and returns its id, or raises TooMany. One at a time for each account and address."""
    for name in sorted({f"sign-in:{email}", f"sign-in:{ip}"}):
        await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})
    now = clock.now()
    until = max(await _address_waits_until(session, ip, now), await _account_waits_until(session, email, ip, now))
    if until > now:
        seconds = int((until - now).total_seconds()) + 1
        raise TooMany("Too many wrong passwords. Try again in {retry_after_s} seconds.", retry_after_s=seconds)
    attempt = SignInAttempt(email=email, ip=ip, succeeded=False, at=now)
    session.add(attempt)
    await session.flush()
    return attempt.id


async def _address_waits_until(session: AsyncSession, ip: str, now: datetime) -> datetime:
    failures, last = await _failures(session, SignInAttempt.ip == ip, since=now - WINDOW)
    if last is None or failures < PER_ADDRESS:
        return now
    return last + min(timedelta(seconds=1 + failures - PER_ADDRESS), LONGEST_WAIT)


async def _account_waits_until(session: AsyncSession, email: str, ip: str, now: datetime) -> datetime:
    """Longer with every wrong password. Where this person signed in before, only the tries from there count: a
    stranger who guesses elsewhere keeps nobody out of their own desk."""
    here = (SignInAttempt.email == email, SignInAttempt.ip == ip)
    success = await session.scalar(
        select(func.max(SignInAttempt.at)).where(*here, SignInAttempt.succeeded, SignInAttempt.at > now - KNOWN_ADDRESS)
    )
    if success is not None:
        failures, last = await _failures(session, *here, since=max(success, now - WINDOW))
    else:
        failures, last = await _failures(session, SignInAttempt.email == email, since=now - WINDOW)
    if last is None or failures < FREE_TRIES:
        return now
    return last + min(timedelta(seconds=2 ** min(failures - FREE_TRIES, 10)), LONGEST_WAIT)


async def _failures(session: AsyncSession, *which: ColumnElement[bool], since: datetime) -> tuple[int, datetime | None]:
    row = (
        await session.execute(
            select(func.count(), func.max(SignInAttempt.at)).where(
                *which, SignInAttempt.at > since, SignInAttempt.succeeded.is_(False)
            )
        )
    ).one()
    return int(row[0]), row[1]


async def sign_out(session: AsyncSession, settings: Settings, request: HTTPConnection, me: Actor) -> None:
    """Ends the session of this browser; the caller takes its cookie away."""
    await auth.end_session(session, settings, request)
    audit.record(session, me.id, "session.end", object_type="person", object_id=me.id, ip=me.ip)


async def sign_out_everywhere(session: AsyncSession, me: Actor) -> None:
    await auth.end_sessions_of(session, me.id)
    audit.record(session, me.id, "session.end_all", object_type="person", object_id=me.id, ip=me.ip)
