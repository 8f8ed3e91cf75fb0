"""Mail that a policy held: who sees it, and how a person makes it a ticket."""

from typing import Any

from sqlalchemy import func, select

from services.tickets import intake
from shared.database import Database
from shared.models import AuditEvent, Customer, CustomerIdentity, Delivery, Machine, Mailbox, Participant, Role, Ticket
from shared.settings import Settings
from tests.factories import make_message
from tests.tickets.api.conftest import Users

HELP = "help@center.example.org"


async def take_in(database: Database, settings: Settings, **values: Any) -> None:
    async with database.transaction() as session:
        mailbox = await session.scalar(select(Mailbox).where(Mailbox.address == HELP))
        if mailbox is None:
            mailbox = Mailbox(name="help", address=HELP)
            session.add(mailbox)
            await session.flush()
        message = await make_message(session, "My bill is wrong.", **{"mailbox_id": mailbox.id} | values)
    await intake.take_in_message(database, settings, message.id)


async def test_held_mail_is_listed_and_becomes_a_ticket_once(
    user: Users, database: Database, settings: Settings
) -> None:
    await take_in(
        database, settings, from_address="ana@example.com", subject="My bill", machine=Machine.LIST,
        machine_evidence="List-Id: neighbours",
    )  # fmt: skip
    supervisor, csr = await user(Role.SUPERVISOR), await user(Role.CSR2)
    [mail] = (await supervisor.http.get("/api/v1/held")).json()["items"]
    assert (mail["from_address"], mail["subject"], mail["policy"]) == ("ana@example.com", "My bill", "list")
    assert mail["evidence"] == "List-Id: neighbours"
    assert (await supervisor.http.get("/api/v1/held?policy=loop")).json()["items"] == []
    page = await supervisor.http.get("/health", headers={"Accept": "text/html"})
    assert 'href="/held?policy=list"' in page.text

    url = f"/api/v1/held/{mail['id']}/ticket"
    assert (await csr.http.post(url)).status_code == 403
    made = await supervisor.http.post(url)
    assert made.status_code == 201, made.text
    assert (await supervisor.http.post(url)).status_code == 409
    assert (await supervisor.http.get("/api/v1/held")).json()["items"] == []
    async with database.transaction() as session:
        ticket = (await session.scalars(select(Ticket))).one()
        assert (ticket.id, ticket.subject, ticket.state.value) == (made.json()["ticket_id"], "My bill", "queued")
        assert await session.scalar(select(func.count()).select_from(Delivery)) == 0  # a machine is not written to
        event = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "held.ticket"))).one()
    assert (event.actor_id, event.ticket_id, event.detail) == (supervisor.id, ticket.id, {"policy": "list"})


async def test_a_form_that_writes_as_ourselves_is_its_authors_ticket(
    user: Users, database: Database, settings: Settings
) -> None:
    form = {"from_address": HELP, "from_name": "Website", "machine": Machine.LOOP}
    await take_in(database, settings, **form, reply_to=["lupe@example.com"])
    await take_in(database, settings, **form)
    supervisor = await user(Role.SUPERVISOR)
    for mail in (await supervisor.http.get("/api/v1/held")).json()["items"]:
        assert (await supervisor.http.post(f"/api/v1/held/{mail['id']}/ticket")).status_code == 201
    async with database.transaction() as session:
        assert list(await session.scalars(select(CustomerIdentity.value))) == ["lupe@example.com"]
        assert list(await session.scalars(select(Participant.address))) == ["lupe@example.com"]
        assert list(await session.scalars(select(Customer.name))) == [""]
        assert await session.scalar(select(func.count()).select_from(Ticket)) == 2


async def test_the_page_makes_tickets_and_leaves_others(user: Users, database: Database, settings: Settings) -> None:
    await take_in(database, settings, from_address="ana@example.com", machine=Machine.AUTO_REPLY)
    await take_in(database, settings, from_address="win@example.net", spam="X-Spam-Flag: YES", subject="<b>Prize</b>")
    supervisor, csr = await user(Role.SUPERVISOR), await user()
    assert (await csr.http.get("/held", headers={"Accept": "text/html"})).status_code == 403
    page = (await supervisor.http.get("/held", headers={"Accept": "text/html"})).text
    assert "&lt;b&gt;Prize&lt;/b&gt;" in page
    assert "X-Spam-Flag: YES" in page
    assert "Automatic reply" in page
    only = (await supervisor.http.get("/held?policy=spam&sender=WIN&subject=", headers={"Accept": "text/html"})).text
    assert "ana@example.com" not in only
    lure, reply = (await supervisor.http.get("/api/v1/held")).json()["items"]

    async def act(do: str, *ids: int) -> None:
        form = {"do": do, "mail": [str(each) for each in ids], "back": "/held?policy=spam"}
        answer = await supervisor.http.post("/held", data=form, headers={"Accept": "text/html"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/held?policy=spam")

    await act("tickets", reply["id"])
    await act("leave", lure["id"])
    await act("leave")
    assert (await supervisor.http.get("/api/v1/held")).json()["items"] == []
    [left] = (await supervisor.http.get("/api/v1/held?show=left")).json()["items"]
    assert left["left_by"]["id"] == supervisor.id
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Ticket)) == 1
        looks = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "held.view"))).all()
        assert looks[0].detail == {"ids": [lure["id"], reply["id"]]}


