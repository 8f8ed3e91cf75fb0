"""A request that is sent again is answered again, and done once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, Field
from sqlalchemy import func, select

from shared.database import Database
from shared.errors import Conflict
from shared.models import IdempotencyKey, Problem
from shared.settings import Settings
from shared.web.app import create_app
from shared.web.depends import Tx
from shared.web.idempotency import Idempotent
from tests.web.conftest import SignIn

router = APIRouter()
refuse: set[str] = set()


class Wanted(BaseModel):
    key: str = Field(min_length=1)


class Done(BaseModel):
    id: int


@router.post("/api/v1/things", response_model=Done)
async def make(session: Tx, once: Idempotent, body: Wanted) -> Any:
    async def work() -> Done:
        problem = Problem(service="tickets", key=f"{body.key}", message="m")
        session.add(problem)
        await session.flush()
        await asyncio.sleep(0.05)
        if body.key in refuse:
            raise Conflict("Not now.")
        return Done(id=problem.id)

    return await once.run(work, location=lambda done: f"/things/{done.model_dump()['id']}")


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    app = create_app(settings, service="tickets", title="Test", routers=[router])
    async with app.router.lifespan_context(app):
        yield app


async def count(database: Database, model: type[Problem] | type[IdempotencyKey] = Problem) -> int:
    async with database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(model)) or 0


async def test_many_at_once_have_one_effect_and_one_answer(sign_in: SignIn, database: Database) -> None:
    me = await sign_in()
    headers = {"X-CSRF-Token": me.csrf, "Idempotency-Key": "key-12345"}
    answers = await asyncio.gather(
        *(me.client.post("/api/v1/things", json={"key": "a"}, headers=headers) for _ in range(5))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 4
    assert await count(database) == 1


async def test_another_request_under_the_same_key_is_refused(sign_in: SignIn, database: Database) -> None:
    me = await sign_in()
    headers = {"X-CSRF-Token": me.csrf, "Idempotency-Key": "key-12345"}
    await me.client.post("/api/v1/things", json={"key": "a"}, headers=headers)
    answer = await me.client.post("/api/v1/things", json={"key": "b"}, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["type"] == "/api/problems/idempotency-key-reused"
    assert await count(database) == 1


async def test_what_failed_can_be_tried_again_under_the_same_key(sign_in: SignIn, database: Database) -> None:
    me = await sign_in()
    headers = {"X-CSRF-Token": me.csrf, "Idempotency-Key": "key-12345"}
    refuse.add("a")
    assert (await me.client.post("/api/v1/things", json={"key": "a"}, headers=headers)).status_code == 409
    assert await count(database, IdempotencyKey) == 0
    refuse.discard("a")
    assert (await me.client.post("/api/v1/things", json={"key": "a"}, headers=headers)).status_code == 201


async def test_keys_are_each_persons_own_and_optional(sign_in: SignIn, database: Database) -> None:
    one, other = await sign_in(), await sign_in()
    for me, key in ((one, "a"), (other, "b")):
        headers = {"X-CSRF-Token": me.csrf, "Idempotency-Key": "key-12345"}
        assert (await me.client.post("/api/v1/things", json={"key": key}, headers=headers)).status_code == 201
    answer = await one.client.post("/api/v1/things", json={"key": "c"}, headers={"X-CSRF-Token": one.csrf})
    assert answer.status_code == 201
    assert await count(database) == 3
    answer = await one.client.post(
        "/api/v1/things", json={"key": "d"}, headers={"X-CSRF-Token": one.csrf, "Idempotency-Key": "short"}
    )
    assert answer.status_code == 422
