"""Headers, origins, addresses to be sent on to, and the documentation under the strict policy."""

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from shared.settings import Settings
from shared.web.app import create_app
from shared.web.context import client_ip
from shared.web.security import safe_next
from tests.web.conftest import SignIn, client_of, router


async def _tell_ip(request: Request) -> Response:
    return PlainTextResponse(client_ip(request))


VOICEMAIL = "http://localhost:8001"


@pytest.mark.parametrize(
    ("wanted", "goes"),
    [
        ("/tickets/7?x=1", "/tickets/7?x=1"),
        ("http://localhost:8001/greetings", "http://localhost:8001/greetings"),
        ("http://LOCALHOST:8001/greetings", "http://LOCALHOST:8001/greetings"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\tevil.example", "/"),
        ("\\\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("http://localhost:8001@evil.example/", "/"),
        ("http://user@localhost:8001/", "/"),
        ("http://localhost:80010/", "/"),
        ("javascript:alert(1)", "/"),
        ("http://[", "/"),
        ("tickets", "/"),
        ("", "/"),
        (None, "/"),
    ],
)
def test_nobody_is_sent_to_another_site(settings: Settings, wanted: str | None, goes: str) -> None:
    assert safe_next(settings, wanted) == goes


async def test_every_answer_carries_the_headers(stranger: httpx.AsyncClient) -> None:
    for path in ("/page", "/nowhere", "/healthz", "/static/vendor/htmx.min.js", "/api/v1/crash"):
        headers = (await stranger.get(path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-request-id"]
        assert "server" not in headers


async def test_static_files_are_kept_and_pages_are_not(stranger: httpx.AsyncClient) -> None:
    assert "immutable" in (await stranger.get("/static/vendor/htmx.min.js?v=1")).headers["cache-control"]
    assert (await stranger.get("/static/vendor/htmx.min.js")).headers["cache-control"] == "no-cache"
    assert (await stranger.get("/api/v1/whoami")).headers["cache-control"] == "no-store"
    assert (await stranger.get("/static/../app.py")).status_code == 404
    assert (await stranger.get("/static/vendor/..%2f..%2fapps.py")).status_code == 404


async def test_only_our_other_port_may_read_with_credentials(sign_in: SignIn) -> None:
    me = await sign_in()
    ours = await me.client.get("/api/v1/whoami", headers={"Origin": VOICEMAIL})
    assert ours.headers["access-control-allow-origin"] == VOICEMAIL
    assert ours.headers["access-control-allow-credentials"] == "true"
    foreign = await me.client.get("/api/v1/whoami", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in foreign.headers
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    assert (await me.client.options("/form", headers=asked)).status_code == 400
    denied = await me.client.get("/api/v1/audit", headers={"Origin": VOICEMAIL})
    assert denied.status_code == 403
    assert denied.headers["access-control-allow-origin"] == VOICEMAIL  # errors can be read there too


async def test_a_form_from_our_other_port_is_ours(sign_in: SignIn) -> None:
    me = await sign_in()
    for origin, status in ((VOICEMAIL, 303), ("http://localhost:8000", 303), ("http://localhost:9", 403)):
        data = {"text": "x", "csrf_token": me.csrf}
        assert (await me.client.post("/form", data=data, headers={"Origin": origin})).status_code == status


async def test_forwarded_addresses_count_only_from_trusted_proxies(settings: Settings) -> None:
    headers = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    for trusted, ip in (([], "127.0.0.1"), (["127.0.0.1"], "203.0.113.9")):
        app = create_app(
            settings.model_copy(update={"trusted_proxies": trusted}), service="tickets", title="T", routers=[router]
        )

        app.router.routes.insert(0, Route("/api/ip", _tell_ip))
        async with client_of(app) as client:
            assert (await client.get("/api/ip", headers=headers)).text == ip
        await app.state.database.close()


async def test_the_documentation_works_under_the_policy(stranger: httpx.AsyncClient, app: FastAPI) -> None:
    page = await stranger.get("/api/docs")
    assert page.status_code == 200
    assert "<script>" not in page.text
    assert "https://" not in page.text
    for part in page.text.split('"'):
        if part.startswith(("/static/", "/api/")):
            assert (await stranger.get(part)).status_code == 200, part
    assert (await stranger.get("/api/openapi.json")).json()["info"]["title"] == "Test"
