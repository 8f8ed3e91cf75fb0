"""Deliveries leave through a real SMTP server, exactly once as far as anybody can know."""

import asyncio
import email
import email.policy
import itertools
import sys
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from services.inbox import machines, problems, send
from services.inbox.credentials import Credentials
from services.inbox.send import NOT_KNOWN, Sender
from shared import clock
from shared.database import Database, ring
from shared.jobs import Job
from shared.models import Delivery, DeliveryFailure, DeliveryKind, DeliveryState, MailDomain, Problem, Ticket
from shared.settings import Settings
from tests.inbox.conftest import HELP, PASSWORD, Start, mailbox, rows, until
from tests.servers.certificates import make_certificate
from tests.servers.smtp import FaultySmtp

_numbers = itertools.count(1)


def sender_to(database: Database, settings: Settings, port: int, **more: Any) -> Sender:
    smtp_server = {"host": "localhost", "port": port, "security": more.pop("security", "none")}
    return Sender(
        database, settings, {"main": Credentials(mailbox("main", HELP, imap_port=1, smtp=smtp_server, **more))}
    )


async def queue(database: Database, **changes: Any) -> int:
    number = next(_numbers)
    async with database.transaction() as session:
        ticket = Ticket(
            channel="email", subject="Mi factura", reply_token=f"tok{number:04d}abcdef", queued_at=clock.now()
        )
        session.add(ticket)
        await session.flush()
        values: dict[str, Any] = {
            "ticket_id": ticket.id,
            "kind": DeliveryKind.REPLY,
            "to_addresses": ["ana@example.com"],
            "subject": "Re: Mi factura — ¿cómo se lee?",
            "language": "es",
            "text": "Hola Ana:\n\nLa generación va en la segunda hoja.\n",
            "html": "<p>Hola Ana:</p><p>La generación va en la segunda hoja.</p>",
            "rfc_message_id": f"<delivery.{number}@center.example.org>",
            "in_reply_to": "<q1@mail.example.com>",
            "references": ["<q0@mail.example.com>", "<q1@mail.example.com>"],
            "reply_token": ticket.reply_token,
        }
        delivery = Delivery(**{**values, **changes})
        session.add(delivery)
        await session.flush()
        return delivery.id


async def delivery_of(database: Database, delivery_id: int) -> Delivery:
    found: list[Delivery] = await rows(database, select(Delivery).where(Delivery.id == delivery_id))
    return found[0]


async def make_due(database: Database, delivery_id: int) -> None:
    """As when its time has come, and its domain's."""
    async with database.transaction() as session:
        await session.execute(
            update(Delivery).where(Delivery.id == delivery_id).values(next_attempt_at=clock.now() - timedelta(1))
        )
        await session.execute(update(MailDomain).values(refusals=0, slowed_until=None, last_at=None, next_slot_at=None))


def opened(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)


async def test_a_ring_sends_the_reply_at_once(
    start: Start, smtp: FaultySmtp, database: Database, settings: Settings
) -> None:
    await start(mailbox("main", HELP, imap_port=1, smtp_port=smtp.port), sweep_s=60.0)
    await asyncio.sleep(0.3)
    delivery_id = await queue(database)
    async with database.transaction() as session:
        ring(session, Job.SEND, delivery_id)

    async def sent() -> bool:
        return (await delivery_of(database, delivery_id)).state is DeliveryState.SENT

    await until(sent, timeout=5)
    delivery = await delivery_of(database, delivery_id)
    assert delivery.sent_at is not None
    assert delivery.last_error is None
    (accepted,) = smtp.mails
    assert accepted.sender == HELP
    assert accepted.recipients == ["ana@example.com"]
    message = opened(accepted.content)
    assert message["Message-ID"] == delivery.rfc_message_id
    assert message["In-Reply-To"] == "<q1@mail.example.com>"
    assert message["References"] == "<q0@mail.example.com> <q1@mail.example.com>"
    assert message["From"] == f"Customer Center <{HELP}>"
    assert message["Reply-To"] == f"Customer Center <help+{delivery.reply_token}@center.example.org>"
    assert message["Subject"] == "Re: Mi factura — ¿cómo se lee?"
    assert message["Content-Language"] == "es"
    assert message["Auto-Submitted"] is None
    assert message[machines.MARKER] == machines.marker(settings.secret_key.get_secret_value(), delivery.rfc_message_id)
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "La generación va en la segunda hoja." in plain.get_content()
    assert "<p>La generación va en la segunda hoja.</p>" in html.get_content()


