"""Opening hours, special days, texts for customers, problems, dead letters and the audit log."""

import pytest
from sqlalchemy import select

from services.tickets import reply_templates
from shared import health
from shared.blobs import Blobs
from shared.database import Database
from shared.models import AuditEvent, Intake, IntakeOutcome, Mailbox, MailReceipt, ReceiptState, Role
from tests.factories import make_message
from tests.tickets.api.conftest import Users

MONDAY = {"weekday": 0, "opens": "08:00", "closes": "18:00"}


async def test_the_week_is_replaced_whole(user: Users, database: Database) -> None:
    me = await user(Role.SUPERVISOR)
    evening = {"weekday": 0, "opens": "20:00", "closes": "00:00"}
    answer = await me.http.put("/api/v1/hours", json={"lines": [evening, MONDAY]})
    assert [line["opens"] for line in answer.json()] == ["08:00:00", "20:00:00"]
    answer = await me.http.put("/api/v1/hours", json={"lines": [{**MONDAY, "weekday": 5}]})
    assert [line["weekday"] for line in (await me.http.get("/api/v1/hours")).json()["lines"]] == [5]
    async with database.transaction() as session:
        events = list(await session.scalars(select(AuditEvent).where(AuditEvent.action == "hours.change")))
    assert len(events) == 2
    assert len(events[1].detail["before"]) == 2


@pytest.mark.parametrize(
    "lines",
    [
        [MONDAY, {"weekday": 0, "opens": "17:59", "closes": "20:00"}],
        [{"weekday": 0, "opens": "18:00", "closes": "08:00"}],
        [{"weekday": 0, "opens": "08:00", "closes": "08:00"}],
        [{"weekday": 7, "opens": "08:00", "closes": "18:00"}],
        [{"weekday": 0, "opens": "20:00", "closes": "00:00"}, {"weekday": 0, "opens": "22:00", "closes": "23:00"}],
        [{"weekday": 0, "opens": "late", "closes": "18:00"}],
    ],
)
async def test_weeks_that_cannot_be(user: Users, lines: list[dict[str, object]]) -> None:
    me = await user(Role.SUPERVISOR)
    assert (await me.http.put("/api/v1/hours", json={"lines": [MONDAY]})).status_code == 200
    assert (await me.http.put("/api/v1/hours", json={"lines": lines})).status_code in (400, 422)
    assert len((await me.http.get("/api/v1/hours")).json()["lines"]) == 1


async def test_special_days(user: Users) -> None:
    me = await user(Role.SUPERVISOR)
    url, names = "/api/v1/special-days/2026-12-24", {"name_en": "Christmas Eve", "name_es": "Nochebuena"}
    assert (await me.http.put(url, json=names)).json()["opens"] is None
    assert (await me.http.put(url, json={**names, "opens": "08:00"})).status_code == 400
    changed = await me.http.put(url, json={**names, "opens": "08:00", "closes": "12:00"})
    assert changed.json()["closes"] == "12:00:00"
    assert len((await me.http.get("/api/v1/hours")).json()["special_days"]) == 1
    assert (await me.http.delete(url)).status_code == 204
    assert (await me.http.delete(url)).status_code == 404


async def test_texts_stand_in_both_languages_and_fill_in_only_what_is_known(user: Users, database: Database) -> None:
    async with database.transaction() as session:
        await reply_templates.seed(session)
    me = await user(Role.SUPERVISOR)
    url = "/api/v1/templates/acknowledgement"
    text = (await me.http.get(url)).json()
    assert text["usable"]
    new = {"subject": "Hello", "body": "#{number} at {center}"}
    saved = await me.http.put(url, json={"en": new, "es": {**new, "subject": "Hola"}})
    assert saved.json()["es"]["subject"] == "Hola"
    for body in ("{nobody} fills this", "half a { brace", "{0}", "{number!r}", "   "):
        answer = await me.http.put(url, json={"en": {**new, "body": body}, "es": new})
        assert answer.status_code == 400, body
    assert (await me.http.put(url, json={"en": new})).status_code == 422
    assert (await me.http.get(url)).json()["en"]["body"] == new["body"]


