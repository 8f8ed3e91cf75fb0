"""Moving tickets on the screen: by keyboard alone, by a form without JavaScript, from the queue's filter; and back."""

import re

import pytest
from sqlalchemy import select

from shared.database import Database
from shared.models import Assignment, Ticket
from tests.browser import OpenAs
from tests.tickets.pages.conftest import SignIn
from tests.tickets.pages.office import ENGLISH, SPANISH, Office


async def holders(database: Database, tickets: list[int]) -> list[int | None]:
    async with database.transaction() as session:
        return [(await session.get_one(Ticket, ticket_id)).assignee_id for ticket_id in tickets]


async def english(office: Office, number: int) -> list[int]:
    return [await office.mail(f"Question {n}", f"{ENGLISH} ({n})", f"customer{n}@example.com") for n in range(number)]


@pytest.mark.browser
async def test_select_move_and_undo_by_keyboard_alone(office: Office, open_as: OpenAs, database: Database) -> None:
    tickets = await english(office, 4)
    page = await open_as(office["sofia"], "/board")
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("Shift+X")
    assert await page.text_content("[data-count=ticket]") == "3"
    chosen = [int(box) for box in await page.eval_on_selector_all(
        "input[name=ticket]:checked", "boxes => boxes.map(box => box.value)")]  # fmt: skip
    await page.keyboard.press("m")
    assert await page.evaluate("document.activeElement.id") == "move-to"
    await page.keyboard.type("Mateo")
    await page.focus("#move-reason")
    await page.keyboard.type("He is free")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    assert "3 tickets moved." in await page.inner_text("#flashes")
    assert await holders(database, chosen) == [office["mateo"]] * 3
    await page.focus("h1 >> xpath=following::a[1]")
    async with page.expect_navigation():
        await page.keyboard.press("u")
    assert "3 tickets are back where they were." in await page.inner_text("#flashes")
    assert await holders(database, tickets) == [None] * 4


@pytest.mark.browser
async def test_dragging_chooses_and_the_reason_moves(office: Office, open_as: OpenAs, database: Database) -> None:
    (ticket,) = await english(office, 1)
    page = await open_as(office["sofia"], "/board")
    await page.drag_and_drop(f"#ticket-line-{ticket}", f"[data-drop='{office['carla']}']")
    assert await page.input_value("#move-to") == str(office["carla"])
    assert await page.evaluate("document.activeElement.id") == "move-reason"
    assert await holders(database, [ticket]) == [None]
    await page.keyboard.type("She asked for it")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    assert await holders(database, [ticket]) == [office["carla"]]


async def test_all_that_match_the_filter_are_shown_first_then_spread(
    as_person: SignIn, office: Office, database: Database
) -> None:
    tickets = await english(office, 5)
    spanish = await office.mail("Mi recibo", SPANISH, "rosario@example.com")
    client = await as_person("sofia")
    page = (await client.get("/queue?state=queued&language=en")).text
    assert 'value="state=queued&amp;language=en"' in page
    form = {
        "all_matching": "true", "matching": "state=queued&language=en", "person_id": "spread",
        "spread": [str(office["carla"]), str(office["mateo"])], "reason": "Holiday backlog", "next": "/queue",
    }  # fmt: skip
    looked = (await client.post("/board/assign", data=form)).text
    listed = [int(number) for number in re.findall(r'name="ticket" value="(\d+)"', looked)]
    assert sorted(listed) == sorted(tickets)
    assert await holders(database, tickets) == [None] * 5
    done = await client.post(
        "/board/assign",
        data={
            "ticket": [str(number) for number in listed], "person_id": "spread", "spread": form["spread"],
            "reason": "Holiday backlog", "confirmed": "true", "next": "/queue",
        },
    )  # fmt: skip
    assert done.headers["location"] == "/queue"
    found = await holders(database, tickets)
    assert sorted((found.count(office["carla"]), found.count(office["mateo"]))) == [2, 3]
    assert await holders(database, [spanish]) == [None]
    # Those concerned read it, each their own part.
    mine = (await (await as_person("carla")).get("/work")).text
    assert "Sofía Okonkwo" in mine
    assert "Holiday backlog" in mine
    assert len(re.findall(r"/tickets/\d+\">#", mine.split("Holiday backlog")[1].split("</section>")[0])) == found.count(
        office["carla"]
    )
    page = (await client.get("/queue")).text
    number = re.findall(r"/reassignments/(\d+)/undo", page)[0]
    await client.post(f"/reassignments/{number}/undo", data={"next": "/queue"})
    assert await holders(database, tickets) == [None] * 5
    again = await client.post(f"/reassignments/{number}/undo")
    assert again.status_code == 303
    assert "This was undone already." in (await client.get("/board")).text


async def test_what_cannot_be_moved_is_listed_and_nobody_else_may(
    as_person: SignIn, office: Office, database: Database
) -> None:
    (ticket,) = await english(office, 1)
    client = await as_person("sofia")
    for data, sentence in (
        ({"person_id": "queue", "reason": "x"}, "Choose at least one ticket."),
        ({"ticket": str(ticket), "person_id": str(office["carla"])}, "Please give a reason."),
        ({"ticket": str(ticket), "person_id": "spread", "reason": "x"}, "Choose a person."),
    ):
        assert (await client.post("/board/assign", data=data)).status_code == 303
        assert sentence in (await client.get("/board")).text
    form = {"ticket": [str(ticket), "987654"], "person_id": str(office["carla"]), "reason": "x"}
    assert "#987654" in (await client.post("/board/assign", data=form)).text
    await client.post("/board/assign", data={**form, "confirmed": "true"})
    assert "Not found: #987654." in (await client.get("/board")).text
    csr = await as_person("carla")
    assert (await csr.post("/board/assign", data=form)).status_code == 403
    assert (await csr.post("/reassignments/1/undo")).status_code == 403


async def test_a_pin_is_seen_with_its_reason_and_taken_out(
    as_person: SignIn, office: Office, database: Database
) -> None:
    (ticket,) = await english(office, 1)
    client = await as_person("sofia")
    await client.post(
        f"/tickets/{ticket}/assign", data={"person_id": str(office["carla"]), "reason": "Knows Dana well"}
    )
    seen = (await (await as_person("mateo")).get(f"/tickets/{ticket}")).text
    assert "Sofía Okonkwo deja este caso fijo con Carla Whitfield:" in seen
    assert "Knows Dana well" in seen
    assert f'action="/tickets/{ticket}/unpin"' not in seen
    await client.post(f"/tickets/{ticket}/unpin", data={"reason": "Dana is served"})
    page = (await client.get(f"/tickets/{ticket}")).text
    assert "no longer kept with Carla Whitfield" in page
    async with database.transaction() as session:
        assert not (await session.scalars(select(Assignment.pinned))).one()
    await client.post(f"/tickets/{ticket}/pin", data={"reason": "After all"})
    assert "Pinned" in (await client.get("/queue")).text