async def test_a_lost_ring_is_swept_up(start: Start, smtp: FaultySmtp, database: Database) -> None:
    delivery_id = await queue(database)
    await start(mailbox("main", HELP, imap_port=1, smtp_port=smtp.port))

    async def sent() -> bool:
        return (await delivery_of(database, delivery_id)).state is DeliveryState.SENT

    await until(sent, timeout=5)
    assert len(smtp.mails) == 1


@pytest.mark.parametrize("kind", [DeliveryKind.ACKNOWLEDGEMENT, DeliveryKind.SAFETY])
async def test_what_machines_write_says_so(
    kind: DeliveryKind, smtp: FaultySmtp, database: Database, settings: Settings
) -> None:
    await sender_to(database, settings, smtp.port).send(await queue(database, kind=kind))
    assert opened(smtp.mails[0].content)["Auto-Submitted"] == "auto-replied"


async def test_refused_for_now_then_taken(smtp: FaultySmtp, database: Database, settings: Settings) -> None:
    smtp.answers["ana@example.com"] = ["451 4.2.0 Greylisted", "250 OK"]
    sender = sender_to(database, settings, smtp.port)
    delivery_id = await queue(database)
    await sender.send(delivery_id)
    delivery = await delivery_of(database, delivery_id)
    assert delivery.state is DeliveryState.QUEUED
    assert "451 4.2.0 Greylisted" in (delivery.last_error or "")
    assert delivery.next_attempt_at > clock.now() + timedelta(seconds=15)
    await sender.send(delivery_id)  # not due yet
    assert smtp.mails == []
    await make_due(database, delivery_id)
    await sender.send(delivery_id)
    delivery = await delivery_of(database, delivery_id)
    assert (delivery.state, delivery.attempts, delivery.last_error) == (DeliveryState.SENT, 2, None)
    assert len(smtp.mails) == 1


async def test_refused_for_good_is_told_at_once(smtp: FaultySmtp, database: Database, settings: Settings) -> None:
    smtp.answers["ana@example.com"] = ["550 5.1.1 No such user"]
    delivery_id = await queue(database)
    await sender_to(database, settings, smtp.port).send(delivery_id)
    delivery = await delivery_of(database, delivery_id)
    assert delivery.state is DeliveryState.FAILED
    assert delivery.last_error == "ana@example.com: 550 5.1.1 No such user"
    assert delivery.failure is DeliveryFailure.RECIPIENT


async def test_content_refused_for_good(smtp: FaultySmtp, database: Database, settings: Settings) -> None:
    smtp.after_content = "554 5.7.1 Looks like spam"
    delivery_id = await queue(database)
    await sender_to(database, settings, smtp.port).send(delivery_id)
    delivery = await delivery_of(database, delivery_id)
    assert (delivery.state, delivery.last_error) == (DeliveryState.FAILED, "554 5.7.1 Looks like spam")
    assert delivery.failure is DeliveryFailure.CONTENT


async def test_one_of_two_recipients_refused(smtp: FaultySmtp, database: Database, settings: Settings) -> None:
    smtp.answers["old@example.com"] = ["550 5.1.1 Moved away"]
    delivery_id = await queue(database, cc_addresses=["old@example.com"])
    await sender_to(database, settings, smtp.port).send(delivery_id)
    delivery = await delivery_of(database, delivery_id)
    assert delivery.state is DeliveryState.SENT
    assert delivery.last_error == "old@example.com: 550 5.1.1 Moved away"
    assert smtp.mails[0].recipients == ["ana@example.com"]


