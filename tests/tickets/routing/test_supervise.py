"""Supervisors assign anything, alone or in bulk; what is unusual is flagged, and Spanish takes an override."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from services.tickets.presence import sweep_presence
from services.tickets.routing.deal import Flag
from services.tickets.routing.offers import accept, take
from services.tickets.routing.router import route_once
from services.tickets.routing.supervise import assign, send_back
from shared import clock
from shared.database import Database
from shared.errors import Forbidden, Invalid, NotFound
from shared.models import AuditEvent, EntryKind, Intent, Level, Role, TicketState
from shared.models import MoveOutcome as Outcome
from shared.settings import Settings
from tests.tickets.routing.conftest import Center


async def test_in_bulk_each_ticket_gets_its_own_result(center: Center, database: Database, settings: Settings) -> None:
    lead = await center.person(Role.SUPERVISOR, intent=None, name="Lead")
    holder = await center.person(name="Holder")
    target = await center.person(capacity=2, name="Target")
    held, offered, queued, spanish, unknown, closed, complex_ = [
        await center.ticket(**facts)
        for facts in (
            {}, {}, {}, {"language": "es"}, {"language": "unknown"}, {}, {"level": Level.CSR2},
        )
    ]  # fmt: skip
    async with database.transaction() as session:
        await take(session, settings, holder, held)
    await center.change(closed, state=TicketState.CLOSED, closed_at=clock.now())
    await center.change(queued, state=TicketState.QUEUED)
    async with database.transaction() as session:
        moved_all = await assign(
            session, settings, lead,
            [held, offered, queued, spanish, unknown, closed, complex_, 987654, held], [target.id], " Holiday cover ",
        )  # fmt: skip
    results = moved_all.results
    assert [(result.ticket_id, result.outcome, result.flags) for result in results] == [
        (held, Outcome.ASSIGNED, []),
        (offered, Outcome.ASSIGNED, []),
        (queued, Outcome.ASSIGNED, [Flag.OVER_CAPACITY]),
        (spanish, Outcome.NEEDS_OVERRIDE, [Flag.UNVERIFIED_LANGUAGE]),
        (unknown, Outcome.ASSIGNED, [Flag.LANGUAGE_UNCERTAIN, Flag.OVER_CAPACITY]),
        (closed, Outcome.CLOSED, []),
        (complex_, Outcome.ASSIGNED, [Flag.BELOW_LEVEL, Flag.OVER_CAPACITY]),
        (987654, Outcome.NOT_FOUND, []),
    ]
    assert (await center.get(spanish)).state is TicketState.QUEUED
    moved = (await center.entries(held))[-1]
    assert moved.kind is EntryKind.ASSIGNED
    assert moved.actor_id == lead.id
    assert moved.detail["how"] == "reassigned"
    assert (moved.detail["from"], moved.detail["person"]) == ("Holder", "Target")
    assert moved.detail["reason"] == "Holiday cover"
    assert (await center.open_assignment(held)).pinned
    async with database.transaction() as session:
        audited = list(await session.scalars(select(AuditEvent).where(AuditEvent.action == "ticket.assign")))
    assert sorted(event.ticket_id or 0 for event in audited) == sorted([held, offered, queued, unknown, complex_])


async def test_a_spanish_ticket_for_somebody_unverified_takes_an_override_and_leaves_a_trace(
    center: Center, database: Database, settings: Settings
) -> None:
    lead = await center.person(Role.SUPERVISOR, intent=None)
    target, bilingual = await center.person(), await center.person(spanish=True)
    tickets = [await center.ticket("es"), await center.ticket("mixed")]
    async with database.transaction() as session:
        refused = (await assign(session, settings, lead, tickets, [target.id], "Nobody else")).results
    assert [result.ok for result in refused] == [False, False]
    assert [await center.assignments(ticket_id) for ticket_id in tickets] == [[], []]
    async with database.transaction() as session:
        forced = (
            await assign(session, settings, lead, tickets, [target.id], "Interpreter line", override=True)
        ).results
    assert [result.outcome for result in forced] == [Outcome.ASSIGNED] * 2
    async with database.transaction() as session:
        events = list(await session.scalars(select(AuditEvent).where(AuditEvent.action == "ticket.assign")))
    assert [event.detail["override"] for event in events] == [True, True]
    assert (await center.entries(tickets[0]))[-1].detail["flags"] == ["unverified_language"]
    # The router leaves it there although a bilingual is idle.
    assert await route_once(database, settings) == 0
    assert await center.holder(tickets[0]) == target.id
    async with database.transaction() as session:
        (given,) = (await assign(session, settings, lead, [tickets[0]], [bilingual.id], "She is back")).results
    assert (given.outcome, given.flags) == (Outcome.ASSIGNED, [])


async def test_an_offer_is_withdrawn_when_somebody_else_is_assigned(
    center: Center, database: Database, settings: Settings
) -> None:
    lead = await center.person(Role.SUPERVISOR, intent=None)
    asked = await center.person()
    ticket_id = await center.ticket()
    await route_once(database, settings)
    offer = await center.open_assignment(ticket_id)
    assert offer.person_id == asked.id
    absent = await center.person(intent=Intent.OFFLINE, live=False)
    async with database.transaction() as session:
        (result,) = (await assign(session, settings, lead, [ticket_id], [absent.id], "Knows the customer")).results
    assert (result.outcome, result.flags) == (Outcome.ASSIGNED, [Flag.NOT_AT_WORK])
    assert await center.holder(ticket_id) == absent.id
    # Pinned work survives the absence of its owner, and every pass of the router.
    with time_machine.travel(clock.now() + timedelta(hours=5)):
        assert await sweep_presence(database, settings) == 0
        await route_once(database, settings)
    assert await center.holder(ticket_id) == absent.id


async def test_what_is_theirs_already_is_only_pinned_and_waiting_work_keeps_waiting(
    center: Center, database: Database, settings: Settings
) -> None:
    lead = await center.person(Role.SUPERVISOR, intent=None)
    csr, other = await center.person(), await center.person()
    ticket_id = await center.ticket()
    async with database.transaction() as session:
        await take(session, settings, csr, ticket_id)
    rev = (await center.get(ticket_id)).rev
    async with database.transaction() as session:
        (result,) = (await assign(session, settings, lead, [ticket_id], [csr.id], "Stays with you")).results
    assert result.outcome is Outcome.UNCHANGED
    assert (await center.open_assignment(ticket_id)).pinned
    assert (await center.get(ticket_id)).rev == rev
    await center.wait_on_customer(ticket_id)
    async with database.transaction() as session:
        await assign(session, settings, lead, [ticket_id], [other.id], "Holiday")
    ticket = await center.get(ticket_id)
    assert (ticket.state, ticket.assignee_id) == (TicketState.WAITING, other.id)


async def test_sending_back_lets_the_router_place_it_again(
    center: Center, database: Database, settings: Settings
) -> None:
    lead = await center.person(Role.SUPERVISOR, intent=None)
    csr = await center.person()
    ticket_id, queued = await center.ticket(), await center.ticket("es")
    await route_once(database, settings)
    async with database.transaction() as session:
        await accept(session, settings, csr, (await center.open_assignment(ticket_id)).id)
    async with database.transaction() as session:
        results = (await send_back(session, lead, [ticket_id, queued], "Wrong desk")).results
    assert [result.outcome for result in results] == [Outcome.QUEUED, Outcome.UNCHANGED]
    other = await center.person()
    assert await route_once(database, settings) == 1
    assert await center.holder(ticket_id) == other.id  # not to who has just had it


async def test_only_supervisors_and_only_with_a_reason(center: Center, database: Database, settings: Settings) -> None:
    lead, csr = await center.person(Role.SUPERVISOR, intent=None), await center.person(Role.CSR2)
    machine = await center.person(Role.SERVICE, intent=None)
    ticket_id = await center.ticket()
    async with database.transaction() as session:
        with pytest.raises(Forbidden):
            await assign(session, settings, csr, [ticket_id], [csr.id], "Mine")
        with pytest.raises(Forbidden):
            await send_back(session, csr, [ticket_id], "Away")
        with pytest.raises(Invalid):
            await assign(session, settings, lead, [ticket_id], [csr.id], "   ")
        with pytest.raises(Invalid):
            await assign(session, settings, lead, [], [csr.id], "None")
        with pytest.raises(Invalid):
            await assign(session, settings, lead, [ticket_id], [machine.id], "A machine")
        with pytest.raises(NotFound):
            await assign(session, settings, lead, [ticket_id], [424242], "Nobody")
    assert await center.assignments(ticket_id) == []
