"""The ladder in the store: each step once, at its time, with its mail, alert, timeline and audit."""

import asyncio
from datetime import datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.alerts import take_alert
from services.tickets.ladder import climb as climbing
from services.tickets.ladder.climb import climb
from services.tickets.routing.router import route_once
from shared import clock
from shared.database import Database
from shared.models import (
    Alert,
    AlertKind,
    AuditEvent,
    CertificationMode,
    Channel,
    Delivery,
    DeliveryKind,
    EntryKind,
    Intent,
    LadderStep,
    Level,
    NoAcknowledgement,
    OpeningHours,
    Priority,
    Role,
    Rung,
    Ticket,
    TicketState,
    WeeklyShift,
)
from shared.settings import Settings
from tests.tickets.ladder.conftest import WriteIn
from tests.tickets.routing.conftest import Center

HALF, MOST = timedelta(minutes=121), timedelta(minutes=181)  # of the four hours that these tickets are promised


async def alerts(database: Database) -> list[Alert]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Alert).order_by(Alert.id)))


async def steps(database: Database, ticket_id: int) -> list[LadderStep]:
    async with database.transaction() as session:
        return list(
            await session.scalars(select(LadderStep).where(LadderStep.ticket_id == ticket_id).order_by(LadderStep.id))
        )


async def rungs(database: Database, ticket_id: int) -> list[str]:
    return [step.rung.value for step in await steps(database, ticket_id)]


async def deliveries(database: Database) -> list[Delivery]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Delivery).order_by(Delivery.id)))


async def test_spanish_climbs_step_by_step_and_reaches_nobody_unverified(
    center: Center, database: Database, settings: Settings, write_in: WriteIn
) -> None:
    settings = settings.model_copy(update={"interpreter_line": "Lingua 800 555 0199"})
    await center.person()
    away = await center.person(Role.CSR2, spanish=True, intent=Intent.OFFLINE, live=False)
    tomorrow = (clock.now() + timedelta(days=1)).weekday()
    async with database.transaction() as session:
        session.add(WeeklyShift(person_id=away.id, weekday=tomorrow, starts=time(9, 30), ends=time(18)))
    ticket_id = await center.ticket("es")
    await write_in(ticket_id)
    await climb(database, settings)
    assert await rungs(database, ticket_id) == []
    with time_machine.travel(clock.now() + HALF):
        assert await climb(database, settings) == 2
        assert await climb(database, settings) == 0
        assert await rungs(database, ticket_id) == ["alert", "tell_customer"]
        (mail,) = await deliveries(database)
        assert (mail.kind, mail.to_addresses) == (DeliveryKind.EXPECTATION, ["rosario@example.com"])
        assert mail.language == "es"
        assert mail.subject == f"Re: Mi recibo [#{ticket_id}]"
        assert "a partir de las 9:30" in mail.text.replace("\u202f", " ")
        assert "{" not in mail.text
    with time_machine.travel(clock.now() + MOST):
        assert await climb(database, settings) == 2
        assert await route_once(database, settings) == 0
    taken = await steps(database, ticket_id)
    assert [step.rung for step in taken[2:]] == [Rung.SUPERVISOR, Rung.INTERPRETER]
    assert taken[3].detail == {"line": "Lingua 800 555 0199"}
    assert [round(step.share, 1) for step in taken] == [0.5, 0.5, 0.8, 0.8]
    assert (await center.get(ticket_id)).state is TicketState.QUEUED
    lines = [entry.detail["what"] for entry in await center.entries(ticket_id) if entry.kind is EntryKind.LADDER]
    assert lines == ["alert", "tell_customer", "supervisor", "interpreter"]
    async with database.transaction() as session:
        audited = await session.scalar(
            select(func.count()).select_from(AuditEvent).where(AuditEvent.action == "ladder.step")
        )
    assert audited == 4
    assert [alert.kind for alert in await alerts(database)] == [AlertKind.NO_BILINGUAL]


