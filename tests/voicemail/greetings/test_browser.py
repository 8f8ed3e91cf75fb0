"""The greeting pages in a real browser: accessible in both languages, and recording from a microphone."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright
from sqlalchemy import select

from services.voicemail.greetings.publisher import publish_once
from shared.database import Database
from shared.models import GreetingSource, GreetingVersion, Role, Situation
from tests.voicemail.greetings.conftest import Desk, SignIn

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("always_open"), pytest.mark.timeout(180)]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Chromium with a microphone that beeps."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("Chromium is not installed")
    microphone = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *microphone])
        yield launched
        await launched.close()


async def open_page(browser: Browser, address: str, client: httpx.AsyncClient) -> tuple[Page, list[str]]:
    """A page of the signed-in person, and what its console complains about."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900}, permissions=["microphone"])
    await context.add_cookies(
        [{"name": name, "value": value, "url": address} for name, value in client.cookies.items()]
    )
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page, complaints


async def check(page: Page) -> None:
    found = (await Axe().run(page)).response["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []


@pytest.mark.parametrize("language", ["en", "es"])
async def test_the_pages_are_accessible(
    browser: Browser, address: str, sign_in: SignIn, desk: Desk, language: str
) -> None:
    slot = await desk.slot("en", Situation.OPEN)
    now = datetime.now(UTC)
    first, second = await desk.record("en", Situation.OPEN, 110), await desk.record("en", Situation.OPEN, 150)
    emergency = await desk.record("en", Situation.EMERGENCY, 190)
    for version in (first, second):
        await desk.publish(version)
    await desk.publish(first, starts_at=now + timedelta(days=1))
    await desk.publish(emergency, ends_at=now + timedelta(hours=1))
    await publish_once(desk.database, desk.settings, desk.blobs)
    page, complaints = await open_page(browser, address, await sign_in(Role.CSR2, browser=True, language=language))
    for path in ("/greetings", f"/greetings/slots/{slot}"):
        await page.goto(address + path)
        for details in await page.locator("main details").all():
            await details.locator("summary").first.click()
        await check(page)
        await page.set_viewport_size({"width": 360, "height": 740})
        wider = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider <= 0, path
        await page.set_viewport_size({"width": 1280, "height": 900})
    assert complaints == []


async def test_a_greeting_is_recorded_and_published_by_keyboard_alone(
    browser: Browser, address: str, sign_in: SignIn, desk: Desk, database: Database
) -> None:
    slot = await desk.slot("en", Situation.OPEN)
    page, complaints = await open_page(browser, address, await sign_in(Role.CSR2, browser=True))
    answer = await page.goto(f"{address}/greetings/slots/{slot}")
    assert answer is not None
    assert "microphone=(self)" in answer.headers["permissions-policy"]
    await page.get_by_role("button", name="Record here").focus()
    await page.keyboard.press("Enter")
    await page.get_by_text("Recording…").wait_for()
    meter = page.locator("[data-record-meter]")
    async with asyncio.timeout(15):
        while await meter.evaluate("meter => meter.value") <= -50:  # the fake microphone beeps
            await page.wait_for_timeout(50)
    await page.wait_for_timeout(2000)
    await page.keyboard.press("Space")  # the same button stops
    await page.get_by_text("Recorded. Listen to it, then save.").wait_for()
    assert await page.locator("[data-record-preview]").is_visible()
    await page.get_by_role("button", name="Save version").press("Enter")
    await page.get_by_text("Version 1 is here.").wait_for()
    async with database.transaction() as session:
        version = (await session.scalars(select(GreetingVersion))).one()
    assert version.original_name.startswith("recording.")
    assert version.source is GreetingSource.RECORD
    assert 1.0 < version.duration_s < 6.0
    await page.locator("summary", has_text="Publish version 1").press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.type("The Spanish one follows")
    await page.get_by_role("button", name="Publish version 1").press("Enter")
    await page.get_by_text("Published. It is live").wait_for()
    assert complaints == []
    answer = await page.goto(f"{address}/greetings")
    assert answer is not None
    assert "microphone=()" in answer.headers["permissions-policy"]


async def test_an_open_page_hears_that_a_greeting_went_live(
    browser: Browser, address: str, sign_in: SignIn, desk: Desk
) -> None:
    version = await desk.record("en", Situation.OPEN)
    await desk.publish(version)
    page, complaints = await open_page(browser, address, await sign_in(Role.CSR1, browser=True))
    await page.goto(f"{address}/greetings")
    await page.get_by_text("Being published").first.wait_for()
    await publish_once(desk.database, desk.settings, desk.blobs)
    await page.get_by_text("Live", exact=True).first.wait_for(timeout=15_000)
    assert complaints == []
