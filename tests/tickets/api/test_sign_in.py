"""Signing in: cookies, sessions that end, and guessing that gets slower."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import time_machine
from fastapi import FastAPI
from sqlalchemy import func, select

from services.tickets import passwords, people, sign_in
from shared.database import Database
from shared.errors import NotSignedIn, TooMany
from shared.models import AuditEvent, Person, Role, SignInAttempt, WebSession
from shared.settings import Settings
from shared.web import auth
from tests.tickets.api.conftest import Users, client_of

PASSWORD = "a long and good passphrase"
EMAIL = "ana@center.example"


@pytest.fixture
async def ana(database: Database) -> Person:
    async with database.transaction() as session:
        return await people.insert_person(session, email=EMAIL, name="Ana", role=Role.CSR1, password=PASSWORD)


async def enter(client: httpx.AsyncClient, password: str = PASSWORD, email: str = EMAIL) -> httpx.Response:
    return await client.post("/api/v1/session", json={"email": email, "password": password})


async def test_the_right_password_opens_a_session(
    anonymous: httpx.AsyncClient, ana: Person, database: Database
) -> None:
    answer = await enter(anonymous, email=" ANA@center.example ")
    assert answer.status_code == 201
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    me = (await anonymous.get("/api/v1/me")).json()
    assert me["id"] == ana.id
    assert me["csrf_token"]
    token = anonymous.cookies["centralita"]
    async with database.transaction() as session:
        row = (await session.scalars(select(WebSession))).one()
        assert row.token_hash == auth.digest(token)
        assert token not in repr(vars(row))
        actions = list(await session.scalars(select(AuditEvent.action)))
    assert actions == ["sign_in.succeeded"]


async def test_the_cookie_is_host_only_and_secure_in_production(settings: Settings, ana: Person) -> None:
    from services.tickets.app import create

    app = create(settings.model_copy(update={"secure_cookies": True}))
    async with app.router.lifespan_context(app), client_of(app) as client:
        cookie = (await enter(client)).headers["set-cookie"]
        assert cookie.startswith("__Host-centralita=")
        assert "Secure" in cookie
        assert "Domain" not in cookie
        answer = await client.get("/api/v1/topics")
        assert "max-age" in answer.headers["strict-transport-security"]


@pytest.mark.parametrize("email", [EMAIL, "nobody@center.example", "", "ana@center.example\x00"])
async def test_a_wrong_password_and_an_unknown_address_are_told_the_same(
    anonymous: httpx.AsyncClient, ana: Person, email: str
) -> None:
    answer = await enter(anonymous, "wrong", email)
    if "\x00" in email:
        assert answer.status_code == 400
        return
    assert answer.status_code == 401
    assert answer.json()["detail"].startswith("This email address and password do not belong together.")
    assert "set-cookie" not in answer.headers


async def test_who_has_left_and_machines_do_not_get_in(
    anonymous: httpx.AsyncClient, ana: Person, database: Database
) -> None:
    async with database.transaction() as session:
        (await session.get_one(Person, ana.id)).active = False
    assert (await enter(anonymous)).status_code == 401


async def test_signing_in_rotates_the_token(app: FastAPI, anonymous: httpx.AsyncClient, ana: Person) -> None:
    await enter(anonymous)
    before = anonymous.cookies["centralita"]
    await enter(anonymous)
    after = anonymous.cookies["centralita"]
    assert before != after
    async with client_of(app) as other:
        other.cookies.set("centralita", before)
        assert (await other.get("/api/v1/me")).status_code == 401


async def test_signing_out_ends_the_session(user: Users) -> None:
    me = await user()
    cookies = dict(me.http.cookies)
    assert (await me.http.delete("/api/v1/session")).status_code == 204
    me.http.cookies.update(cookies)
    assert (await me.http.get("/api/v1/me")).status_code == 401


async def test_signing_out_everywhere_ends_all_of_mine_and_no_others(user: Users) -> None:
    here = await user()
    there = await user(person=here.person)
    colleague = await user()
    assert (await here.http.delete("/api/v1/me/sessions")).status_code == 204
    assert (await there.http.get("/api/v1/me")).status_code == 401
    assert (await colleague.http.get("/api/v1/me")).status_code == 200


async def test_sessions_end_when_idle_and_at_the_end_of_the_longest_day(user: Users) -> None:
    start = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
    with time_machine.travel(start, tick=False) as clock:
        me = await user()
        idle = await user()
        assert timedelta(hours=1) < auth.IDLE < timedelta(hours=13) < auth.ABSOLUTE
        for hour in range(1, 14):  # used now and then: alive, until the day is over
            clock.move_to(start + timedelta(hours=hour))
            assert (await me.http.get("/api/v1/me")).status_code == 200
        assert (await idle.http.get("/api/v1/me")).status_code == 401
        clock.move_to(start + auth.ABSOLUTE)
        assert (await me.http.get("/api/v1/me")).status_code == 401


async def test_a_new_role_counts_from_the_next_request(user: Users, database: Database) -> None:
    me = await user(Role.SUPERVISOR)
    assert (await me.http.get("/api/v1/board")).status_code == 200
    async with database.transaction() as session:
        (await session.get_one(Person, me.id)).role = Role.CSR1
    assert (await me.http.get("/api/v1/board")).status_code == 403


async def attempt(app: FastAPI, settings: Settings, ip: str, password: str, email: str = EMAIL) -> str:
    """Straight through the function, from an address of one's choice."""
    from starlette.requests import Request

    request = Request(
        {
            "type": "http",
            "method": "POST",
            "path": "/",
            "query_string": b"",
            "headers": [],
            "client": (ip, 1),
            "app": app,
        }
    )
    try:
        await sign_in.sign_in(app.state.database, settings, request, email=email, password=password)
    except TooMany as error:
        return f"wait {error.retry_after_s}"
    except NotSignedIn:
        return "no"
    return "yes"


