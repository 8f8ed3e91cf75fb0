"""A CSR's work over the API: offered, accepted, answered, corrected, closed; and what may not be repeated."""

import asyncio
from datetime import timedelta

from sqlalchemy import func, select

from shared import clock
from shared.database import Database
from shared.models import (
    Assignment,
    AssignmentState,
    AuditEvent,
    Delivery,
    EntryKind,
    Participant,
    Person,
    Role,
    Ticket,
    TicketState,
)
from tests.factories import make_assigned, make_entry, make_message, make_present, make_ticket
from tests.tickets.api.conftest import User, Users


async def offered(database: Database, person: Person) -> tuple[int, int]:
    """A ticket that is offered to the person: its number and the offer's."""
    async with database.transaction() as session:
        ticket = await make_ticket(session, state=TicketState.OFFERED)
        assignment = Assignment(
            ticket_id=ticket.id, person_id=person.id, state=AssignmentState.OFFERED, weight=1,
            expires_at=clock.now() + timedelta(minutes=3),
        )  # fmt: skip
        session.add(assignment)
        await session.flush()
        return ticket.id, assignment.id


async def answerable(database: Database, person: Person) -> int:
    """A ticket in the person's hands whose customer wrote by mail."""
    async with database.transaction() as session:
        ticket = await make_assigned(session, person)
        message = await make_message(session)
        session.add(Participant(ticket_id=ticket.id, address=message.from_address))
        await make_entry(session, ticket, EntryKind.MAIL_IN, message_id=message.id)
        return ticket.id


async def test_an_offer_is_accepted_once(user: Users, database: Database) -> None:
    me, colleague = await user(), await user()
    ticket_id, offer = await offered(database, me.person)
    assert (await me.http.get("/api/v1/work")).json()["offers"][0]["assignment_id"] == offer
    assert (await colleague.http.post(f"/api/v1/offers/{offer}/accept")).status_code in (403, 404, 409)
    assert (await me.http.post(f"/api/v1/offers/{offer}/accept")).json()["ticket_id"] == ticket_id
    assert (await me.http.post(f"/api/v1/offers/{offer}/accept")).status_code == 200
    assert (await me.http.get("/api/v1/work")).json()["active"][0]["id"] == ticket_id
    assert (await me.http.post("/api/v1/offers/999999/accept")).status_code == 404


async def test_an_offer_is_declined_with_a_reason(user: Users, database: Database) -> None:
    me = await user()
    ticket_id, offer = await offered(database, me.person)
    assert (await me.http.post(f"/api/v1/offers/{offer}/decline", json={"reason": ""})).status_code == 422
    assert (await me.http.post(f"/api/v1/offers/{offer}/decline", json={"reason": "I know them"})).status_code == 200
    assert (await me.http.get(f"/api/v1/tickets/{ticket_id}")).json()["ticket"]["state"] == "queued"


async def test_two_who_take_the_same_ticket(user: Users, database: Database) -> None:
    one, other = await user(), await user()
    async with database.transaction() as session:
        ticket = await make_ticket(session)
        for each in (one, other):
            await make_present(session, each.person)
    answers = await asyncio.gather(*(each.http.post(f"/api/v1/tickets/{ticket.id}/take") for each in (one, other)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def reply(me: User, ticket_id: int, key: str | None, text: str = "Hello Ana") -> int:
    headers = {"Idempotency-Key": key} if key else {}
    body = {"text": text, "to": ["ana@example.com"]}
    answer = await me.http.post(f"/api/v1/tickets/{ticket_id}/replies", json=body, headers=headers)
    return answer.status_code


async def test_a_reply_that_is_sent_again_leaves_once(user: Users, database: Database) -> None:
    me = await user()
    ticket_id = await answerable(database, me.person)
    answers = await asyncio.gather(*(reply(me, ticket_id, "reply-0001") for _ in range(4)))
    assert answers == [201] * 4
    assert await reply(me, ticket_id, "reply-0001", "Something else") == 422
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Delivery)) == 1
    view = (await me.http.get(f"/api/v1/tickets/{ticket_id}")).json()
    assert [entry["kind"] for entry in view["entries"]].count("mail_out") == 1


