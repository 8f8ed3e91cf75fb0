"""A running Centralita with its staff, its customers and their browsers: what a journey is told with."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import time as day_time
from email.message import EmailMessage
from email.utils import make_msgid
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import aiosmtplib
import redis
from playwright.async_api import Browser, Locator, Page, async_playwright
from sqlalchemy import delete, select, text

from local.config import HELP_ADDRESS, LocalConfig
from local.mailboxes import StoredMail
from local.stack import Stack
from services.tickets import passwords
from services.tickets.locks import lock_people
from shared.database import Database
from shared.models import OpeningHours, Person, Role, SpecialDay, Ticket
from tests.diagnosis import activity, bounded, witness
from tests.factories import certify
from tests.logs import logs
from tests.waits import within

T = TypeVar("T")
PASSWORD = "the-night-heron-is-patient"
CALL_S = 15.0  # for calls of Playwright that know no time-out
CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Who works here: role, name, verified in Spanish, screens in.
STAFF = {
    "sol": (Role.SUPERVISOR, "Sol Supervisor", True, "en"),
    "ana": (Role.CSR2, "Ana Bilingual", True, "es"),
    "ben": (Role.CSR1, "Ben English", False, "en"),
    "dan": (Role.CSR1, "Dan English", False, "en"),
    "carla": (Role.CSR1, "Carla Bilingual", True, "es"),
}


async def eventually(ask: Callable[[], Awaitable[T | None]], *, what: str, within_s: float = 15.0) -> T:
    """Ask until the answer is something; fails with `what` when time is up."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        answer = await ask()
        if answer:
            return answer
        await asyncio.sleep(0.05)
    raise AssertionError(f"within {within_s:.0f} s there was not: {what}")


