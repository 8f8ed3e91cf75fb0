"""A CSR's day in the browser: an offer appears by itself, all is done by keyboard, and all works without JavaScript."""

import asyncio

import pytest
from sqlalchemy import select

from shared.database import Database
from shared.models import (
    Assignment,
    AssignmentState,
    AuditEvent,
    Delivery,
    Entry,
    EntryKind,
    PresenceLease,
    Ticket,
    TicketState,
)
from tests.browser import OpenAs
from tests.tickets.pages.office import SPANISH, Office, spoken

pytestmark = pytest.mark.browser


async def spanish_mail(office: Office) -> int:
    return await office.mail("Mi recibo subió mucho", SPANISH, "rosario@example.com", "Rosario Peñaloza")


async def ticket_of(database: Database, ticket_id: int) -> Ticket:
    async with database.transaction() as session:
        return await session.get_one(Ticket, ticket_id)


async def test_an_offer_appears_without_a_reload_and_is_said_aloud(office: Office, open_as: OpenAs) -> None:
    ticket = await spanish_mail(office)
    at_work = await open_as(office["mateo"], "/work")
    elsewhere = await open_as(office["mateo"], "/queue")
    other = await open_as(office["carla"], "/work")
    await asyncio.sleep(1.0)  # the live connections stand
    assignment = await office.offer(ticket, "mateo")
    await asyncio.gather(
        at_work.wait_for_selector(f"#offer-{assignment}"),
        elsewhere.wait_for_selector(f".toast[data-offer='{assignment}']"),
    )
    assert await elsewhere.get_attribute("#offer-toast", "aria-live") == "polite"
    assert await at_work.title() == "(1) Mi trabajo · Centralita"
    # An offer is between the desk and the one who is asked.
    assert await other.query_selector("[data-offer]") is None


async def test_accept_reply_and_close_by_keyboard_alone(office: Office, open_as: OpenAs, database: Database) -> None:
    ticket = await spanish_mail(office)
    await office.offer(ticket, "mateo")
    page = await open_as(office["mateo"], "/work")
    await page.keyboard.press("j")
    assert "Mi recibo" in await page.evaluate("document.activeElement.textContent")
    async with page.expect_navigation():
        await page.keyboard.press("a")
    assert page.url.endswith(f"/tickets/{ticket}")
    await page.keyboard.press("r")
    assert await page.evaluate("document.activeElement.id") == "reply-text"
    # In a field the keys are letters again.
    await page.keyboard.type("Estimada señora: revisamos su recibo y la lectura de noviembre es correcta. Saludos, a.")
    assert page.url.endswith(f"/tickets/{ticket}")
    for _ in range(3):  # past the files and what is added below, to «and then»
        await page.keyboard.press("Tab")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("ArrowRight")
    assert await page.is_checked("input[name=then][value=closed]")
    await page.keyboard.press("Tab")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    assert (await ticket_of(database, ticket)).state is TicketState.CLOSED
    async with database.transaction() as session:
        delivery = (await session.scalars(select(Delivery).where(Delivery.created_by_id == office["mateo"]))).one()
    assert delivery.to_addresses == ["rosario@example.com"]
    assert delivery.language == "es"


async def test_accept_note_reply_and_decline_without_javascript(
    office: Office, open_as: OpenAs, database: Database
) -> None:
    first, second = await spanish_mail(office), await spanish_mail(office)
    await office.offer(first, "mateo")
    declined = await office.offer(second, "mateo")
    page = await open_as(office["mateo"], "/work", javascript=False)
    await page.click(f"#offer-{declined} .offer__decline summary")
    await page.click(f"#offer-{declined} .offer__decline button.button--danger")
    async with database.transaction() as session:
        assignment = await session.get_one(Assignment, declined)
    assert assignment.state is AssignmentState.DECLINED
    assert assignment.reason == "Estoy terminando otra cosa"
    assert "Se le preguntará a otra persona" in await page.inner_text("#flashes")
    await page.click("article.offer button.button--primary")
    assert page.url.endswith(f"/tickets/{first}")
    await page.fill("#note-text", "Ya llamé una vez.")
    await page.click("form[action$='/note'] button")
    await page.fill("#reply-text", "Estimada señora: ya revisamos su recibo. Saludos.")
    await page.check("input[name=then][value=waiting]")
    await page.click("#reply button.button--primary")
    assert (await ticket_of(database, first)).state is TicketState.WAITING
    async with database.transaction() as session:
        kinds = set(await session.scalars(select(Entry.kind).where(Entry.ticket_id == first)))
    assert {EntryKind.NOTE, EntryKind.MAIL_OUT, EntryKind.ACCEPTED} <= kinds


