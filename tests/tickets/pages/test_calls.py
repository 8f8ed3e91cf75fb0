"""Calling a customer on the ticket's page: without JavaScript, and with one key for each outcome."""

import re

import pytest
from sqlalchemy import select

from shared.database import Database
from shared.models import CallAttempt, CallOutcome, Ticket, TicketState
from tests.browser import OpenAs
from tests.tickets.pages.conftest import SignIn
from tests.tickets.pages.office import Office, spoken
from tests.tickets.pages.test_accessibility import problems


async def voicemail(office: Office) -> int:
    return await office.voicemail([spoken("Hello, please call me back about my bill.")], language="en", flags=[])


async def outcomes(database: Database) -> list[CallOutcome | None]:
    async with database.transaction() as session:
        return list(await session.scalars(select(CallAttempt.outcome).order_by(CallAttempt.id)))


async def test_a_call_by_plain_forms(as_person: SignIn, office: Office, database: Database) -> None:
    ticket = await voicemail(office)
    carla, sofia = await as_person("carla"), await as_person("sofia")
    assert (await carla.post(f"/tickets/{ticket}/take")).status_code == 303
    page = (await carla.get(f"/tickets/{ticket}")).text
    assert 'href="tel:+17075550142"' in page
    assert "7 0 7, 5 5 5, 0 1 4 2" in page
    wrong = await carla.post(f"/tickets/{ticket}/calls", data={"other": "soon"})
    assert wrong.status_code == 422
    assert "soon is not a telephone number" in wrong.text
    assert (await carla.post(f"/tickets/{ticket}/calls", data={})).headers["location"].endswith("#call")
    assert "Carla Whitfield has been calling since" in (await sofia.get(f"/tickets/{ticket}")).text
    await sofia.post(f"/tickets/{ticket}/calls", data={})
    assert "is calling this customer right now" in (await sofia.get(f"/tickets/{ticket}")).text
    page = (await carla.get(f"/tickets/{ticket}")).text
    form = re.search(rf"/tickets/{ticket}/calls/\d+/outcome", page)
    assert form is not None
    kept = await carla.post(form.group(), data={"outcome": "reached", "note": "Ana", "promise_by": "2026-12-01"})
    assert kept.status_code == 422  # by when, and not what: nothing of what was typed is lost
    assert ">Ana</textarea>" in kept.text
    done = await carla.post(
        form.group(), data={"outcome": "reached", "note": "Ana", "promise": "Send the form", "then": "closed"}
    )
    assert done.status_code == 303
    page = (await carla.get(f"/tickets/{ticket}")).text
    assert "Carla Whitfield called (707) 555-0142 and reached the customer." in page
    assert "Carla Whitfield promised: «Send the form»" in page
    async with database.transaction() as session:
        row = await session.get_one(Ticket, ticket)
        assert (row.state, row.first_responded_at is not None) == (TicketState.CLOSED, True)


@pytest.mark.browser
async def test_a_call_with_one_key_each_seen_by_others_at_once(
    office: Office, open_as: OpenAs, as_person: SignIn, database: Database
) -> None:
    ticket = await voicemail(office)
    await (await as_person("carla")).post(f"/tickets/{ticket}/take")
    page = await open_as(office["carla"], f"/tickets/{ticket}", viewport={"width": 320, "height": 800})
    other = await open_as(office["mateo"], f"/tickets/{ticket}")
    await page.wait_for_timeout(500)  # the live connections stand
    async with page.expect_navigation():
        await page.keyboard.press("c")
    await other.wait_for_selector("#ticket-head >> text=Carla Whitfield está llamando desde las")
    assert await problems(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    await page.fill("#call-note", "No one home, 2 rings")  # digits are digits in a field
    await page.keyboard.press("Escape")
    await page.evaluate("document.activeElement.blur()")
    async with page.expect_navigation():
        await page.keyboard.press("2")
    async with page.expect_navigation():
        await page.keyboard.press("c")
    async with page.expect_navigation():
        await page.keyboard.press("3")
    assert await outcomes(database) == [CallOutcome.NO_ANSWER, CallOutcome.LEFT_MESSAGE]
    assert "The next call is set for" in await page.inner_text("#call")
    assert await problems(page) == []
    await other.wait_for_selector("#timeline >> text=2 llamadas sin respuesta")
