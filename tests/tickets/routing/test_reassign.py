"""Reassigning in bulk: spreading, two hundred at once, undoing what nobody has touched since, and pins."""

from datetime import timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select

from services.tickets.presence import sweep_presence
from services.tickets.routing.deal import Deal, Flag
from services.tickets.routing.offers import accept, take
from services.tickets.routing.pins import set_pin
from services.tickets.routing.router import route_once
from services.tickets.routing.rules import Situation
from services.tickets.routing.supervise import assign, preview, send_back
from services.tickets.routing.terms import Certificate, PersonState, Policy
from services.tickets.routing.terms import TicketState as TicketValues
from services.tickets.routing.undo import undo
from shared import clock
from shared.database import Database
from shared.errors import Conflict, Forbidden, Invalid
from shared.models import (
    AuditEvent,
    Channel,
    Entry,
    EntryKind,
    Intent,
    Level,
    Person,
    Priority,
    ReassignedTicket,
    Role,
    Ticket,
    TicketState,
    UndoOutcome,
)
from shared.people import Actor
from shared.settings import Settings
from tests.tickets.routing.conftest import Center

languages = st.sampled_from(["en", "es", "mixed", "unknown", "zh"])
tickets_ = st.lists(
    st.tuples(languages, st.sampled_from(Level), st.booleans(), st.integers(0, 3)), min_size=1, max_size=30
)
people_ = st.lists(
    st.tuples(st.sampled_from([Role.INTERN, Role.CSR1, Role.CSR2]), st.booleans(), st.booleans(), st.integers(0, 5)),
    min_size=1,
    max_size=6,
)


@given(tickets_, people_)
def test_spreading_keeps_spanish_with_the_verified_and_loses_nothing(
    tickets: list[tuple[str, Level, bool, int]], people: list[tuple[Role, bool, bool, int]]
) -> None:
    spanish = frozenset({Certificate("es", "written"), Certificate("es", "spoken")})
    team = [
        PersonState(
            id=number, role=role, live=live, capacity=capacity, certificates=spanish if bilingual else frozenset()
        )
        for number, (role, bilingual, live, capacity) in enumerate(people, 1)
    ]
    by_id = {person.id: person for person in team}
    situation = Situation(Policy(), reviewer_live=True)
    deal = Deal(team, situation)
    dealt = []
    for number, (language, level, urgent, weight) in enumerate(tickets, 1):
        priority = Priority.HIGH if urgent else Priority.NORMAL
        values = TicketValues(number, Channel.EMAIL, language, level, priority, weight)
        dealt.append((values, deal.deal(values, held_by=None)))
    assert sum(deal.load(person.id) for person in team) == sum(weight for *_, weight in tickets)
    for values, each in dealt:
        unverified = Flag.UNVERIFIED_LANGUAGE in each.flags
        assert unverified == (values.language in ("es", "mixed") and not by_id[each.person_id].certificates)
        if unverified:  # only where nobody of them is verified
            assert not any(person.certificates for person in team)


def test_equals_get_equal_shares() -> None:
    team = [PersonState(id=number, role=Role.CSR1, capacity=3, load=3 - number) for number in (1, 2, 3)]
    deal = Deal(team, Situation(Policy()))
    for number in range(1, 7):
        ticket = TicketValues(number, Channel.EMAIL, "en", Level.CSR1, Priority.NORMAL, 1)
        deal.deal(ticket, held_by=None)
    assert [deal.load(person.id) for person in team] == [3, 3, 3]


async def move(center: Center, settings: Settings, lead: Actor, tickets: list[int], *people: Actor) -> int:
    async with center.database.transaction() as session:
        moved = await assign(session, settings, lead, tickets, [each.id for each in people], "Cover", override=True)
    assert moved.id is not None
    return moved.id


async def outcomes(center: Center, settings: Settings, lead: Actor, number: int) -> list[UndoOutcome]:
    async with center.database.transaction() as session:
        return [each.outcome for each in await undo(session, settings, lead, number)]


