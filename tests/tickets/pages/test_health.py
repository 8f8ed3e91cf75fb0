"""Health with folders that were compared, in a real browser: axe has nothing to say."""

from datetime import timedelta

import pytest
from sqlalchemy import func, insert, literal, select

from shared import clock
from shared.database import Database
from shared.models import Door, Mailbox, MailFolder
from tests.browser import OpenAs
from tests.tickets.pages.office import ENGLISH, Office
from tests.tickets.pages.test_accessibility import problems

pytestmark = pytest.mark.browser


async def test_compared_folders_can_be_read_by_everybody(office: Office, open_as: OpenAs, database: Database) -> None:
    await office.mail("Two companies?", ENGLISH)
    async with database.transaction() as session:
        await session.execute(
            insert(MailFolder).from_select(
                ["mailbox_id", "name", "reconciled_at", "on_server", "in_ledger", "missing", "repaired", "gone"],
                select(Mailbox.id, literal("INBOX"), func.now(), *(literal(n) for n in (9, 9, 2, 2, 1))),
            )
        )
        at = clock.now()
        session.add(Door(name="ami:pbx", kind="ami", state="failed", state_at=at, seen_at=at, error="Asterisk refused"))
        session.add(Door(name="spool:pbx", kind="spool", state="open", state_at=at, seen_at=at - timedelta(hours=1)))
        session.add(Door(name="callback:twilio", kind="callback", state="open", state_at=at, seen_at=at, refused=2))
    page = await open_as(office["marta"], "/health", viewport={"width": 320, "height": 800})
    await page.locator("#folders-title").wait_for()
    doors = page.locator("section", has=page.locator("#doors-title"))
    said = await doors.inner_text()
    assert "manager.conf" in said
    assert "¿está en marcha el proceso de mensajes de voz?" in said  # it says nothing any more
    assert "2 rechazados" in said
    assert await doors.locator(".badge--bad").count() == 2
    assert await problems(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
