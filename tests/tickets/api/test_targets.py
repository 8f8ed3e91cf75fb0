"""Targets through the API: set, explained, removed; and a ticket that says what was promised."""

from services.tickets.clocks import changes
from shared.database import Database
from shared.models import Role
from shared.settings import Settings
from tests.tickets.api.conftest import Users

SPANISH_CALLS = {"kind": "first_response", "channel": "voicemail", "language": "es", "minutes": 60}
FOR = {"channel": "voicemail", "language": "es"}


async def test_a_target_is_set_explained_and_removed(user: Users) -> None:
    lead, csr = await user(Role.SUPERVISOR), await user(Role.CSR1)
    assert (await csr.http.put("/api/v1/targets", json=SPANISH_CALLS)).status_code == 403
    answer = await lead.http.put("/api/v1/targets", json=SPANISH_CALLS)
    assert (answer.status_code, answer.json()["default"]) == (200, False)
    first, following, _ = (await csr.http.get("/api/v1/targets/chosen", params=FOR)).json()
    assert first["target"]["minutes"] == 60
    assert [each["minutes"] for each in first["others"]] == [120, 240]
    assert (following["target"]["minutes"], following["target"]["default"]) == (120, True)
    urgent = (await csr.http.get("/api/v1/targets/chosen", params={**FOR, "priority": "emergency"})).json()[0]
    assert (urgent["target"]["minutes"], urgent["target"]["around_clock"]) == (30, True)
    mine = f"/api/v1/targets/{answer.json()['id']}"
    assert (await lead.http.delete(mine)).status_code == 204
    assert (await lead.http.delete(mine)).status_code == 404
    for wrong in ({"minutes": 0}, {"language": "Spanish"}, {"kind": "soon"}):
        assert (await lead.http.put("/api/v1/targets", json={**SPANISH_CALLS, **wrong})).status_code == 422


async def test_a_ticket_says_what_was_promised(user: Users, database: Database, settings: Settings) -> None:
    lead = await user(Role.SUPERVISOR)
    week = [{"weekday": day, "opens": "00:00", "closes": "00:00"} for day in range(7)]
    await lead.http.put("/api/v1/hours", json={"lines": week})
    contact = {"channel": "phone", "language": "en", "subject": "A bill", "text": "High.", "take": False}
    number = (await lead.http.post("/api/v1/contacts", json=contact)).json()["ticket_id"]

    async def clocks() -> list[tuple[str, str, int]]:
        ticket = (await lead.http.get(f"/api/v1/tickets/{number}")).json()
        return [(each["kind"], each["state"], each["target_minutes"]) for each in ticket["clocks"]]

    assert await clocks() == [("first_response", "running", 240), ("resolution", "running", 1800)]
    await lead.http.put("/api/v1/targets", json={"kind": "resolution", "language": "en", "minutes": 90})
    await changes.follow_changes(database, settings)
    assert await clocks() == [("resolution", "running", 90), ("first_response", "running", 240)]
    row = (await lead.http.get("/api/v1/tickets")).json()["items"][0]
    assert (row["due_kind"], row["nearly_due"]) == ("resolution", False)
    board = (await lead.http.get("/api/v1/board")).json()
    assert [each["running"] for each in board["clocks"]] == [1, 0, 1]
