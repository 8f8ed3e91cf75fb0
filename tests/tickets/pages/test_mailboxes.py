"""The pages of mailboxes in a real browser: set up without JavaScript, signed in at a provider, tested live."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import select, update

from services.inbox import mailbox_repository as inbox
from shared.database import Database
from shared.models import CheckState, MailboxAccount, MailboxCheck, MailboxSignIn, Person
from tests.browser import OpenAs
from tests.inbox.conftest import rows
from tests.servers.tokens import CLIENT_ID, TokenServer
from tests.tickets.pages.office import Office
from tests.tickets.pages.test_accessibility import problems

pytestmark = pytest.mark.browser
GOOD = {"step": "connect", "state": "good", "message": "", "hint": "", "words": "", "found": []}
STEPS: list[dict[str, Any]] = [
    GOOD,
    {
        **GOOD, "step": "sign_in", "state": "failed", "words": "[AUTHENTICATIONFAILED] Invalid credentials",
        "message": "The mail server refused the user name or the password.",
        "hint": "Enter the user name and the password again; some providers want an app password or OAuth instead.",
    },
    {**GOOD, "step": "folders", "state": "skipped", "message": "Not tried, because an earlier step failed."},
]  # fmt: skip


@pytest.fixture
def provider() -> Iterator[TokenServer]:
    with TokenServer() as server:
        yield server


async def save(page: Page) -> None:
    await page.click("main form[method=post] > p button.button--primary")


async def set_up(page: Page, **more: str) -> None:
    """A mailbox of another server, by the form."""
    await page.goto("/mailboxes/new?preset=other")
    values = {"address": "box@center.example.org", "name": "box", "password": "a-secret-on-a-form"}
    for name, value in {**values, "imap_host": "imap.center.example", **more}.items():
        await page.fill(f"#f-{name}", value)
    await save(page)


async def test_a_mailbox_without_javascript(office: Office, open_as: OpenAs, database: Database) -> None:
    page = await open_as(office["ada"], "/mailboxes", javascript=False, quiet=False)
    await page.get_by_role("link", name="New mailbox").click()
    await page.get_by_role("button", name="Next: another mail server").click()
    assert "preset=other" in page.url
    await set_up(page, imap_host="https://imap.center.example")
    assert "Enter the host alone" in await page.inner_text("#f-imap_host-error")
    assert await page.input_value("#f-password") == "", "a secret is not sent back"
    await page.fill("#f-imap_host", "imap.center.example")
    await page.fill("#f-password", "a-secret-on-a-form")
    await page.fill("#f-folders", "INBOX\nBilling")
    await save(page)
    await page.wait_for_url("**/mailboxes/2")
    assert "An inbox will begin at once" in await page.inner_text("#check")
    assert "a-secret-on-a-form" not in await page.content()
    await page.fill("#f-display_name", "Customer Center")
    await save(page)
    assert "It counts within seconds" in await page.inner_text("#flashes")
    (account,) = await rows(database, select(MailboxAccount))
    assert (account.display_name, account.folders, account.rev) == ("Customer Center", ["INBOX", "Billing"], 2)
    await page.get_by_role("button", name="Pause").click()
    assert "no mail is fetched and none is sent" in await page.inner_text("#mailbox-notices")
    await page.get_by_role("button", name="Resume").click()
    await page.locator("summary", has_text="Remove this mailbox").click()
    await page.get_by_role("button", name="Remove", exact=True).click()
    await page.wait_for_url("**/mailboxes")
    assert "Removed" in await page.inner_text("main tr:has-text('box@center') .badge")


async def test_signing_in_at_a_provider(
    office: Office, open_as: OpenAs, database: Database, provider: TokenServer
) -> None:
    """There and back in a browser that the policy lets go nowhere else by a form."""
    page = await open_as(office["ada"], "/mailboxes/new?preset=other&sign_in_with=refresh_token")
    provider.redirect_uri = await page.locator("code", has_text="/mailboxes/signed-in").inner_text()
    for name, value in {
        "address": "box@center.example.org", "name": "box", "client_id": CLIENT_ID, "client_secret": "s",
        "token_endpoint": provider.token_endpoint, "authorization_endpoint": provider.authorization_endpoint,
        "scope": provider.scope, "imap_host": "imap.center.example",
    }.items():  # fmt: skip
        await page.fill(f"#f-{name}", value)
    await save(page)
    await page.get_by_role("button", name="Sign in at the provider").click()
    await page.wait_for_url("**/mailboxes/2")
    await page.locator("#flashes", has_text="You signed in at the provider").wait_for()
    (sign_in,) = await rows(database, select(MailboxSignIn))
    assert sign_in.returned_at is not None
    assert sign_in.code is not None
    assert [each.state for each in await rows(database, select(MailboxCheck))] == [CheckState.ASKED]


async def test_a_test_is_seen_as_it_goes(office: Office, open_as: OpenAs, database: Database) -> None:
    page = await open_as(office["ada"], "/mailboxes/new?preset=other")
    await set_up(page)
    await page.wait_for_url("**/mailboxes/2")
    (check,) = await rows(database, select(MailboxCheck))
    async with database.transaction() as session:
        await inbox.write_check(session, check, steps=STEPS[:1])
    await page.locator(".step", has_text="Connect to the IMAP server").wait_for()
    async with database.transaction() as session:
        await inbox.write_check(session, check, steps=STEPS, state=CheckState.FAILED)
    await page.locator(".step--failed", has_text="Enter the user name and the password again").wait_for()
    await expect(page.get_by_role("button", name="Test now")).to_be_visible()


@pytest.mark.parametrize("language", ["en", "es"])
async def test_for_everybody(office: Office, open_as: OpenAs, database: Database, language: str) -> None:
    """axe and narrow screens, on what only administrators see."""
    async with database.transaction() as session:
        await session.execute(update(Person).values(ui_language=language))
    page = await open_as(office["ada"], "/mailboxes/new?preset=other", viewport={"width": 320, "height": 800})
    await set_up(page)
    (check,) = await rows(database, select(MailboxCheck))
    async with database.transaction() as session:
        await inbox.write_check(session, check, steps=STEPS, state=CheckState.FAILED)
    found: list[str] = []
    for path in ("/mailboxes/new", "/mailboxes/new?preset=google", "/mailboxes/2?sign_in_with=client_credentials"):
        await page.goto(path)
        await page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true })")
        found += [f"{path} {problem}" for problem in await problems(page)]
        if await page.evaluate("document.documentElement.scrollWidth") > 320:
            found.append(f"{path} is wider than the screen")
    assert found == []
