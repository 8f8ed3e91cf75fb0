"""What happens to a ticket moves its clocks: three promises, what starts, stops and ends them, and their history."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import delete, select, update

from services.tickets import contacts, corrections, deliveries, merge
from services.tickets.calls import attempts
from services.tickets.calls.attempts import Told
from services.tickets.clocks import settle
from shared import clock
from shared.models import (
    CallOutcome,
    Channel,
    ClockEnd,
    ClockKind,
    DeliveryKind,
    PauseCause,
    Priority,
    SlaClock,
    Ticket,
    TicketState,
)
from tests.tickets.clocks.conftest import FIRST, NEXT, RESOLUTION, Case, later

NOON = datetime(2026, 12, 2, 20, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def at_noon() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def time(at_noon: time_machine.Traveller) -> time_machine.Traveller:
    return at_noon


async def test_a_ticket_begins_with_two_promises_and_shows_what_is_due_next(case: Case) -> None:
    first, resolution = await case.clocks()
    assert (first.kind, first.target_s, first.due_at) == (FIRST, 240 * 60, NOON + 240 * MINUTE)
    assert (resolution.kind, resolution.due_at) == (RESOLUTION, NOON + 1800 * MINUTE)
    assert first.warn_at == NOON + 180 * MINUTE
    ticket = await case.ticket()
    assert (ticket.due_at, ticket.due_kind) == (first.due_at, FIRST)


async def test_only_a_person_answers_and_the_answer_counts_when_it_left(
    case: Case, time: time_machine.Traveller
) -> None:
    (acknowledgement,) = await case.center.deliveries(case.ticket_id, DeliveryKind.ACKNOWLEDGEMENT)
    await case.center.sent(acknowledgement.id)
    later(time, 10)
    written = await case.reply()
    later(time, 5)
    assert (await case.clock(FIRST)).ended_at is None
    await case.center.sent(written)
    first = await case.clock(FIRST)
    assert (first.ended_how, first.ended_at, first.used_s, first.late_s) == (ClockEnd.MET, clock.now(), 900, 0)
    assert (await case.ticket()).due_kind is RESOLUTION


async def test_each_message_is_a_promise_until_it_is_answered(case: Case, time: time_machine.Traveller) -> None:
    await case.answer()
    later(time, 30)
    await case.writes()
    asked = clock.now()
    later(time, 20)
    await case.writes()  # once more: they have waited since the first of them
    assert (await case.clock(NEXT)).started_at == asked
    assert (await case.ticket()).due_at == asked + 240 * MINUTE
    await case.answer()
    assert (await case.clock(NEXT)).used_s == 1200
    later(time, 1)
    await case.writes()
    kinds = [each.kind for each in await case.clocks()]
    assert kinds == [FIRST, RESOLUTION, NEXT, NEXT]


async def test_a_message_that_crossed_our_answer_still_waits(case: Case, time: time_machine.Traveller) -> None:
    written = await case.reply()
    left = clock.now()
    later(time, 1)
    await case.writes()
    async with case.center.database.transaction() as session:
        await session.execute(update(Ticket).values(updated_at=clock.now()))
    with time_machine.travel(left, tick=False):
        await case.center.sent(written)
    assert (await case.clock(FIRST)).ended_how is ClockEnd.MET
    assert (await case.clock(NEXT)).started_at == left + MINUTE


async def test_the_resolution_waits_for_the_customer_and_no_other_does(
    case: Case, time: time_machine.Traveller
) -> None:
    later(time, 60)
    await case.state(TicketState.WAITING)  # without a word to them
    later(time, 600)
    assert (await case.clock(FIRST)).running_since is not None
    stopped = await case.clock(RESOLUTION)
    assert (stopped.used_s, stopped.running_since, stopped.due_at) == (3600, None, None)
    await case.writes()
    going = await case.clock(RESOLUTION)
    assert going.due_at == clock.now() + (1800 - 60) * MINUTE
    (pause,) = await case.pauses(RESOLUTION)
    assert (pause.cause, pause.at_s, pause.passed_s) == (PauseCause.CUSTOMER, 3600, 36000)
    await case.center.give(case.ticket_id, case.me)  # who had it is not there any more: it waits in the queue
    await case.state(TicketState.CLOSED)
    closed = await case.clock(RESOLUTION)
    assert (closed.ended_how, closed.used_s) == (ClockEnd.MET, 3600)


async def test_the_first_answer_waits_for_nobody_who_was_called_once(case: Case, time: time_machine.Traveller) -> None:
    async def call(outcome: CallOutcome) -> None:
        async with case.center.database.transaction() as session:
            attempt = await attempts.start(session, case.center.settings, case.me, case.ticket_id, "+17075550142")
        async with case.center.database.transaction() as session:
            await attempts.log(session, case.center.settings, case.me, case.ticket_id, attempt.id, Told(outcome))

    await call(CallOutcome.NO_ANSWER)
    assert (await case.clock(FIRST)).running_since is not None
    later(time, 90)
    await call(CallOutcome.LEFT_MESSAGE)
    first = await case.clock(FIRST)
    assert (first.running_since, first.used_s, first.due_at) == (None, 5400, None)
    (pause,) = await case.pauses(FIRST)
    assert pause.cause is PauseCause.CALL
    later(time, 300)
    await call(CallOutcome.REACHED)  # ends the wait, and is the answer
    first = await case.clock(FIRST)
    assert (first.ended_how, first.used_s, first.late_s) == (ClockEnd.MET, 5400, 0)


async def test_who_answers_late_is_late_by_so_much(case: Case, time: time_machine.Traveller) -> None:
    later(time, 250)
    await case.answer()
    first = await case.clock(FIRST)
    assert (first.late_s, first.breached_at) == (600, NOON + 240 * MINUTE)


async def test_a_priority_moves_what_is_promised(case: Case, time: time_machine.Traveller) -> None:
    later(time, 10)
    for priority, due in ((Priority.HIGH, 30), (Priority.EMERGENCY, 30), (Priority.NORMAL, 240)):
        async with case.center.database.transaction() as session:
            await corrections.set_priority(session, case.center.settings, case.me, case.ticket_id, priority)
        first = await case.clock(FIRST)
        assert (first.due_at, first.around_clock) == (NOON + due * MINUTE, priority is Priority.EMERGENCY)
    assert (await case.ticket()).due_at == NOON + 240 * MINUTE


async def test_a_reply_that_is_taken_back_never_closed_anything(case: Case, time: time_machine.Traveller) -> None:
    later(time, 10)
    written = await case.reply(TicketState.CLOSED)
    assert (await case.clock(RESOLUTION)).ended_how is ClockEnd.MET
    assert (await case.clock(FIRST)).ended_at is None, "it has not left"
    async with case.center.database.transaction() as session:
        await deliveries.take_back(session, case.center.settings, case.me, case.ticket_id, written)
    assert [each.due_at for each in await case.clocks()] == [NOON + 240 * MINUTE, NOON + 1800 * MINUTE]


async def test_closed_without_an_answer_and_opened_again(case: Case, time: time_machine.Traveller) -> None:
    later(time, 10)
    await case.state(TicketState.CLOSED)
    assert (await case.clock(FIRST)).ended_how is ClockEnd.DROPPED
    assert (await case.ticket()).due_at is None
    later(time, 60)
    await case.state(TicketState.QUEUED)
    assert (await case.clock(FIRST)).started_at == clock.now()
    assert (await case.clock(RESOLUTION)).started_at == clock.now()


async def test_a_contact_at_the_counter_is_answered_by_who_keeps_it(case: Case) -> None:
    for take, kinds in ((True, {RESOLUTION}), (False, {FIRST, RESOLUTION})):
        async with case.center.database.transaction() as session:
            ticket = await contacts.create_contact(
                session, case.center.settings, case.me, channel=Channel.WALK_IN, language="en", subject="Hello",
                text="", name="", phone="", email="", take=take,
            )  # fmt: skip
        here = Case(case.center, case.me, ticket.id)
        assert {each.kind for each in await here.clocks() if each.ended_at is None} == kinds


async def test_two_that_are_one_count_from_who_waited_first(case: Case, time: time_machine.Traveller) -> None:
    later(time, 100)
    other = await case.center.receive(from_address="bea@example.com")
    assert other.ticket is not None
    into = Case(case.center, case.me, other.ticket.id)
    async with case.center.database.transaction() as session:
        await merge.merge(session, case.center.settings, case.me, case.ticket_id, into.ticket_id, confirmed=True)
    assert (await into.clock(FIRST)).due_at == NOON + 240 * MINUTE
    assert {each.ended_how for each in await case.clocks()} == {ClockEnd.DROPPED}


async def test_a_call_without_words_promises_nothing(case: Case) -> None:
    seen = await case.center.call("", duration_s=20.0)
    assert seen.ticket is not None
    here = Case(case.center, case.me, seen.ticket.id)
    assert [each.ended_how for each in await here.clocks()] == [ClockEnd.DROPPED] * 2
    assert (await here.ticket()).due_at is None


async def test_the_sweep_finds_what_moved_without_a_word(case: Case, time: time_machine.Traveller) -> None:
    async with case.center.database.transaction() as session:
        await session.execute(update(Ticket).values(state=TicketState.WAITING, updated_at=NOON + 5 * MINUTE))
    later(time, 9)
    assert await settle.settle(case.center.database, case.center.settings) == 1
    assert (await case.clock(RESOLUTION)).used_s == 300
    assert await settle.settle(case.center.database, case.center.settings) == 0
    async with case.center.database.transaction() as session:
        await session.execute(delete(SlaClock).where(SlaClock.kind == ClockKind.FIRST_RESPONSE))
        await session.execute(
            update(Ticket).values(state=TicketState.QUEUED, assignee_id=None, updated_at=NOON + 7 * MINUTE)
        )
    assert await settle.settle(case.center.database, case.center.settings) == 1
    assert (await case.clock(RESOLUTION)).due_at == NOON + 1802 * MINUTE


async def test_tickets_that_are_older_than_clocks_get_them(case: Case, time: time_machine.Traveller) -> None:
    async with case.center.database.transaction() as session:
        await session.execute(delete(SlaClock))
        await session.execute(update(Ticket).values(due_at=None, due_kind=None))
    later(time, 9)
    assert await settle.begin_old(case.center.database, case.center.settings) == 1
    assert await settle.begin_old(case.center.database, case.center.settings) == 0
    assert (await case.clock(FIRST)).due_at == NOON + 240 * MINUTE
    async with case.center.database.transaction() as session:
        assert await session.scalar(select(Ticket.due_kind)) is FIRST
