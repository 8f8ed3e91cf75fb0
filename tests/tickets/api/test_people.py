"""The staff over the API: who may make, change and certify whom, and what the log says of it."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update

from shared import clock
from shared.database import Database
from shared.models import AccessToken, AuditEvent, Presence, Role
from tests.factories import make_present
from tests.tickets.api.conftest import Users, client_of

NEW = {"name": "Berta Ruiz", "email": "Berta@Center.example", "role": "csr1", "password": "cuatro caballos verdes"}


async def actions(database: Database) -> list[str]:
    async with database.transaction() as session:
        return list(await session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


async def test_a_manager_adds_somebody_who_can_then_sign_in(user: Users, app: FastAPI, database: Database) -> None:
    manager = await user(Role.MANAGER)
    answer = await manager.http.post("/api/v1/people", json=NEW)
    assert answer.status_code == 201
    person = answer.json()
    assert person["email"] == "berta@center.example"
    assert person["has_password"]
    assert "password" not in answer.text.replace("has_password", "")
    async with client_of(app) as berta:
        entered = await berta.post("/api/v1/session", json={"email": NEW["email"], "password": NEW["password"]})
        assert entered.status_code == 201
    assert "person.create" in await actions(database)


@pytest.mark.parametrize(
    ("change", "status", "pointer"),
    [
        ({"email": "no address"}, 400, "#/email"),
        ({"name": "   "}, 400, "#/name"),
        ({"password": "short"}, 400, "#/password"),
        ({"password": "berta is my name"}, 400, "#/password"),
        ({"role": "king"}, 422, "#/role"),
        ({"capacity": 51}, 422, "#/capacity"),
        ({"role": "service"}, 400, "#/password"),
        ({"unknown": 1}, 422, "#/unknown"),
    ],
)
async def test_what_cannot_be_says_which_field(
    user: Users, change: dict[str, object], status: int, pointer: str
) -> None:
    manager = await user(Role.MANAGER)
    answer = await manager.http.post("/api/v1/people", json=NEW | change)
    assert answer.status_code == status
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


async def test_an_address_is_taken_once_even_at_once(user: Users) -> None:
    manager = await user(Role.MANAGER)
    answers = await asyncio.gather(*(manager.http.post("/api/v1/people", json=NEW) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]


async def test_only_administrators_make_or_touch_administrators(user: Users) -> None:
    manager, administrator = await user(Role.MANAGER), await user(Role.ADMINISTRATOR)
    colleague = await user(Role.CSR2)
    assert (await manager.http.post("/api/v1/people", json=NEW | {"role": "administrator"})).status_code == 403
    for method, path, body in (
        ("PATCH", "", {"name": "x"}),
        ("POST", "/deactivate", None),
        ("PUT", "/password", {"password": "cuatro caballos verdes"}),
    ):
        path = f"/api/v1/people/{administrator.id}{path}"
        assert (await manager.http.request(method, path, json=body)).status_code == 403, path
    raised = await manager.http.patch(f"/api/v1/people/{colleague.id}", json={"role": "administrator"})
    assert raised.status_code == 403
    raised = await administrator.http.patch(f"/api/v1/people/{colleague.id}", json={"role": "administrator"})
    assert raised.status_code == 200


async def test_nobody_promotes_demotes_or_deactivates_themselves(user: Users) -> None:
    for role in (Role.MANAGER, Role.ADMINISTRATOR):
        me = await user(role)
        assert (await me.http.patch(f"/api/v1/people/{me.id}", json={"role": "csr1"})).status_code == 403
        assert (await me.http.post(f"/api/v1/people/{me.id}/deactivate")).status_code == 403
        assert (await me.http.patch(f"/api/v1/people/{me.id}", json={"name": "New Name"})).status_code == 200


async def test_two_administrators_cannot_remove_each_other_at_once(user: Users) -> None:
    one, other = await user(Role.ADMINISTRATOR), await user(Role.ADMINISTRATOR)
    answers = await asyncio.gather(
        one.http.post(f"/api/v1/people/{other.id}/deactivate"), other.http.post(f"/api/v1/people/{one.id}/deactivate")
    )
    assert sorted(answer.status_code for answer in answers) in ([200, 401], [200, 403])


async def test_deactivating_ends_sessions_tokens_and_presence(user: Users, database: Database) -> None:
    manager, leaver = await user(Role.MANAGER), await user(Role.CSR1)
    script = await user(person=leaver.person, scopes=["ticket.read"])
    async with database.transaction() as session:
        await make_present(session, leaver.person)
    assert (await manager.http.post(f"/api/v1/people/{leaver.id}/deactivate")).json()["active"] is False
    assert (await leaver.http.get("/api/v1/me")).status_code == 401
    assert (await script.http.get("/api/v1/tickets")).status_code == 401
    async with database.transaction() as session:
        assert (await session.get_one(Presence, leaver.id)).intent == "offline"
    await manager.http.post(f"/api/v1/people/{leaver.id}/reactivate")
    assert (await leaver.http.get("/api/v1/me")).status_code == 401  # what ended stays ended
    assert (await actions(database)).count("person.deactivate") == 1


async def test_setting_a_password_signs_the_person_out(user: Users) -> None:
    manager, other = await user(Role.MANAGER), await user(Role.CSR1)
    body = {"password": "cuatro caballos verdes"}
    assert (await manager.http.put(f"/api/v1/people/{other.id}/password", json=body)).status_code == 204
    assert (await other.http.get("/api/v1/me")).status_code == 401
    assert (await manager.http.put(f"/api/v1/people/{manager.id}/password", json=body)).status_code == 403


async def certify(by: httpx.AsyncClient, person_id: int, **change: object) -> httpx.Response:
    body = {"language": "es", "mode": "spoken"} | change
    return await by.post(f"/api/v1/people/{person_id}/certifications", json=body)


async def test_a_certification_has_a_verifier_a_date_and_an_end(user: Users, database: Database) -> None:
    supervisor, csr = await user(Role.SUPERVISOR), await user(Role.CSR1)
    made = await certify(supervisor.http, csr.id, verified_on="2026-01-05", valid_until="2199-01-05")
    assert made.status_code == 201
    facts = made.json()
    assert (facts["verified_by_id"], facts["valid"]) == (supervisor.id, True)
    ended = await certify(supervisor.http, csr.id, verified_on="2020-01-05", valid_until="2021-01-05")
    assert ended.json()["valid"] is False
    assert (await supervisor.http.post(f"/api/v1/certifications/{facts['id']}/revoke")).status_code == 204
    assert (await supervisor.http.post(f"/api/v1/certifications/{facts['id']}/revoke")).status_code == 409
    listed = (await csr.http.get(f"/api/v1/people/{csr.id}")).json()["certifications"]
    assert [each["valid"] for each in listed] == [False, False]
    assert {"certification.create", "certification.revoke"} <= set(await actions(database))


async def test_certifications_that_cannot_be(user: Users) -> None:
    supervisor, csr, machine = await user(Role.SUPERVISOR), await user(Role.CSR1), await user(Role.SERVICE)
    tomorrow = (clock.now().date() + timedelta(days=2)).isoformat()
    assert (await certify(supervisor.http, supervisor.id)).status_code == 400  # oneself
    assert (await certify(supervisor.http, csr.id, verified_by_id=csr.id)).status_code == 400
    assert (await certify(supervisor.http, machine.id)).status_code == 400
    assert (await certify(supervisor.http, csr.id, verified_on=tomorrow)).status_code == 400
    assert (
        await certify(supervisor.http, csr.id, verified_on="2026-01-05", valid_until="2026-01-04")
    ).status_code == 400
    assert (await certify(supervisor.http, csr.id, language="fr")).status_code == 400
    assert (await certify(supervisor.http, 999_999)).status_code == 404
    assert (await supervisor.http.get(f"/api/v1/people/{csr.id}")).json()["certifications"] == []


async def test_a_token_is_shown_once_works_and_can_be_revoked(user: Users, app: FastAPI, database: Database) -> None:
    me = await user(Role.CSR2)
    made = (await me.http.post("/api/v1/me/tokens", json={"name": "export", "scopes": ["ticket.read"]})).json()
    assert made["token"].startswith("ctl_")
    listed = await me.http.get("/api/v1/me/tokens")
    assert made["token"] not in listed.text
    assert listed.json()[0]["last_used_at"] is None
    async with client_of(app) as script:
        script.headers["Authorization"] = f"Bearer {made['token']}"
        assert (await script.get("/api/v1/tickets")).status_code == 200
        assert (await script.get("/api/v1/me")).json()["scopes"] == ["ticket.read"]
        assert (await me.http.get("/api/v1/me/tokens")).json()[0]["last_used_at"] is not None
        assert (await me.http.delete(f"/api/v1/tokens/{made['facts']['id']}")).status_code == 204
        refused = await script.get("/api/v1/tickets")
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")
    assert {"token.create", "token.revoke"} <= set(await actions(database))


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "scopes": ["audit.read"]},  # not of this role
        {"name": "x", "scopes": ["everything"]},
        {"name": "x", "scopes": []},
        {"name": " ", "scopes": ["ticket.read"]},
        {"name": "x", "scopes": ["ticket.read"], "days": 0},
        {"name": "x", "scopes": ["ticket.read"], "days": 10_000},
    ],
)
async def test_tokens_that_cannot_be(user: Users, body: dict[str, object]) -> None:
    me = await user(Role.CSR2)
    assert (await me.http.post("/api/v1/me/tokens", json=body)).status_code in (400, 422)


async def test_machines_get_their_tokens_from_who_manages_people(user: Users) -> None:
    manager, machine, colleague = await user(Role.MANAGER), await user(Role.SERVICE), await user(Role.CSR1)
    body = {"name": "phone system", "scopes": ["recording.upload"]}
    assert (await manager.http.post(f"/api/v1/people/{machine.id}/tokens", json=body)).status_code == 201
    assert (await manager.http.post(f"/api/v1/people/{colleague.id}/tokens", json=body)).status_code == 403
    assert (await colleague.http.post(f"/api/v1/people/{machine.id}/tokens", json=body)).status_code == 403
    token = (await manager.http.get(f"/api/v1/people/{machine.id}/tokens")).json()[0]
    assert (await colleague.http.delete(f"/api/v1/tokens/{token['id']}")).status_code == 404
    assert (await manager.http.delete(f"/api/v1/tokens/{token['id']}")).status_code == 204


async def test_an_expired_token_is_no_token(user: Users, database: Database) -> None:
    script = await user(Role.CSR1, scopes=["ticket.read"])
    assert (await script.http.get("/api/v1/tickets")).status_code == 200
    async with database.transaction() as session:
        await session.execute(update(AccessToken).values(expires_at=clock.now()))
    assert (await script.http.get("/api/v1/tickets")).status_code == 401
