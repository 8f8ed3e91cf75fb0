"""An alert stays on the board until one person takes it."""

import pytest
from sqlalchemy import select

from services.tickets.alerts import raise_alert, take_alert
from shared.database import Database
from shared.errors import Conflict, Forbidden, NotFound
from shared.models import Alert, AlertKind, Role
from tests.tickets.routing.conftest import Center


@pytest.fixture
async def center(database: Database) -> Center:
    return Center(database)


async def test_an_alert_is_taken_by_one(center: Center, database: Database) -> None:
    first, second = await center.person(Role.SUPERVISOR, intent=None), await center.person(Role.MANAGER, intent=None)
    csr = await center.person(intent=None)
    ticket_id = await center.ticket()
    async with database.transaction() as session:
        assert await raise_alert(session, AlertKind.DUE_SOON, ticket_id)
        assert not await raise_alert(session, AlertKind.DUE_SOON, ticket_id), "it is open"
        alert = (await session.scalars(select(Alert))).one()
    async with database.transaction() as session:
        with pytest.raises(Forbidden):
            await take_alert(session, csr, alert.id)
        with pytest.raises(NotFound):
            await take_alert(session, first, alert.id + 1)
    async with database.transaction() as session:
        await take_alert(session, first, alert.id)
    async with database.transaction() as session:
        assert (await take_alert(session, first, alert.id)).taken_by_id == first.id
        with pytest.raises(Conflict):
            await take_alert(session, second, alert.id)
