"""News reaches every tab, also what comes while a part of a page fetches itself, in a real browser."""

import asyncio

import pytest
from playwright.async_api import Route

from services.tickets import desk
from shared.models import Role
from shared.people import Actor
from tests.browser import OpenAs
from tests.tickets.pages.office import ENGLISH, Office
from tests.waits import within

pytestmark = pytest.mark.browser


async def test_news_that_comes_while_a_part_is_being_fetched_is_shown(office: Office, open_as: OpenAs) -> None:
    ticket = await office.mail("Two companies?", ENGLISH)
    page = await open_as(office["carla"], f"/tickets/{ticket}")
    held: asyncio.Queue[Route] = asyncio.Queue()
    await page.route(f"**/tickets/{ticket}", held.put)
    await note(office, ticket, "the first note")
    old = await within(20, "a question for the timeline", held.get())
    answer = await old.fetch()  # what the server said before the second note
    await note(office, ticket, "the second note")
    await page.wait_for_timeout(300)  # it reaches the page while the answer is on its way
    await old.fulfill(response=answer)
    await page.unroute(f"**/tickets/{ticket}")
    await page.locator("#timeline", has_text="the second note").wait_for()


async def test_a_page_that_shows_all_there_is_asks_for_nothing_when_it_has_opened(
    office: Office, open_as: OpenAs
) -> None:
    ticket = await office.mail("Two companies?", ENGLISH)
    first = await open_as(office["carla"], f"/tickets/{ticket}")
    asked: list[str] = []
    second = await first.context.new_page()
    for tab in (first, second):
        tab.on("request", lambda request: asked.append(request.url) if request.url.endswith(f"/{ticket}") else None)
        await tab.goto(f"/tickets/{ticket}")
    await second.wait_for_timeout(800)  # the one listens, the other has asked what it missed
    assert len(asked) == 2
    await note(office, ticket, "heard by both")
    for tab in (first, second):
        await tab.locator("#timeline", has_text="heard by both").wait_for()


async def test_what_changes_between_a_page_and_its_connection_is_shown(office: Office, open_as: OpenAs) -> None:
    ticket = await office.mail("Two companies?", ENGLISH)
    page = await open_as(office["carla"], "/account")
    held: asyncio.Queue[Route] = asyncio.Queue()
    await page.route("**/js/live.js*", held.put)
    await page.goto(f"/tickets/{ticket}", wait_until="commit")
    listening = await within(20, "a question for live.js", held.get())
    await note(office, ticket, "nobody listens yet")
    await listening.continue_()
    await page.locator("#timeline", has_text="nobody listens yet").wait_for()


async def test_more_tabs_than_a_browser_has_connections_share_the_news(office: Office, open_as: OpenAs) -> None:
    ticket = await office.mail("Two companies?", ENGLISH)
    first = await open_as(office["carla"], f"/tickets/{ticket}")
    tabs = [first]
    for _ in range(6):
        tabs.append(await first.context.new_page())
        await tabs[-1].goto(f"/tickets/{ticket}")
    await note(office, ticket, "heard by the first")
    for tab in (first, tabs[-1]):
        await tab.locator("#timeline", has_text="heard by the first").wait_for()
    await first.close()
    await tabs[1].wait_for_timeout(300)  # another takes its place
    await note(office, ticket, "heard by the next")
    await tabs[-1].locator("#timeline", has_text="heard by the next").wait_for()


async def note(office: Office, ticket: int, text: str) -> None:
    me = Actor(id=office["sofia"], name="Sofía Okonkwo", email="sofia@example.org", role=Role.SUPERVISOR)
    async with office.database.transaction() as session:
        await desk.note(session, me, ticket, text)