async def test_two_sweeps_at_once_and_a_kill_in_between_take_each_step_once(
    center: Center, database: Database, settings: Settings, write_in: WriteIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [await center.ticket("es", waited=MOST) for _ in range(3)]
    for number in numbers:
        await write_in(number, f"customer{number}@example.com")
    tell = climbing._EFFECTS[Rung.TELL_CUSTOMER]
    died: list[bool] = []

    async def die_once(session: AsyncSession, at: Any, row: LadderStep) -> dict[str, object]:
        found = await tell(session, at, row)
        if not died:
            died.append(True)
            raise OSError("the process was killed")
        return found

    monkeypatch.setitem(climbing._EFFECTS, Rung.TELL_CUSTOMER, die_once)
    with pytest.raises(OSError, match="killed"):
        await climb(database, settings)
    await asyncio.gather(*(climb(database, settings) for _ in range(3)))
    for number in numbers:
        assert await rungs(database, number) == ["alert", "tell_customer", "supervisor", "interpreter"]
    assert sorted(mail.ticket_id for mail in await deliveries(database)) == numbers
    assert len(await alerts(database)) == 1


async def test_a_caller_is_told_by_nobody_and_that_is_said(
    center: Center, database: Database, settings: Settings
) -> None:
    ticket_id = await center.ticket("es", channel=Channel.VOICEMAIL, waited=HALF)
    await climb(database, settings)
    assert (await steps(database, ticket_id))[1].detail == {"outcome": "no_address"}
    assert await deliveries(database) == []


async def test_machines_and_those_who_want_nothing_automatic_get_nothing_and_nobody_gets_it_twice(
    center: Center, database: Database, settings: Settings, write_in: WriteIn
) -> None:
    async with database.transaction() as session:
        session.add(NoAcknowledgement(address="quiet@example.com", asked_by="mail"))

    async def written(address: str, received_at: datetime | None = None) -> int:
        ticket_id = await center.ticket("es", waited=HALF)
        await write_in(ticket_id, address, received_at)
        return ticket_id

    numbers = [
        await written("noreply@example.com"),
        await written("quiet@example.com"),
        await written("old@example.com", clock.now() - timedelta(days=3)),
        await written("rosario@example.com"),
        await written("rosario@example.com"),
    ]
    await climb(database, settings)
    outcomes = [(await steps(database, number))[1].detail["outcome"] for number in numbers]
    assert outcomes == ["machine", "unwanted", "old", "sent", "lately"]
    # The customer waits anew, long after: they were told on this ticket.
    async with database.transaction() as session:
        await session.execute(
            update(Ticket).where(Ticket.id == numbers[3]).values(
                queued_at=clock.now() + timedelta(days=3),
                due_at=clock.now() + timedelta(days=3, hours=4),
            )
        )  # fmt: skip
    with time_machine.travel(clock.now() + timedelta(days=3) + HALF):
        await climb(database, settings)
    assert (await rungs(database, numbers[3])).count("tell_customer") == 1
    assert (await rungs(database, numbers[3])).count("alert") == 2
    assert len(await deliveries(database)) == 1


async def test_an_unknown_language_is_to_be_confirmed_first_and_its_customer_is_told_in_both(
    center: Center, database: Database, settings: Settings, write_in: WriteIn
) -> None:
    await center.person()
    ticket_id = await center.ticket("unknown", waited=timedelta(minutes=61))
    await write_in(ticket_id)
    await climb(database, settings)
    assert await rungs(database, ticket_id) == ["confirm_language"]
    assert await alerts(database) == []
    with time_machine.travel(clock.now() + timedelta(minutes=60)):
        await climb(database, settings)
    assert await rungs(database, ticket_id) == ["confirm_language", "alert", "tell_customer"]
    (mail,) = await deliveries(database)
    assert mail.language == "mixed"
    assert "we cannot say yet" in mail.text
    assert "todavía no podemos decirle" in mail.text


async def test_a_level_that_nobody_there_has_goes_to_supervisors(
    center: Center, database: Database, settings: Settings
) -> None:
    await center.person()
    complex_ = await center.ticket("en", level=Level.CSR2, waited=HALF)
    plain = await center.ticket("en", waited=MOST)
    await climb(database, settings)
    assert await rungs(database, complex_) == []
    with time_machine.travel(clock.now() + timedelta(minutes=60)):
        await climb(database, settings)
        assert await rungs(database, complex_) == ["alert", "supervisor"]
        assert [alert.kind for alert in await alerts(database)] == [AlertKind.NO_CSR2]
    assert await rungs(database, plain) == []


async def test_another_language_has_the_interpreter_at_once(
    center: Center, database: Database, settings: Settings
) -> None:
    await center.person(intent=Intent.BUSY)
    ticket_id = await center.ticket("zh")
    await climb(database, settings)
    assert await rungs(database, ticket_id) == ["interpreter"]
    assert await alerts(database) == []


async def test_shift_leads_hear_at_once_and_once(center: Center, database: Database, settings: Settings) -> None:
    await center.person()
    lead = await center.person(Role.SUPERVISOR, intent=None)
    writes = await center.person(spanish=[CertificationMode.WRITTEN], intent=Intent.BUSY)
    await center.ticket("en")
    await center.ticket("es")  # she is busy, but there
    await climb(database, settings)
    assert await alerts(database) == []
    call = await center.ticket("es", channel=Channel.VOICEMAIL)  # she may write, not speak
    await climb(database, settings)
    await center.leave(writes)
    await climb(database, settings)
    await center.ticket("mixed")
    await climb(database, settings)  # known for this way of answering
    told = await alerts(database)
    assert [(alert.kind, alert.detail["mode"]) for alert in told] == [
        (AlertKind.NO_BILINGUAL, "spoken"),
        (AlertKind.NO_BILINGUAL, "written"),
    ]
    assert told[0].ticket_id == call
    async with database.transaction() as session:
        await take_alert(session, lead, told[1].id)
    await climb(database, settings)
    assert len(await alerts(database)) == 2
    emergency = await center.ticket("es", priority=Priority.EMERGENCY)
    await climb(database, settings)
    assert [alert.ticket_id for alert in await alerts(database)][2:] == [emergency]
    assert await rungs(database, emergency) == ["alert", "supervisor", "interpreter"]


async def test_nothing_moves_while_the_doors_are_closed_but_for_an_emergency(
    center: Center, database: Database, settings: Settings
) -> None:
    async with database.transaction() as session:
        await session.execute(delete(OpeningHours))
        in_two_days = (clock.now() + timedelta(days=2)).weekday()
        session.add(OpeningHours(weekday=in_two_days, opens=time(8), closes=time(18)))
    asleep = await center.ticket("es", due_in=timedelta(days=3))
    emergency = await center.ticket("es", priority=Priority.EMERGENCY, due_in=timedelta(minutes=30))
    unpromised = await center.ticket("es", due_in=None)
    with time_machine.travel(clock.now() + timedelta(hours=12)):
        await climb(database, settings)
    assert [bool(await steps(database, each)) for each in (asleep, emergency, unpromised)] == [False, True, False]
