"""Every screen in a real browser, in both languages: axe and the policy have nothing to say, a phone shows it all."""

from datetime import date

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page
from sqlalchemy import select, update

from services.tickets.returned import came_back
from shared import clock
from shared.database import Database
from shared.health import report
from shared.models import (
    BalanceVerdict,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Entry,
    EntryKind,
    Intake,
    IntakeOutcome,
    LanguageBalance,
    Message,
    NoAcknowledgement,
    Person,
    Ticket,
)
from tests.browser import OpenAs
from tests.tickets.pages.office import ENGLISH, GAS, SPANISH, Office, spoken

pytestmark = pytest.mark.browser
RULES = {
    "resultTypes": ["violations"],
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
}

PASSED_ON = (
    {"name": "Irene Castle", "address": "irene@example.com", "date": "Sun, Nov 8, 2026 at 6:02 PM", "to": "",
     "subject": "Fwd: Your rate changes", "text": "I do not understand this letter, do you?"},
    {"name": "Utility News", "address": "news@utility.example.com", "date": "Fri, Nov 6, 2026 at 1:00 PM", "to": "",
     "subject": "Your rate changes", "text": "From December on you pay by the hour of use."},
)  # fmt: skip


async def problems(page: Page) -> list[str]:
    # The live connection stays open, so «network idle» never comes: wait for what the page fetches by itself.
    await page.wait_for_timeout(150)
    results = await Axe().run(page, options=RULES)
    return [
        f"{found['id']}: {node['target']} {node.get('failureSummary', '')[:300]}"
        for found in results.response["violations"]
        for node in found["nodes"]
    ]


async def furnish(office: Office) -> dict[str, int]:
    await report(office.database, "inbox", "imap:main", "The server refused the password.", "Check it.")
    numbers = {
        "gas": await office.mail("Smell of gas", GAS, "k.osei@example.com", "Kwame Osei"),
        "spanish": await office.mail(
            "Mi recibo subió mucho", SPANISH, "rosario@example.com", "Rosario Peñaloza",
            html="<p>Buenas <b>tardes</b><img src=http://tracker.example/x.png></p>", full=SPANISH + "\n\n> Hola",
            attachments=(("recibo.pdf", "application/pdf", b"%PDF-1.4"),),
        ),
        "english": await office.mail("Two companies?", ENGLISH, forwarded=PASSED_ON, full=f"{ENGLISH}\n\n-- \nUnit 14"),
        "voicemail": await office.voicemail(
            [spoken("Buenos días, mi número es siete cero siete.", unsure=("siete",), flags=("doubtful_digits",))],
            flags=["doubtful_digits"],
        ),
    }  # fmt: skip
    await office.offer(numbers["spanish"], "marta")
    await trouble(office, numbers["english"])
    return numbers


async def trouble(office: Office, ticket_id: int) -> None:
    """Somebody in copy, a complaint, an answer that came back, and a mail on which our code failed."""
    async with office.database.transaction() as session:
        message = await session.scalar(select(Message).where(Message.from_address == "dana.whitlock@example.com"))
        assert message is not None
        message.cc_addresses = ["lee.whitlock@example.com"]
        session.add(NoAcknowledgement(address=message.from_address, asked_by="complaint"))
        delivery = Delivery(
            ticket_id=ticket_id, kind=DeliveryKind.REPLY, state=DeliveryState.SENT, sent_at=clock.now(),
            to_addresses=["dana@exmaple.com"], subject="Re: Two companies?", language="en", text="No.", html="<p>No.",
            rfc_message_id="<answer@center.example.org>", reply_token="t", created_by_id=office["marta"],
        )  # fmt: skip
        dead = Message(
            mailbox_id=office.mailbox_id, blob="0" * 64, from_address="lee@example.com", subject="Odd",
            received_at=clock.now(),
        )  # fmt: skip
        balance = LanguageBalance(
            week=date(2026, 11, 2), verdict=BalanceVerdict.RAISED, before=1.7, after=1.8, english_due=400,
            english_kept=372, spanish_due=100, spanish_kept=88,
        )  # fmt: skip
        session.add_all([delivery, dead, balance])
        await session.flush()
        session.add(Entry(ticket_id=ticket_id, kind=EntryKind.MAIL_OUT, delivery_id=delivery.id, text="No."))
        await came_back(
            session, delivery, [{"address": "dana@exmaple.com", "permanent": True, "diagnostic": "550 unknown user"}]
        )
        error = "Traceback (most recent call last):\n  File «intake.py»\nZeroDivisionError: a defect of our own"
        session.add(Intake(message_id=dead.id, outcome=IntakeOutcome.FAILED, attempts=3, error=error))


