"""The local mail server: sign-in, delivery, push by IDLE, and mailboxes that outlive it."""

import asyncio
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest
from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from local.mail import CUSTOMER_PASSWORD, LocalMail
from local.mailboxes import base_address

HELP = "help@center.example"


def written(to: str, subject: str = "Factura", sender: str = "ana@example.com") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Message-ID"] = f"<{subject}@example.com>"
    message.set_content("¿Por qué subió mi factura?\n")
    return message


@pytest.fixture
async def mail(tmp_path: Path) -> AsyncIterator[LocalMail]:
    async with LocalMail(tmp_path / "mail", accounts={HELP: "secret"}) as mail:
        yield mail


async def send(mail: LocalMail, message: EmailMessage, **options: object) -> None:
    await aiosmtplib.send(message, hostname=mail.host, port=mail.smtp_port, start_tls=False, **options)  # type: ignore[arg-type]


def sign_in(mail: LocalMail, address: str = HELP, password: str = "secret") -> IMAPClient:
    client = IMAPClient(mail.host, mail.imap_port, ssl=False)
    try:
        client.login(address, password)
    except LoginError:
        client.shutdown()
        raise
    return client


async def test_a_mail_sent_by_smtp_is_read_by_imap_byte_for_byte(mail: LocalMail) -> None:
    await send(mail, written(HELP))

    def read() -> tuple[bytes, object]:
        with sign_in(mail) as client:
            client.select_folder("INBOX", readonly=True)
            (uid,) = client.search()
            return client.fetch([uid], ["BODY.PEEK[]", "FLAGS"])[uid][b"BODY[]"], client.folder_status("INBOX")

    raw, status = await asyncio.to_thread(read)
    assert raw == mail.mails(HELP)[0].raw
    assert raw.startswith(b"Return-Path: <ana@example.com>\r\n")
    assert "subió" in mail.mails(HELP)[0].parsed().get_content()
    assert status[b"MESSAGES"] == 1  # type: ignore[index]


async def test_idle_hears_at_once(mail: LocalMail) -> None:
    idling = asyncio.Event()
    loop = asyncio.get_running_loop()

    def watch() -> list[object]:
        with sign_in(mail) as client:
            assert b"IDLE" in client.capabilities()
            client.select_folder("INBOX", readonly=True)
            client.idle()
            loop.call_soon_threadsafe(idling.set)
            heard = client.idle_check(timeout=30)
            client.idle_done()
            return list(heard)

    watching = asyncio.create_task(asyncio.to_thread(watch))
    await idling.wait()
    started = loop.time()
    await send(mail, written(HELP))
    assert (1, b"EXISTS") in await watching
    assert loop.time() - started < 10, "pushed, not polled; a busy machine is forgiven"


async def test_a_plus_address_belongs_to_its_base(mail: LocalMail) -> None:
    await send(mail, written("Help+t42.abc@Center.example"))
    assert [m.parsed()["To"] for m in mail.mails(HELP)] == ["Help+t42.abc@Center.example"]
    assert base_address("Help+t42@Center.example") == HELP


async def test_the_center_must_sign_in_to_send(mail: LocalMail) -> None:
    answer = written("ana@example.com", "Re: Factura", sender=HELP)
    with pytest.raises(aiosmtplib.SMTPSenderRefused, match="Authentication required"):
        await send(mail, answer)
    with pytest.raises(aiosmtplib.SMTPAuthenticationError):
        await send(mail, answer, username=HELP, password="wrong")
    await send(mail, answer, username=HELP, password="secret")
    (got,) = await mail.wait_for("ana@example.com")
    assert got.parsed()["Subject"] == "Re: Factura"

    def customer_reads() -> int:
        with sign_in(mail, "ana@example.com", CUSTOMER_PASSWORD) as client:
            return int(client.select_folder("INBOX")[b"EXISTS"])

    assert await asyncio.to_thread(customer_reads) == 1


async def test_a_wrong_imap_password_is_refused(mail: LocalMail) -> None:
    with pytest.raises(LoginError):
        await asyncio.to_thread(sign_in, mail, HELP, "wrong")


async def test_nothing_leaves_the_machine_and_refusals_can_be_arranged(mail: LocalMail) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused, match="outside this machine"):
        await send(mail, written("someone@gmail.com"))
    mail.refusals["gone@example.com"] = "550 5.1.1 No such mailbox"
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused, match="No such mailbox"):
        await send(mail, written("gone@example.com"))
    mail.outage = "451 4.3.0 Try again later"
    with pytest.raises(aiosmtplib.SMTPDataError, match="Try again"):
        await send(mail, written(HELP))
    assert mail.mails(HELP) == []


async def test_mailboxes_outlive_the_server(tmp_path: Path) -> None:
    def look(mail: LocalMail) -> tuple[int, list[int], bytes]:
        with sign_in(mail) as client:
            selected = client.select_folder("INBOX")
            uids = list(client.search())
            return int(selected[b"UIDVALIDITY"]), uids, client.fetch(uids[:1], ["BODY[]"])[uids[0]][b"BODY[]"]

    def expunge_last(mail: LocalMail) -> None:
        with sign_in(mail) as client:
            client.select_folder("INBOX")
            client.delete_messages([client.search()[-1]])
            client.expunge()
            client.create_folder("Voz/Nuevos")
            client.copy([client.search()[0]], "Voz/Nuevos")

    async with LocalMail(tmp_path, accounts={HELP: "secret"}) as mail:
        for subject in ("uno", "dos"):
            await send(mail, written(HELP, subject))
        before = await asyncio.to_thread(look, mail)
        await asyncio.to_thread(expunge_last, mail)
        # Stopping and starting the same server keeps its ports: what a client does when a server is restarted.
        ports = mail.imap_port, mail.smtp_port
        await mail.stop()
        await mail.start()
        assert (mail.imap_port, mail.smtp_port) == ports

    async with LocalMail(tmp_path, accounts={HELP: "secret"}) as again:
        validity, uids, raw = await asyncio.to_thread(look, again)
        assert (validity, uids, raw) == (before[0], before[1][:1], before[2])
        await send(again, written(HELP, "tres"))
        assert again.mails(HELP)[-1].uid > before[1][-1], "a UID is never used twice"
        assert len(again.mails(HELP, "Voz/Nuevos")) == 1


async def test_a_port_in_use_is_an_error_and_leaves_nothing_behind(mail: LocalMail, tmp_path: Path) -> None:
    second = LocalMail(tmp_path / "second", accounts={}, smtp_port=mail.smtp_port)
    with pytest.raises(OSError, match="in use"):
        await second.start()
    with pytest.raises(TimeoutError, match="has 0 such mails"):
        await mail.wait_for("nobody@example.com", timeout=0.05)