async def test_a_reply_in_the_wrong_language_is_asked_about_and_keeps_its_text(
    office: Office, open_as: OpenAs, database: Database
) -> None:
    ticket = await spanish_mail(office)
    await office.offer(ticket, "mateo")
    page = await open_as(office["mateo"], "/work", quiet=False)
    await page.click("article.offer button.button--primary")
    english = "Dear customer, we looked at your bill and the reading of November is right. Kind regards."
    await page.fill("#reply-text", english)
    await page.click("#reply button[data-default]")
    assert "inglés" in await page.inner_text("#reply [role=alert]")
    # It has not left, far down the page: the keyboard is at the question, and so is what one sees.
    assert await page.evaluate("document.activeElement === document.querySelector('#reply [role=alert]')")
    assert await page.input_value("#reply-text") == english
    async with database.transaction() as session:
        assert (await session.scalar(select(Delivery.id).where(Delivery.created_by_id.is_not(None)))) is None
    await page.click("#reply button[name=confirmed][data-default]")
    async with database.transaction() as session:
        assert (await session.scalar(select(Delivery.id).where(Delivery.created_by_id == office["mateo"]))) is not None


async def test_the_ticket_page_follows_what_happens_and_keeps_the_draft(office: Office, open_as: OpenAs) -> None:
    ticket = await spanish_mail(office)
    await office.offer(ticket, "mateo")
    page = await open_as(office["mateo"], "/work")
    await page.click("article.offer button.button--primary")
    await page.fill("#reply-text", "Estimada señora")
    await asyncio.sleep(1.0)
    supervisor = await open_as(office["sofia"], f"/tickets/{ticket}", javascript=False)
    await supervisor.fill("#note-text", "The meter desk knows about it.")
    await supervisor.click("form[action$='/note'] button")
    await page.wait_for_selector("#timeline >> text=The meter desk knows about it.")
    assert await page.input_value("#reply-text") == "Estimada señora"
    assert await page.evaluate("document.activeElement.id") == "reply-text"


async def test_what_plays_and_what_is_unfolded_survives_a_refresh(office: Office, open_as: OpenAs) -> None:
    ticket = await office.voicemail([spoken("Buenos días, soy Rosario.")], flags=[])
    page = await open_as(office["mateo"], f"/tickets/{ticket}")
    await page.wait_for_timeout(1000)
    await page.evaluate("document.querySelector('audio').play()")
    await page.click("[data-start='0.8']")
    assert await page.evaluate("document.querySelector('audio').currentTime") >= 0.8
    supervisor = await open_as(office["sofia"], f"/tickets/{ticket}", javascript=False)
    await supervisor.fill("#note-text", "Call her back today.")
    await supervisor.click("form[action$='/note'] button")
    await page.wait_for_selector("#timeline >> text=Call her back today.")
    assert await page.evaluate("document.querySelector('audio').currentTime") >= 0.8
    assert await page.evaluate("!document.querySelector('audio').paused")


async def test_shortcuts_can_be_turned_off(office: Office, open_as: OpenAs) -> None:
    page = await open_as(office["carla"], "/work")
    await page.keyboard.press("?")
    await page.wait_for_selector("#keyboard-help[open]")
    await page.check("#keyboard-help [data-shortcuts-off]")
    await page.keyboard.press("Escape")
    await page.keyboard.press("g")
    await page.keyboard.press("q")
    await asyncio.sleep(0.2)
    assert page.url.endswith("/work")
    await page.evaluate("localStorage.clear()")
    async with page.expect_navigation():
        await page.keyboard.press("g")
        await page.keyboard.press("q")
    assert page.url.endswith("/queue")


async def test_each_open_tab_keeps_its_own_lease_and_gives_it_back(
    office: Office, open_as: OpenAs, database: Database
) -> None:
    async def tabs() -> set[str]:
        async with database.transaction() as session:
            found = select(PresenceLease.tab_id).where(
                PresenceLease.person_id == office["carla"], PresenceLease.tab_id != "seed"
            )
            return set(await session.scalars(found))

    one = await open_as(office["carla"], "/work")
    two = await one.context.new_page()
    await two.goto("/queue")
    for _ in range(50):
        if len(await tabs()) == 2:
            break
        await asyncio.sleep(0.1)
    assert len(await tabs()) == 2
    kept = await one.evaluate("sessionStorage.getItem('centralita.tab')")
    await one.goto("/queue")
    assert await one.evaluate("sessionStorage.getItem('centralita.tab')") == kept


async def test_every_look_is_audited(office: Office, open_as: OpenAs, database: Database) -> None:
    ticket = await spanish_mail(office)
    await open_as(office["carla"], f"/tickets/{ticket}", javascript=False)
    async with database.transaction() as session:
        events = list(await session.scalars(select(AuditEvent).where(AuditEvent.action == "ticket.view")))
    assert [(event.actor_id, event.ticket_id) for event in events] == [(office["carla"], ticket)]