WORK = (
    "/work", "/queue", "/queue?q=recibo", "/tickets/1", "/tickets/2", "/tickets/3", "/tickets/4", "/contacts/new",
    "/tickets/3/split", "/tickets/3/merge",
)  # fmt: skip
CENTER = (
    "/targets?channel=email&priority=normal&language=es",
    "/board", "/ladder", "/people", "/people/3", "/people/new", "/hours", "/shifts", "/shifts/3", "/forecast",
    "/language-balance", "/learning", "/templates",
    "/templates/meter_reading", "/templates/new", "/held", "/health", "/dead-letters", "/mailboxes",
    "/mailboxes/1", "/audit", "/account",
)  # fmt: skip


@pytest.mark.parametrize("paths", [WORK, CENTER], ids=["work", "center"])
@pytest.mark.parametrize("language", ["en", "es"])
async def test_every_screen(
    office: Office, open_as: OpenAs, database: Database, language: str, paths: tuple[str, ...]
) -> None:
    numbers = await furnish(office)
    assert sorted(numbers.values()) == [1, 2, 3, 4]
    async with database.transaction() as session:
        await session.execute(update(Person).values(ui_language=language))
        await session.execute(
            update(Ticket).where(Ticket.id == numbers["english"]).values(state="assigned", assignee_id=office["marta"])
        )
    page = await open_as(office["marta"], "/account", color_scheme="dark" if language == "es" else "light")
    found: list[str] = []
    for path in paths:
        response = await page.goto(path)
        assert response is not None
        assert response.status == 200, path
        assert await page.get_attribute("html", "lang") == language
        if language == "es":  # whose words are the longer ones
            found += [f"{path} {problem}" for problem in await beyond_a_phone(page)]
        await page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true })")
        found += [f"{path} {problem}" for problem in await problems(page)]
    assert found == []


async def beyond_a_phone(page: Page) -> list[str]:
    """What is wider than a phone, of a page that was made for a desk."""
    await page.set_viewport_size({"width": 320, "height": 800})
    for _ in range(20):  # what is drawn for a width, such as a player's picture, is drawn again a moment later
        width = await page.evaluate("document.documentElement.scrollWidth")
        if width <= 320:
            break
        await page.wait_for_timeout(100)
    cut_off = await page.evaluate(CUT_OFF)
    await page.set_viewport_size({"width": 1280, "height": 720})
    return [*([f"scrolls sideways: {width}"] if width > 320 else []), *cut_off]


@pytest.mark.parametrize("language", ["en", "es"])
async def test_the_door_and_errors(office: Office, open_as: OpenAs, language: str) -> None:
    page = await open_as(None, "/sign-in", locale=language)
    assert await problems(page) == []
    await page.fill("#f-email", "nobody@example.org")
    await page.fill("#f-password", "wrong")
    stranger = await open_as(None, "/sign-in", locale=language, quiet=False)
    await stranger.fill("#f-email", "nobody@example.org")
    await stranger.fill("#f-password", "wrong")
    await stranger.click("button.button--primary")
    await stranger.wait_for_selector("#sign-in-error")
    assert await problems(stranger) == []
    missing = await open_as(office["carla"], "/tickets/999999", quiet=False)
    assert await problems(missing) == []


# What of the bar and its menus is beyond an edge, where nobody looks for it: a strip that scrolls, and what lies to the
# left of everything, make no page wider.
CUT_OFF = """() => {
  const menus = [...document.querySelectorAll(".bar details")];
  menus.forEach(each => { each.open = true });
  const beyond = [...document.querySelectorAll(".bar a, .bar summary, .bar button, .menu__panel")]
    .filter(each => each.checkVisibility())
    .filter(each => each.getBoundingClientRect().right > innerWidth || each.getBoundingClientRect().left < 0)
    .map(each => each.textContent.trim());
  menus.forEach(each => { each.open = false });
  return beyond;
}"""
