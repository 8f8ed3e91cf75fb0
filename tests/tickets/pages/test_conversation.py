"""Split, merge, people and returned mail on the screens: as forms without any script, and live in a browser."""

import pytest
from sqlalchemy import select

from services.tickets import desk, intake
from shared.database import Database
from shared.models import Delivery, DeliveryFailure, DeliveryKind, DeliveryState, Role, Ticket, TicketState
from shared.people import Actor
from tests.browser import OpenAs
from tests.tickets.pages.office import ENGLISH, Office

pytestmark = pytest.mark.browser


async def mine(office: Office, ticket_id: int) -> None:
    async with office.database.transaction() as session:
        ticket = await session.get_one(Ticket, ticket_id)
        ticket.state, ticket.assignee_id = TicketState.ASSIGNED, office["sofia"]


async def test_split_merge_and_people_work_without_a_script(
    office: Office, open_as: OpenAs, database: Database
) -> None:
    first = await office.mail("Two companies?", ENGLISH)
    second = await office.mail("Two companies again", ENGLISH)
    await mine(office, first)
    page = await open_as(office["sofia"], f"/tickets/{first}", javascript=False, quiet=False)  # 4xx are told
    await page.get_by_text("Let somebody in…").click()
    await page.fill("#participant-address", "lee@example.com")
    await page.fill("#participant-reason", "Her brother pays the bill.")
    await page.locator("#people").get_by_role("button", name="Let in", exact=True).click()
    assert "lee@example.com may speak on this ticket now." in await page.inner_text("#flashes")
    await page.get_by_role("button", name="Remove lee@example.com").click()
    assert "Their next mail opens a ticket of its own." in await page.inner_text("#flashes")

    await page.get_by_role("link", name="Merge into another…").click()
    await page.get_by_role("radio").first.check()
    await page.get_by_role("button", name="Merge", exact=True).click()
    assert page.url.endswith(f"/tickets/{second}")
    await page.goto(f"/tickets/{first}")
    assert "goes on in another one" in await page.inner_text("#ticket-head")
    await page.get_by_role("button", name="Take them apart").click()
    assert "They are two tickets again." in await page.inner_text("#flashes")

    other = await office.mail("My fence", ENGLISH, "bob@example.com", "Bob")
    await page.goto(f"/tickets/{other}/merge")
    await page.fill("[name=number]", "#99999")
    await page.get_by_role("button", name="Merge", exact=True).click()
    assert "There is no ticket 99999." in await page.inner_text("[role=alert]")
    await page.fill("[name=number]", f"#{second}")
    await page.get_by_role("button", name="Merge", exact=True).click()
    question = await page.inner_text("[role=alert]")
    assert "bob@example.com" in question
    assert "dana.whitlock@example.com" in question
    await page.get_by_role("button", name=f"Merge into #{second} all the same").click()
    assert page.url.endswith(f"/tickets/{second}")
    await mine(office, second)
    await page.goto(f"/tickets/{second}/split")
    boxes = page.get_by_role("checkbox")
    await page.get_by_role("button", name="Split").click()
    assert "Choose what goes on" in await page.inner_text("[role=alert]")
    await boxes.nth(1).check()
    await page.get_by_role("button", name="Split").click()
    assert "This is the new ticket." in await page.inner_text("#flashes")
    async with database.transaction() as session:
        assert await session.scalar(select(Ticket.id).where(Ticket.split_from_id == second)) is not None


async def test_an_answer_that_came_back_is_told_on_whatever_page_its_author_is(
    office: Office, open_as: OpenAs, database: Database
) -> None:
    ticket_id = await office.mail("Two companies?", ENGLISH)
    await mine(office, ticket_id)
    page = await open_as(office["sofia"], "/queue")
    elsewhere = await open_as(office["mateo"], "/queue")
    me = Actor(id=office["sofia"], name="S", email="s@center.example.org", role=Role.SUPERVISOR)
    async with database.transaction() as session:
        delivery = await desk.reply(session, office.settings, me, ticket_id, text="No.", to=["dana@exmaple.com"])
    async with database.transaction() as session:
        row = await session.get_one(Delivery, delivery.id)
        row.state, row.failure, row.last_error = DeliveryState.FAILED, DeliveryFailure.RECIPIENT, "550 unknown user"
    await intake.take_in_delivery(database, office.settings, delivery.id)
    await page.get_by_role("link", name="See what to do").click()
    box = page.locator("[id^=returned-][id$=-to]")
    assert await box.input_value() == "dana@exmaple.com"
    assert not await elsewhere.locator("[data-returned]").count()
    await box.fill("dana@example.com")
    await page.get_by_role("button", name="Send it again", exact=True).click()
    await page.wait_for_selector("text=It is on its way again.")
    assert not await page.locator("[id^=returned-][id$=-to]").count()
    async with database.transaction() as session:
        to = await session.scalars(select(Delivery.to_addresses).where(Delivery.kind == DeliveryKind.REPLY))
        assert list(to) == [["dana@exmaple.com"], ["dana@example.com"]]