async def test_senders_are_remembered_and_forgotten_over_the_api(
    user: Users, database: Database, settings: Settings
) -> None:
    for number in range(3):
        await take_in(database, settings, from_address=f"win{number}@example.net", spam="X-Spam-Flag: YES")
    supervisor = await user(Role.SUPERVISOR)
    http = supervisor.http
    first = (await http.get("/api/v1/held?limit=2")).json()
    assert len(first["items"]) == 2
    [last] = (await http.get(f"/api/v1/held?limit=2&cursor={first['next']}")).json()["items"]
    made = (await http.post("/api/v1/held/tickets", json={"ids": [last["id"], 999_999]})).json()["results"]
    assert [bool(each["ticket_id"]) for each in made] == [True, False]
    assert made[1]["detail"] == "There is no such mail."
    assert (await http.post("/api/v1/held/leave", json={"ids": [first["items"][0]["id"]]})).json()["ids"] != []
    [judgement] = (await http.get("/api/v1/held/senders")).json()
    assert (judgement["address"], judgement["spam"]) == ("win0@example.net", False)
    page = (await http.get("/held", headers={"Accept": "text/html"})).text
    assert f'action="/held/senders/{judgement["id"]}/forget"' in page
    assert (await http.delete(f"/api/v1/held/senders/{judgement['id']}")).status_code == 204
    assert (await http.delete(f"/api/v1/held/senders/{judgement['id']}")).status_code == 404
    board = (await http.get("/api/v1/board")).json()
    assert board["held_spam"] == 1


async def test_what_was_left_held_is_remembered_for_its_sender_and_undone(
    user: Users, database: Database, settings: Settings
) -> None:
    news = {"from_address": "news@example.net", "machine": Machine.LIST, "machine_evidence": "List-Id: news"}
    late = {"from_address": "mailer-daemon@example.net", "machine": Machine.BOUNCE, "bounce": {"recipients": []}}
    await take_in(database, settings, **news)
    await take_in(database, settings, **late)
    supervisor, csr = await user(Role.SUPERVISOR), await user(Role.CSR2)

    async def waiting() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await supervisor.http.get("/api/v1/held")).json()["items"]
        return found

    ids = [mail["id"] for mail in await waiting()]
    assert (await supervisor.http.post("/api/v1/held/leave", json={"ids": ids})).json() == {"ids": sorted(ids)}
    await take_in(database, settings, **news)
    await take_in(database, settings, **late)
    await take_in(database, settings, **news | {"machine": Machine.AUTO_REPLY})
    assert sorted(mail["policy"] for mail in await waiting()) == ["auto_reply", "bounce_unmatched"]
    left = (await supervisor.http.get("/api/v1/held?show=left&policy=list")).json()["items"]
    assert [mail["left_by"]["id"] for mail in left] == [supervisor.id, supervisor.id]

    [row] = (await supervisor.http.get("/api/v1/held/left-senders")).json()
    assert (row["address"], row["policy"], row["by"]["id"]) == ("news@example.net", "list", supervisor.id)
    page = await supervisor.http.get("/held", headers={"Accept": "text/html"})
    assert "Stays held without a look" in page.text
    url = f"/api/v1/held/left-senders/{row['id']}"
    assert (await csr.http.delete(url)).status_code == 403
    assert (await supervisor.http.delete(url)).status_code == 204
    assert (await supervisor.http.delete(url)).status_code == 404
    await take_in(database, settings, **news)
    assert sorted(mail["policy"] for mail in await waiting()) == ["auto_reply", "bounce_unmatched", "list"]

    # A ticket that was made of one is the opposite word.
    await supervisor.http.post("/api/v1/held/leave", json={"ids": [mail["id"] for mail in await waiting()]})
    [again] = [mail for mail in left if mail["policy"] == "list"][:1]
    assert (await supervisor.http.post(f"/api/v1/held/{again['id']}/ticket")).status_code == 201
    assert [each["policy"] for each in (await supervisor.http.get("/api/v1/held/left-senders")).json()] == [
        "auto_reply"
    ]
    async with database.transaction() as session:
        actions = set(await session.scalars(select(AuditEvent.action).where(AuditEvent.action.startswith("sender."))))
    assert actions == {"sender.leave", "sender.look_again"}
