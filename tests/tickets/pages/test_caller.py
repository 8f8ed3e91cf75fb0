"""The card «What the caller wants», and calls without words, as people use them with and without JavaScript."""

import re

from sqlalchemy import select, update

from shared.database import Database
from shared.models import AuditEvent, CallerFact, CallerFactState, Recording, Ticket, TicketKind
from tests.tickets.intake.test_callers import segment
from tests.tickets.pages.conftest import SignIn
from tests.tickets.pages.office import Office

SAID = segment(
    "Hola, habla Leticia Bustamante. Mi cuenta es 1020304050-6. Mi número es siete cero siete, cinco cinco cinco, "
    "cero uno cinco cero, perdón, cinco uno.",
    start=2.0,
)


async def fact_of(database: Database, value: str) -> CallerFact:
    async with database.transaction() as session:
        return (await session.scalars(select(CallerFact).where(CallerFact.value == value))).one()


async def test_one_click_confirms_a_number_and_its_link_plays_the_place(
    office: Office, as_person: SignIn, database: Database
) -> None:
    ticket = await office.voicemail([SAID], flags=[])
    carla = await as_person("carla")
    page = (await carla.get(f"/tickets/{ticket}")).text
    card = page[page.index('id="caller"') : page.index("</section>", page.index('id="caller"'))]
    assert "What the caller wants" in card
    assert "(707) 555-0151" in card
    assert "The caller first said 7075550150." in card
    assert "Not the number that called: (707) 555-0142." in card
    assert re.search(r'/audio#t=(\d+\.\d)" data-seek="\1"', card)
    assert "1020304050" not in card
    assert "••••••4050-6" in card
    number = await fact_of(database, "+17075550151")
    assert f'action="/tickets/{ticket}/caller/{number.id}/confirm"' in card
    done = await carla.post(f"/tickets/{ticket}/caller/{number.id}/confirm", data={})
    assert done.status_code == 303
    page = (await carla.get(f"/tickets/{ticket}")).text
    assert "In use" in page
    assert "Carla Whitfield confirmed what the caller wants: number to call back (707) 555-0151." in page
    async with database.transaction() as session:
        assert (await session.get_one(Ticket, ticket)).callback_number == "+17075550151"


async def test_an_account_number_is_shown_on_demand_and_that_is_audited(
    office: Office, as_person: SignIn, database: Database
) -> None:
    ticket = await office.voicemail([SAID], flags=[])
    carla = await as_person("carla")
    page = (await carla.get(f"/tickets/{ticket}?accounts=shown")).text
    assert 'caller__value"><span>1020304050-6' in page
    async with database.transaction() as session:
        actions = set(await session.scalars(select(AuditEvent.action).where(AuditEvent.ticket_id == ticket)))
    assert "ticket.view_accounts" in actions


async def test_a_wrong_correction_says_why_and_a_right_one_is_used(
    office: Office, as_person: SignIn, database: Database
) -> None:
    ticket = await office.voicemail([SAID], flags=[])
    mateo = await as_person("mateo")
    number = await fact_of(database, "+17075550151")
    place = f"/tickets/{ticket}/caller/{number.id}"
    refused = await mateo.post(place, data={"value": "12"}, follow_redirects=True)
    assert "No es un número de teléfono al que se pueda llamar." in refused.text
    await mateo.post(place, data={"value": "707 555 0199 x7"})
    page = (await mateo.get(f"/tickets/{ticket}")).text
    assert "tel:+17075550199;ext=7" in page
    await mateo.post(f"/tickets/{ticket}/caller", data={"kind": "name", "value": "Leticia B."})
    assert (await fact_of(database, "Leticia B.")).state is CallerFactState.CONFIRMED
    added = await fact_of(database, "+17075550199")
    await mateo.post(f"/tickets/{ticket}/caller/{added.id}/reject", data={})
    assert (await fact_of(database, "+17075550199")).state is CallerFactState.REJECTED


async def test_the_same_through_the_api(office: Office, as_person: SignIn, database: Database) -> None:
    ticket = await office.voicemail([SAID], flags=[])
    carla = await as_person("carla")
    carla.headers["Accept"] = "application/json"
    place = f"/api/v1/tickets/{ticket}/caller"
    facts = {fact["kind"]: fact for fact in (await carla.get(place)).json()["facts"]}
    assert facts["callback"]["doubts"] == ["corrected"]
    assert facts["account"]["value"] == "••••••4050-6"
    assert facts["account"]["places"][0]["said"] == ""
    whole = (await carla.get(place, params={"whole_accounts": True})).json()["facts"]
    assert "1020304050-6" in {fact["value"] for fact in whole}
    number = facts["callback"]["id"]
    confirmed = (await carla.post(f"{place}/{number}/confirm")).json()["facts"]
    assert [fact["in_use"] for fact in confirmed if fact["kind"] == "callback"] == [True]
    corrected = await carla.put(f"{place}/{number}", json={"value": "4155550160"})
    assert corrected.json()["facts"][0]["value"] == "+14155550160"
    added = await carla.post(place, json={"kind": "account", "value": "12"})
    assert added.status_code == 400
    name = facts["name"]["id"]
    left = (await carla.delete(f"{place}/{name}")).json()["facts"]
    assert name not in {fact["id"] for fact in left}
    assert (await carla.get("/api/v1/tickets/999999/caller")).status_code == 404


async def test_hang_ups_have_a_list_a_chip_and_a_way_out(office: Office, as_person: SignIn, database: Database) -> None:
    quiet = await office.voicemail([], language="en", flags=["no_speech"])
    async with database.transaction() as session:
        await session.execute(update(Recording).values(caller_id="+17075550177"))
    other = await office.voicemail([], language="en", flags=["no_speech"])
    sofia, carla = await as_person("sofia"), await as_person("carla")
    assert (await carla.get("/hang-ups")).status_code == 403
    listed = (await sofia.get("/hang-ups")).text
    assert f'href="/tickets/{quiet}"' in listed
    assert "Called once, no words" in listed
    assert 'href="/hang-ups"' in (await sofia.get("/board")).text
    page = (await carla.get(f"/tickets/{quiet}")).text
    assert "Silence" in page
    assert "It is offered to nobody." in page
    queue = (await carla.get("/queue?kind=no_words")).text
    assert f'href="/tickets/{quiet}"' in queue
    assert f'href="/tickets/{quiet}"' not in (await carla.get("/queue?kind=contact")).text
    await carla.post(f"/tickets/{quiet}/kind", data={})
    async with database.transaction() as session:
        assert (await session.get_one(Ticket, quiet)).kind is TicketKind.CONTACT
    assert (await carla.post("/hang-ups/close", data={"ticket": other})).status_code == 403
    await sofia.post("/hang-ups/close", data={"ticket": other})
    assert f'href="/tickets/{other}"' not in (await sofia.get("/hang-ups")).text
    sofia.headers["Accept"] = "application/json"
    assert (await sofia.get("/api/v1/hang-ups")).json() == []
    again = await sofia.put(f"/api/v1/tickets/{other}/kind", json={"kind": "contact"})
    assert again.json()["kind"] == "contact"