async def test_problems_are_listed_until_they_are_over(user: Users, database: Database) -> None:
    me = await user(Role.SUPERVISOR)
    await health.report(database, "inbox", "imap:main", "The server refuses the password.", "Change it.")
    await health.report(database, "inbox", "imap:main", "The server refuses the password.", "Change it.")
    (problem,) = (await me.http.get("/api/v1/problems")).json()
    assert (problem["count"], problem["hint"]) == (2, "Change it.")
    await health.resolve(database, "inbox", "imap:main")
    assert (await me.http.get("/api/v1/problems")).json() == []
    assert len((await me.http.get("/api/v1/problems?include_resolved=true")).json()) == 1


async def test_dead_letters_can_be_looked_at_and_replayed(user: Users, database: Database, blobs: Blobs) -> None:
    async with database.transaction() as session:
        mailbox = Mailbox(name="main", address="help@center.example")
        session.add(mailbox)
        await session.flush()
        receipt = MailReceipt(
            mailbox_id=mailbox.id, folder="INBOX", uidvalidity=1, uid=7, blob=await blobs.put(b"raw bytes"), size=9,
            state=ReceiptState.DEAD, attempts=5, error="Traceback…\nValueError: boom",
        )  # fmt: skip
        message = await make_message(session, blob=await blobs.put(b"raw mail"))
        failed = Intake(message_id=message.id, outcome=IntakeOutcome.FAILED, attempts=3, error="KeyError: 'x'")
        session.add_all([receipt, failed])
    supervisor, administrator = await user(Role.SUPERVISOR), await user(Role.ADMINISTRATOR)
    items = (await supervisor.http.get("/api/v1/dead-letters")).json()["items"]
    assert {(item["kind"], item["error"]) for item in items} == {
        ("receipt", "ValueError: boom"),
        ("intake", "KeyError: 'x'"),
    }
    for kind, id_, raw in (("receipt", receipt.id, b"raw bytes"), ("intake", failed.id, b"raw mail")):
        url = f"/api/v1/dead-letters/{kind}/{id_}"
        assert (await supervisor.http.get(url + "/raw")).status_code == 403
        assert (await administrator.http.get(url + "/raw")).content == raw
        assert (await administrator.http.post(url + "/replay")).status_code == 202
    assert (await administrator.http.post(f"/api/v1/dead-letters/receipt/{receipt.id}/replay")).status_code == 409
    async with database.transaction() as session:
        again = await session.get_one(MailReceipt, receipt.id)
        assert (again.state, again.attempts, again.error) == (ReceiptState.STORED, 0, None)
        assert (await session.get_one(Intake, failed.id)).next_attempt_at is not None
        actions = list(await session.scalars(select(AuditEvent.action)))
    assert actions.count("dead_letter.download") == 2
    assert actions.count("dead_letter.replay") == 2


async def test_the_audit_log_is_read_in_pages_and_reading_is_in_it(user: Users, database: Database) -> None:
    me = await user(Role.MANAGER)
    for n in range(5):
        await me.http.put(f"/api/v1/special-days/2031-01-0{n + 1}", json={"name_en": "a", "name_es": "b"})
    first = await me.http.get("/api/v1/audit?limit=2&action=special_day.")
    page = first.json()
    assert [event["object_id"] for event in page["items"]] == ["2031-01-05", "2031-01-04"]
    assert first.headers["link"].endswith('rel="next"')
    seen = len(page["items"])
    while page["next"]:
        params = {"limit": "2", "action": "special_day.", "cursor": page["next"]}
        page = (await me.http.get("/api/v1/audit", params=params)).json()
        seen += len(page["items"])
    assert seen == 5
    assert (await me.http.get("/api/v1/audit?action=audit.view")).json()["items"][0]["actor_id"] == me.id
    assert (await me.http.get("/api/v1/audit?cursor=zzzz")).status_code == 400