class House:
    """Every service as its own process, on free ports, in one folder."""

    def __init__(self, *, extra: dict[str, str] | None = None, speech: bool = False) -> None:
        # Not below pytest's own folder: PostgreSQL's user could not enter it.
        self.directory = Path(tempfile.mkdtemp(prefix="centralita-house-"))
        self.directory.chmod(0o755)
        extra = {"UNDO_S": "0", **(extra or {})}  # nobody here has second thoughts
        self.stack = Stack(LocalConfig(self.directory, base_port=0, extra=extra), speech=speech)
        self.database: Database
        self.people: dict[str, int] = {}
        self._browser: Browser
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opening:
            opening.callback(shutil.rmtree, self.directory, ignore_errors=True)
            opening.enter_context(witness("logs of the house", lambda: logs(self.directory)))
            await opening.enter_async_context(self.stack)
            opening.enter_context(witness("what PostgreSQL does", lambda: activity(self.stack.postgres.url())))
            self.database = bounded(Database(self.stack.settings))
            opening.push_async_callback(self.database.close)
            await self._hire()
            await self.open_always()
            playwright = await opening.enter_async_context(async_playwright())
            self._browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
            opening.push_async_callback(self._close_browser)
            self._open = opening.pop_all()
        return self

    async def __aexit__(self, *raised: Any) -> None:
        await self._open.__aexit__(*raised)

    async def _close_browser(self) -> None:
        await within(CALL_S, "an end of Chromium", self._browser.close())

    async def _hire(self) -> None:
        hashed = await passwords.hashed(PASSWORD)
        async with self.database.transaction() as session:
            staff = {}
            for key, (role, name, _, language) in STAFF.items():
                staff[key] = Person(
                    email=f"{key}@valleluz.example", name=name, role=role, password_hash=hashed, capacity=3,
                    ui_language=language,
                )  # fmt: skip
            session.add_all(staff.values())
            await session.flush()
            for key, (_, _, bilingual, _) in STAFF.items():
                if bilingual:
                    await certify(session, staff[key], staff["sol" if key != "sol" else "ana"])
        self.people = {key: person.id for key, person in staff.items()}

    async def open_always(self) -> None:
        """Around the clock, without holidays: a journey does not depend on when it is told."""
        async with self.database.transaction() as session:
            await session.execute(delete(OpeningHours))
            await session.execute(delete(SpecialDay))
            session.add_all(
                OpeningHours(weekday=weekday, opens=day_time(0), closes=day_time(0)) for weekday in range(7)
            )

    async def clear_desks(self) -> None:
        """Close what earlier journeys left open, so that everybody is free for the next one."""
        async with self.database.transaction() as session:
            # Else the router offers a ticket between the two statements, and that desk stays full.
            await lock_people(session, self.people.values())
            await session.execute(
                text("UPDATE assignment SET state = 'done', ended_at = now() WHERE state IN ('offered', 'accepted')")
            )
            await session.execute(
                text(
                    "UPDATE ticket SET state = 'closed', closed_at = now(), assignee_id = NULL, rev = rev + 1 "
                    "WHERE state <> 'closed'"
                )
            )
            await session.execute(text("UPDATE alert SET taken_at = now() WHERE taken_at IS NULL"))

    def empty_redis(self) -> None:
        client = redis.Redis.from_url(self.stack.redis.url)
        client.flushall()
        client.close()

    # Customers

    async def write_in(
        self, sender: str, subject: str, body: str, *, to: str = HELP_ADDRESS, **headers: str
    ) -> EmailMessage:
        """A customer sends a mail through the real SMTP server. Underscores in header names mean hyphens."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, to, subject
        mail["Message-ID"] = make_msgid(domain="example.com")
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(body)
        await self.send(mail)
        return mail

    async def send(self, mail: EmailMessage) -> None:
        await aiosmtplib.send(
            mail, hostname=self.stack.mail.host, port=self.stack.mail.smtp_port, start_tls=False, use_tls=False
        )

    async def mail_to(
        self, address: str, wanted: Callable[[StoredMail], bool] = lambda _mail: True, *, within_s: float = 20.0
    ) -> EmailMessage:
        """The first mail in a customer's mailbox that is wanted, waited for."""

        async def look() -> EmailMessage | None:
            return next((mail.parsed() for mail in self.stack.mail.mails(address) if wanted(mail)), None)

        return await eventually(look, what=f"the mail to {address}", within_s=within_s)

    # The record

    async def ticket_of(self, subject: str, *, within_s: float = 15.0) -> Ticket:
        async def look() -> Ticket | None:
            async with self.database.transaction() as session:
                return await session.scalar(select(Ticket).where(Ticket.subject == subject))

        return await eventually(look, what=f"a ticket «{subject}»", within_s=within_s)

    async def fetch(self, statement: str, **values: Any) -> list[Any]:
        async with self.database.transaction() as session:
            return list(await session.execute(text(statement), values))

    # Staff

    def url(self, path: str, part: str = "tickets") -> str:
        return self.stack.config.url(part) + path

    async def sign_in(self, key: str, *, available: bool = True) -> Page:
        """A fresh browser of that person, signed in and, unless said otherwise, available for offers."""
        context = await within(
            CALL_S, "a new browser context", self._browser.new_context(viewport={"width": 1280, "height": 900})
        )
        context.set_default_timeout(15_000)
        page = await within(CALL_S, "a new page", context.new_page())
        await page.goto(self.url("/sign-in"))
        await page.fill("input[name=email]", f"{key}@valleluz.example")
        await page.fill("input[name=password]", PASSWORD)
        await page.press("input[name=password]", "Enter")
        await page.wait_for_url(lambda url: "/sign-in" not in url)
        if available:
            await self.set_intent(page, "available")
        return page

    async def set_intent(self, page: Page, intent: str) -> None:
        put = page.evaluate(
            """async (intent) => {
                const token = document.querySelector('meta[name="csrf-token"]')?.content
                    ?? document.querySelector('input[name="csrf_token"]').value;
                const answer = await fetch('/api/v1/me/presence', {
                    method: 'PUT',
                    headers: {'Content-Type': 'application/json', 'X-CSRF-Token': token},
                    body: JSON.stringify({intent}),
                });
                if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
            }""",
            intent,
        )
        await within(CALL_S, f"an answer to PUT /api/v1/me/presence «{intent}» on {page.url}", put)

    async def leave(self, page: Page) -> None:
        # A context that is closed in the middle of a navigation may never say that it is closed (1 in 60 here).
        await page.goto("about:blank")
        await within(CALL_S, f"an end of the browser context at {page.url}", page.context.close())

    @asynccontextmanager
    async def at_desk(self, *keys: str) -> AsyncIterator[list[Page]]:
        """These people, available; afterwards they go home, whatever happened.

        What failed first is what is raised: with what was on the screens then, and what else failed on the way home.
        """
        pages: list[Page] = []
        try:
            for key in keys:
                pages.append(await self.sign_in(key))
            yield pages
        except BaseException as first:
            for key, page in zip(keys, pages, strict=False):
                first.add_note(f"{key} saw {await self._screen(page)}")
            for error in await self._go_home(pages):
                first.add_note(f"and on the way home: {error!r}")
            raise
        if errors := await self._go_home(pages):
            raise errors[0] if len(errors) == 1 else ExceptionGroup("on the way home", errors)

    async def _go_home(self, pages: list[Page]) -> list[Exception]:
        """Everybody leaves; what was in the way."""
        errors = []
        for page in pages:
            for step in (partial(self.set_intent, page, "offline"), partial(self.leave, page)):
                try:
                    await step()
                except Exception as error:
                    errors.append(error)
        return errors

    async def _screen(self, page: Page) -> str:
        try:
            words = " ".join((await within(CALL_S, "a page's words", page.inner_text("body", timeout=5000))).split())
        except Exception as error:
            words = f"what cannot be told: {error!r}"
        return f"{page.url}: {words[:1500]}"

    async def offer_on(self, page: Page, subject: str, *, within_s: float = 15.0) -> Locator:
        """The offer card of a ticket, on a page that was open before the ticket existed."""
        card = page.locator("article.offer", has_text=subject)
        await card.first.wait_for(timeout=within_s * 1000)
        return card.first

    async def accept(self, page: Page, subject: str) -> None:
        """Accept the offer of that ticket; ends on the ticket's page."""
        card = await self.offer_on(page, subject)
        await card.locator("form[action$='/accept'] button").click()
        await page.wait_for_url("**/tickets/*")

    async def reply(self, page: Page, body: str, *, then: str = "") -> None:
        """On a ticket's page: answer, and choose what comes next."""
        await page.fill("#reply-text", body)
        await page.check(f"#reply input[name=then][value='{then}']")
        await page.click("#reply button[data-default]")
        await page.locator("#flashes .notice--success").first.wait_for()

    async def state_of(self, ticket_id: int) -> tuple[str, int | None]:
        ((state, assignee),) = await self.fetch("SELECT state, assignee_id FROM ticket WHERE id = :id", id=ticket_id)
        return state, assignee

    async def offered_to(self, ticket_id: int, *, within_s: float = 15.0) -> int:
        """The person who is asked to take it now."""

        async def look() -> int | None:
            found = await self.fetch(
                "SELECT person_id FROM assignment WHERE ticket_id = :id AND state = 'offered'", id=ticket_id
            )
            return found[0][0] if found else None

        return await eventually(look, what=f"an offer of ticket {ticket_id}", within_s=within_s)
