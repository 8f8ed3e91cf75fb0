"""Presence: slow browsers stay, dead ones go, and what the absent hold comes back when it should."""

from datetime import datetime, timedelta

import pytest
import time_machine
from sqlalchemy import delete, select, update

from services.tickets import presence
from services.tickets.presence import acted, heartbeat, leave_tab, set_intent, set_intent_of, sweep_presence
from services.tickets.routing.offers import accept, take
from services.tickets.routing.router import route_once
from services.tickets.routing.supervise import assign
from shared import clock
from shared.database import Database
from shared.errors import Forbidden, Invalid, NotFound
from shared.models import AuditEvent, Entry, EntryKind, Intent, OpeningHours, Person, Presence, PresenceLease, Role
from shared.people import Actor
from shared.settings import Settings
from tests.tickets.routing.conftest import Center


@pytest.fixture
async def center(database: Database) -> Center:
    center = Center(database)
    await center.always_open()
    return center


async def is_live(database: Database, person: Actor) -> bool:
    async with database.transaction() as session:
        return await presence.is_live(session, person.id, clock.now())


async def beat(database: Database, person: Actor, tab: str = "tab") -> None:
    async with database.transaction() as session:
        await heartbeat(session, person.id, tab)


async def touch(database: Database, ticket_id: int, person: Actor) -> None:
    async with database.transaction() as session:
        session.add(Entry(ticket_id=ticket_id, kind=EntryKind.NOTE, actor_id=person.id, text="Looking into it"))


async def test_slow_heartbeats_keep_alive_and_silence_ends_it(
    center: Center, database: Database, settings: Settings
) -> None:
    csr = await center.person()
    start = clock.now()
    with time_machine.travel(start, tick=False) as traveller:
        for minute in range(10):  # a hidden tab's timer, once a minute and a bit
            await beat(database, csr)
            traveller.move_to(start + timedelta(seconds=65 * (minute + 1)))
            assert await is_live(database, csr)
        last = start + timedelta(seconds=65 * 9)
        traveller.move_to(last + timedelta(seconds=149))
        assert await is_live(database, csr)
        traveller.move_to(last + timedelta(seconds=150))
        assert not await is_live(database, csr)


async def test_of_two_tabs_one_may_close(center: Center, database: Database, settings: Settings) -> None:
    csr = await center.person(live=False)
    start = clock.now()
    with time_machine.travel(start, tick=False) as traveller:
        await beat(database, csr, "one")
        await beat(database, csr, "two")
        async with database.transaction() as session:
            await leave_tab(session, csr.id, "one")
        traveller.move_to(start + timedelta(seconds=100))
        assert await is_live(database, csr)
        async with database.transaction() as session:
            await leave_tab(session, csr.id, "two")
        assert await is_live(database, csr)  # the next page may be on its way
        traveller.move_to(start + timedelta(seconds=111))
        assert not await is_live(database, csr)
        async with database.transaction() as session:  # closing late does not wake it
            await leave_tab(session, csr.id, "two")
        assert not await is_live(database, csr)
    async with database.transaction() as session:
        with pytest.raises(Invalid):
            await heartbeat(session, csr.id, "no; such tab")


async def test_offers_return_at_once_and_work_after_its_grace(
    center: Center, database: Database, settings: Settings
) -> None:
    lead = await center.person(Role.SUPERVISOR, intent=None)
    csr = await center.person(capacity=5)
    offered, untouched, drafted, waiting, pinned = [await center.ticket() for _ in range(5)]
    for ticket_id in (untouched, drafted, waiting):
        async with database.transaction() as session:
            await take(session, settings, csr, ticket_id)
    await touch(database, drafted, csr)
    await center.wait_on_customer(waiting)
    async with database.transaction() as session:
        await assign(session, settings, lead, [pinned], [csr.id], "Yours")
    await route_once(database, settings)
    assert await center.holder(offered) == csr.id
    start = clock.now()

    async def held() -> set[int]:
        everything = (offered, untouched, drafted, waiting, pinned)
        return {ticket_id for ticket_id in everything if await center.holder(ticket_id) == csr.id}

    with time_machine.travel(start, tick=False) as traveller:
        async with database.transaction() as session:
            await set_intent(session, csr, Intent.OFFLINE)
        assert await held() == {untouched, drafted, waiting, pinned}
        for minutes, left in (
            (14, {untouched, drafted, waiting, pinned}),
            (15, {drafted, waiting, pinned}),
            (59, {drafted, waiting, pinned}),
            (60, {waiting, pinned}),
            (6000, {waiting, pinned}),
        ):
            traveller.move_to(start + timedelta(minutes=minutes))
            await sweep_presence(database, settings)
            assert await held() == left, minutes
    entry = (await center.entries(untouched))[-1]
    assert (entry.kind, entry.detail["cause"], entry.detail["was"]) == (EntryKind.RELEASED, "left", "accepted")


