"""From «250 accepted» of the SMTP server to the offer on the CSR's open page, in a real browser."""

import asyncio
import time

import aiosmtplib
from playwright.async_api import async_playwright
from sqlalchemy import text

from bench.figures import Figures, percentile
from bench.mails import ENGLISH, mail
from bench.rig import CAPACITY, PASSWORD, hire, open_always, running_stack
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


async def clear(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE assignment SET state = 'done', ended_at = now() WHERE state IN ('offered', 'accepted')")
        )
        await session.execute(
            text("UPDATE ticket SET state = 'closed', closed_at = now(), assignee_id = NULL, rev = rev + 1 "
                 "WHERE state <> 'closed'")
        )  # fmt: skip


async def measure(mails: int) -> Figures:
    figures = Figures(
        "To the screen",
        f"{mails} English mails, one every half second, through SMTP, IMAP with IDLE, intake and routing to «My work», "
        "which a CSR has open in Chromium; from the server's 250 to the subject on the page.",
    )
    delays: list[float] = []
    async with running_stack() as (stack, database):
        await open_always(database)
        await hire(database, 1, live=False)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            page = await browser.new_page()
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
            accepted: dict[str, float] = {}
            for number in range(mails):
                message = mail(number, ENGLISH)
                await aiosmtplib.send(
                    message, hostname="127.0.0.1", port=stack.mail.smtp_port, start_tls=False, use_tls=False
                )
                accepted[message["Subject"]] = time.time() * 1000
                await asyncio.sleep(0.5)
                if number % (CAPACITY // 2) == CAPACITY // 2 - 1:
                    await asyncio.sleep(2)
                    await clear(database)
            await asyncio.sleep(5)
            seen: dict[str, float] = await page.evaluate("window.seen")
            await browser.close()
    delays = [seen[subject] - at for subject, at in accepted.items() if subject in seen]
    figures.add("mails seen on the page", f"{len(delays)} of {mails}", f"{mails}")
    figures.add("p50", f"{percentile(delays, 50):.0f} ms")
    figures.add("p95", f"{percentile(delays, 95):.0f} ms", "under 1,000 ms")
    figures.add("slowest", f"{max(delays):.0f} ms")
    return figures
