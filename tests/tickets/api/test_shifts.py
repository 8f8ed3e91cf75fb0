"""Planning shifts through the API: a week, days that differ, who is there in each hour."""

import pytest

from shared.models import Role
from tests.tickets.api.conftest import Users

WEEK = [
    {"weekday": 0, "starts": "08:00", "ends": "12:00"},
    {"weekday": 0, "starts": "12:30", "ends": "16:30"},
]


async def test_a_week_and_a_day_that_differs(user: Users) -> None:
    lead, ben = await user(Role.SUPERVISOR), await user(Role.CSR1)
    await lead.http.put("/api/v1/hours", json={"lines": [{"weekday": 0, "opens": "08:00", "closes": "18:00"}]})
    url = f"/api/v1/people/{ben.id}/shifts"
    answer = await lead.http.put(url, json={"week": WEEK})
    assert answer.status_code == 200
    assert (await ben.http.get(url)).json()["week"] == answer.json()
    assert (await ben.http.put(url, json={"week": []})).status_code == 403
    day = f"{url}/2099-11-23"  # a Monday
    assert (await lead.http.put(day, json={"spans": WEEK_SPANS, "reason": "Dentist"})).status_code == 200
    assert (await lead.http.get(url)).json()["days"][0]["reason"] == "Dentist"
    week = (await lead.http.get("/api/v1/shifts", params={"day": "2099-11-25"})).json()
    (mine,) = [each for each in week["people"] if each["person_id"] == ben.id]
    assert mine["days"][0] == {"day": "2099-11-23", "spans": WEEK_SPANS, "differs": True, "reason": "Dentist"}
    assert [hour["people"] for hour in week["cover"]] == [0, 0, 1, 1, 0, 0, 0, 0, 0, 0]
    assert all(hour["short_of_bilinguals"] for hour in week["cover"])
    assert (await lead.http.delete(day)).status_code == 204
    assert (await lead.http.delete(day)).status_code == 404
    week = (await lead.http.get("/api/v1/shifts", params={"day": "2099-11-25"})).json()
    assert [hour["people"] for hour in week["cover"]] == [1, 1, 1, 1, 0, 1, 1, 1, 0, 0]


WEEK_SPANS = [{"starts": "10:00:00", "ends": "12:00:00"}]


@pytest.mark.parametrize(
    "week",
    [
        [{"weekday": 0, "starts": "12:00", "ends": "08:00"}],
        [{"weekday": 0, "starts": "08:00", "ends": "12:00"}, {"weekday": 0, "starts": "11:59", "ends": "13:00"}],
        [{"weekday": 7, "starts": "08:00", "ends": "12:00"}],
    ],
)
async def test_weeks_that_cannot_be(user: Users, week: list[dict[str, object]]) -> None:
    lead, ben = await user(Role.SUPERVISOR), await user(Role.CSR1)
    assert (await lead.http.put(f"/api/v1/people/{ben.id}/shifts", json={"week": week})).status_code in (400, 422)
    assert (await lead.http.put("/api/v1/people/999999/shifts", json={"week": WEEK})).status_code == 404
