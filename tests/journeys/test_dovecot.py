"""The same journey with Dovecot as the mailbox's IMAP server: IDLE, threads, and nothing depends on flags."""

import json
from collections.abc import AsyncIterator
from email.message import EmailMessage
from email.utils import make_msgid

import pytest
import pytest_asyncio

from local.config import HELP_ADDRESS
from tests.journeys.house import House, eventually
from tests.servers.dovecot import Dovecot

pytestmark = [
    pytest.mark.journey,
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(150),  # the first test waits until the house is there
]


class DovecotHouse(House):
    """A house whose mailbox lies in Dovecot; what it sends still goes through the local SMTP server."""

    def __init__(self, dovecot: Dovecot) -> None:
        super().__init__()
        self.dovecot = dovecot
        mailbox = {
            "name": "help",
            "address": HELP_ADDRESS,
            "username": HELP_ADDRESS,
            "password": dovecot.accounts[HELP_ADDRESS],
            "imap": {"host": "127.0.0.1", "port": dovecot.port, "security": "none"},
            "smtp": {"host": "127.0.0.1", "port": self.stack.config.ports["smtp"], "security": "none"},
        }
        self.stack.config.extra["MAILBOXES"] = json.dumps([mailbox])
        self.stack.mail.accounts[HELP_ADDRESS] = dovecot.accounts[HELP_ADDRESS]

    def deliver(self, sender: str, subject: str, body: str, **headers: str) -> EmailMessage:
        """As an MTA would: the file appears in the Maildir."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, HELP_ADDRESS, subject
        mail["Message-ID"] = make_msgid(domain="example.com")
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(body)
        self.dovecot.deliver(HELP_ADDRESS, mail.as_bytes())
        return mail


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[DovecotHouse]:
    with Dovecot({HELP_ADDRESS: "open-sesame-dovecot"}) as dovecot:
        async with DovecotHouse(dovecot) as house:
            yield house


async def test_a_mail_in_dovecot_reaches_the_screen_and_the_thread_goes_on(house: DovecotHouse) -> None:
    async with house.at_desk("ben") as (page,):
        house.deliver("lena@example.com", "Visit with my class", "Hello, can my class visit the center in May? Lena")
        await house.accept(page, "Visit with my class")
        await house.reply(page, "Hello Lena, gladly.", then="waiting")
        answer = await house.mail_to("lena@example.com", lambda mail: b"gladly" in mail.raw)
        house.deliver(
            "lena@example.com", "Re: Visit with my class", "Thank you, we are thirty.",
            In_Reply_To=answer["Message-ID"], References=answer["Message-ID"],
        )  # fmt: skip
        await page.locator(".timeline", has_text="we are thirty").wait_for()
    ((tickets,),) = await house.fetch("SELECT count(*) FROM ticket WHERE subject LIKE '%Visit with my class%'")
    assert tickets == 1


async def test_mail_that_came_while_dovecot_was_down_is_taken_in(house: DovecotHouse) -> None:
    house.dovecot.stop()
    house.deliver("night@example.com", "While you were away", "Hello, can I see a sample of the bill, please?")
    house.dovecot.start()
    ticket = await house.ticket_of("While you were away", within_s=60)
    assert ticket.language == "en"

    async def healthy() -> bool:
        return not await house.fetch("SELECT 1 FROM problem WHERE service = 'inbox' AND resolved_at IS NULL")

    await eventually(healthy, what="the inbox without open problems", within_s=30)
