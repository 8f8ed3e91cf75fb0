"""Due times in open time, and the alerts before a promise breaks."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import delete, select, update

from services.tickets.alerts import take_alert
from services.tickets.sla import first_response_due, raise_alerts, target_minutes
from shared import clock
from shared.calendar import USUAL_WEEK, OpenTime
from shared.database import Database
from shared.errors import Conflict, Forbidden, NotFound
from shared.models import (
    Alert,
    AlertKind,
    Channel,
    EntryKind,
    OpeningHours,
    Priority,
    Role,
    Ticket,
)
from shared.settings import Settings
from tests.tickets.routing.conftest import Center

FRIDAY_EVENING = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)  # 17:00 in Los Angeles, closing at 18:00


@pytest.fixture
async def center(database: Database) -> Center:
    center = Center(database)
    await center.always_open()
    return center


async def alerts(database: Database, kind: AlertKind | None = None) -> list[Alert]:
    async with database.transaction() as session:
        found = list(await session.scalars(select(Alert).order_by(Alert.id)))
    return [alert for alert in found if kind in (None, alert.kind)]


def test_targets_go_by_priority_and_then_by_channel(settings: Settings) -> None:
    def due(channel: Channel, priority: Priority) -> datetime | None:
        open_time = OpenTime(USUAL_WEEK, [], settings.timezone)
        return first_response_due(open_time, settings, channel, priority, FRIDAY_EVENING)

    # An hour of Friday, then Saturday from nine.
    assert due(Channel.EMAIL, Priority.NORMAL) == datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
    assert due(Channel.VOICEMAIL, Priority.LOW) == datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
    assert due(Channel.VOICEMAIL, Priority.HIGH) == FRIDAY_EVENING + timedelta(minutes=30)
    night = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)  # 23:00: an emergency does not wait for the morning
    week = OpenTime(USUAL_WEEK, [], settings.timezone)
    assert first_response_due(week, settings, Channel.EMAIL, Priority.EMERGENCY, night) == night + timedelta(minutes=30)
    assert (
        target_minutes(settings.model_copy(update={"first_response_minutes": {}}), Channel.EMAIL, Priority.LOW) == 240
    )


async def test_what_is_due_soon_is_told_once(center: Center, database: Database, settings: Settings) -> None:
    ticket_id = await center.ticket(waited=timedelta(0), due_in=timedelta(hours=4))
    lead = await center.person(Role.SUPERVISOR, intent=None)
    start = clock.now()
    with time_machine.travel(start, tick=False) as traveller:
        traveller.move_to(start + timedelta(hours=2, minutes=59))
        assert await raise_alerts(database, settings) == 0
        traveller.move_to(start + timedelta(hours=3, minutes=1))
        assert await raise_alerts(database, settings) == 1
        assert await raise_alerts(database, settings) == 0
        (alert,) = await alerts(database)
        assert (alert.kind, alert.ticket_id, alert.detail["overdue"]) == (AlertKind.DUE_SOON, ticket_id, False)
        assert (await center.entries(ticket_id))[-1].kind is EntryKind.ALERT
        async with database.transaction() as session:
            await take_alert(session, lead, alert.id)
        traveller.move_to(start + timedelta(hours=9))
        assert await raise_alerts(database, settings) == 0  # somebody knows
        async with database.transaction() as session:  # the customer wrote again after an answer
            await session.execute(
                update(Ticket).values(
                    queued_at=clock.now(),
                    first_responded_at=clock.now() - timedelta(hours=1),
                    first_response_due_at=clock.now() + timedelta(hours=4),
                )
            )
        traveller.move_to(start + timedelta(hours=12, minutes=1))
        assert await raise_alerts(database, settings) == 1


async def test_three_quarters_are_counted_in_open_time(center: Center, database: Database, settings: Settings) -> None:
    async with database.transaction() as session:
        await session.execute(delete(OpeningHours))
        session.add_all(OpeningHours(weekday=line.weekday, opens=line.opens, closes=line.closes) for line in USUAL_WEEK)
    with time_machine.travel(FRIDAY_EVENING, tick=False) as traveller:
        ticket_id = await center.ticket(waited=timedelta(0), due_in=timedelta(hours=19))  # Saturday at noon
        await center.ticket(waited=timedelta(0), due_in=None)
        traveller.move_to(datetime(2026, 11, 21, 16, 59, tzinfo=UTC))  # most of the wall time, an hour of open time
        assert await raise_alerts(database, settings) == 0
        traveller.move_to(datetime(2026, 11, 21, 19, 1, tzinfo=UTC))
        assert await raise_alerts(database, settings) == 1
    (alert,) = await alerts(database)
    assert alert.ticket_id == ticket_id


async def test_an_answered_ticket_is_not_due(center: Center, database: Database, settings: Settings) -> None:
    await center.ticket(waited=timedelta(hours=5))
    async with database.transaction() as session:
        await session.execute(update(Ticket).values(first_responded_at=clock.now()))
    assert await raise_alerts(database, settings) == 0


async def test_an_alert_is_taken_by_one(center: Center, database: Database, settings: Settings) -> None:
    first, second = await center.person(Role.SUPERVISOR, intent=None), await center.person(Role.MANAGER, intent=None)
    csr = await center.person(intent=None)
    await center.ticket(waited=timedelta(hours=4))
    await raise_alerts(database, settings)
    (alert,) = await alerts(database)
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
