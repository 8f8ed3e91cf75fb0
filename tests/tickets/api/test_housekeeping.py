"""What has served is forgotten; what still counts stays."""

from datetime import timedelta

from sqlalchemy import func, select

from services.tickets.housekeeping import tidy
from shared import clock
from shared.database import Database
from shared.models import IdempotencyKey, SignInAttempt, WebSession
from tests.tickets.api.conftest import Users


async def test_only_what_is_old_goes(user: Users, database: Database) -> None:
    me = await user()
    now = clock.now()
    async with database.transaction() as session:
        for age in (timedelta(hours=1), timedelta(days=31)):
            session.add_all(
                [
                    IdempotencyKey(
                        person_id=me.id, key=str(age), request_hash=b"", status=201, body={}, created_at=now - age
                    ),
                    SignInAttempt(email="a@b", ip="", succeeded=True, at=now - age),
                    WebSession(
                        token_hash=str(age).encode(), person_id=me.id, csrf_token="", expires_at=now - age
                    ),
                ]
            )  # fmt: skip
    await tidy(database)
    async with database.transaction() as session:
        for model, left in ((IdempotencyKey, 1), (SignInAttempt, 1), (WebSession, 2)):
            assert await session.scalar(select(func.count()).select_from(model)) == left
    assert (await me.http.get("/api/v1/me")).status_code == 200
