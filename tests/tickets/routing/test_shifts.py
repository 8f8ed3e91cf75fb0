"""Planned shifts and offers: nothing off shift or on a break, nothing new before going home, emergencies apart."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from services.tickets.routing.router import route_once
from services.tickets.shifts import SpanView, set_day
from shared.models import Level, Priority, Role
from shared.settings import Settings
from tests.tickets.routing.conftest import Center

ZONE = ZoneInfo("America/Los_Angeles")
SPANS = [SpanView(starts=time(8), ends=time(12)), SpanView(starts=time(12, 30), ends=time(16, 30))]


@pytest.mark.parametrize(
    ("wall", "priority", "offered"),
    [
        (time(7, 59), Priority.NORMAL, False),
        (time(9), Priority.NORMAL, True),
        (time(12, 10), Priority.EMERGENCY, False),
        (time(16, 19), Priority.NORMAL, True),
        (time(16, 20), Priority.NORMAL, False),
        (time(16, 25), Priority.EMERGENCY, True),
        (time(16, 30), Priority.EMERGENCY, False),
    ],
)
async def test_offers_follow_the_shift(
    center: Center, settings: Settings, wall: time, priority: Priority, offered: bool
) -> None:
    now = datetime.combine(date(2026, 11, 24), wall, ZONE).astimezone(UTC)
    with time_machine.travel(now, tick=False):
        lead = await center.person(Role.SUPERVISOR, intent=None)
        ana = await center.person(capacity=5)
        async with center.database.transaction() as session:
            await set_day(session, lead, ana.id, now.astimezone(ZONE).date(), SPANS, "")
        ticket = await center.ticket(priority=priority)
        await route_once(center.database, settings)
        assert await center.holder(ticket) == (ana.id if offered else None)


async def test_who_is_off_shift_is_not_waited_for_and_the_plan_says_why(center: Center, settings: Settings) -> None:
    now = datetime(2026, 11, 24, 9, tzinfo=ZONE).astimezone(UTC)
    with time_machine.travel(now, tick=False):
        lead = await center.person(Role.SUPERVISOR, intent=None)
        off, ben = await center.person(), await center.person(since=timedelta(minutes=1))
        async with center.database.transaction() as session:
            await set_day(session, lead, off.id, now.date(), [], "sick")
        ticket = await center.ticket(level=Level.CSR1)
        await route_once(center.database, settings)
        offer = await center.open_assignment(ticket)
        assert offer.person_id == ben.id
        assert offer.explanation["rejected"]["on_shift"] == [off.id]
