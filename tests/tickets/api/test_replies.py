"""Replies through the API: files by multipart, second thoughts, and the signature."""

import asyncio

import pytest
from sqlalchemy import select

from shared.database import Database
from shared.models import DeliveryFile, Role
from shared.settings import Settings
from tests.factories import make_assigned, make_customer
from tests.tickets.api.conftest import Users


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"undo_s": 60, "max_outgoing_bytes": 3_000_000})


async def test_files_go_with_a_reply_that_is_then_taken_back(user: Users, database: Database) -> None:
    me = await user(Role.CSR1)
    async with database.transaction() as session:
        customer = await make_customer(session, email="ana@example.com")
        ticket = (await make_assigned(session, me.person, customer_id=customer.id)).id
    path = f"/api/v1/tickets/{ticket}"
    large = b"x" * 2_500_000  # more than other requests may have
    answer = await me.http.post(
        f"{path}/files", files=[("files", ("a b.pdf", large, "application/pdf")), ("files", ("c.txt", b"c"))]
    )
    assert answer.status_code == 201, answer.text
    pdf, txt = answer.json()
    assert (pdf["filename"], pdf["size"], pdf["inline"]) == ("a b.pdf", len(large), False)
    empty = await me.http.post(f"{path}/files", files={"files": ("e.txt", b"")})
    assert (empty.status_code, empty.json()["detail"]) == (400, "«e.txt» is empty. Choose the file again.")
    too_large = await me.http.post(f"{path}/files", files={"files": ("e.txt", b"x" * 9_000_000)})
    assert too_large.status_code == 413
    body = {"text": "Dear Ana, please find it attached.", "file_ids": [pdf["id"], txt["id"]], "then": "waiting"}
    sent = (await me.http.post(f"{path}/replies", json=body)).json()
    assert (sent["status"], sent["undo_until"] is not None) == ("held", True)
    (delivery,) = [e["delivery"] for e in (await me.http.get(f"{path}/timeline")).json() if e["kind"] == "mail_out"]
    assert [each["id"] for each in delivery["files"]] == [pdf["id"], txt["id"]]
    assert (await me.http.get(f"{path}/files/{txt['id']}")).content == b"c"
    assert (await me.http.delete(f"{path}/files/{txt['id']}")).status_code == 404, "it belongs to the mail"
    (leaving,) = (await me.http.get("/api/v1/work")).json()["leaving"]
    assert leaving["delivery_id"] == sent["delivery_id"]
    undo = f"{path}/replies/{sent['delivery_id']}/undo"
    answers = await asyncio.gather(me.http.post(undo), me.http.post(undo))
    assert sorted(each.status_code for each in answers) == [200, 409]
    written = next(each.json() for each in answers if each.status_code == 200)
    assert written == {**body, "to": ["ana@example.com"], "cc": []}
    assert (await me.http.get(path)).json()["ticket"]["state"] == "assigned"
    again = await me.http.post(f"{path}/replies/{sent['delivery_id']}/again", json={})
    assert again.status_code == 409
    assert (await me.http.delete(f"{path}/files/{txt['id']}")).status_code == 204
    async with database.transaction() as session:
        assert list(await session.scalars(select(DeliveryFile.id))) == [pdf["id"]]


async def test_one_s_own_signature(user: Users) -> None:
    me = await user(Role.CSR1)
    assert (await me.http.get("/api/v1/me/signature")).json() == {"en": "", "es": ""}
    wanted = {"en": "Ana\nBilling", "es": "Ana\nFacturación"}
    assert (await me.http.put("/api/v1/me/signature", json=wanted)).json() == wanted
    assert (await me.http.get("/api/v1/me/signature")).json() == wanted
