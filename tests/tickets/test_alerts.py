"""An alert stays on the board until one person takes it."""

import pytest
from sqlalchemy import select

from services.tickets.alerts import raise_alert, take_alert
from services.tickets.views.board import open_alerts
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


async def test_where_somebody_may_come_to_harm_stands_first(center: Center, database: Database) -> None:
    ticket_id = await center.ticket()
    for kind in (AlertKind.DUE_SOON, AlertKind.PRESS, AlertKind.LIFE_SUPPORT, AlertKind.EMERGENCY):
        async with database.transaction() as session:
            await raise_alert(session, kind, ticket_id)
    async with database.transaction() as session:
        alerts = await open_alerts(session)
    assert [alert.kind.value for alert in alerts] == ["life_support", "emergency", "due_soon", "press"]
    assert [alert.danger for alert in alerts] == [True, True, False, False]
