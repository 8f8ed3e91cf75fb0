"""Targets and hours that change move what is open, stopped or not; and each promise is told of in time and once."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import pytest
import time_machine
from sqlalchemy import delete, select

from services.tickets import hours
from services.tickets.alerts import take_alert
from services.tickets.clocks import edit, watch
from services.tickets.clocks.targets import Key
from services.tickets.hours import HoursLine, SpecialDayLine
from shared import clock
from shared.errors import Forbidden, Invalid, NotFound
from shared.models import (
    Alert,
    AuditEvent,
    Channel,
    EntryKind,
    OpeningHours,
    Role,
    SlaChange,
    TicketState,
)
from tests.tickets.clocks.conftest import FIRST, RESOLUTION, Case, later

# 08:00 on a Wednesday in Los Angeles.
MORNING = datetime(2026, 12, 2, 16, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
WEEK = [HoursLine(weekday=day, opens=time(8), closes=time(18)) for day in range(5)]


@pytest.fixture(autouse=True)
def at_eight() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(MORNING, tick=False) as traveller:
        yield traveller


@pytest.fixture
async def case(center: object, case: Case) -> Case:
    """The same, in a center that opens from eight to six."""
    async with case.center.database.transaction() as session:
        await session.execute(delete(OpeningHours))
        session.add_all(OpeningHours(weekday=line.weekday, opens=line.opens, closes=line.closes) for line in WEEK)
    return case


async def test_a_target_moves_open_tickets_of_its_kind_with_audit(case: Case) -> None:
    me = await case.center.person(Role.SUPERVISOR)
    async with case.center.database.transaction() as session:
        target = await edit.set_target(session, me, Key(FIRST, channel=Channel.EMAIL, language="en"), 90)
    await case.follow()
    assert (await case.clock(FIRST)).due_at == MORNING + 90 * MINUTE
    assert (await case.ticket()).due_at == MORNING + 90 * MINUTE
    assert [entry.detail["cause"] for entry in await case.center.entries(case.ticket_id, EntryKind.CLOCK)] == [
        "targets"
    ]
    await case.follow()  # once is enough
    async with case.center.database.transaction() as session:
        events = (await session.scalars(select(AuditEvent).where(AuditEvent.action.like("%e%")))).all()
        change = (await session.scalars(select(SlaChange))).one()
        told = {event.action: event.detail for event in events}
        assert told["target.set"]["for"] == {"kind": "first_response", "channel": "email", "language": "en"}
        assert told["promise.recalculate"] == {"cause": "targets", "moved": 1}
        assert (change.moved, change.done_at) == (1, MORNING)
        assert target.id is not None
        await edit.remove_target(session, me, target.id)
    await case.follow()
    assert (await case.clock(FIRST)).due_at == MORNING + 240 * MINUTE


async def test_who_may_and_what_makes_sense(case: Case) -> None:
    me = await case.center.person(Role.ADMINISTRATOR)
    async with case.center.database.transaction() as session:
        with pytest.raises(Forbidden):
            await edit.set_target(session, case.me, Key(FIRST), 10)
        for key, minutes in ((Key(FIRST), 0), (Key(FIRST, language="Spanish"), 10)):
            with pytest.raises(Invalid):
                await edit.set_target(session, me, key, minutes)
        with pytest.raises(NotFound):
            await edit.remove_target(session, me, 999)
        await edit.set_target(session, me, Key(RESOLUTION), None)
    await case.follow()
    assert (await case.clock(RESOLUTION)).ended_at is not None, "nothing is promised any more"


async def test_new_hours_count_from_now_on_also_for_a_clock_that_stands_still(
    case: Case, at_eight: time_machine.Traveller
) -> None:
    """Nobody is late because the center opens longer from now on; what a stopped clock has counted stays."""
    me = await case.center.person(Role.SUPERVISOR)
    await case.follow()
    later(at_eight, 120)
    await case.state(TicketState.WAITING)  # the resolution stands still at two hours
    later(at_eight, 12 * 60)  # 22:00
    longer = [line.model_copy(update={"closes": time(20)}) for line in WEEK]
    async with case.center.database.transaction() as session:
        await hours.set_week(session, me, longer)
    await case.follow()
    assert (await case.clock(RESOLUTION)).used_s == 7200
    first = await case.clock(FIRST)
    assert (first.used_s, first.running_since) == (10 * 3600, clock.now()), "from eight to six, by the old hours"
    async with case.center.database.transaction() as session:  # but if they were in force already
        await hours.set_week(session, me, WEEK)
        await hours.set_week(session, me, longer, also_past=True)
    await case.follow()
    assert (await case.clock(FIRST)).used_s == 12 * 3600


async def test_a_holiday_that_is_entered_late_gives_the_hours_back_also_to_a_stopped_clock(
    case: Case, at_eight: time_machine.Traveller
) -> None:
    me = await case.center.person(Role.SUPERVISOR)
    later(at_eight, 90)
    await case.state(TicketState.WAITING)
    later(at_eight, 30)  # 10:00
    today = SpecialDayLine(day=date(2026, 12, 2), name_en="Storm", name_es="Tormenta")
    async with case.center.database.transaction() as session:
        await hours.set_special_day(session, case.center.settings, me, today)
    await case.follow()
    assert (await case.clock(RESOLUTION)).used_s == 0
    assert (await case.clock(FIRST)).due_at == datetime(2026, 12, 3, 20, 0, tzinfo=UTC), "four hours of Thursday"
    later(at_eight, 60)
    async with case.center.database.transaction() as session:
        await hours.remove_special_day(session, case.center.settings, me, today.day)
    await case.follow()
    assert (await case.clock(RESOLUTION)).used_s == 5400
    assert (await case.clock(FIRST)).due_at == MORNING + 240 * MINUTE


async def test_warned_and_late_at_the_second_once_and_told(case: Case, at_eight: time_machine.Traveller) -> None:
    chief = await case.center.person(Role.SUPERVISOR)
    database = case.center.database
    assert await watch.next_at(database) == MORNING + 180 * MINUTE
    at_eight.move_to(MORNING + 180 * MINUTE - timedelta(seconds=1))
    assert await case.mark() == 0
    at_eight.move_to(MORNING + 180 * MINUTE)
    assert (await case.mark(), await case.mark()) == (1, 0)
    assert await watch.next_at(database) == MORNING + 240 * MINUTE
    async with database.transaction() as session:
        alert = (await session.scalars(select(Alert))).one()
        assert (alert.detail["promise"], alert.detail["overdue"]) == ("first_response", False)
    at_eight.move_to(MORNING + 240 * MINUTE)
    assert (await case.mark(), await case.mark()) == (1, 0)
    first = await case.clock(FIRST)
    assert (first.warned_at, first.breached_at) == (MORNING + 180 * MINUTE, MORNING + 240 * MINUTE)
    said = [each.detail["what"] for each in await case.center.entries(case.ticket_id, EntryKind.CLOCK)]
    assert said == ["soon", "late"]
    async with database.transaction() as session:
        alert = (await session.scalars(select(Alert))).one()
        assert alert.detail["overdue"]
        await take_alert(session, chief, alert.id)
    await case.answer()
    assert (await case.clock(FIRST)).late_s == 0, "answered at that very second"


async def test_what_was_answered_before_it_was_due_is_not_late(case: Case, at_eight: time_machine.Traveller) -> None:
    """The server took the mail in time; we hear of it when somebody was told already that it is late."""
    written = await case.reply()
    at_eight.move_to(MORNING + 241 * MINUTE)
    await case.mark()
    assert (await case.clock(FIRST)).breached_at is not None
    with time_machine.travel(MORNING + 239 * MINUTE, tick=False):
        await case.center.sent(written)
    first = await case.clock(FIRST)
    assert (first.breached_at, first.late_s) == (None, 0)


async def test_a_longer_target_takes_a_breach_back(case: Case, at_eight: time_machine.Traveller) -> None:
    me = await case.center.person(Role.SUPERVISOR)
    at_eight.move_to(MORNING + 250 * MINUTE)
    await case.mark()
    async with case.center.database.transaction() as session:
        await edit.set_target(session, me, Key(FIRST), 500)
    await case.follow()
    first = await case.clock(FIRST)
    assert (first.breached_at, first.warned_at, first.due_at) == (None, None, MORNING + 500 * MINUTE)


async def test_a_shorter_target_is_late_since_it_would_have_been_due(
    case: Case, at_eight: time_machine.Traveller
) -> None:
    me = await case.center.person(Role.SUPERVISOR)
    at_eight.move_to(MORNING + 100 * MINUTE)
    async with case.center.database.transaction() as session:
        await edit.set_target(session, me, Key(FIRST), 60)
    await case.follow()
    await case.mark()
    assert (await case.clock(FIRST)).breached_at == MORNING + HOUR
