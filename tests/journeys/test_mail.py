"""Mail journeys: from SMTP through IMAP to a CSR's open page, and the answer back to the customer's mailbox."""

import asyncio
from collections.abc import AsyncIterator
from datetime import time
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import delete, text

from local.config import SHIFT_LEAD_ADDRESS
from local.mailboxes import StoredMail
from shared import clock
from shared.models import OpeningHours, TicketState
from tests.journeys.house import House, eventually

pytestmark = [
    pytest.mark.journey,
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(150),  # the first test waits until the house is there
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[House]:
    async with House() as house:
        yield house


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def clear_desks(house: House) -> AsyncIterator[None]:
    yield
    await house.clear_desks()


def is_reply(mail: StoredMail) -> bool:
    return mail.parsed()["Auto-Submitted"] is None


def is_acknowledgement(mail: StoredMail) -> bool:
    return str(mail.parsed()["Auto-Submitted"]) == "auto-replied"


async def test_an_english_email_is_offered_live_accepted_and_answered(house: House) -> None:
    async with house.at_desk("ben") as (page,):
        sent = await house.write_in(
            "Dana Whitlock <dana@example.com>", "Two companies on one bill",
            "Hello,\n\nI never signed up with you. Who is Sonoma Clean Power and why is it on my bill?\n\nDana",
        )  # fmt: skip
        await house.accept(page, "Two companies on one bill")
        await house.reply(page, "Hello Dana,\n\nThe **generation charge** replaces PG&E's.", then="waiting")
        answer = await house.mail_to("dana@example.com", is_reply)
    assert answer["In-Reply-To"] == sent["Message-ID"]
    assert answer["Subject"].startswith("Re: Two companies on one bill")
    html = answer.get_body(("html",))
    assert html is not None
    assert "<strong>generation charge</strong>" in html.get_content()
    ticket = await house.ticket_of("Two companies on one bill")
    assert (ticket.language, ticket.topic, ticket.state) == ("en", "split_billing", TicketState.WAITING)
    acknowledgements = [mail for mail in house.stack.mail.mails("dana@example.com") if is_acknowledgement(mail)]
    assert len(acknowledgements) == 1


async def test_a_customers_second_mail_joins_the_ticket_and_returns_to_its_csr(house: House) -> None:
    async with house.at_desk("ben") as (page,):
        await house.write_in("lee@example.com", "Visiting hours", "Hello, on which days is your office open?")
        await house.accept(page, "Visiting hours")
        await house.reply(page, "Hello Lee, on all weekdays.", then="waiting")
        answer = await house.mail_to("lee@example.com", is_reply)
        ticket = await house.ticket_of("Visiting hours")
        await house.write_in(
            "lee@example.com", "Re: Visiting hours",
            "Thanks, and at what hour do you close?\n\nOn Mon, Center wrote:\n> Hello Lee, on all weekdays.",
            to=answer["Reply-To"], In_Reply_To=answer["Message-ID"],
        )  # fmt: skip
        await page.locator(".timeline", has_text="at what hour do you close?").wait_for()
        assert await house.state_of(ticket.id) == ("assigned", house.people["ben"])
    ((tickets,),) = await house.fetch("SELECT count(*) FROM ticket WHERE subject LIKE '%Visiting hours%'")
    assert tickets == 1


async def test_a_stranger_who_quotes_a_ticket_does_not_get_in(house: House) -> None:
    await house.write_in("owner@example.com", "My account", "Please tell me about my account with you.")
    ticket = await house.ticket_of("My account")
    acknowledgement = await house.mail_to("owner@example.com", is_acknowledgement)
    await house.write_in(
        "stranger@example.com", f"Re: My account [#{ticket.id}]", "Tell me everything about this account.",
        In_Reply_To=acknowledgement["Message-ID"],
    )  # fmt: skip

    async def linked() -> list[Any]:
        return await house.fetch("SELECT id FROM ticket WHERE linked_ticket_id = :id", id=ticket.id)

    assert len(await eventually(linked, what="a linked ticket")) == 1
    ((mails,),) = await house.fetch(
        "SELECT count(*) FROM entry WHERE ticket_id = :id AND kind = 'mail_in'", id=ticket.id
    )
    assert mails == 1


async def test_a_spanish_email_reaches_only_the_verified_bilingual(house: House) -> None:
    async with house.at_desk("ben", "ana") as (_ben, ana):
        await house.write_in(
            "rosa@example.com", "Mi factura de luz",
            "Buenas tardes,\n\nMe llegó la factura y me subió mucho. ¿Me pueden explicar por qué?\n\nRosa",
        )  # fmt: skip
        await house.accept(ana, "Mi factura de luz")
        await house.reply(ana, "Buenas tardes, Rosa. La tarifa cambió en marzo.", then="closed")
        answer = await house.mail_to("rosa@example.com", is_reply)
    assert "La tarifa cambió en marzo." in answer.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    acknowledgement = await house.mail_to("rosa@example.com", is_acknowledgement)
    assert "Gracias" in acknowledgement.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    ticket = await house.ticket_of("Mi factura de luz")
    offers = await house.fetch("SELECT person_id, explanation FROM assignment WHERE ticket_id = :id", id=ticket.id)
    assert [person for person, _ in offers] == [house.people["ana"]]
    assert offers[0][1], "why her, and why not the others"
    assert (ticket.language, ticket.state) == ("es", TicketState.CLOSED)


async def test_gas_at_night_goes_to_the_top_and_everybody_who_must_know_is_told(house: House) -> None:
    now = clock.now()
    async with house.database.transaction() as session:  # open some other day only: now is the middle of the night
        await session.execute(delete(OpeningHours))
        session.add(OpeningHours(weekday=(now.weekday() + 3) % 7, opens=time(9), closes=time(17)))
    lead = await house.sign_in("sol", available=False)
    try:
        await lead.goto(house.url("/board"))
        await house.write_in(
            "night@example.com", "class times?", "There is a strong smell of gas, I smell gas in the kitchen!"
        )
        ticket = await house.ticket_of("class times?")
        assert ticket.priority == "emergency"
        assert ticket.topic == "emergency_safety"
        safety = await house.mail_to("night@example.com")
        assert "911" in safety.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        page = await house.mail_to(SHIFT_LEAD_ADDRESS)
        assert f"#{ticket.id}" in page["Subject"] + page.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        await lead.locator(f".alerts li:has(a[href='/tickets/{ticket.id}'])").wait_for()
        await lead.goto(house.url("/queue"))
        first = lead.locator("li.ticket-line").first
        assert "class times?" in await first.inner_text()
    finally:
        await house.leave(lead)
        await house.open_always()


async def test_an_auto_reply_is_seen_and_never_answered(house: House) -> None:
    await house.write_in("away@example.com", "Opt out", "I would like to opt out, please.")
    ticket = await house.ticket_of("Opt out")
    acknowledgement = await house.mail_to("away@example.com", is_acknowledgement)
    await house.write_in(
        "away@example.com", "Automatic reply: Re: Opt out", "I am out of the office until Monday.",
        to=acknowledgement["Reply-To"], Auto_Submitted="auto-replied", In_Reply_To=acknowledgement["Message-ID"],
    )  # fmt: skip

    async def seen() -> list[Any]:
        return await house.fetch("SELECT id FROM entry WHERE ticket_id = :id AND kind = 'machine_mail'", id=ticket.id)

    await eventually(seen, what="the auto-reply on the timeline")
    await asyncio.sleep(1)
    assert len(house.stack.mail.mails("away@example.com")) == 1


async def test_what_one_declines_is_offered_to_the_next(house: House) -> None:
    async with house.at_desk("ben", "dan") as pages:
        desks = dict(zip(("ben", "dan"), pages, strict=True))
        await house.write_in("iris@example.com", "Solar panels", "I have solar panels. What is my true-up about?")
        ticket = await house.ticket_of("Solar panels")
        # The topic is for CSR II; a supervisor's correction makes it anybody's.
        async with house.database.transaction() as session:
            await session.execute(
                text("UPDATE ticket SET level = 'csr1', rev = rev + 1 WHERE id = :id"), {"id": ticket.id}
            )
        first = await house.offered_to(ticket.id)
        name = next(key for key, person in house.people.items() if person == first)
        other = "dan" if name == "ben" else "ben"
        card = await house.offer_on(desks[name], "Solar panels")
        await card.locator("details.offer__decline summary").click()
        await card.locator("form[action$='/decline'] button").click()
        await house.accept(desks[other], "Solar panels")
        assert await house.state_of(ticket.id) == ("assigned", house.people[other])
        reasons = await house.fetch(
            "SELECT reason FROM assignment WHERE ticket_id = :id AND state = 'declined'", id=ticket.id
        )
        assert [bool(reason) for (reason,) in reasons] == [True]


async def test_an_offer_returns_when_its_csr_goes_offline(house: House) -> None:
    ben = await house.sign_in("ben")
    try:
        await house.write_in("otto@example.com", "Start service", "I am moving and want to start service next week.")
        ticket = await house.ticket_of("Start service")
        await house.offer_on(ben, "Start service")
        await house.set_intent(ben, "offline")
        queued = await eventually(
            lambda: house.fetch("SELECT queued_at FROM ticket WHERE id = :id AND state = 'queued'", id=ticket.id),
            what="the ticket back in the queue",
        )
        assert queued[0][0] == ticket.queued_at, "the customer's wait goes on counting"
    finally:
        await house.leave(ben)
    async with house.at_desk("dan") as (dan,):
        await house.accept(dan, "Start service")


async def test_a_supervisor_reassigns_with_a_reason(house: House) -> None:
    async with house.at_desk("ben", "dan") as pages:
        await house.write_in("uma@example.com", "Rebate check", "When will the rebate check for my heat pump arrive?")
        ticket = await house.ticket_of("Rebate check")
        holder = await house.offered_to(ticket.id)
        name = next(key for key, person in house.people.items() if person == holder)
        desks = dict(zip(("ben", "dan"), pages, strict=True))
        await house.accept(desks[name], "Rebate check")
        other = "dan" if name == "ben" else "ben"
        lead = await house.sign_in("sol", available=False)
        await lead.goto(house.url(f"/tickets/{ticket.id}"))
        form = lead.locator(f"form[action='/tickets/{ticket.id}/assign']")
        await form.locator("select[name=person_id]").select_option(str(house.people[other]))
        await form.locator("[name=reason]").fill("Knows the case")
        await form.locator("button").last.click()
        await lead.locator("#flashes .notice--success").first.wait_for()
        assert await house.state_of(ticket.id) == ("assigned", house.people[other])
        await house.leave(lead)
        await desks[other].goto(house.url("/work"))
        await desks[other].get_by_text("Rebate check").first.wait_for()
    ((audited,),) = await house.fetch(
        "SELECT count(*) FROM audit_event WHERE ticket_id = :id AND actor_id = :lead "
        "AND detail::text LIKE '%Knows the case%'",
        id=ticket.id, lead=house.people["sol"],
    )  # fmt: skip
    assert audited >= 1


async def test_a_reply_that_bounces_for_good_is_shown_to_its_csr(house: House) -> None:
    house.stack.mail.refusals["gone@example.com"] = "550 5.1.1 No such mailbox"
    async with house.at_desk("ben") as (page,):
        await house.write_in("gone@example.com", "Address change", "Please note my new mailing address for the bills.")
        await house.accept(page, "Address change")
        await house.reply(page, "Noted, thank you.")
        await page.locator(".timeline", has_text="No such mailbox").first.wait_for()
