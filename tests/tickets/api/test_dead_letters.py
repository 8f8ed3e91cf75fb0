"""Dead letters are a place: seen with their tracebacks, replayed one or all, set aside with a reason, never lost."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from services.inbox import dead_letters as command_line
from services.inbox import repository as inbox
from services.tickets import intake, intake_mail, intake_reading
from shared import clock, health
from shared.blobs import Blobs
from shared.database import Database
from shared.models import (
    AuditEvent,
    Intake,
    IntakeOutcome,
    Mailbox,
    MailReceipt,
    Problem,
    ReceiptState,
    Role,
    SettledLetter,
    Ticket,
)
from shared.settings import Settings
from tests.factories import make_message
from tests.tickets.api.conftest import Users

DEFECT = "Traceback (most recent call last):\n  File «a.py»\nZeroDivisionError: a defect of our own"
OTHER = "Traceback (most recent call last):\n  File «b.py»\nKeyError: 'subject'\n"


async def receipts(database: Database, blobs: Blobs, count: int, error: str = DEFECT) -> list[int]:
    async with database.transaction() as session:
        mailbox = await session.scalar(select(Mailbox).where(Mailbox.name == "dead"))
        if mailbox is None:
            mailbox = Mailbox(name="dead", address="dead@center.example.org")
            session.add(mailbox)
            await session.flush()
        ids = []
        for number in range(count):
            receipt = MailReceipt(
                mailbox_id=mailbox.id, folder="INBOX", uidvalidity=hash(error) % 10**6, uid=number + 1,
                blob=await blobs.put(f"{error} {number}".encode()), size=10, state=ReceiptState.DEAD, attempts=1,
                error=error, received_at=clock.now() - timedelta(minutes=number),
            )  # fmt: skip
            session.add(receipt)
            await session.flush()
            ids.append(receipt.id)
    return ids


async def failed_intake(database: Database, **values: Any) -> tuple[int, int]:
    """(intake, message)"""
    async with database.transaction() as session:
        message = await make_message(session, "My bill is wrong.", subject="My bill")
        row = Intake(
            **{
                "message_id": message.id, "outcome": IntakeOutcome.FAILED, "attempts": 2, "error": OTHER,
                "next_attempt_at": clock.now() + timedelta(hours=6),
            }
            | values
        )  # fmt: skip
        session.add(row)
        await session.flush()
        return row.id, message.id


async def test_pages_of_both_kinds_the_newest_first(user: Users, database: Database, blobs: Blobs) -> None:
    await receipts(database, blobs, 4)
    intake_id, _ = await failed_intake(database)
    me = await user(Role.SUPERVISOR)
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await me.http.get("/api/v1/dead-letters", params={"limit": 2, "cursor": cursor or ""})).json()
        assert len(page["items"]) <= 2
        found += page["items"]
        cursor = page["next"]
    assert len(found) == 5
    assert [each["at"] for each in found] == sorted((each["at"] for each in found), reverse=True)
    (one,) = [each for each in found if each["kind"] == "intake"]
    assert (one["id"], one["subject"], one["error"], one["attempts"]) == (
        intake_id,
        "My bill",
        "KeyError: 'subject'",
        2,
    )
    assert one["traceback"] == OTHER
    assert one["next_attempt_at"] is not None
    only = (await me.http.get("/api/v1/dead-letters", params={"kind": "receipt", "error": "ZeroDiv"})).json()["items"]
    assert {each["kind"] for each in only} == {"receipt"}
    assert (await me.http.get("/api/v1/dead-letters?error=100%25")).json()["items"] == [], "% is a character"
    assert (await me.http.get("/api/v1/dead-letters?cursor=nonsense")).status_code == 400
    counts = (await me.http.get("/api/v1/dead-letters/counts")).json()
    assert (counts["waiting"], counts["settled"]) == (5, 0)
    assert [(group["error"], group["count"]) for group in counts["groups"]] == [
        ("ZeroDivisionError: a defect of our own", 4), ("KeyError: 'subject'", 1),
    ]  # fmt: skip
    page_text = (await me.http.get("/dead-letters", headers={"Accept": "text/html"})).text
    assert "ZeroDivisionError" in page_text
    assert "/replay" not in page_text, "who may only look sees no buttons"
    assert "5 could not be taken in." in (await me.http.get("/health", headers={"Accept": "text/html"})).text


async def test_all_with_one_error_are_replayed_after_a_fix(
    user: Users, database: Database, blobs: Blobs, settings: Settings
) -> None:
    await receipts(database, blobs, 3)
    others = await receipts(database, blobs, 2, OTHER)
    _, message_id = await failed_intake(database)
    me = await user(Role.ADMINISTRATOR)
    done = await me.http.post("/api/v1/dead-letters/replay", json={"kind": "receipt", "error": "ZeroDivisionError"})
    assert (done.status_code, done.json()) == (202, {"replayed": 3, "left": 0})
    async with database.transaction() as session:
        dead = await session.scalars(select(MailReceipt.id).where(MailReceipt.state == ReceiptState.DEAD))
        assert sorted(dead) == others
    answer = await me.http.post(
        "/dead-letters/replay", data={"kind": "intake", "error": ""}, headers={"Accept": "text/html"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/dead-letters")
    await intake.Doors(database, settings).sweep()
    async with database.transaction() as session:
        row = (await session.scalars(select(Intake).where(Intake.message_id == message_id))).one()
        assert (row.outcome, row.error) == (IntakeOutcome.TICKETED, None)
        actions = list(await session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))
    assert actions.count("dead_letter.replay") == 4
    assert actions.count("dead_letter.replay_all") == 2


async def test_set_aside_with_a_reason_and_taken_back(
    user: Users, database: Database, blobs: Blobs, settings: Settings
) -> None:
    (receipt_id,) = await receipts(database, blobs, 1)
    intake_id, message_id = await failed_intake(database, next_attempt_at=clock.now() - timedelta(minutes=1))
    await health.report(database, "tickets", f"intake:message:{message_id}", "Taking in failed", "Look.")
    me, supervisor = await user(Role.ADMINISTRATOR), await user(Role.SUPERVISOR)
    url = f"/api/v1/dead-letters/intake/{intake_id}/settle"
    assert (await supervisor.http.post(url, json={"reason": "No"})).status_code == 403
    assert (await me.http.post(url, json={"reason": "  "})).status_code == 400
    assert (await me.http.post(url, json={"reason": "A test of our own."})).status_code == 204
    assert (await me.http.post(url, json={"reason": "Again"})).status_code == 409
    settled = await me.http.post(
        f"/dead-letters/receipt/{receipt_id}/settle", data={"reason": "Random bytes."}, headers={"Accept": "text/html"}
    )
    assert settled.status_code == 303
    assert (await me.http.get("/api/v1/dead-letters")).json()["items"] == []
    aside = (await me.http.get("/api/v1/dead-letters?settled=true")).json()["items"]
    assert {each["settled"]["reason"] for each in aside} == {"A test of our own.", "Random bytes."}
    assert {each["settled"]["by"] for each in aside} == {me.person.name}
    for letter in aside:
        raw = await me.http.get(f"/api/v1/dead-letters/{letter['kind']}/{letter['id']}/raw")
        assert raw.status_code == (200 if letter["kind"] == "receipt" else 404), "the bytes stay"
    await intake.Doors(database, settings).sweep()
    async with database.transaction() as session:
        assert await session.scalar(select(Ticket.id)) is None, "it is not tried again by itself"
        assert await inbox.count_dead(session) == 0, "and reminds nobody"
        assert (await session.scalars(select(Problem.resolved_at))).one() is not None
        assert await command_line.replay_mail(session, None) == 0
    assert (await me.http.post(f"/api/v1/dead-letters/intake/{intake_id}/replay")).status_code == 202
    await intake.Doors(database, settings).sweep()
    async with database.transaction() as session:
        assert await session.scalar(select(Ticket.id)) is not None
        assert len(list(await session.scalars(select(SettledLetter.id)))) == 1


async def test_a_poison_mail_never_delays_others(database: Database, settings: Settings, monkeypatch: Any) -> None:
    """Hundreds that fail and are due again go after what is new; and one that fails among many takes none with it."""
    async with database.transaction() as session:
        poison = [(await make_message(session, f"poison {n}", from_address=f"p{n}@example.com")).id for n in range(12)]
        fresh = [(await make_message(session, f"fresh {n}", from_address=f"f{n}@example.com")).id for n in range(3)]

    def read(settings: Any, message: Any) -> Any:
        if message.text_new.startswith("poison"):
            raise ZeroDivisionError("a defect of our own")
        return intake_reading.read(settings, message)

    for module in (intake, intake_mail):
        monkeypatch.setattr(module, "read", read)
    await intake.Doors(database, settings).sweep()
    async with database.transaction() as session:
        outcomes = {row.message_id: row.outcome for row in await session.scalars(select(Intake))}
        assert {outcomes[id_] for id_ in fresh} == {IntakeOutcome.TICKETED}
        assert {outcomes[id_] for id_ in poison} == {IntakeOutcome.FAILED}
        late = (await make_message(session, "late", from_address="late@example.com")).id
        await session.execute(
            update(Intake).where(Intake.outcome == IntakeOutcome.FAILED).values(next_attempt_at=clock.now())
        )
    monkeypatch.setattr(intake, "BATCH", 5)  # fewer than what fails
    await intake.Doors(database, settings).sweep()
    async with database.transaction() as session:
        row = (await session.scalars(select(Intake).where(Intake.message_id == late))).one()
    assert row.outcome is IntakeOutcome.TICKETED