async def test_two_hundred_tickets_are_spread_and_undone_in_few_statements(
    center: Center, database: Database, settings: Settings
) -> None:
    lead = await center.person(Role.SUPERVISOR, intent=None)
    gone = await center.person(intent=Intent.OFFLINE, live=False, capacity=50)
    team = [await center.person(capacity=50, spanish=number == 0) for number in range(4)]
    async with database.transaction() as session:
        made = [
            Ticket(
                channel=Channel.EMAIL, language="es" if number % 5 == 0 else "en", level=Level.CSR1,
                reply_token=f"bulk-{number}", queued_at=clock.now(),
            )
            for number in range(200)
        ]  # fmt: skip
        session.add_all(made)
        await session.flush()
        tickets = [ticket.id for ticket in made]
    first = await move(center, settings, lead, tickets, gone)
    statements = 0

    def count(*_: object) -> None:
        nonlocal statements
        statements += 1

    event.listen(database.engine.sync_engine, "before_cursor_execute", count)
    number = await move(center, settings, lead, tickets, *team)
    back = await outcomes(center, settings, lead, number)
    event.remove(database.engine.sync_engine, "before_cursor_execute", count)
    assert back == [UndoOutcome.BACK] * 200
    assert statements < 100  # of both, whatever the number of tickets
    async with database.transaction() as session:
        rows = list(await session.scalars(select(ReassignedTicket).where(ReassignedTicket.reassignment_id == number)))
        audited = list(await session.scalars(select(AuditEvent.action)))
    assert {row.to_id for row in rows if row.ticket_id in tickets[::5]} == {team[0].id}
    shares = [sum(row.to_id == person.id for row in rows) for person in team]
    assert max(shares) - min(shares) <= 1
    assert audited.count("ticket.assign") == 400
    assert audited.count("ticket.assign_undo") == 200
    assert await center.holder(tickets[7]) == gone.id
    assert (await center.open_assignment(tickets[7])).pinned  # as the first move had left it
    with pytest.raises(Conflict):
        await outcomes(center, settings, lead, number)
    assert await outcomes(center, settings, lead, first) != []


async def test_undoing_leaves_what_somebody_has_touched_and_says_so(
    center: Center, database: Database, settings: Settings
) -> None:
    lead = await center.person(Role.SUPERVISOR, intent=None)
    holder, target = await center.person(capacity=9), await center.person(capacity=9)
    mine, noted, closed, gone_on, queued, mailed = [await center.ticket() for _ in range(6)]
    held = [mine, noted, closed, gone_on, mailed]
    for ticket_id in held:
        async with database.transaction() as session:
            await take(session, settings, holder, ticket_id)
    number = await move(center, settings, lead, [*held, queued], target)
    async with database.transaction() as session:
        session.add(Entry(ticket_id=noted, kind=EntryKind.NOTE, actor_id=target.id, text="I called"))
        session.add(Entry(ticket_id=mailed, kind=EntryKind.MAIL_IN, text="Any news?"))
    await center.change(closed, state=TicketState.CLOSED, closed_at=clock.now(), assignee_id=None)
    await move(center, settings, lead, [gone_on], await center.person())
    assert await outcomes(center, settings, lead, number) == [
        UndoOutcome.BACK, UndoOutcome.TOUCHED, UndoOutcome.CLOSED, UndoOutcome.TOUCHED, UndoOutcome.BACK,
        UndoOutcome.BACK,
    ]  # fmt: skip
    assert await center.holder(mine) == holder.id
    assert not (await center.open_assignment(mine)).pinned
    assert await center.holder(noted) == target.id
    assert await center.holder(queued) is None
    assert (await center.get(queued)).state is TicketState.QUEUED
    assert (await center.entries(mine))[-1].detail["how"] == "undone"
    # The queue's ticket may be offered again at once, also to who had it for a moment.
    assert await route_once(database, settings) == 1


