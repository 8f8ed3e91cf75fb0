"""The frame of an application: transactions, errors, headers, files."""

import httpx
from sqlalchemy import select

from shared.database import Database
from shared.models import AuditEvent, Problem, Role
from tests.web.conftest import SignIn


async def test_the_transaction_is_committed_before_the_answer(sign_in: SignIn, database: Database) -> None:
    me = await sign_in()
    answer = await me.client.post("/api/v1/problems?key=a", headers={"X-CSRF-Token": me.csrf})
    assert answer.status_code == 200
    async with database.transaction() as session:
        assert await session.scalar(select(Problem.key)) == "a"


async def test_an_error_rolls_the_transaction_back(sign_in: SignIn, database: Database) -> None:
    me = await sign_in()
    answer = await me.client.post("/api/v1/problems?key=a&fail=true", headers={"X-CSRF-Token": me.csrf})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "Somebody was quicker."
    async with database.transaction() as session:
        assert await session.scalar(select(Problem.key)) is None


async def test_strangers_are_sent_to_sign_in_and_back(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/page?x=1", headers={"Accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Fpage%3Fx%3D1"
    answer = await stranger.get("/api/v1/whoami")
    assert answer.status_code == 401
    assert answer.json()["type"] == "/api/problems/not-signed-in"
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_denied_permission_is_a_problem_and_is_audited(sign_in: SignIn, database: Database) -> None:
    me = await sign_in(Role.CSR1)
    answer = await me.client.get("/api/v1/audit")
    assert answer.status_code == 403
    async with database.transaction() as session:
        event = (await session.scalars(select(AuditEvent))).one()
    assert (event.action, event.actor_id, event.object_id) == ("permission.denied", me.person.id, "/api/v1/audit")
    assert event.detail["permission"] == "audit.read"


async def test_unsafe_methods_need_the_csrf_token(sign_in: SignIn) -> None:
    me = await sign_in()
    assert (await me.client.post("/form", data={"text": "x"})).status_code == 403
    assert (await me.client.post("/form", data={"text": "x", "csrf_token": "wrong"})).status_code == 403
    answer = await me.client.post("/form", data={"text": "x", "csrf_token": me.csrf})
    assert answer.status_code == 303
    assert (await me.client.post("/bare", data={"text": "y", "csrf_token": me.csrf})).json() == {"text": "y"}
    answer = await me.client.post(
        "/form", data={"text": "x", "csrf_token": me.csrf}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403


async def test_static_files_of_packages_are_served(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/static/vendor/htmx.min.js")
    assert answer.status_code == 200
    assert "script-src 'self'" in answer.headers["content-security-policy"]
