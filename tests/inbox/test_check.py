"""A test of a mailbox on real servers: every step written down, and for each failure what to do about it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from local.mail import LocalMail
from services.inbox import check as checking
from services.inbox import problems
from services.inbox.check import Step
from services.inbox.service import Inbox
from services.tickets import intake
from shared import clock
from shared.database import Database
from shared.models import CheckState, Intake, MailboxCheck, Role, Ticket
from shared.settings import Settings
from tests.factories import make_person
from tests.inbox.conftest import HELP, PASSWORD, Start, rows, until, wait_for_messages
from tests.inbox.managed import by_token, managed
from tests.servers.certificates import make_certificate
from tests.servers.dovecot import Dovecot, free_port
from tests.servers.smtp import FaultySmtp
from tests.servers.tokens import TokenServer


async def ask(database: Database, mailbox_id: int) -> int:
    async with database.transaction() as session:
        person = await make_person(session, Role.ADMINISTRATOR)
        check = MailboxCheck(mailbox_id=mailbox_id, asked_by_id=person.id, asked_at=clock.now())
        session.add(check)
        await session.flush()
        return check.id


async def run(settings: Settings, database: Database, mailbox_id: int) -> dict[str, dict[str, Any]]:
    """The steps of one test, by an inbox that does nothing else."""
    check_id = await ask(database, mailbox_id)
    inbox = Inbox(settings)
    try:
        await inbox.checker.run(check_id)
    finally:
        await inbox.mailboxes.stop()
        await inbox.database.close()
    (check,) = await rows(database, select(MailboxCheck).where(MailboxCheck.id == check_id))
    assert check.finished_at is not None
    failed = any(step["state"] == "failed" for step in check.steps)
    assert check.state is (CheckState.FAILED if failed else CheckState.GOOD)
    return {step["step"]: step for step in check.steps}


def states(steps: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: step["state"] for name, step in steps.items()}


def failure(steps: dict[str, dict[str, Any]]) -> tuple[str, str]:
    """The step that failed first, and what it says."""
    return next((name, step["message"]) for name, step in steps.items() if step["state"] == "failed")


async def test_all_is_well_and_the_mails_to_itself_are_no_tickets(
    start: Start, settings: Settings, database: Database, local_mail: LocalMail
) -> None:
    """Asked for while the inbox runs: rung for by nobody, found by the sweep."""
    mailbox_id = await managed(database, settings, imap_port=local_mail.imap_port, smtp_port=local_mail.smtp_port)
    await start()
    check_id = await ask(database, mailbox_id)

    async def finished() -> MailboxCheck | None:
        (check,) = await rows(database, select(MailboxCheck).where(MailboxCheck.id == check_id))
        return check if check.finished_at is not None else None

    check = await until(finished, timeout=30)
    assert check is not None
    assert [(step["step"], step["state"]) for step in check.steps] == [
        (step.value, "good") for step in Step if step is not Step.TOKEN
    ]
    assert "INBOX" in check.steps[2]["found"]
    messages = await wait_for_messages(database, 2)
    await intake.take_in_messages(database, settings, [message.id for message in messages])
    assert {row.policy for row in await rows(database, select(Intake))} == {"mailbox_check"}
    assert await rows(database, select(Ticket)) == []
    assert {message.rfc_message_id for message in messages} == set(check.probes)


async def test_a_mailbox_by_token(settings: Settings, database: Database) -> None:
    with TokenServer() as provider:
        with Dovecot({HELP: PASSWORD}, mechanisms="xoauth2", introspection_url=provider.introspection_url) as dovecot:
            mailbox_id = await managed(database, settings, imap_port=dovecot.port, **by_token(provider))
            steps = await run(settings, database, mailbox_id)
        assert states(steps) | {"sent": "skipped"} == {
            step.value: "good" if step.value in ("token", "connect", "sign_in", "folders") else "skipped"
            for step in Step
        }
        assert steps["sent"]["message"] == checking.RECEIVES_ONLY
        provider.client_secret = "changed at the provider"
        steps = await run(settings, database, mailbox_id)
        assert failure(steps) == ("token", problems.CLIENT_REFUSED.message)
        assert states(steps)["connect"] == "skipped"


async def accepted_mails(smtp: FaultySmtp, count: int) -> None:
    async def enough() -> bool:
        return len(smtp.mails) >= count

    await until(enough)


@pytest.fixture
def refused_port() -> int:
    return free_port()


async def test_each_failure_says_what_to_do(
    settings: Settings, database: Database, local_mail: LocalMail, refused_port: int, tmp_path: Path
) -> None:
    good = {"imap_port": local_mail.imap_port, "smtp_port": local_mail.smtp_port}
    certificate = make_certificate(tmp_path)
    async with FaultySmtp(password="another") as strict, FaultySmtp(certificate=certificate, implicit_tls=True) as tls:
        cases: list[tuple[dict[str, Any], str, str]] = [
            ({**good, "password": "wrong"}, "sign_in", problems.WRONG_PASSWORD.message),
            ({**good, "imap_host": "nowhere.invalid"}, "connect", problems.UNKNOWN_HOST.message),
            ({**good, "imap_port": refused_port}, "connect", problems.NOT_REACHABLE.message),
            ({**good, "imap_port": tls.port, "imap_security": "tls"}, "connect", problems.BAD_CERTIFICATE.message),
            ({**good, "folders": ["INBOX", "Nowhere"]}, "folders", checking.MISSING.message),
            ({**good, "smtp_port": refused_port}, "smtp_connect", problems.NOT_REACHABLE.message),
            ({**good, "smtp_port": strict.port}, "smtp_sign_in", problems.WRONG_PASSWORD.message),
            ({**good, "smtp_port": tls.port, "smtp_security": "tls"}, "smtp_connect", problems.BAD_CERTIFICATE.message),
        ]
        for number, (columns, step, message) in enumerate(cases):
            address = HELP if number == 0 else f"box{number}@center.example.org"
            mailbox_id = await managed(
                database, settings, name=f"box{number}", address=address, **{"username": HELP, **columns}
            )
            steps = await run(settings, database, mailbox_id)
            assert failure(steps) == (step, message), columns
            assert steps[step]["hint"]
            later = [each.value for each in Step][[each.value for each in Step].index(step) + 1 :]
            assert {steps[each]["state"] for each in later} == {"skipped"}, columns


async def test_plus_addresses_that_do_not_arrive(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "ARRIVES_WITHIN_S", 1.5)
    monkeypatch.setattr(checking, "LOOK_EVERY_S", 0.1)
    with Dovecot({HELP: PASSWORD}) as dovecot:
        async with FaultySmtp() as smtp:

            async def deliver() -> None:
                """An MTA that knows no plus addresses."""
                await accepted_mails(smtp, 2)
                for accepted in smtp.mails:
                    if accepted.recipients == [HELP]:
                        dovecot.deliver(HELP, accepted.content)

            delivering = asyncio.create_task(deliver())
            mailbox_id = await managed(database, settings, imap_port=dovecot.port, smtp_port=smtp.port)
            steps = await run(settings, database, mailbox_id)
            await delivering
    assert (steps["arrived"]["state"], steps["plus_arrived"]["state"]) == ("good", "failed")
    assert failure(steps) == ("plus_arrived", checking.NO_PLUS_ARRIVAL.message)


async def test_a_server_that_refuses_plus_addresses(settings: Settings, database: Database) -> None:
    with Dovecot({HELP: PASSWORD}) as dovecot:
        async with FaultySmtp() as smtp:
            original = smtp.handle_RCPT

            async def refuse(server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
                if "+" in address:
                    return "550 5.1.1 No such user"
                return await original(server, session, envelope, address, options)

            smtp.handle_RCPT = refuse  # type: ignore[method-assign, assignment]

            async def deliver() -> None:
                await accepted_mails(smtp, 1)
                dovecot.deliver(HELP, smtp.mails[0].content)

            delivering = asyncio.create_task(deliver())
            mailbox_id = await managed(database, settings, imap_port=dovecot.port, smtp_port=smtp.port)
            steps = await run(settings, database, mailbox_id)
            await delivering
    assert steps["sent"]["state"] == steps["arrived"]["state"] == "good"
    assert steps["plus_arrived"]["state"] == "failed"
    assert "No such user" in steps["plus_arrived"]["words"]


async def test_a_removed_mailbox_cannot_be_tested(settings: Settings, database: Database) -> None:
    mailbox_id = await managed(database, settings, removed_at=clock.now(), password=None)
    assert failure(await run(settings, database, mailbox_id))[1] == checking.GONE.message
