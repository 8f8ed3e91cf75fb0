"""From «250 accepted» of the SMTP server to the offer on the CSR's open page, in a real browser."""

import asyncio
import time

import aiosmtplib
from playwright.async_api import Page, async_playwright
from sqlalchemy import text

from bench.figures import Figures, percentile
from bench.mails import ENGLISH, mail
from bench.rig import PASSWORD, hire, open_always, running_stack
from local.stack import Stack
from shared.database import Database

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]  # fmt: skip
# Notes when each subject first stands on the page, in milliseconds of the machine's clock.
WATCH = """() => {
    window.seen = {};
    const look = () => {
        for (const [subject] of document.body.innerText.matchAll(/bench-\\d{5}/g)) window.seen[subject] ??= Date.now();
    };
    new MutationObserver(look).observe(document.body, {childList: true, subtree: true, characterData: true});
    look();
}"""


# what one row is called -> seconds from one mail to the next, and how many times as many mails as asked for
LOADS = {"one mail every half second": (0.5, 1), "five mails a second": (0.2, 3)}
SETTLE_S = 5.0  # after the last mail: what is not on the page by then was not seen


async def measure(mails: int) -> Figures:
    figures = Figures(
        "To the screen",
        "English mails at a steady pace, through SMTP, IMAP with IDLE, intake and routing to «My work», which a CSR "
        "has open in Chromium; from the server's 250 to the subject on the page. What the CSR has seen is closed every "
        "two seconds, so that there is always room for more.",
    )
    async with running_stack() as (stack, database):
        await open_always(database)
        await hire(database, 1, live=False)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            page = await _at_work(await browser.new_page(), stack)
            sent = 0
            for load, (pause_s, times) in LOADS.items():
                numbers = range(sent, sent + mails * times)
                sent = numbers.stop
                delays = await _delays(stack, database, page, numbers, pause_s)
                _rows(figures, load, delays, len(numbers))
            await browser.close()
    return figures


async def _at_work(page: Page, stack: Stack) -> Page:
    """Signed in, available, with «My work» open and watched."""
    await page.goto(stack.config.url("tickets") + "/sign-in")
    await page.fill("input[name=email]", "bench0@valleluz.example")
    await page.fill("input[name=password]", PASSWORD)
    await page.press("input[name=password]", "Enter")
    await page.wait_for_url("**/work")
    await page.evaluate(
        """async () => {
            const token = document.querySelector('input[name="csrf_token"]').value;
            await fetch('/api/v1/me/presence', {method: 'PUT', body: '{"intent": "available"}',
                headers: {'Content-Type': 'application/json', 'X-CSRF-Token': token}});
        }"""
    )
    await page.evaluate(WATCH)
    return page


async def _delays(stack: Stack, database: Database, page: Page, numbers: range, pause_s: float) -> list[float]:
    """Milliseconds from the server's 250 to the page, of those mails that were seen on it."""
    accepted: dict[str, float] = {}
    clearing = asyncio.create_task(_clear(database, page))
    try:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=stack.mail.smtp_port, start_tls=False) as smtp:
            started = time.monotonic()
            for position, number in enumerate(numbers):
                await asyncio.sleep(max(started + position * pause_s - time.monotonic(), 0))
                message = mail(number, ENGLISH)
                await smtp.send_message(message)
                accepted[message["Subject"]] = time.time() * 1000
        await asyncio.sleep(SETTLE_S)
        seen = await _seen(page)
    finally:
        clearing.cancel()
        await asyncio.gather(clearing, return_exceptions=True)
    return [seen[subject] - at for subject, at in accepted.items() if subject in seen]


async def _clear(database: Database, page: Page) -> None:
    """Close what the CSR has seen, again and again, as a CSR with very quick hands would."""
    while True:
        await asyncio.sleep(2)
        of_seen = "ticket_id IN (SELECT id FROM ticket WHERE subject = ANY(:subjects))"
        subjects = {"subjects": list(await _seen(page))}
        async with database.transaction() as session:
            await session.execute(
                text(
                    "UPDATE assignment SET state = 'done', ended_at = now() "
                    f"WHERE state IN ('offered', 'accepted') AND {of_seen}"
                ),
                subjects,
            )
            await session.execute(
                text(
                    "UPDATE ticket SET state = 'closed', closed_at = now(), assignee_id = NULL, rev = rev + 1 "
                    "WHERE state <> 'closed' AND subject = ANY(:subjects)"
                ),
                subjects,
            )


async def _seen(page: Page) -> dict[str, float]:
    seen: dict[str, float] = await page.evaluate("window.seen")
    return seen


def _rows(figures: Figures, load: str, delays: list[float], mails: int) -> None:
    figures.add(f"{load}: mails seen on the page", f"{len(delays)} of {mails}", f"{mails}")
    if len(delays) < 2:
        return
    figures.add(f"{load}: p50", f"{percentile(delays, 50):.0f} ms")
    figures.add(f"{load}: p95", f"{percentile(delays, 95):.0f} ms", "under 300 ms")
    figures.add(f"{load}: slowest", f"{max(delays):.0f} ms")
