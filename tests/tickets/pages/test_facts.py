"""What messages state, as people see it: listed, marked in its place, account numbers hidden until somebody asks."""

import re

from sqlalchemy import select

from services.tickets import contacts
from shared.database import Database
from shared.models import AuditEvent, Channel, MessageFact, Role, Ticket
from shared.people import Actor
from tests.tickets.intake.test_callers import segment
from tests.tickets.pages.conftest import SignIn
from tests.tickets.pages.office import Office

MAIL = """My account 1020304050-6 went up to $412.77.
> about account 1020304050
Please call (707) 555-0131 before December 4. Thanks,
Marcus Oyelaran"""


async def test_a_mail_is_listed_and_marked_with_its_account_hidden(
    office: Office, as_person: SignIn, database: Database
) -> None:
    ticket = await office.mail(
        "Account 1020304050-6", MAIL, full=f"{MAIL}\n\nMy account is 1020304050-6.", in_reply_to=["<a@b.example>"]
    )
    carla = await as_person("carla")
    page = (await carla.get(f"/tickets/{ticket}")).text
    assert "1020304050" not in page
    card = page[page.index('id="facts"') : page.index("</section>", page.index('id="facts"'))]
    assert "What the messages state" in card
    assert "••••••4050-6" in card
    assert "$412.77" in card
    assert 'href="tel:+17075550131">(707) 555-0131' in card
    assert "December 4, 20" in card
    for anchor in re.findall(r'href="#(fact-\d+-\d+)"', card):
        assert f'id="{anchor}"' in page, "each link leads to its place in the text"
    shown = (await carla.get(f"/tickets/{ticket}?accounts=shown")).text
    assert "1020304050-6" in shown
    assert "Hide account numbers again" in shown
    spanish = (await (await as_person("mateo")).get(f"/tickets/{ticket}")).text
    assert "Lo que dicen los mensajes" in spanish
    async with database.transaction() as session:
        events = list(await session.scalars(select(AuditEvent.action).where(AuditEvent.ticket_id == ticket)))
    assert events.count("ticket.view_accounts") == 1


async def test_a_number_in_the_signature_is_listed_as_such_and_called_back(
    office: Office, as_person: SignIn, database: Database
) -> None:
    signature = "Tess Albright, 12 Alder Court\n707-555-0153\nFax 707-555-0154\nAccount 1020304050-6"
    ticket = await office.mail(
        "Strange smell", "I smell gas.", full=f"I smell gas.\n\n{signature}", signature=signature
    )
    carla = await as_person("carla")
    page = (await carla.get(f"/tickets/{ticket}")).text
    card = page[page.index('id="facts"') : page.index("</section>", page.index('id="facts"'))]
    assert 'href="tel:+17075550153">(707) 555-0153' in card
    assert "in the signature" in card
    assert "12 Alder Court" in card
    assert "5550154" not in card, "a fax answers nobody"
    assert "1020304050" not in page
    anchors = re.findall(r'href="#(fact-\d+-s\d+)"', card)
    assert len(anchors) == 3
    assert all(f'id="{anchor}"' in page for anchor in anchors)
    async with database.transaction() as session:
        assert (await session.get_one(Ticket, ticket)).callback_number == "+17075550153"
    carla.headers["Accept"] = "application/json"
    facts = [each["fact"] for each in (await carla.get(f"/api/v1/tickets/{ticket}/facts")).json()]
    phone = next(each for each in facts if each["kind"] == "phone")
    assert phone["part"] == "signature"
    assert signature[phone["start"] : phone["end"]] == "707-555-0153"


async def test_a_number_that_is_said_counts_before_one_in_the_signature(office: Office, database: Database) -> None:
    signature = "Tess Albright\n707-555-0153"
    ticket = await office.mail("Smell", "I smell gas. Call me at 707-555-0160.", signature=signature)
    async with database.transaction() as session:
        assert (await session.get_one(Ticket, ticket)).callback_number == "+17075550160"


async def test_a_transcript_is_marked_and_its_account_hidden_however_it_was_said(
    office: Office, as_person: SignIn, database: Database
) -> None:
    said = segment(
        "Mi cuenta es uno cero dos cero tres cero cuatro cero cinco cero. Debo ciento veinte dólares. Cortan mañana.",
        start=1.0,
    )
    ticket = await office.voicemail([said], flags=[])
    carla = await as_person("carla")
    page = (await carla.get(f"/tickets/{ticket}")).text
    words = page[page.index('class="words') : page.index('class="hint"', page.index('class="words'))]
    assert "••••••4050" in words
    assert "tres" not in words
    assert 'class="stated stated--amount"' in words
    card = page[page.index('id="facts"') : page.index("</section>", page.index('id="facts"'))]
    assert "$120.00" in card
    assert "Account number" not in card, "it stands on the card of what the caller wants"
    assert "tres" in (await carla.get(f"/tickets/{ticket}?accounts=shown")).text


async def test_the_api_gives_places_and_shows_whole_numbers_on_demand(
    office: Office, as_person: SignIn, database: Database
) -> None:
    ticket = await office.mail("Help", MAIL)
    carla = await as_person("carla")
    carla.headers["Accept"] = "application/json"
    place = f"/api/v1/tickets/{ticket}/facts"
    facts = (await carla.get(place)).json()
    account = next(each["fact"] for each in facts if each["fact"]["kind"] == "account")
    assert (account["value"], account["hidden"]) == ("••••••4050-6", True)
    assert MAIL[account["start"] : account["end"]] == "1020304050-6"
    whole = (await carla.get(place, params={"whole_accounts": True})).json()
    assert "1020304050-6" in {each["fact"]["value"] for each in whole}
    assert (await carla.get("/api/v1/tickets/999999/facts")).status_code == 404


async def test_what_is_written_down_at_the_counter_states_facts_too(office: Office, database: Database) -> None:
    me = Actor(office["carla"], "Carla", "carla@center.example.org", Role.CSR1)
    async with database.transaction() as session:
        await contacts.create_contact(
            session, office.settings, me, channel=Channel.WALK_IN, language="en", subject="", name="", phone="",
            email="",            take=False, text="Owes $88.50, account 1020304050-6, will pay by December 4.",
        )  # fmt: skip
    async with database.transaction() as session:
        found = await session.scalars(select(MessageFact).where(MessageFact.entry_id.is_not(None)))
        assert [fact.kind.value for fact in found] == ["amount", "account", "date"]