async def test_a_lost_browser_is_like_leaving_but_counts_from_its_last_sign(
    center: Center, database: Database, settings: Settings
) -> None:
    csr = await center.person(capacity=2)
    accepted, offered = await center.ticket(), await center.ticket()
    async with database.transaction() as session:
        await take(session, settings, csr, accepted)
    await route_once(database, settings)
    start = clock.now()
    with time_machine.travel(start, tick=False) as traveller:
        await center.leave(csr, start)
        assert await sweep_presence(database, settings, trust_leases=False) == 0  # just started: nobody is dead yet
        assert await sweep_presence(database, settings) == 1
        assert await center.holder(offered) is None
        traveller.move_to(start + timedelta(minutes=14))
        await beat(database, csr)  # back in time
        traveller.move_to(start + timedelta(minutes=16))
        assert await sweep_presence(database, settings) == 0
        assert await center.holder(accepted) == csr.id
        traveller.move_to(start + timedelta(minutes=14, seconds=150) + timedelta(minutes=15))
        assert await sweep_presence(database, settings) == 1
        assert await center.holder(accepted) is None


async def test_the_grace_runs_in_open_time(center: Center, database: Database, settings: Settings) -> None:
    csr = await center.person()
    ticket_id = await center.ticket()
    async with database.transaction() as session:
        await take(session, settings, csr, ticket_id)
        await session.execute(delete(OpeningHours))
    await center.leave(csr)
    with time_machine.travel(clock.now() + timedelta(days=3)):
        assert await sweep_presence(database, settings) == 0
        async with database.transaction() as session:
            session.add_all(OpeningHours(weekday=day, opens=OPENS, closes=MIDNIGHT) for day in range(7))
        assert await sweep_presence(database, settings) == 1


OPENS = MIDNIGHT = datetime.min.time()


async def test_a_break_gives_offers_back_and_keeps_work(center: Center, database: Database, settings: Settings) -> None:
    csr = await center.person(capacity=2)
    accepted, offered = await center.ticket(), await center.ticket()
    async with database.transaction() as session:
        await take(session, settings, csr, accepted)
    await route_once(database, settings)
    async with database.transaction() as session:
        await set_intent(session, csr, Intent.BUSY)
    assert await center.holder(offered) == csr.id
    async with database.transaction() as session:
        await set_intent(session, csr, Intent.BREAK)
    assert await center.holder(offered) is None
    with time_machine.travel(clock.now() + timedelta(hours=1)):
        await beat(database, csr)
        assert await sweep_presence(database, settings) == 0
    assert await center.holder(accepted) == csr.id


async def test_whoever_is_deactivated_keeps_nothing(center: Center, database: Database, settings: Settings) -> None:
    lead = await center.person(Role.SUPERVISOR, intent=None)
    csr = await center.person(capacity=2)
    tickets = [await center.ticket(), await center.ticket()]
    async with database.transaction() as session:
        await assign(session, settings, lead, tickets[:1], [csr.id], "Yours")
    async with database.transaction() as session:
        await take(session, settings, csr, tickets[1])
    async with database.transaction() as session:
        await session.execute(update(Person).where(Person.id == csr.id).values(active=False))
    assert await sweep_presence(database, settings) == 2
    assert (await center.entries(tickets[0]))[-1].detail["cause"] == "deactivated"


async def test_any_click_makes_the_unresponsive_available_again(center: Center, database: Database) -> None:
    csr = await center.person()
    async with database.transaction() as session:
        await session.execute(update(Presence).values(unresponsive_since=clock.now()))
    await beat(database, csr)
    found = await center.presence(csr)
    assert found is not None
    assert found.unresponsive_since is not None
    async with database.transaction() as session:
        await acted(session, csr.id)
    found = await center.presence(csr)
    assert found is not None
    assert found.unresponsive_since is None


async def test_a_supervisor_sets_somebodys_presence_with_a_reason(center: Center, database: Database) -> None:
    lead = await center.person(Role.SUPERVISOR, intent=None)
    csr, machine = await center.person(), await center.person(Role.SERVICE, intent=None)
    async with database.transaction() as session:
        with pytest.raises(Forbidden):
            await set_intent_of(session, csr, lead.id, Intent.OFFLINE, "No")
        with pytest.raises(Invalid):
            await set_intent_of(session, lead, csr.id, Intent.OFFLINE, "")
        with pytest.raises(NotFound):
            await set_intent_of(session, lead, machine.id, Intent.OFFLINE, "A machine")
    async with database.transaction() as session:
        await set_intent_of(session, lead, csr.id, Intent.OFFLINE, "Went home sick")
    found = await center.presence(csr)
    assert found is not None
    assert found.intent is Intent.OFFLINE
    async with database.transaction() as session:
        event = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "presence.set"))).one()
    assert (event.actor_id, event.object_id, event.detail["reason"]) == (lead.id, str(csr.id), "Went home sick")


async def test_leases_of_long_ago_are_forgotten(center: Center, database: Database, settings: Settings) -> None:
    csr = await center.person()
    await center.leave(csr, clock.now() - timedelta(days=8))
    await sweep_presence(database, settings)
    async with database.transaction() as session:
        assert list(await session.scalars(select(PresenceLease))) == []


async def test_accepting_needs_no_presence_of_its_own(center: Center, database: Database, settings: Settings) -> None:
    """A click on an offer is a sign of life, even when the lease has just run out."""
    csr = await center.person()
    ticket_id = await center.ticket()
    await route_once(database, settings)
    await center.leave(csr)
    async with database.transaction() as session:
        await accept(session, settings, csr, (await center.open_assignment(ticket_id)).id)
    assert await center.holder(ticket_id) == csr.id
