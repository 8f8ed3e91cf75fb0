"""Targets on their page, and promises in words on a ticket, the board and the desk, in both languages."""

from datetime import timedelta

from sqlalchemy import select, update

from services.tickets.clocks import changes, watch
from shared.database import Database
from shared.models import Person, SlaClock, SlaTarget, Ticket
from tests.tickets.pages.conftest import SignIn
from tests.tickets.pages.office import ENGLISH, Office


async def test_a_supervisor_sets_explains_and_removes_a_target(
    office: Office, as_person: SignIn, database: Database
) -> None:
    async with database.transaction() as session:
        await session.execute(update(Person).values(ui_language="es"))
    sofia, carla = await as_person("sofia"), await as_person("carla")
    assert (await carla.get("/targets")).status_code == 403
    key = {"kind": "first_response", "channel": "voicemail", "priority": "", "language": "es"}
    for wrong in ({"minutes": "soon"}, {"minutes": "0"}, {"kind": "", "minutes": "5"}, {"channel": "fax"}):
        answer = await sofia.post("/targets", data={**key, "minutes": "60", **wrong})
        assert (answer.status_code, "field__error" in answer.text) == (400, True), wrong
    assert (await sofia.post("/targets", data={**key, "minutes": "95"})).status_code == 303
    page = (await sofia.get("/targets", params={"channel": "voicemail", "priority": "normal", "language": "es"})).text
    assert "1 hora 35 minutos de horario de atención" in page
    assert "por la línea «Mensaje de voz · español»; antes que «Mensaje de voz»" in page
    assert (await sofia.post("/targets", data={**key, "minutes": ""})).status_code == 303
    async with database.transaction() as session:
        row = (await session.scalars(select(SlaTarget))).one()
    assert row.minutes is None
    assert (await sofia.post(f"/targets/{row.id}/remove")).status_code == 303
    async with database.transaction() as session:
        assert (await session.scalars(select(SlaTarget))).all() == []


async def test_what_is_promised_is_said_in_words(office: Office, as_person: SignIn, database: Database) -> None:
    number = await office.mail("Two companies?", ENGLISH)
    async with database.transaction() as session:
        for table in (SlaClock, Ticket):
            await session.execute(update(table).values(due_at=table.due_at - timedelta(minutes=243)))
        await session.execute(update(SlaClock).values(
            running_since=SlaClock.running_since - timedelta(minutes=243), warn_at=SlaClock.warn_at - timedelta(hours=4)
        ))  # fmt: skip
        await session.execute(update(Ticket).values(state="assigned", assignee_id=office["marta"]))
    assert await watch.mark(database) == 1
    await changes.follow_changes(database, office.settings)
    for language, words, state, board, desk in (
        ("en", "First answer late by 3 minutes", "Late from now on: first answer.", "Late: first answer",
         "Nearly due or late"),
        ("es", "Primera respuesta con 3 minutos de retraso", "Con retraso desde ahora: primera respuesta.",
         "Con retraso: primera respuesta", "Por vencer o con retraso"),
    ):  # fmt: skip
        async with database.transaction() as session:
            await session.execute(update(Person).values(ui_language=language))
        marta = await as_person("marta")
        ticket = (await marta.get(f"/tickets/{number}")).text
        assert words in ticket
        assert state in ticket
        assert board in (await marta.get("/board")).text
        assert words in (await marta.get("/queue")).text
        work = (await marta.get("/work")).text
        assert words in work
        assert desk in work
