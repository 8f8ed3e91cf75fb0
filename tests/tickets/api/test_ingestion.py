"""The account of all mail adds up to the ledger, and a comparison with the mail server can be asked for."""

from datetime import timedelta

from fastapi import FastAPI
from sqlalchemy import func, select

from shared import clock
from shared.database import Database
from shared.jobs import Job, Ring
from shared.models import (
    Intake,
    IntakeOutcome,
    Mailbox,
    MailFolder,
    MailReceipt,
    Message,
    ReceiptState,
    Role,
    Ticket,
)
from tests.tickets.api.conftest import Users


async def a_mailbox(database: Database, **folder: object) -> int:
    async with database.transaction() as session:
        mailbox = Mailbox(name="main", address="help@center.example")
        session.add(mailbox)
        await session.flush()
        session.add(MailFolder(mailbox_id=mailbox.id, name="INBOX", uidvalidity=7, **folder))
        return mailbox.id


async def fill(database: Database, mailbox_id: int) -> None:
    """Receipts in every state there is; the ticketed mail lies in two folders."""
    outcomes: list[dict[str, object] | None] = [
        {"outcome": IntakeOutcome.TICKETED},
        {"outcome": IntakeOutcome.ATTACHED},
        {"outcome": IntakeOutcome.HELD, "policy": "list"},
        {"outcome": IntakeOutcome.HELD, "policy": "auto_reply"},
        {"outcome": IntakeOutcome.HELD, "policy": "list"},
        {"outcome": IntakeOutcome.FAILED, "error": "given up", "next_attempt_at": None},
        {"outcome": IntakeOutcome.FAILED, "error": "again", "next_attempt_at": clock.now()},
        None,
    ]
    async with database.transaction() as session:
        ticket = Ticket(channel="email", reply_token="t", queued_at=clock.now())
        session.add(ticket)
        await session.flush()
        for number, outcome in enumerate(outcomes):
            message = Message(mailbox_id=mailbox_id, blob=f"{number}", from_address="", received_at=clock.now())
            session.add(message)
            await session.flush()
            if outcome is not None:
                on = ticket.id if outcome["outcome"] in (IntakeOutcome.TICKETED, IntakeOutcome.ATTACHED) else None
                session.add(Intake(message_id=message.id, ticket_id=on, **outcome))
            for folder in ("INBOX", "Also") if number == 0 else ("INBOX",):
                session.add(
                    MailReceipt(
                        mailbox_id=mailbox_id, folder=folder, uidvalidity=7, uid=number + 1, blob=f"{number}", size=1,
                        state=ReceiptState.PARSED, message_id=message.id,
                    )
                )  # fmt: skip
        for uid, state in ((50, ReceiptState.STORED), (51, ReceiptState.DEAD)):
            session.add(
                MailReceipt(
                    mailbox_id=mailbox_id, folder="INBOX", uidvalidity=7, uid=uid, blob="b", size=1, state=state,
                    error="a traceback" if state is ReceiptState.DEAD else None,
                )
            )  # fmt: skip


async def test_the_account_adds_up_to_the_ledger(user: Users, database: Database) -> None:
    await fill(database, await a_mailbox(database))
    me = await user(Role.SUPERVISOR)
    account = (await me.http.get("/api/v1/mail-account")).json()
    assert account == {
        "receipts": 11, "ticketed": 2, "attached": 1, "held": {"auto_reply": 1, "list": 2}, "dead": 2, "in_progress": 3,
    }  # fmt: skip
    parts = sum(account[name] for name in ("ticketed", "attached", "dead", "in_progress"))
    async with database.transaction() as session:
        ledger = await session.scalar(select(func.count()).select_from(MailReceipt))
    assert parts + sum(account["held"].values()) == account["receipts"] == ledger


async def test_a_comparison_is_asked_for_by_a_row_and_rung(app: FastAPI, user: Users, database: Database) -> None:
    mailbox_id = await a_mailbox(database)
    rung: list[Ring] = []
    me = await user(Role.SUPERVISOR)

    async def hear(rings: list[Ring]) -> None:
        rung.extend(rings)

    app.state.database.bell.ring = hear
    assert (await me.http.post(f"/api/v1/mailboxes/{mailbox_id}/compare")).status_code == 202
    assert rung == [Ring(Job.RECONCILE, mailbox_id)]
    (folder,) = (await me.http.get("/api/v1/mail-folders")).json()
    assert folder["wanted_at"] is not None
    assert (await me.http.post(f"/api/v1/mailboxes/{mailbox_id + 1}/compare")).status_code == 404


async def test_folders_say_who_reads_them_and_who_stands_by(user: Users, database: Database) -> None:
    now = clock.now()
    await a_mailbox(
        database, holder="mx1:7@boot/ns#a", holder_until=now + timedelta(minutes=1), standby="mx2:8@boot/ns#b",
        standby_at=now, reconciled_at=now, on_server=3, in_ledger=2, missing=1, repaired=0, gone=4, refused_uids=[12],
    )  # fmt: skip
    me = await user(Role.SUPERVISOR)
    (folder,) = (await me.http.get("/api/v1/mail-folders")).json()
    assert (folder["reader"], folder["standby"]) == ("mx1:7", "mx2:8")
    assert (folder["on_server"], folder["in_ledger"], folder["gone"], folder["refused_uids"]) == (3, 2, 4, [12])
    async with database.transaction() as session:
        (await session.scalars(select(MailFolder))).one().holder_until = now - timedelta(seconds=1)
    (folder,) = (await me.http.get("/api/v1/mail-folders")).json()
    assert folder["reader"] is None
