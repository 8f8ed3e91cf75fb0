"""What a mail says about itself is shown as no more than that, and facts of an account leave after a second look."""

import re
from typing import Any

import pytest
from sqlalchemy import select, update

from services.tickets import intake
from shared.database import Database
from shared.models import AuditEvent, Delivery, Entry, EntryKind, Message, Ticket
from tests.tickets.pages.conftest import SignIn
from tests.tickets.pages.office import ENGLISH, Office

CLAIMED = "claimed by the mail itself, not verified"
DANA = "dana.whitlock@example.com"
FACTS = "Hello Dana,\n\nyour balance is $412.77. About the account 2468013579-0 we will write again.\n\nCarla"


async def changed_mail(office: Office, database: Database, **values: Any) -> int:
    ticket = await office.mail("Moved", ENGLISH)
    async with database.transaction() as session:
        await session.execute(update(Message).values(**values))
    await mine(office, database)
    return ticket


async def mine(office: Office, database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(update(Ticket).values(assignee_id=office["carla"], state="assigned"))


async def replies(database: Database) -> list[Delivery]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Delivery).where(Delivery.created_by_id.is_not(None))))


@pytest.mark.parametrize("verified_by", ["server", "here", None])
async def test_only_what_somebody_we_believe_found_counts_as_verified(
    office: Office,
    as_person: SignIn,
    database: Database,
    verified_by: str | None,
) -> None:
    found = {"spf": "pass", "dkim": "pass", "authserv_id": "mx.example", "trusted": verified_by == "server",
             "verdict": "pass" if verified_by else "unknown", "verified_by": verified_by}  # fmt: skip
    ticket = await changed_mail(office, database, authentication=found)
    page = (await (await as_person("carla")).get(f"/tickets/{ticket}")).text
    assert "<dt>SPF</dt><dd>pass" in page
    assert page.count(CLAIMED) == (0 if verified_by else 2)
    # Once on the ticket, once on the mail, once beside it.
    assert page.count("Sender’s domain verified</span>") == (3 if verified_by else 0)
    assert page.count("Sender not checked</span>") == (0 if verified_by else 3)


async def test_an_unknown_reply_to_is_named_and_not_followed(
    office: Office,
    as_person: SignIn,
    database: Database,
) -> None:
    ticket = await changed_mail(office, database, reply_to=["elsewhere@example.net"])
    carla = await as_person("carla")
    page = await carla.get(f"/tickets/{ticket}")
    assert 'value="dana.whitlock@example.com"' in page.text
    assert "asks for answers to elsewhere@example.net" in page.text
    assert "Answers are asked for at elsewhere@example.net, another domain than example.com." in page.text
    answer = await carla.post(f"/tickets/{ticket}/reply", data={"text": "Hello Dana", "to": "elsewhere@example.net"})
    assert answer.status_code == 303
    assert "asks for answers to" not in (await carla.get(f"/tickets/{ticket}")).text


