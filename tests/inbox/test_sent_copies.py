"""Sent replies stand in the mailbox's Sent folder: read, once, and never in the way of the sending."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from imapclient import IMAPClient
from sqlalchemy import select, update

from local.mail import LocalMail
from services.inbox import imap, problems, sent_copies
from services.inbox.credentials import Credentials
from services.inbox.problems import NoSuchFolder
from services.inbox.sent_copies import SentCopies, find_folder, keeps_copy
from shared import clock
from shared.database import Database
from shared.models import (
    Delivery,
    DeliveryFile,
    DeliveryKind,
    DeliveryState,
    Intake,
    MailReceipt,
    Problem,
    SentCopy,
    SentCopyState,
)
from shared.settings import Settings
from tests.factories import make_person
from tests.inbox.conftest import HELP, PASSWORD, Start, mailbox, rows, until, wait_for_messages
from tests.inbox.test_send import queue
from tests.servers.dovecot import Dovecot
from tests.servers.smtp import FaultySmtp


def credentials(port: int, **more: Any) -> dict[str, Credentials]:
    return {"main": Credentials(mailbox("main", HELP, imap_port=port, smtp_port=1, **more))}


async def sent_delivery(database: Database) -> int:
    delivery_id = await queue(database, state=DeliveryState.SENT, sent_at=clock.now())
    async with database.transaction() as session:
        session.add(SentCopy(delivery_id=delivery_id, mailbox="main"))
    return delivery_id


async def copy_of(database: Database, delivery_id: int) -> SentCopy:
    found: list[SentCopy] = await rows(database, select(SentCopy).where(SentCopy.delivery_id == delivery_id))
    return found[0]


async def due_again(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(
            update(SentCopy).values(next_attempt_at=clock.now() - timedelta(seconds=1), leased_until=None)
        )


async def test_through_a_whole_inbox(start: Start, smtp: FaultySmtp, local_mail: LocalMail, database: Database) -> None:
    """The copy is there, read; and although somebody has that folder watched too, it becomes nothing."""
    box = mailbox("main", HELP, imap_port=local_mail.imap_port, smtp_port=smtp.port, folders=["INBOX", "Sent"])
    await local_mail.deliver(HELP, b"From: ana@example.com\r\nSubject: old\r\n\r\nx", folder="Sent")
    delivery_id = await queue(database)
    await start(box)

    async def kept() -> bool:
        copies = await rows(database, select(SentCopy).where(SentCopy.state == SentCopyState.KEPT))
        return len(copies) == 1

    await until(kept)
    copy = next(mail for mail in local_mail.mails(HELP, "Sent") if b"X-Centralita-Loop" in mail.raw)
    assert copy.raw == smtp.mails[0].content, "the mail that was sent"
    assert (await copy_of(database, delivery_id)).folder == "Sent"
    found = await wait_for_messages(database, 2)
    assert [str(message.machine) for message in found if message.from_address == HELP] == ["loop"]
    assert await rows(database, select(MailReceipt).where(MailReceipt.folder == "Sent")) != []
    assert await rows(database, select(Intake)) == []


async def test_dovecot_and_a_process_that_died_after_the_append(database: Database, settings: Settings) -> None:
    with Dovecot({HELP: PASSWORD}) as server:
        names = ["Elementos enviados", "Other"]
        for name in names:
            server.maildir(HELP, name)
        boxes = credentials(server.port)
        first, second = await sent_delivery(database), await sent_delivery(database)
        copies = SentCopies(database, settings, boxes)
        assert await copies.sweep() == 2
        async with database.transaction() as session:  # as if it had died before noting the first
            await session.execute(
                update(SentCopy).where(SentCopy.delivery_id == first).values(state=SentCopyState.WAITING)
            )
        assert await copies.sweep() == 1
        again = await asyncio.gather(copies.sweep(), SentCopies(database, settings, boxes).sweep())
        assert sum(again) == 0

        def look() -> list[tuple[bytes, ...]]:
            client = imap.connect(boxes["main"])
            try:
                client.select_folder("Elementos enviados", readonly=True)
                uids = client.search()
                return [data[b"FLAGS"] for data in client.fetch(uids, ["FLAGS"]).values()]
            finally:
                imap.close(client)

        flags = await asyncio.to_thread(look)
        assert len(flags) == 2
        assert all(b"\\Seen" in each for each in flags)
        assert (await copy_of(database, second)).state is SentCopyState.KEPT


async def test_one_that_cannot_be_made_keeps_no_other(
    local_mail: LocalMail, database: Database, settings: Settings
) -> None:
    lost, good = await sent_delivery(database), await sent_delivery(database)
    async with database.transaction() as session:
        person = await make_person(session)
        ticket_id = await session.scalar(select(Delivery.ticket_id).where(Delivery.id == lost))
        session.add(
            DeliveryFile(
                ticket_id=ticket_id, delivery_id=lost, uploaded_by_id=person.id, filename="a.pdf",
                content_type="application/pdf", size=1, blob="0" * 64, content_id="x@centralita",
            )
        )  # fmt: skip
    assert await SentCopies(database, settings, credentials(local_mail.imap_port)).sweep() == 1
    assert (await copy_of(database, good)).state is SentCopyState.KEPT
    assert (await copy_of(database, lost)).state is SentCopyState.WAITING
    assert len(local_mail.mails(HELP, "Sent")) == 1


async def test_a_folder_that_is_not_there_is_told_and_tried_again(
    local_mail: LocalMail, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sent_copies, "REPORT_FROM", 1)
    delivery_id = await sent_delivery(database)
    await SentCopies(database, settings, credentials(local_mail.imap_port, sent_folder="Nowhere")).sweep()
    copy = await copy_of(database, delivery_id)
    assert (copy.state, copy.attempts) == (SentCopyState.WAITING, 1)
    assert copy.next_attempt_at > clock.now() + timedelta(seconds=30)
    (problem,) = await rows(database, select(Problem))
    assert (problem.key, problem.message) == ("sent:main", problems.NO_SENT_COPY.message)
    (delivery,) = await rows(database, select(Delivery))
    assert delivery.state is DeliveryState.SENT, "the customer has the mail"
    await local_mail.deliver(HELP, b"Subject: x\r\n\r\nx", folder="Archivo/Enviados")
    await due_again(database)
    assert await SentCopies(database, settings, credentials(local_mail.imap_port)).sweep() == 1
    assert await rows(database, select(Problem).where(Problem.resolved_at.is_(None))) == []


class Listing(IMAPClient):  # type: ignore[misc]
    """What a server would list."""

    def __init__(self, *folders: tuple[str, ...]) -> None:
        self.folders = [(tuple(flag.encode() for flag in flags), b"/", name) for name, *flags in folders]

    def list_folders(self, *_: object) -> Any:
        return self.folders


@pytest.mark.parametrize(
    ("folders", "named", "found"),
    [
        ((("INBOX",), ("Sent",), ("Outbox", "\\Sent")), None, "Outbox"),
        ((("INBOX",), ("INBOX/Enviados",)), None, "INBOX/Enviados"),
        ((("Sent Items",), ("Mine",)), "Mine", "Mine"),
        ((("Sent", "\\Noselect"), ("Sent/2026",)), None, None),
        ((("Presented",),), None, None),
        ((("Sent",),), "Mine", None),
    ],
)
def test_which_folder(folders: tuple[tuple[str, ...], ...], named: str | None, found: str | None) -> None:
    client = Listing(*folders)
    if found is not None:
        assert find_folder(client, named) == found
        return
    with pytest.raises(NoSuchFolder):
        find_folder(client, named)


@pytest.mark.parametrize(
    ("host", "keep_sent", "kind", "kept"),
    [
        ("smtp.center.example", None, DeliveryKind.REPLY, True),
        ("smtp.center.example", None, DeliveryKind.ACKNOWLEDGEMENT, False),
        ("smtp.center.example", False, DeliveryKind.REPLY, False),
        ("smtp.gmail.com", None, DeliveryKind.REPLY, False),
        ("smtp.office365.com", None, DeliveryKind.REPLY, False),
        ("smtp.office365.com", True, DeliveryKind.REPLY, True),
        ("gmail.com.example", None, DeliveryKind.REPLY, True),
    ],
)
def test_whose_copies(host: str, *, keep_sent: bool | None, kind: DeliveryKind, kept: bool) -> None:
    box = mailbox("main", HELP, imap_port=1, smtp={"host": host}, keep_sent=keep_sent)
    assert keeps_copy(Delivery(kind=kind), box) is kept