async def test_notes_corrections_and_closing(user: Users, database: Database) -> None:
    me = await user()
    ticket_id = await answerable(database, me.person)
    url = f"/api/v1/tickets/{ticket_id}"
    assert (await me.http.post(f"{url}/notes", json={"text": "Called before."})).status_code == 201
    assert (await me.http.put(f"{url}/priority", json={"priority": "high"})).json()["priority"] == "high"
    assert (await me.http.put(f"{url}/topic", json={"topic": "nothing"})).status_code == 400
    assert (await me.http.put(f"{url}/state", json={"state": "waiting"})).json()["state"] == "waiting"
    assert (await me.http.put(f"{url}/state", json={"state": "closed"})).json()["state"] == "closed"
    listed = (await me.http.get("/api/v1/tickets?states=closed")).json()["items"]
    assert [item["id"] for item in listed] == [ticket_id]
    timeline = (await me.http.get(f"{url}/timeline")).json()
    assert {"note", "priority", "state"} <= {entry["kind"] for entry in timeline}
    rest = (await me.http.get(f"{url}/timeline", params={"after": timeline[-1]["id"]})).json()
    assert rest == []


async def test_every_look_at_a_ticket_is_in_the_log(user: Users, database: Database) -> None:
    me = await user()
    async with database.transaction() as session:
        ticket = await make_ticket(session)
    await me.http.get(f"/api/v1/tickets/{ticket.id}")
    assert (await me.http.get("/api/v1/tickets/999999")).status_code == 404
    assert (await me.http.get("/api/v1/tickets?q=factura")).status_code == 200
    async with database.transaction() as session:
        events = list(await session.scalars(select(AuditEvent).order_by(AuditEvent.id)))
    assert [(event.action, event.ticket_id) for event in events] == [
        ("ticket.view", ticket.id),
        ("ticket.search", None),
    ]


async def test_the_queue_comes_in_pages_that_link_to_the_next(user: Users, database: Database) -> None:
    me = await user()
    async with database.transaction() as session:
        for _ in range(5):
            await make_ticket(session, language="es")
    seen: list[int] = []
    url: str | None = "/api/v1/tickets?languages=es&limit=2"
    while url:
        answer = await me.http.get(url)
        seen += [item["id"] for item in answer.json()["items"]]
        link = answer.headers.get("link")
        url = link[1 : link.index(">")] if link else None
    assert len(seen) == len(set(seen)) == 5


async def test_a_supervisor_assigns_in_bulk_once_per_key(user: Users, database: Database) -> None:
    supervisor, csr = await user(Role.SUPERVISOR), await user()
    async with database.transaction() as session:
        ids = [(await make_ticket(session)).id for _ in range(3)]
    body = {"ticket_ids": [*ids, 999_999], "person_ids": [csr.id], "reason": "The morning's rest"}
    for _ in range(2):
        answer = await supervisor.http.post(
            "/api/v1/tickets/assign", json=body, headers={"Idempotency-Key": "bulk-001"}
        )
        assert [result["outcome"] for result in answer.json()["results"]] == ["assigned"] * 3 + ["not_found"]
    board = (await supervisor.http.get("/api/v1/board")).json()
    (row,) = [each for each in board["people"] if each["person"]["id"] == csr.id]
    assert sorted(ticket["id"] for ticket in row["tickets"]) == ids
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Assignment)) == 3


async def test_a_phone_contact_becomes_a_ticket_once(user: Users, database: Database) -> None:
    me = await user()
    body = {"channel": "phone", "language": "en", "subject": "High bill", "text": "Asks why.", "phone": "+18315550147"}
    first, again = [
        await me.http.post("/api/v1/contacts", json=body, headers={"Idempotency-Key": "contact-1"}) for _ in range(2)
    ]
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Ticket)) == 1
    assert (await me.http.post("/api/v1/contacts", json={**body, "phone": "call me"})).status_code == 400
    assert (await me.http.post("/api/v1/contacts", json={**body, "channel": "email"})).status_code == 422


async def test_presence_is_said_and_kept_alive(user: Users) -> None:
    me, supervisor = await user(), await user(Role.SUPERVISOR)
    assert (await me.http.put("/api/v1/me/presence", json={"intent": "available"})).status_code == 200
    assert (await me.http.post("/api/v1/me/presence/heartbeat", json={"tab_id": "a1b2c3d4e5f6"})).status_code == 204
    presence = (await me.http.get("/api/v1/work")).json()["presence"]
    assert (presence["intent"], presence["live"]) == ("available", True)
    url = f"/api/v1/people/{me.id}/presence"
    assert (await supervisor.http.put(url, json={"intent": "offline", "reason": "Went home"})).status_code == 200
    assert (await me.http.get("/api/v1/work")).json()["presence"]["intent"] == "offline"
