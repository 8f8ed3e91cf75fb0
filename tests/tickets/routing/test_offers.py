"""Offers: made by the router, accepted, declined, missed, taken from the queue and given back."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.locks import lock_people
from services.tickets.presence import heartbeat, set_intent
from services.tickets.routing import repository, router
from services.tickets.routing.offers import accept, decline, expire_offers, release, take
from services.tickets.routing.router import route_once
from shared import clock
from shared.database import Database
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.models import (
    Alert,
    AlertKind,
    AssignmentState,
    CertificationMode,
    Channel,
    EntryKind,
    Intent,
    Level,
    Priority,
    Role,
    TicketState,
)
from shared.people import Actor
from shared.settings import Settings
from tests.tickets.routing.conftest import Center


async def test_an_offer_is_made_accepted_and_shown(center: Center, database: Database, settings: Settings) -> None:
    csr = await center.person(name="Ana")
    ticket_id = await center.ticket()
    assert await route_once(database, settings) == 1
    assert (await center.get(ticket_id)).state is TicketState.OFFERED
    offer = await center.open_assignment(ticket_id)
    assert offer.person_id == csr.id
    assert offer.expires_at is not None
    assert timedelta(seconds=170) < offer.expires_at - clock.now() <= timedelta(seconds=180)
    async with database.transaction() as session:
        await accept(session, settings, csr, offer.id)
    ticket = await center.get(ticket_id)
    assert (ticket.state, ticket.assignee_id, ticket.rev) == (TicketState.ASSIGNED, csr.id, 3)
    entries = await center.entries(ticket_id)
    assert [entry.kind for entry in entries] == [EntryKind.OFFERED, EntryKind.ACCEPTED]
    assert entries[0].detail["person"] == "Ana"
    async with database.transaction() as session:  # a second click changes nothing
        await accept(session, settings, csr, offer.id)
    assert (await center.get(ticket_id)).rev == 3


async def test_declining_needs_a_reason_and_bars_the_pair_for_a_while(
    center: Center, database: Database, settings: Settings
) -> None:
    csr = await center.person()
    ticket_id = await center.ticket()
    queued_at = (await center.get(ticket_id)).queued_at
    await route_once(database, settings)
    offer = await center.open_assignment(ticket_id)
    async with database.transaction() as session:
        with pytest.raises(Invalid):
            await decline(session, csr, offer.id, "  ")
    async with database.transaction() as session:
        await decline(session, csr, offer.id, "I know this customer")
    ticket = await center.get(ticket_id)
    assert (ticket.state, ticket.queued_at) == (TicketState.QUEUED, queued_at)
    assert await route_once(database, settings) == 0  # not to the same person
    other = await center.person()
    assert await route_once(database, settings) == 1
    assert await center.holder(ticket_id) == other.id
    declined = (await center.entries(ticket_id))[1]
    assert declined.kind is EntryKind.DECLINED
    assert declined.detail["reason"] == "I know this customer"
    assert declined.actor_id == csr.id


async def test_after_ten_minutes_the_same_person_may_be_asked_again(
    center: Center, database: Database, settings: Settings
) -> None:
    csr = await center.person()
    ticket_id = await center.ticket()
    await route_once(database, settings)
    async with database.transaction() as session:
        await decline(session, csr, (await center.open_assignment(ticket_id)).id, "Lunch")
    with time_machine.travel(clock.now() + timedelta(minutes=10, seconds=1)):
        assert await route_once(database, settings) == 0  # nobody's browser is there any more
        async with database.transaction() as session:
            await heartbeat(session, csr.id, "tab")
        assert await route_once(database, settings) == 1


async def test_a_missed_offer_expires_and_its_person_is_asked_nothing_until_a_click(
    center: Center, database: Database, settings: Settings
) -> None:
    csr = await center.person()
    ticket_id, another = await center.ticket(), await center.ticket()
    queued_at = (await center.get(ticket_id)).queued_at
    await route_once(database, settings)
    held = ticket_id if await center.holder(ticket_id) else another
    offer = await center.open_assignment(held)
    with time_machine.travel(clock.now() + timedelta(seconds=settings.offer_s - 1)):
        assert await expire_offers(database, settings) == 0
    with time_machine.travel(clock.now() + timedelta(seconds=settings.offer_s + 1)):
        with pytest.raises(Conflict):  # too late, though nothing has swept yet
            async with database.transaction() as session:
                await accept(session, settings, csr, offer.id)
        assert await expire_offers(database, settings) == 1
        assert await expire_offers(database, settings) == 0
        async with database.transaction() as session:
            await heartbeat(session, csr.id, "tab")  # a browser alone is no click
        assert await route_once(database, settings) == 0
        with pytest.raises(Conflict):
            async with database.transaction() as session:
                await accept(session, settings, csr, offer.id)
        ticket = await center.get(held)
        assert (ticket.state, ticket.queued_at) == (TicketState.QUEUED, queued_at) or held == another
        assert (await center.entries(held))[-1].kind is EntryKind.EXPIRED
        async with database.transaction() as session:
            await set_intent(session, csr, Intent.AVAILABLE)
        assert await route_once(database, settings) == 1  # the other ticket: this pair is barred
        assert await center.holder(held) is None


async def test_three_missed_offers_tell_a_supervisor(center: Center, database: Database, settings: Settings) -> None:
    ticket_id = await center.ticket()
    for _ in range(3):
        await center.person()
        await route_once(database, settings)
        with time_machine.travel(clock.now() + timedelta(minutes=4)):
            await expire_offers(database, settings)
    async with database.transaction() as session:
        alert = (await session.scalars(select(Alert))).one()
    assert (alert.kind, alert.ticket_id, alert.detail) == (AlertKind.MISSED_OFFERS, ticket_id, {"misses": 3})


async def test_somebody_elses_offer_does_not_exist(center: Center, database: Database, settings: Settings) -> None:
    await center.person()
    ticket_id = await center.ticket()
    await route_once(database, settings)
    offer = await center.open_assignment(ticket_id)
    stranger = await center.person(Role.SUPERVISOR, intent=None)
    for attempt in (offer.id, offer.id + 1000):
        with pytest.raises(NotFound):
            async with database.transaction() as session:
                await accept(session, settings, stranger, attempt)
        with pytest.raises(NotFound):
            async with database.transaction() as session:
                await decline(session, stranger, attempt, "no")


async def test_two_take_the_same_ticket_and_one_gets_it(center: Center, database: Database, settings: Settings) -> None:
    people = [await center.person() for _ in range(6)]
    ticket_id = await center.ticket()

    async def pull(person: Actor) -> str:
        try:
            async with database.transaction() as session:
                await take(session, settings, person, ticket_id)
        except Conflict:
            return "conflict"
        return "taken"

    results = await asyncio.gather(*(pull(person) for person in people))
    assert sorted(results) == ["conflict"] * 5 + ["taken"]
    assert len(await center.assignments(ticket_id)) == 1


NOT_FOR_THEM: list[tuple[Role, Any, dict[str, Any], type[Exception]]] = [
    (Role.CSR2, False, {"language": "es"}, Forbidden),
    (Role.CSR2, False, {"language": "mixed"}, Forbidden),
    (Role.CSR2, False, {"language": "unknown"}, Forbidden),
    (Role.CSR2, [CertificationMode.WRITTEN], {"language": "es", "channel": Channel.VOICEMAIL}, Forbidden),
    (Role.CSR1, False, {"level": Level.CSR2}, Forbidden),
    (Role.INTERN, False, {"level": Level.CSR1}, Forbidden),
    (Role.INTERN, False, {"level": Level.INTERN}, Forbidden),  # no reviewer is there
    (Role.CSR1, False, {"weight": 2}, Conflict),
    (Role.SERVICE, False, {}, Forbidden),
]


async def test_taking_follows_the_same_rules(center: Center, database: Database, settings: Settings) -> None:
    for role, spanish, facts, error in NOT_FOR_THEM:
        person = await center.person(role, spanish=spanish, intent=Intent.BREAK)
        ticket_id = await center.ticket(**facts)
        with pytest.raises(error):
            async with database.transaction() as session:
                await take(session, settings, person, ticket_id)
        assert await center.assignments(ticket_id) == [], (role, facts)


async def test_who_may_take_may_be_busy_and_a_manager(center: Center, database: Database, settings: Settings) -> None:
    manager = await center.person(Role.MANAGER, intent=None, live=False)
    busy = await center.person(intent=Intent.BUSY)
    intern = await center.person(Role.INTERN, intent=Intent.BUSY)
    await center.person(Role.CSR2)  # reviews
    wanted = [
        (manager, await center.ticket(level=Level.CSR2)),
        (busy, await center.ticket()),
        (intern, await center.ticket(level=Level.INTERN)),
    ]
    for person, ticket_id in wanted:
        async with database.transaction() as session:
            await take(session, settings, person, ticket_id)
        assert (await center.get(ticket_id)).assignee_id == person.id
        (entry,) = await center.entries(ticket_id)
        assert (entry.kind, entry.detail["how"]) == (EntryKind.ASSIGNED, "taken")


async def test_taking_what_is_offered_to_me_accepts_it(center: Center, database: Database, settings: Settings) -> None:
    csr = await center.person()
    ticket_id = await center.ticket()
    await route_once(database, settings)
    async with database.transaction() as session:
        await take(session, settings, csr, ticket_id)
    assert (await center.get(ticket_id)).state is TicketState.ASSIGNED
    assert len(await center.assignments(ticket_id)) == 1


async def test_released_work_keeps_its_clock_and_goes_to_somebody_else(
    center: Center, database: Database, settings: Settings
) -> None:
    csr = await center.person()
    ticket_id = await center.ticket()
    queued_at = (await center.get(ticket_id)).queued_at
    async with database.transaction() as session:
        await take(session, settings, csr, ticket_id)
    other = await center.person()
    with pytest.raises(Forbidden):
        async with database.transaction() as session:
            await release(session, other, ticket_id, "I want it")
    async with database.transaction() as session:
        await release(session, csr, ticket_id, "End of my shift")
    assert (await center.get(ticket_id)).queued_at == queued_at
    await route_once(database, settings)
    assert await center.holder(ticket_id) == other.id
    with pytest.raises(Conflict):  # it is only offered
        async with database.transaction() as session:
            await release(session, other, ticket_id, "No")


async def test_waiting_on_the_customer_weighs_nothing(center: Center, database: Database, settings: Settings) -> None:
    csr = await center.person()
    first, second = await center.ticket(), await center.ticket()
    async with database.transaction() as session:
        await take(session, settings, csr, first)
    assert await route_once(database, settings) == 0
    await center.wait_on_customer(first)
    assert await route_once(database, settings) == 1
    assert await center.holder(second) == csr.id
    assert await center.holder(first) == csr.id


async def test_a_ticket_that_changed_after_the_plan_is_not_offered_on_it(
    center: Center, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await center.person()
    ticket_id = await center.ticket()

    async def corrected_meanwhile(session: AsyncSession, *args: Any) -> list[repository.Offered]:
        await center.change(ticket_id, language="es")
        return await apply(session, *args)

    apply = repository.apply
    monkeypatch.setattr(repository, "apply", corrected_meanwhile)
    assert await route_once(database, settings) == 0
    assert await center.assignments(ticket_id) == []


async def test_a_person_who_changed_after_the_plan_is_not_offered_on_it(
    center: Center, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = (
        "UPDATE certification SET revoked_at = now() WHERE person_id = :id",
        "UPDATE presence SET intent = 'offline' WHERE person_id = :id",
        "UPDATE presence SET unresponsive_since = now() WHERE person_id = :id",
        "UPDATE person SET active = false WHERE id = :id",
        "DELETE FROM presence_lease WHERE person_id = :id",
        "UPDATE person SET capacity = 0 WHERE id = :id",
    )
    ticket_id = await center.ticket("es")
    planned = []
    for change in changes:
        csr = await center.person(spanish=True)

        async def changed_meanwhile(session: AsyncSession, ids: Any, change: str = change, csr: Actor = csr) -> None:
            planned.append(list(ids))
            async with database.transaction() as other:
                await other.execute(text(change), {"id": csr.id})
            await lock_people(session, ids)

        monkeypatch.setattr(router, "lock_people", changed_meanwhile)
        assert await route_once(database, settings) == 0, change
        assert planned[-1] == [csr.id]
    assert await center.assignments(ticket_id) == []


async def test_a_correction_reroutes_at_once(center: Center, database: Database, settings: Settings) -> None:
    changes: list[dict[str, Any]] = [{"language": "es"}, {"level": Level.CSR2}]
    for change, accepted in [(change, accepted) for change in changes for accepted in (False, True)]:
        csr = await center.person()
        ticket_id = await center.ticket()
        await route_once(database, settings)
        offer = await center.open_assignment(ticket_id)
        if accepted:
            async with database.transaction() as session:
                await accept(session, settings, csr, offer.id)
        await center.change(ticket_id, **change)
        if not accepted:
            with pytest.raises(Conflict):
                async with database.transaction() as session:
                    await accept(session, settings, csr, offer.id)
        expert = await center.person(Role.CSR2, spanish=True)
        assert await route_once(database, settings) == 1
        assert await center.holder(ticket_id) == expert.id
        released = [entry for entry in await center.entries(ticket_id) if entry.kind is EntryKind.RELEASED]
        assert [entry.detail["cause"] for entry in released] == list(change)
        assert (await center.assignments(ticket_id))[0].state is AssignmentState.WITHDRAWN
        async with database.transaction() as session:
            await set_intent(session, csr, Intent.OFFLINE)


async def test_a_pass_with_nobody_there_leaves_the_queue_alone(
    center: Center, database: Database, settings: Settings
) -> None:
    ticket_id = await center.ticket()
    assert await route_once(database, settings) == 0
    await center.person(Role.MANAGER)
    await center.person(intent=Intent.BUSY)
    await center.person(live=False)
    await center.person(intent=None)
    await center.person(capacity=0)
    assert await route_once(database, settings) == 0
    assert (await center.get(ticket_id)).rev == 1


@pytest.mark.parametrize("accepted", [False, True])
async def test_a_spanish_emergency_is_offered_to_the_one_bilingual_who_is_full(
    accepted: bool, center: Center, database: Database, settings: Settings
) -> None:
    bilingual = await center.person(spanish=True)
    await center.person()
    first = await center.ticket("es")
    await route_once(database, settings)
    if accepted:
        async with database.transaction() as session:
            await accept(session, settings, bilingual, (await center.open_assignment(first)).id)
    later = await center.ticket("es", waited=timedelta(hours=1))
    leak = await center.ticket("es", priority=Priority.EMERGENCY)
    assert await route_once(database, settings) == 1
    offer = await center.open_assignment(leak)
    assert (offer.person_id, offer.state) == (bilingual.id, AssignmentState.OFFERED)
    assert "over_capacity" in offer.explanation["flags"]
    assert (await center.get(later)).state is TicketState.QUEUED
    assert await center.holder(first) == bilingual.id
    async with database.transaction() as session:
        await accept(session, settings, bilingual, offer.id)
    assert await route_once(database, settings) == 0
    assert (await center.get(later)).state is TicketState.QUEUED
