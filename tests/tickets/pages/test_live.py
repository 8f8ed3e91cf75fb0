"""News that comes while a page fetches itself is not lost, in a real browser."""

import asyncio

import pytest
from playwright.async_api import Route

from tests.browser import OpenAs
from tests.tickets.pages.office import ENGLISH, Office

pytestmark = pytest.mark.browser


async def test_an_offer_made_while_the_page_fetches_itself_is_shown(office: Office, open_as: OpenAs) -> None:
    number = await office.mail("Two companies?", ENGLISH)
    page = await open_as(office["marta"], "/work")
    await page.wait_for_function("window.htmx !== undefined")
    reading, answer_may_go = asyncio.Event(), asyncio.Event()

    async def slow(route: Route) -> None:
        """The server's answer from before the offer reaches the page after the offer's news did."""
        answer = await route.fetch()
        reading.set()
        await answer_may_go.wait()
        await route.fulfill(response=answer)

    await page.route("**/work", slow, times=1)
    await page.evaluate("""() => {
        window.offered = new Promise(done => document.body.addEventListener("live:offer", done, {once: true}));
        document.body.dispatchEvent(new CustomEvent("live:resync"));
    }""")
    await reading.wait()
    await office.offer(number, "marta")
    await page.evaluate("async () => { await window.offered; }")
    answer_may_go.set()
    await page.locator("article.offer", has_text="Two companies?").wait_for()
