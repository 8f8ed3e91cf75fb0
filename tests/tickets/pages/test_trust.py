"""What a mail says about itself is shown as no more than that."""

from typing import Any

import pytest
from sqlalchemy import update

from shared.database import Database
from shared.models import Message, Ticket
from tests.tickets.pages.conftest import SignIn
from tests.tickets.pages.office import ENGLISH, Office

CLAIMED = "claimed by the mail itself, not verified"


async def changed_mail(office: Office, database: Database, **values: Any) -> int:
    ticket = await office.mail("Moved", ENGLISH)
    async with database.transaction() as session:
        await session.execute(update(Message).values(**values))
        await session.execute(update(Ticket).values(assignee_id=office["carla"], state="assigned"))
    return ticket


@pytest.mark.parametrize("trusted", [True, False])
async def test_only_what_our_own_server_found_counts_as_verified(
    office: Office,
    as_person: SignIn,
    database: Database,
    trusted: bool,
) -> None:
    found = {"spf": "pass", "dkim": "pass", "authserv_id": "mx.example", "trusted": trusted}
    ticket = await changed_mail(office, database, authentication=found)
    page = await (await as_person("carla")).get(f"/tickets/{ticket}")
    assert "<dt>SPF</dt><dd>pass" in page.text
    assert page.text.count(CLAIMED) == (0 if trusted else 3)


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
    answer = await carla.post(f"/tickets/{ticket}/reply", data={"text": "Hello Dana", "to": "elsewhere@example.net"})
    assert answer.status_code == 303
    assert "asks for answers to" not in (await carla.get(f"/tickets/{ticket}")).text
