"""What goes wrong is told to who can act: as a problem document or a page, in their language, without secrets."""

from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import update

from shared.database import Database
from shared.models import Role, WebSession
from shared.settings import Settings
from shared.web import auth
from shared.web.app import create_app
from tests.web.conftest import SignIn, client_of, router


async def test_validation_says_where_in_the_readers_language(sign_in: SignIn) -> None:
    me = await sign_in(language="es")
    answer = await me.client.post(
        "/api/v1/wishes", json={"text": "x", "times": 9}, headers={"X-CSRF-Token": me.csrf, "Accept-Language": "en"}
    )
    assert answer.status_code == 422
    assert answer.headers["content-language"] == "es"  # a person's own setting, in a browser
    problem = answer.json()
    assert problem["type"] == "/api/problems/validation"
    assert {error["pointer"] for error in problem["errors"]} == {"#/text", "#/times"}
    english = await me.client.post("/api/v1/wishes", content=b"{", headers={"Content-Type": "application/json"})
    assert english.status_code in (403, 422)


async def test_strangers_choose_the_language_by_header(stranger: httpx.AsyncClient) -> None:
    for header, language in (
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("fr, en;q=0.5", "en"),
        ("es;q=0, en", "en"),
        ("", "en"),
    ):
        answer = await stranger.get("/api/v1/whoami", headers={"Accept-Language": header})
        assert answer.headers["content-language"] == language, header


async def test_a_crash_tells_nothing_of_the_inside(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/api/v1/crash")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert "content-security-policy" in answer.headers


async def test_a_full_disk_is_503_and_come_back(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/api/v1/full-disk")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"


async def test_what_no_column_can_hold_is_the_senders_fault(sign_in: SignIn) -> None:
    me = await sign_in()
    answer = await me.client.post("/api/v1/problems?key=a%00b", headers={"X-CSRF-Token": me.csrf})
    assert answer.status_code == 400


@pytest.mark.parametrize(("accept", "kind"), [("text/html", "text/html"), ("application/json", "problem+json")])
async def test_people_get_pages_and_programs_get_problems(stranger: httpx.AsyncClient, accept: str, kind: str) -> None:
    answer = await stranger.get("/nowhere", headers={"Accept": accept})
    assert answer.status_code == 404
    assert kind in answer.headers["content-type"]
    if kind == "text/html":
        assert "<main" in answer.text
        assert "<script>" not in answer.text


async def test_the_api_answers_problems_whatever_is_accepted(stranger: httpx.AsyncClient) -> None:
    for method, path, status in (("GET", "/api/v1/nowhere", 404), ("DELETE", "/api/v1/whoami", 405)):
        answer = await stranger.request(method, path, headers={"Accept": "text/html"})
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_problem_type_can_be_looked_up(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.get("/api/problems/conflict")).json()["status"] == 409
    assert (await stranger.get("/api/problems/unheard-of")).status_code == 404


async def test_htmx_is_told_to_go_to_the_sign_in_page(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/page", headers={"HX-Request": "true", "HX-Current-URL": "http://localhost:8000/work"})
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"].startswith("/sign-in?next=http%3A%2F%2Flocalhost%3A8000%2Fwork")


async def test_too_large_a_body_is_refused_before_it_is_read(sign_in: SignIn) -> None:
    me = await sign_in()
    answer = await me.client.post("/form", data={"text": "x" * 3_000_000, "csrf_token": me.csrf})
    assert answer.status_code == 413
    assert "2 MB" in answer.text


async def test_a_session_that_ended_is_no_session(sign_in: SignIn, database: Database) -> None:
    me = await sign_in(Role.CSR1)
    assert (await me.client.get("/api/v1/whoami")).status_code == 200
    async with database.transaction() as session:
        await session.execute(
            update(WebSession)
            .where(WebSession.token_hash == auth.digest(me.token))
            .values(ended_at=WebSession.created_at)
        )
    assert (await me.client.get("/api/v1/whoami")).status_code == 401


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer ", "bearer ctl_"])
async def test_a_wrong_token_is_refused_even_beside_a_good_session(sign_in: SignIn, header: str) -> None:
    me = await sign_in()
    assert (await me.client.get("/api/v1/whoami", headers={"Authorization": header})).status_code == 401


async def test_a_database_that_is_away_is_503(settings: Settings) -> None:
    away = settings.model_copy(update={"database_url": SecretStr("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")})
    app = create_app(away, service="tickets", title="Test", routers=[router])
    async with client_of(app, Cookie=f"{auth.cookie_name(away)}=x") as client:
        answer = await client.get("/api/v1/whoami")
        assert answer.status_code == 503
        assert answer.json()["type"] == "/api/problems/unavailable"
        page = await client.get("/page", headers={"Accept": "text/html"})
        assert page.status_code == 503
        assert "text/html" in page.headers["content-type"]
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200
    await app.state.database.close()


@pytest.mark.parametrize(
    ("path", "content_type", "start"),
    [
        ("/api/v1/wishes", "application/json", b""),
        (
            "/form",
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n',
        ),
    ],
)
async def test_a_body_of_untold_length_is_cut_off(sign_in: SignIn, path: str, content_type: str, start: bytes) -> None:
    me = await sign_in()
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield start
        for _ in range(1000):
            sent += 100_000
            yield b"x" * 100_000

    answer = await me.client.post(
        path, content=endless(), headers={"Content-Type": content_type, "X-CSRF-Token": me.csrf}
    )
    assert answer.status_code == 413
    assert "2 MB" in answer.text
    assert answer.headers["x-request-id"]
    assert sent < 5_000_000