async def test_undoing_a_sending_back_wins_over_an_offer_and_loses_to_an_acceptance(
    center: Center, database: Database, settings: Settings
) -> None:
    lead = await center.person(Role.SUPERVISOR, intent=None)
    holder = await center.person(capacity=9)
    tickets = [await center.ticket() for _ in range(3)]
    for ticket_id in tickets:
        async with database.transaction() as session:
            await take(session, settings, holder, ticket_id)
    async with database.transaction() as session:
        moved = await send_back(session, lead, tickets, "Too much")
    others = [await center.person(), await center.person()]
    assert await route_once(database, settings) == 2  # nobody has room for the third
    offered = [ticket_id for ticket_id in tickets if await center.holder(ticket_id)]
    offer = await center.open_assignment(offered[0])
    async with database.transaction() as session:
        await accept(session, settings, next(each for each in others if each.id == offer.person_id), offer.id)
    assert moved.id is not None
    results = dict(zip(tickets, await outcomes(center, settings, lead, moved.id), strict=True))
    assert results.pop(offered[0]) is UndoOutcome.TOUCHED
    assert set(results.values()) == {UndoOutcome.BACK}
    assert [await center.holder(ticket_id) for ticket_id in results] == [holder.id] * 2


async def test_undoing_ends_with_its_time_and_with_who_has_left(
    center: Center, database: Database, settings: Settings
) -> None:
    lead, csr = await center.person(Role.SUPERVISOR, intent=None), await center.person()
    holder, target = await center.person(), await center.person()
    ticket_id = await center.ticket()
    async with database.transaction() as session:
        await take(session, settings, holder, ticket_id)
    number = await move(center, settings, lead, [ticket_id], target)
    async with database.transaction() as session:
        with pytest.raises(Forbidden):
            await undo(session, settings, csr, number)
    with time_machine.travel(clock.now() + timedelta(seconds=settings.reassign_undo_s + 1)), pytest.raises(Conflict):
        await outcomes(center, settings, lead, number)
    async with database.transaction() as session:
        (await session.get_one(Person, holder.id)).active = False
    assert await outcomes(center, settings, lead, number) == [UndoOutcome.LEFT]
    assert await center.holder(ticket_id) == target.id


async def test_a_preview_says_what_will_happen_and_changes_nothing(
    center: Center, database: Database, settings: Settings
) -> None:
    lead = await center.person(Role.SUPERVISOR, intent=None)
    target = await center.person(capacity=2)
    tickets = [await center.ticket("es"), await center.ticket(), await center.ticket(), await center.ticket()]
    async with database.transaction() as session:
        seen = await preview(session, settings, lead, tickets, [target.id])
        assert not session.dirty
        assert not session.new
    assert [each.flags for each in seen] == [[Flag.UNVERIFIED_LANGUAGE], [], [Flag.OVER_CAPACITY], [Flag.OVER_CAPACITY]]
    assert [await center.assignments(ticket_id) for ticket_id in tickets] == [[]] * 4
    async with database.transaction() as session:
        done = (await assign(session, settings, lead, tickets, [target.id], "As seen", override=True)).results
    assert [each.flags for each in done] == [each.flags for each in seen]


async def test_a_pin_holds_until_it_is_taken_out(center: Center, database: Database, settings: Settings) -> None:
    lead, csr = await center.person(Role.SUPERVISOR, intent=None), await center.person(capacity=3)
    ticket_id, queued = await center.ticket(), await center.ticket()
    async with database.transaction() as session:
        await take(session, settings, csr, ticket_id)
    async with database.transaction() as session:
        with pytest.raises(Forbidden):
            await set_pin(session, csr, ticket_id, True, "Mine")
        with pytest.raises(Invalid):
            await set_pin(session, lead, ticket_id, True, " ")
        with pytest.raises(Conflict):
            await set_pin(session, lead, queued, True, "Nobody has it")
    async with database.transaction() as session:
        await set_pin(session, lead, ticket_id, True, "Knows the customer")
    pinned = await center.open_assignment(ticket_id)
    assert (pinned.pinned, pinned.pinned_by_id, pinned.pin_reason) == (True, lead.id, "Knows the customer")
    await center.change(ticket_id, language="es")  # it would no longer fit
    await center.leave(csr)
    with time_machine.travel(clock.now() + timedelta(hours=5)):
        assert await sweep_presence(database, settings) == 0
        await route_once(database, settings)
        assert await center.holder(ticket_id) == csr.id
        async with database.transaction() as session:
            await set_pin(session, lead, ticket_id, False, "She left")
        await route_once(database, settings)
    assert await center.holder(ticket_id) is None
    said = [entry.detail["what"] for entry in await center.entries(ticket_id) if entry.kind is EntryKind.PIN]
    assert said == ["pinned", "unpinned"]
