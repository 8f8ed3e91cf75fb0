"""Who really wrote, over the API: the verdict, checked identities, and the problem before account facts leave."""

from typing import Any

from sqlalchemy import func, select

from shared.database import Database
from shared.models import AuditEvent, Delivery, EntryKind, Participant, Person, Role
from tests.factories import make_assigned, make_entry, make_message
from tests.tickets.api.conftest import Users

ANA = "ana@example.com"
FACTS = "Your balance is $412.77 and it is past due."


async def ticket_of(database: Database, person: Person, **values: Any) -> int:
    async with database.transaction() as session:
        ticket = await make_assigned(session, person)
        message = await make_message(session, **values)
        session.add(Participant(ticket_id=ticket.id, address=message.from_address))
        await make_entry(session, ticket, EntryKind.MAIL_IN, message_id=message.id)
        return ticket.id


async def test_facts_for_an_unverified_sender_are_a_problem_until_they_are_confirmed(
    user: Users, database: Database
) -> None:
    me = await user(language="es")
    ticket = await ticket_of(database, me.person)
    url = f"/api/v1/tickets/{ticket}/replies"
    body = {"text": FACTS, "to": [ANA]}
    key = {"Idempotency-Key": "one-and-the-same-key"}
    refused = await me.http.post(url, json=body, headers=key)
    assert (refused.status_code, refused.headers["content-type"]) == (428, "application/problem+json")
    problem = refused.json()
    assert problem["type"] == "/api/problems/confirm-release"
    assert (
        problem["detail"]
        == f"Esta respuesta tiene datos de la cuenta y nadie se ha asegurado de que {ANA} sea el cliente."
    )
    assert problem["found"] == [{"kind": "amount", "found": "$412.77", "quote": FACTS}]
    assert problem["unverified"] == [{"address": ANA, "standing": "unknown"}]
    described = (await me.http.get(problem["type"])).json()
    assert described["status"] == 428
    assert "confirm_release" in described["description"]

    confirmed = await me.http.post(url, json=body | {"confirm_release": {"reason": "I called her."}})
    assert confirmed.status_code == 201
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Delivery)) == 1
        event = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "facts.release"))).one()
    assert event.detail["reason"] == "I called her."


async def test_the_ticket_says_who_really_wrote(user: Users, database: Database) -> None:
    me, service = await user(), await user(Role.SERVICE, scopes=["ticket.read"])
    found = {"verdict": "pass", "verified_by": "here", "domain": "pge.net"}
    ticket = await ticket_of(database, me.person, authentication=found, from_address="ana@pge.net")
    view = (await service.http.get(f"/api/v1/tickets/{ticket}")).json()
    assert view["entries"][0]["message"]["verdict"] == "verified"
    trust = view["trust"]
    assert (trust["verdict"], trust["domain"], trust["standing"]) == ("verified", "pge.net", "lookalike")
    [suspicion] = trust["suspicions"]
    assert (suspicion["kind"], suspicion["trick"], suspicion["like"]) == ("domain", "ending", "pge.com")
    # It is the domain that it says it is, and that is no comfort.
    body = {"text": FACTS, "to": ["ana@pge.net"]}
    refused = await me.http.post(f"/api/v1/tickets/{ticket}/replies", json=body)
    assert refused.json()["unverified"] == [{"address": "ana@pge.net", "standing": "lookalike"}]
    check = {"method": "phone", "address": "ana@pge.net"}
    assert (await me.http.post(f"/api/v1/tickets/{ticket}/identity-checks", json=check)).status_code == 201
    assert (await me.http.post(f"/api/v1/tickets/{ticket}/replies", json=body)).status_code == 201


async def test_an_identity_check_is_noted_and_taken_back(user: Users, database: Database) -> None:
    me = await user()
    ticket = await ticket_of(database, me.person, subject="My bill")
    url = f"/api/v1/tickets/{ticket}/identity-checks"
    assert (await me.http.post(url, json={"method": "other"})).status_code == 400
    assert (await me.http.post(url, json={"method": "phone", "address": "nobody"})).status_code == 400
    noted = await me.http.post(url, json={"method": "counter", "note": "A license", "address": "Ana@example.com"})
    assert noted.status_code == 201
    assert noted.json()["address"] == ANA
    trust = (await me.http.get(f"/api/v1/tickets/{ticket}")).json()["trust"]
    [check] = trust["checks"]
    assert (check["counts"], check["method"], check["by"]["id"]) == (True, "counter", me.id)
    assert trust["standing"] == "checked"
    assert (await me.http.delete(f"{url}/{check['id']}")).status_code == 204
    assert (await me.http.delete(f"{url}/{check['id']}")).status_code == 409
    [check] = (await me.http.get(f"/api/v1/tickets/{ticket}")).json()["trust"]["checks"]
    assert (check["counts"], check["taken_back_by"]["id"]) == (False, me.id)
    async with database.transaction() as session:
        actions = list(
            await session.scalars(select(AuditEvent.action).where(AuditEvent.action.startswith("identity.")))
        )
    assert actions == ["identity.check", "identity.take_back"]