async def test_guessing_at_one_account_gets_slower(app: FastAPI, settings: Settings, ana: Person) -> None:
    with time_machine.travel(datetime(2026, 11, 23, 16, 0, tzinfo=UTC), tick=False) as clock:
        for _ in range(sign_in.FREE_TRIES):
            assert await attempt(app, settings, "10.0.0.1", "guess") == "no"
        assert await attempt(app, settings, "10.0.0.1", PASSWORD) == "wait 2"  # even the right one has to wait
        assert await attempt(app, settings, "10.0.0.2", "guess") == "wait 2"  # from wherever
        clock.shift(2)
        assert await attempt(app, settings, "10.0.0.1", "guess") == "no"
        assert await attempt(app, settings, "10.0.0.1", "guess") == "wait 3"
        clock.shift(3)
        assert await attempt(app, settings, "10.0.0.1", PASSWORD) == "yes"
        assert await attempt(app, settings, "10.0.0.1", PASSWORD) == "yes"


async def test_a_stranger_who_guesses_does_not_lock_out_who_belongs_here(
    app: FastAPI, settings: Settings, ana: Person
) -> None:
    with time_machine.travel(datetime(2026, 11, 23, 16, 0, tzinfo=UTC), tick=False) as clock:
        assert await attempt(app, settings, "192.0.2.7", PASSWORD) == "yes"
        clock.shift(60)
        for _ in range(12):
            clock.shift(61)
            await attempt(app, settings, "10.6.6.6", "guess")
        assert (await attempt(app, settings, "10.6.6.6", "guess")).startswith("wait")
        assert await attempt(app, settings, "192.0.2.7", PASSWORD) == "yes"


async def test_guessing_from_one_address_at_many_accounts_gets_slower(
    app: FastAPI, settings: Settings, database: Database
) -> None:
    async with database.transaction() as session:
        session.add_all(
            SignInAttempt(email=f"p{n}@center.example", ip="10.0.0.1", succeeded=False)
            for n in range(sign_in.PER_ADDRESS)
        )
    assert (await attempt(app, settings, "10.0.0.1", "guess", "other@center.example")).startswith("wait")
    assert await attempt(app, settings, "10.0.0.2", "guess", "other@center.example") == "no"


async def test_many_guesses_at_once_count_as_many(app: FastAPI, settings: Settings, database: Database) -> None:
    with time_machine.travel(datetime(2026, 11, 23, 16, 0, tzinfo=UTC), tick=False):
        answers = await asyncio.gather(*(attempt(app, settings, f"10.0.0.{n}", "guess") for n in range(9)))
    assert sorted(answers)[: sign_in.FREE_TRIES] == ["no"] * sign_in.FREE_TRIES
    assert sum(answer.startswith("wait") for answer in answers) == 9 - sign_in.FREE_TRIES
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(SignInAttempt)) == sign_in.FREE_TRIES


async def test_the_wait_is_told_in_the_readers_language(
    anonymous: httpx.AsyncClient, ana: Person, database: Database
) -> None:
    async with database.transaction() as session:
        session.add_all(SignInAttempt(email=EMAIL, ip="10.0.0.1", succeeded=False) for _ in range(8))
    answer = await anonymous.post(
        "/api/v1/session", json={"email": EMAIL, "password": "x"}, headers={"Accept-Language": "es-MX,es;q=0.9"}
    )
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["content-language"] == "es"


async def test_signing_in_from_another_site_is_refused(anonymous: httpx.AsyncClient, ana: Person) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = await anonymous.post("/api/v1/session", json={"email": EMAIL, "password": PASSWORD}, headers=headers)
        assert answer.status_code == 403, headers


async def test_changing_ones_password_keeps_this_browser_and_ends_the_others(
    app: FastAPI, anonymous: httpx.AsyncClient, ana: Person, user: Users
) -> None:
    await enter(anonymous)
    elsewhere = await user(person=ana)
    csrf = (await anonymous.get("/api/v1/me")).json()["csrf_token"]
    wrong = await anonymous.put(
        "/api/v1/me/password", json={"current": "no", "new": "another good one"}, headers={"X-CSRF-Token": csrf}
    )
    assert wrong.status_code == 400
    assert wrong.json()["errors"][0]["pointer"] == "#/current"
    done = await anonymous.put(
        "/api/v1/me/password", json={"current": PASSWORD, "new": "another good one"}, headers={"X-CSRF-Token": csrf}
    )
    assert done.status_code == 204
    assert (await anonymous.get("/api/v1/me")).status_code == 200
    assert (await elsewhere.http.get("/api/v1/me")).status_code == 401
    async with client_of(app) as fresh:
        assert (await enter(fresh)).status_code == 401
        assert (await enter(fresh, "another good one")).status_code == 201


@pytest.mark.parametrize("email", [EMAIL, "nobody@center.example"])
async def test_every_try_costs_one_hash(
    anonymous: httpx.AsyncClient, ana: Person, monkeypatch: pytest.MonkeyPatch, email: str
) -> None:
    """So that the time an answer takes does not tell who works here."""
    compared: list[str] = []
    passwords._nobodys_hash()
    compare = passwords._hasher.verify_and_update

    def counted(password: str, stored: str) -> tuple[bool, str | None]:
        compared.append(stored)
        return compare(password, stored)

    monkeypatch.setattr(passwords._hasher, "verify_and_update", counted)
    assert (await enter(anonymous, "wrong", email)).status_code == 401
    assert len(compared) == 1