async def test_one_recipient_busy_keeps_the_mail_back_for_both(
    smtp: FaultySmtp, database: Database, settings: Settings
) -> None:
    smtp.answers["late@example.com"] = ["450 4.2.1 Busy", "250 OK"]
    delivery_id = await queue(database, cc_addresses=["late@example.com"])
    sender = sender_to(database, settings, smtp.port)
    await sender.send(delivery_id)
    assert smtp.mails == []
    await make_due(database, delivery_id)
    await sender.send(delivery_id)
    assert [accepted.recipients for accepted in smtp.mails] == [["ana@example.com", "late@example.com"]]


async def test_connection_that_ends_without_an_answer_is_not_sent_again(
    smtp: FaultySmtp, database: Database, settings: Settings
) -> None:
    smtp.after_content = "hang up"
    delivery_id = await queue(database)
    sender = sender_to(database, settings, smtp.port)
    await sender.send(delivery_id)
    delivery = await delivery_of(database, delivery_id)
    assert delivery.state is DeliveryState.FAILED
    assert delivery.last_error == NOT_KNOWN
    await sender.sweep()
    assert len(smtp.mails) == 1


async def test_dead_server_is_told_and_given_up_at_last(database: Database, settings: Settings) -> None:
    sender = sender_to(database, settings, 1)
    delivery_id = await queue(database)
    await sender.send(delivery_id)
    assert (await delivery_of(database, delivery_id)).state is DeliveryState.QUEUED
    (problem,) = await rows(database, select(Problem).where(Problem.key == "smtp:main"))
    assert problem.message == problems.NOT_REACHABLE.message
    async with database.transaction() as session:
        await session.execute(update(Delivery).values(tried_since=clock.now() - timedelta(hours=80)))
    await make_due(database, delivery_id)
    await sender.send(delivery_id)
    delivery = await delivery_of(database, delivery_id)
    assert (delivery.state, delivery.failure) == (DeliveryState.FAILED, DeliveryFailure.GAVE_UP)


async def test_wrong_password_keeps_the_mail_and_tells(
    database: Database, settings: Settings, smtp: FaultySmtp
) -> None:
    async with FaultySmtp(password="another") as server:
        sender = sender_to(database, settings, server.port)
        delivery_id = await queue(database)
        await sender.send(delivery_id)
        assert (await delivery_of(database, delivery_id)).state is DeliveryState.QUEUED
        (problem,) = await rows(database, select(Problem).where(Problem.resolved_at.is_(None)))
        assert (problem.key, problem.message) == ("smtp:main", problems.WRONG_PASSWORD.message)
        server.password = PASSWORD
        await make_due(database, delivery_id)
        await sender.send(delivery_id)
        assert (await delivery_of(database, delivery_id)).state is DeliveryState.SENT
        assert server.mails[0].user == HELP
    assert await rows(database, select(Problem).where(Problem.resolved_at.is_(None))) == []


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_encrypted_and_signed_in(
    security: str, database: Database, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    async with FaultySmtp(password=PASSWORD, certificate=certificate, implicit_tls=security == "tls") as server:
        untrusting = sender_to(database, settings, server.port, security=security)
        delivery_id = await queue(database)
        await untrusting.send(delivery_id)
        (problem,) = await rows(database, select(Problem).where(Problem.resolved_at.is_(None)))
        assert problem.message == problems.BAD_CERTIFICATE.message
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.certificate))
        await make_due(database, delivery_id)
        await sender_to(database, settings, server.port, security=security).send(delivery_id)
        assert (await delivery_of(database, delivery_id)).state is DeliveryState.SENT
        assert (server.mails[0].tls, server.mails[0].user) == (True, HELP)


async def test_signed_in_by_token(database: Database, settings: Settings) -> None:
    command = [sys.executable, "-c", "print('a-token')"]
    async with FaultySmtp(token="a-token") as server:
        sender = sender_to(database, settings, server.port, password=None, oauth2_token_command=command)
        delivery_id = await queue(database)
        await sender.send(delivery_id)
        assert (await delivery_of(database, delivery_id)).state is DeliveryState.SENT
        assert server.mails[0].user == HELP


