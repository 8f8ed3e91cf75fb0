"""The forecast from rows to page and API: history, shifts, the gap of bilinguals by hour, in both languages."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
import time_machine

from services.tickets.views.board import board
from services.tickets.views.forecast import Forecast, forecast
from shared.database import Database
from shared.models import (
    Assignment,
    AssignmentState,
    Entry,
    EntryKind,
    OpeningHours,
    Role,
    SpecialDay,
    Ticket,
    TicketState,
    WeeklyShift,
)
from shared.people import Actor
from shared.settings import Settings
from tests.tickets.routing.conftest import Center

NOW = datetime(2026, 11, 25, 20, tzinfo=UTC)  # a Wednesday at noon in California
WEDNESDAY = date(2026, 11, 25)


@pytest.fixture
async def planned(database: Database) -> tuple[Center, Actor, Actor]:
    """Open weekdays from nine to three; one bilingual all day, another only until noon, two others all day."""
    center = Center(database)
    first, second = await center.person(spanish=True, name="Ana"), await center.person(spanish=True, name="Bea")
    others = [await center.person(), await center.person(Role.CSR2)]
    async with database.transaction() as session:
        for weekday in range(5):
            session.add(OpeningHours(weekday=weekday, opens=time(9), closes=time(15)))
            session.add_all(
                WeeklyShift(person_id=each.id, weekday=weekday, starts=time(9), ends=time(12 if each is second else 15))
                for each in (first, second, *others)
            )
    return center, first, second


async def arrive(database: Database, settings: Settings, per_hour: dict[str, int], weeks: int) -> None:
    async with database.transaction() as session:
        session.add_all(
            Ticket(
                channel="email", language=language, reply_token=f"{language}-{day}-{hour}-{number}",
                queued_at=datetime.combine(date(2026, 11, 24) - timedelta(days=day), time(18 + hour), UTC),
            )
            for day in range(weeks * 7)
            for hour in range(4)
            for language, times in per_hour.items()
            for number in range(times)
        )  # fmt: skip


async def look(database: Database, settings: Settings, day: date = WEDNESDAY) -> Forecast:
    async with database.transaction() as session:
        return await forecast(session, settings, day)


@time_machine.travel(NOW, tick=False)
async def test_hours_with_one_bilingual_raise_the_alarm_and_name_who_might_come(
    planned: tuple[Center, Actor, Actor], database: Database, settings: Settings
) -> None:
    _, _, second = planned
    await arrive(database, settings, {"en": 3, "es": 1}, weeks=6)
    found = await look(database, settings)
    assert found.days[0] == date(2026, 11, 23)
    assert len(found.hours) == 30
    assert not found.basis.little
    assert found.basis.tickets == pytest.approx(6 * 7 * 16, rel=0.03)
    afternoon = [hour for hour in found.hours if hour.starts_at.astimezone(UTC).hour in (20, 21, 22)]
    assert len(afternoon) == 15
    assert all(hour.alarm and hour.bilinguals_planned == 1 for hour in afternoon)
    assert not any(hour.alarm for hour in found.hours if hour not in afternoon)
    alarms = [gap for gap in found.gaps if gap.alarm]
    assert len(alarms) == 5
    assert [person.id for person in alarms[0].could_come] == [second.id]
    assert (alarms[0].ends_at - alarms[0].starts_at) == timedelta(hours=3)
    busy = max(found.hours, key=lambda hour: hour.spanish)
    assert busy.spanish_in_time <= 1
    async with database.transaction() as session:
        shown = await board(session, settings)
    assert [gap.alarm for gap in shown.bilingual_gaps] == [True]  # today's, from noon on


@time_machine.travel(NOW, tick=False)
async def test_without_history_only_the_least_is_asked_for_and_a_holiday_is_no_working_day(
    planned: tuple[Center, Actor, Actor], database: Database, settings: Settings
) -> None:
    async with database.transaction() as session:
        session.add(SpecialDay(day=date(2026, 11, 26), name_en="Thanksgiving Day", name_es="Día de Acción de Gracias"))
    found = await look(database, settings)
    assert (found.basis.tickets, found.basis.little, found.basis.english.assumed) == (0, True, True)
    assert len(found.hours) == 24
    assert {(hour.people_needed, hour.bilinguals_needed) for hour in found.hours} == {(2, 2)}


@time_machine.travel(NOW, tick=False)
async def test_handling_is_counted_from_what_was_done_without_its_waiting(
    database: Database, settings: Settings
) -> None:
    """Sixty tickets one after the other, in hand for three minutes, waiting for an hour, then again in hand."""
    center = Center(database)
    await center.always_open()
    csr = await center.person(spanish=True)
    async with database.transaction() as session:
        for number in range(60):
            start = NOW - timedelta(days=5) + timedelta(minutes=80 * number)
            end = start + timedelta(minutes=66 if number % 2 else 72)
            ticket = Ticket(
                channel="email", language="en" if number % 2 else "es", reply_token=f"t{number}", queued_at=start,
                state=TicketState.CLOSED, closed_at=end,
            )  # fmt: skip
            session.add(ticket)
            await session.flush()
            session.add(
                Assignment(
                    ticket_id=ticket.id, person_id=csr.id, state=AssignmentState.DONE, weight=1, offered_at=start,
                    ended_at=end,
                )
            )  # fmt: skip
            session.add_all(
                Entry(ticket_id=ticket.id, kind=EntryKind.STATE, at=start + timedelta(minutes=at), detail={"to": to})
                for at, to in ((3, "waiting"), (63, "assigned"))
            )
    basis = (await look(database, settings)).basis
    assert (basis.english.tickets, basis.spanish.tickets) == (30, 30)
    assert basis.english.minutes == pytest.approx((30 * 6 + 20 * 9.5) / 50)
    assert basis.spanish.minutes == pytest.approx((30 * 12 + 20 * 9.5) / 50)