async def test_facts_for_an_unverified_sender_come_back_with_a_question_and_everything_typed(
    office: Office,
    as_person: SignIn,
    database: Database,
) -> None:
    ticket = await office.mail("Moved", ENGLISH, verdict="none")
    await mine(office, database)
    carla = await as_person("carla")
    form = {"text": FACTS, "to": DANA, "cc": "son@example.com", "then": "waiting"}
    asked = await carla.post(f"/tickets/{ticket}/reply", data=form)
    assert asked.status_code == 428
    page = asked.text
    assert re.search(r"Amount billed, paid or owed:</strong>\s*<q>[^<]*balance is \$412.77", page)
    assert re.search(r"Account number:</strong>\s*<q>[^<]*2468013579-0", page)
    assert "your balance is $412.77. About the account" in page  # the text itself
    assert 'value="son@example.com"' in page
    assert re.search(r'name="then" value="waiting" checked', page)
    assert "Never wrote on this ticket" in page
    assert not await replies(database)

    why = await carla.post(f"/tickets/{ticket}/reply", data=form | {"confirm_release": "1"})
    assert why.status_code == 428
    assert "Say why." in why.text
    unticked = await carla.post(f"/tickets/{ticket}/reply", data=form | {"release_reason": "She called"})
    assert unticked.status_code == 428
    assert 'value="She called"' in unticked.text

    reason = {"confirm_release": "1", "release_reason": "Her son wrote for her, I called her."}
    assert (await carla.post(f"/tickets/{ticket}/reply", data=form | reason)).status_code == 303
    [sent] = await replies(database)
    async with database.transaction() as session:
        [event] = await session.scalars(select(AuditEvent).where(AuditEvent.action == "facts.release"))
        entry = (await session.scalars(select(Entry).where(Entry.kind == EntryKind.MAIL_OUT))).one()
    assert (event.actor_id, event.ticket_id, event.object_id) == (office["carla"], ticket, str(sent.id))
    assert event.detail["reason"] == reason["release_reason"]
    assert [fact["kind"] for fact in event.detail["facts"]] == ["amount", "account_number"]
    assert event.detail["unverified"] == {DANA: "not_verified", "son@example.com": "never_wrote"}
    assert entry.detail["released"] == event.detail
    assert "Her son wrote for her" in (await carla.get(f"/tickets/{ticket}")).text


async def test_no_question_for_a_verified_sender_nor_without_facts(
    office: Office,
    as_person: SignIn,
    database: Database,
) -> None:
    verified = await office.mail("Moved", ENGLISH, verdict="pass")
    other = await office.mail("Two companies?", ENGLISH, "lee@example.net", "Lee Park", verdict="fail")
    await mine(office, database)
    carla = await as_person("carla")
    assert (await carla.post(f"/tickets/{verified}/reply", data={"text": FACTS})).status_code == 303
    general = {"text": "Hello Lee,\n\nopting out is free within 60 days; after that there is a fee of $5."}
    assert (await carla.post(f"/tickets/{other}/reply", data=general)).status_code == 303
    assert len(await replies(database)) == 2


async def test_a_checked_identity_is_noted_shown_and_ends(
    office: Office,
    as_person: SignIn,
    database: Database,
) -> None:
    ticket = await office.mail("Moved", ENGLISH, verdict="none")
    await mine(office, database)
    carla, mateo = await as_person("carla"), await as_person("mateo")
    noted = await carla.post(
        f"/tickets/{ticket}/identity-checks",
        data={"address": DANA, "method": "phone", "note": "Name and last bill"},
    )
    assert noted.status_code == 303
    page = (await mateo.get(f"/tickets/{ticket}")).text
    assert "Por teléfono, con datos de la cuenta · <q>Name and last bill</q> · Carla Whitfield" in page
    assert "Carla Whitfield comprobó la identidad de dana.whitlock@example.com" in page
    assert (await carla.post(f"/tickets/{ticket}/reply", data={"text": FACTS})).status_code == 303

    async with database.transaction() as session:
        token = (await session.get_one(Ticket, ticket)).reply_token
        # Whom we wrote to may write back, and nothing vouches for them.
        await session.execute(update(Ticket).values(state="assigned"))
    await carla.post(f"/tickets/{ticket}/reply", data={"text": "A copy for you.", "cc": "son@example.net"})
    assert await office.mail("Re: Moved", "It is me", "son@example.net", "Her son", reply_token=token) == ticket
    page = (await carla.get(f"/tickets/{ticket}")).text
    assert "Since then son@example.net has written, whom nobody has verified." in page
    assert (await carla.post(f"/tickets/{ticket}/reply", data={"text": FACTS, "to": DANA})).status_code == 428


