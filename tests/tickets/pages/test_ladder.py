"""The ladder on the screens and in the API: what keeps a ticket waiting, and the supervisors' queue."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from services.tickets.ladder.climb import climb
from shared import clock
from shared.database import Database
from shared.models import (
    Alert,
    AuditEvent,
    Entry,
    EntryKind,
    LadderStep,
    Level,
    Presence,
    Ticket,
)
from shared.settings import Settings
from tests.tickets.pages.conftest import SignIn
from tests.tickets.pages.office import SPANISH, Office

LINE = "Lingua 800 555 0199"


@pytest.fixture
def desk_settings(desk_settings: Settings) -> Settings:
    return desk_settings.model_copy(update={"interpreter_line": LINE})


@pytest.fixture
async def stuck(office: Office, database: Database, desk_settings: Settings) -> int:
    """A Spanish mail that has waited most of its time; both bilinguals went for lunch."""
    ticket_id = await office.mail("Mi recibo subió", SPANISH, "rosario@example.com", "Rosario Peñaloza")
    async with database.transaction() as session:
        await session.execute(
            update(Presence).where(Presence.person_id.in_([office["mateo"], office["sofia"]])).values(intent="break")
        )
        now = clock.now()
        # The office is open around the clock but for eight hours at night.
        await session.execute(
            update(Ticket).where(Ticket.id == ticket_id).values(
                queued_at=now - timedelta(days=2), due_at=now + timedelta(minutes=5)
            )
        )  # fmt: skip
    await climb(database, desk_settings)
    return ticket_id


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


async def test_what_keeps_it_waiting_is_said_with_names_for_who_leads_and_with_numbers_for_others(
    stuck: int, as_person: SignIn
) -> None:
    sofia, carla, mateo = await as_person("sofia"), await as_person("carla"), await as_person("mateo")
    text = plain((await sofia.get(f"/tickets/{stuck}")).text)
    assert "It waits because nobody who is there is verified in its language." in text
    assert "2 are on a break: Mateo Rangel, Sofía Okonkwo." in text
    assert "2 are not verified in Spanish (written): Inés Marchetti, Carla Whitfield." in text
    assert "It is number 1 of 1 in the queue (Spanish)." in text
    assert f"use the interpreter line, {LINE}" in text
    text = plain((await carla.get(f"/tickets/{stuck}/waiting")).text)
    assert "2 are on a break." in text
    assert "Mateo Rangel" not in text
    assert "Espera porque no está nadie que tenga verificado su idioma" in plain(
        (await mateo.get(f"/tickets/{stuck}")).text
    )
    found = (await carla.get(f"/api/v1/tickets/{stuck}/waiting")).json()
    assert [(group["rule"], group["n"], group["people"]) for group in found["could"]] == [("break", 2, [])]
    assert [(group["rule"], group["n"]) for group in found["cannot"]] == [("language", 2)]
    assert found["ladder"]["missing"] == "language"
    assert "2 are on a break." in found["sentences"]
    led = (await sofia.get(f"/api/v1/tickets/{stuck}/waiting")).json()
    assert [each["person"]["name"] for each in led["could"][0]["people"]] == ["Mateo Rangel", "Sofía Okonkwo"]


async def test_the_supervisors_queue_takes_care_and_gives_it_away_with_the_interpreter_line(
    stuck: int, office: Office, as_person: SignIn, database: Database
) -> None:
    sofia, carla = await as_person("sofia"), await as_person("carla")
    assert (await carla.get("/ladder")).status_code == 403
    assert "1 ticket that nobody there may answer" in plain((await sofia.get("/board")).text)
    page = plain((await sofia.get("/ladder")).text)
    assert "To decide (1)" in page
    assert f"Interpreter line: {LINE}." in page
    (listed,) = (await sofia.get("/api/v1/ladder")).json()
    assert (listed["ticket"]["id"], listed["needs_decision"]) == (stuck, True)
    assert [step["rung"] for step in listed["ladder"]["steps"]] == [
        "alert",
        "tell_customer",
        "supervisor",
        "interpreter",
    ]

    answer = await sofia.post(f"/tickets/{stuck}/ladder/acknowledge", data={"go": "ladder"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/ladder")
    assert (await sofia.post(f"/api/v1/tickets/{stuck}/ladder/acknowledge")).status_code == 409
    assert "To decide (0)" in plain((await sofia.get("/ladder")).text)
    async with database.transaction() as session:
        assert set(await session.scalars(select(LadderStep.acknowledged_by_id))) == {office["sofia"]}
        assert set(await session.scalars(select(Alert.taken_by_id))) == {office["sofia"]}

    # Nobody unverified gets it without a supervisor's own word.
    give = {"person_id": office["carla"], "reason": "Nobody there may answer it.", "go": "ladder"}
    await sofia.post(f"/tickets/{stuck}/assign", data=give)
    async with database.transaction() as session:
        assert (await session.get_one(Ticket, stuck)).assignee_id is None
    await sofia.post(f"/tickets/{stuck}/assign", data={**give, "override": "1"})
    assert (await carla.post(f"/tickets/{stuck}/interpreter")).status_code == 303
    async with database.transaction() as session:
        assert (await session.get_one(Ticket, stuck)).assignee_id == office["carla"]
        entries = await session.scalars(
            select(Entry).where(Entry.kind == EntryKind.LADDER, Entry.actor_id.is_not(None)).order_by(Entry.id)
        )
        told = [(entry.detail["what"], entry.detail.get("line")) for entry in entries]
        assert told == [("acknowledged", None), ("given", LINE), ("used", LINE)]
        audited = set(await session.scalars(select(AuditEvent.action).where(AuditEvent.action.startswith("ladder."))))
        assert audited == {"ladder.step", "ladder.acknowledge", "ladder.interpreter"}
    text = plain((await sofia.get(f"/tickets/{stuck}")).text)
    given = "Sofía Okonkwo gave it to Carla Whitfield, who is not verified in its language"
    assert f"{given}, with the interpreter line: {LINE}." in text
    assert (await sofia.get("/api/v1/ladder")).json() == []


async def test_one_click_says_which_language_it_is_and_the_ladder_ends(
    stuck: int, office: Office, as_person: SignIn, database: Database, desk_settings: Settings
) -> None:
    async with database.transaction() as session:
        await session.execute(update(Ticket).where(Ticket.id == stuck).values(language="unknown", level=Level.CSR1))
    await climb(database, desk_settings)
    carla = await as_person("carla")
    page = (await carla.get(f"/tickets/{stuck}")).text
    assert "which language is to be answered?" in page
    await carla.post(f"/tickets/{stuck}/language", data={"language": "en"})
    found = (await carla.get(f"/api/v1/tickets/{stuck}/waiting")).json()
    assert found["ladder"]["missing"] is None
    assert [group["rule"] for group in found["could"] if group["n"]][:1] == ["free"]


async def test_without_a_line_the_pages_say_what_to_do(
    stuck: int, office: Office, as_person: SignIn, database: Database, desk_settings: Settings
) -> None:
    desk_settings.interpreter_line = ""
    sofia = await as_person("sofia")
    assert "CENTRALITA_INTERPRETER_LINE" in plain((await sofia.get("/ladder")).text)
    assert (await sofia.post(f"/api/v1/tickets/{stuck}/interpreter", json={})).status_code == 400
    done = await sofia.post(f"/api/v1/tickets/{stuck}/interpreter", json={"line": "Other 1"})
    assert (done.status_code, done.json()["line"]) == (201, "Other 1")


async def test_a_bilingual_who_comes_back_empties_the_queue(
    stuck: int, office: Office, as_person: SignIn, database: Database
) -> None:
    async with database.transaction() as session:
        await session.execute(update(Presence).where(Presence.person_id == office["mateo"]).values(intent="available"))
    sofia = await as_person("sofia")
    assert (await sofia.get("/api/v1/ladder")).json() == []
    found = (await sofia.get(f"/api/v1/tickets/{stuck}/waiting")).json()
    assert found["could"][0]["rule"] == "free"
    assert found["sentences"][0].startswith("1 person can be asked now")