async def test_no_mailbox_that_can_send(database: Database, settings: Settings) -> None:
    sender = Sender(database, settings, {"main": Credentials(mailbox("main", HELP, imap_port=1))})
    delivery_id = await queue(database)
    await sender.send(delivery_id)
    assert (await delivery_of(database, delivery_id)).state is DeliveryState.QUEUED
    (problem,) = await rows(database, select(Problem))
    assert problem.message == problems.NO_SMTP.message


async def test_address_that_is_none_fails_with_the_reason(
    smtp: FaultySmtp, database: Database, settings: Settings
) -> None:
    delivery_id = await queue(database, to_addresses=["not an address"])
    await sender_to(database, settings, smtp.port).send(delivery_id)
    delivery = await delivery_of(database, delivery_id)
    assert delivery.state is DeliveryState.FAILED
    assert "not an address" in (delivery.last_error or "")
    assert delivery.failure is DeliveryFailure.ADDRESS


async def test_international_addresses(smtp: FaultySmtp, database: Database, settings: Settings) -> None:
    """A domain has a form in ASCII; a local part needs SMTPUTF8 (RFC 6531)."""
    sender = sender_to(database, settings.model_copy(update={"domain_interval_s": 0}), smtp.port)
    for address in ("josé@ejemplo.example.com", "ana@peñaloza.example.com"):
        await sender.send(await queue(database, to_addresses=[address]))
    assert [mail.recipients for mail in smtp.mails] == [
        ["josé@ejemplo.example.com"], ["ana@xn--pealoza-5za.example.com"],
    ]  # fmt: skip
    assert ["SMTPUTF8" in mail.mail_options for mail in smtp.mails] == [True, False]
    assert opened(smtp.mails[1].content)["To"] == "ana@xn--pealoza-5za.example.com"


async def test_reports_are_asked_for_where_the_server_makes_them(database: Database, settings: Settings) -> None:
    """RFC 3461: of failures and delays, with headers only; and the size is told (RFC 1870)."""
    async with FaultySmtp(dsn=True) as server:
        delivery_id = await queue(database, to_addresses=["ana+x@example.com"])
        await sender_to(database, settings, server.port).send(delivery_id)
        (mail,) = server.mails
        assert mail.dsn == [
            "RET=HDRS", f"ENVID=CENTRALITA-{delivery_id}", "NOTIFY=FAILURE,DELAY", "ORCPT=RFC822;ANA+2BX@EXAMPLE.COM",
        ]  # fmt: skip
        assert f"SIZE={len(mail.content)}" in mail.mail_options


async def test_a_mail_larger_than_the_server_takes_is_not_handed_over(database: Database, settings: Settings) -> None:
    async with FaultySmtp(max_bytes=500) as server:
        delivery_id = await queue(database)
        await sender_to(database, settings, server.port).send(delivery_id)
        delivery = await delivery_of(database, delivery_id)
        assert (delivery.state, delivery.failure) == (DeliveryState.FAILED, DeliveryFailure.SIZE)
        assert not server.content_arrived.is_set()


async def test_subject_cannot_add_headers(smtp: FaultySmtp, database: Database, settings: Settings) -> None:
    await sender_to(database, settings, smtp.port).send(
        await queue(database, subject="Hello\r\nBcc: spy@example.com\r\n\r\nbody")
    )
    message = opened(smtp.mails[0].content)
    assert message["Bcc"] is None
    assert message["Subject"] == "Hello Bcc: spy@example.com body"


def test_back_off_grows_to_an_hour() -> None:
    waits = [send.back_off(attempt).total_seconds() for attempt in range(1, 12)]
    assert 20 < waits[0] < 40
    assert all(wait <= 3600 * 1.25 for wait in waits)
    assert waits[-1] > 2600
