"""Leading the shift from the board: somebody's state, with what still keeps offers away, and how much they may hold."""

import pytest
from sqlalchemy import delete, select, update

from services.tickets.routing.obstacles import in_the_way
from services.tickets.routing.terms import PersonState, Policy
from services.tickets.shift_plan import Duty
from shared import clock
from shared.database import Database
from shared.models import AuditEvent, Intent, Person, Presence, PresenceLease, Role
from tests.tickets.pages.conftest import SignIn
from tests.tickets.pages.office import ENGLISH, Office


async def test_available_by_force_says_what_it_cannot_do_and_the_person_reads_who_did_it(
    as_person: SignIn, office: Office, database: Database
) -> None:
    async with database.transaction() as session:
        await session.execute(delete(PresenceLease).where(PresenceLease.person_id == office["carla"]))
        await session.execute(
            update(Presence)
            .where(Presence.person_id == office["carla"])
            .values(intent=Intent.BREAK, unresponsive_since=clock.now())
        )
    lead = await as_person("sofia")
    form = {"person_id": str(office["carla"]), "intent": "available", "reason": "Back from lunch, I see her"}
    await lead.post("/board/presence", data=form)
    page = (await lead.get("/board")).text
    assert "Nothing is offered all the same: no browser of theirs is open." in page
    assert "is offered nothing: no browser of theirs is open" in " ".join(page.split())
    async with database.transaction() as session:
        state = await session.get_one(Presence, office["carla"])
        event = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "presence.set"))).one()
        live = await session.scalar(select(PresenceLease).where(PresenceLease.person_id == office["carla"]))
    assert (state.intent, state.unresponsive_since, state.set_by_id) == (Intent.AVAILABLE, None, office["sofia"])
    assert event.detail == {"from": "break", "to": "available", "reason": "Back from lunch, I see her"}
    assert live is None  # nobody's browser was made up
    carla = await as_person("carla")
    mine = (await carla.get("/work")).text
    assert "Sofía Okonkwo set you to «Available»: Back from lunch, I see her" in mine
    await carla.post("/presence", data={"intent": "busy"})
    assert "Sofía Okonkwo set" not in (await carla.get("/work")).text
    assert (await carla.post("/board/presence", data=form)).status_code == 403
    await lead.post("/board/presence", data={**form, "reason": " "})
    assert "Please give a reason." in (await lead.get("/board")).text


async def test_capacity_counts_at_once_within_its_bounds(as_person: SignIn, office: Office, database: Database) -> None:
    tickets = [await office.mail(f"Question {n}", f"{ENGLISH} {n}", f"c{n}@example.com") for n in range(2)]
    lead = await as_person("sofia")
    carla = office["carla"]
    await lead.post(
        "/board/assign", data={"ticket": [str(each) for each in tickets], "person_id": str(carla), "reason": "x"}
    )
    await lead.post("/board/capacity", data={"person_id": str(carla), "capacity": "5"})
    assert "Carla Whitfield holds 2 of 5 now, so there is room for 3 more." in (await lead.get("/board")).text
    await lead.post("/board/capacity", data={"person_id": str(carla), "capacity": "1"})
    assert "holds 2 of 1 now: nothing is taken away, and nothing new is offered." in (await lead.get("/board")).text
    for wrong in ("51", "-1", "", "many", "9" * 40):
        await lead.post("/board/capacity", data={"person_id": str(carla), "capacity": wrong})
        assert "Choose a number from 0 to 50." in (await lead.get("/board")).text
    async with database.transaction() as session:
        assert (await session.get_one(Person, carla)).capacity == 1
        changes = list(await session.scalars(select(AuditEvent.detail).where(AuditEvent.action == "person.change")))
    assert changes == [{"capacity": ["3", "5"]}, {"capacity": ["5", "1"]}]
    assert (await (await as_person("mateo")).post("/board/capacity", data={"person_id": "1"})).status_code == 403


@pytest.mark.parametrize(
    ("person", "found"),
    [
        (PersonState(1, Role.CSR1), []),
        (PersonState(1, Role.MANAGER, intent=Intent.BREAK), ["role", "available"]),
        (PersonState(1, Role.CSR1, live=False, unresponsive=True, load=1), ["live", "responsive", "capacity"]),
        (PersonState(1, Role.CSR1, duty=Duty.OFF, shift_minutes_left=5), ["on_shift", "shift_end"]),
    ],
)
def test_what_is_in_the_way_of_any_offer(person: PersonState, found: list[str]) -> None:
    assert in_the_way(person, Policy()) == found