async def test_who_looks_like_a_colleague_is_pointed_out_on_the_ticket_and_in_the_reply(
    office: Office,
    as_person: SignIn,
    database: Database,
) -> None:
    ticket = await office.mail("Please send me the list", ENGLISH, "marta@pge-billing.com", "Marta Lindqvist")
    await mine(office, database)
    page = (await (await as_person("carla")).get(f"/tickets/{ticket}")).text
    sentence = "«Marta Lindqvist» is the name of our colleague Marta Lindqvist, but this is not their address."
    assert page.count(sentence) == 2
    assert "The domain pge-billing.com is pge.com with words added." in page
    async with database.transaction() as session:
        assert (await session.get_one(Ticket, ticket)).state.value == "assigned"


async def test_spam_is_closed_and_taken_back_from_the_ticket(
    office: Office,
    as_person: SignIn,
    database: Database,
) -> None:
    ticket = await office.mail("You have won", "Click here", "win@example.net", "Prize")
    carla, sofia = await as_person("carla"), await as_person("sofia")
    assert (await carla.post(f"/tickets/{ticket}/spam")).status_code == 303
    assert "Closed as spam</span>" in (await carla.get(f"/tickets/{ticket}")).text
    assert await office.mail("You have won again", "Click here", "win@example.net", "Prize") == 0
    assert "1 mail was held because it looks like spam." in (await sofia.get("/board")).text
    assert "Carla Whitfield called this sender spam." in (await sofia.get("/held")).text
    assert (await carla.post(f"/tickets/{ticket}/not-spam")).status_code == 303
    assert "Carla Whitfield said that it is no spam." in (await carla.get(f"/tickets/{ticket}")).text
    assert await office.mail("You have won, really", "Click here", "win@example.net", "Prize") > ticket


async def test_facts_go_to_a_corrected_address_with_a_reason_and_the_bounce_is_told_once(
    office: Office,
    as_person: SignIn,
    database: Database,
) -> None:
    ticket = await office.mail("Moved", ENGLISH, verdict="pass")
    await mine(office, database)
    carla = await as_person("carla")
    assert (await carla.post(f"/tickets/{ticket}/reply", data={"text": FACTS, "to": DANA})).status_code == 303
    [first] = await replies(database)
    async with database.transaction() as session:
        lost = {"state": "failed", "failure": "recipient", "last_error": "550 5.1.1 no such user"}
        await session.execute(update(Delivery).where(Delivery.id == first.id).values(**lost))
    await intake.take_in_delivery(database, office.settings, first.id)
    page = (await carla.get(f"/tickets/{ticket}")).text
    assert page.count("550 5.1.1 no such user") == page.count("Correct the address") == 1, "told once"
    assert "See what to do" in page

    url, form = f"/tickets/{ticket}/replies/{first.id}/again", {"to": "dana@example.org"}
    asked = await carla.post(url, data=form)
    assert asked.status_code == 428
    assert "Not sent yet" in asked.text
    assert "Never wrote on this ticket" in asked.text
    assert 'value="dana@example.org"' in asked.text
    assert len(re.findall(r'name="confirm_release"', asked.text)) == 1, "asked where it is sent again, not in the reply"
    why = await carla.post(url, data=form | {"confirm_release": "1"})
    assert (why.status_code, "Say why." in why.text) == (428, True)
    assert len(await replies(database)) == 1
    reason = {"confirm_release": "1", "release_reason": "She spelt it out on the telephone."}
    assert (await carla.post(url, data=form | reason)).status_code == 303
    again = max(await replies(database), key=lambda each: each.id)
    async with database.transaction() as session:
        [event] = await session.scalars(select(AuditEvent).where(AuditEvent.action == "facts.release"))
    assert (event.actor_id, event.object_id) == (office["carla"], str(again.id))
    assert event.detail["unverified"] == {"dana@example.org": "never_wrote"}
    assert event.detail["reason"] == reason["release_reason"]
    assert "She spelt it out on the telephone." in (await carla.get(f"/tickets/{ticket}")).text
