"""Forgets what has served: answers to repeated requests, ended sessions, old tries at passwords, files never sent."""

from datetime import timedelta

from sqlalchemy import delete

from services.tickets import reply_files
from services.tickets.sign_in import KNOWN_ADDRESS
from shared import clock
from shared.database import Database
from shared.models import IdempotencyKey, SignInAttempt, WebSession
from shared.web.idempotency import KEPT

SESSIONS_KEPT = timedelta(days=30)  # for who asks from where an account was used


async def tidy(database: Database) -> None:
    now = clock.now()
    async with database.transaction() as session:
        await session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < now - KEPT))
        await session.execute(delete(WebSession).where(WebSession.expires_at < now - SESSIONS_KEPT))
        await session.execute(delete(SignInAttempt).where(SignInAttempt.at < now - KNOWN_ADDRESS))
        await reply_files.forget_old(session)
