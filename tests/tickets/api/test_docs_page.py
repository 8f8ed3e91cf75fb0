"""The documentation in a real browser: it renders under the strict policy, and its requests carry the session."""

import pytest

from shared.database import Database
from tests.browser import OpenAs, browser, chromium, desk_server, desk_settings, open_as  # noqa: F401
from tests.factories import make_person

pytestmark = pytest.mark.browser


async def test_an_operation_can_be_tried_out(open_as: OpenAs, database: Database) -> None:  # noqa: F811
    async with database.transaction() as session:
        person = await make_person(session)
    page = await open_as(person.id, "/api/docs")
    await page.locator(".opblock").first.wait_for(timeout=30_000)
    assert await page.locator(".opblock").count() > 55
    operation = page.locator(".opblock-patch", has_text="Change the language of my screens")
    await operation.locator(".opblock-summary").click()
    await operation.get_by_role("button", name="Try it out").click()
    await operation.locator("textarea").fill('{"ui_language": "es"}')
    await operation.get_by_role("button", name="Execute").click()
    status = operation.locator(".live-responses-table .response-col_status").last
    await status.wait_for(timeout=30_000)
    assert "200" in await status.inner_text()
