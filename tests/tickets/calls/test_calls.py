"""A callback from the first try to the answer: attempts, the stopped clock, the return, wrong numbers, promises."""

import asyncio
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, update

from services.tickets import caller_actions, desk
from services.tickets.calls import attempts, promises, schedule
from services.tickets.calls.attempts import Told
from services.tickets.calls.numbers import NumberSource, callbacks_of, numbers_of
from services.tickets.views.calls import calls_view, due_promises
from shared import clock
from shared.errors import Conflict, Forbidden, Invalid
from shared.models import (
    AuditEvent,
    CallAttempt,
    CallerFactState,
    CallOutcome,
    Customer,
    CustomerIdentity,
    EntryKind,
    IdentityKind,
    Intent,
    Presence,
    PresenceLease,
    Priority,
    Promise,
    Role,
    ScheduledCall,
    Ticket,
    TicketState,
)
from shared.people import Actor
from tests.tickets.intake.conftest import Center

NO_ANSWER, REACHED = CallOutcome.NO_ANSWER, CallOutcome.REACHED


class Phone:
    """One person's telephone on one ticket."""

    def __init__(self, center: Center, me: Actor, ticket_id: int) -> None:
        self.center, self.me, self.ticket_id = center, me, ticket_id

    async def start(self, number: str | None = None) -> CallAttempt:
        async with self.center.database.transaction() as session:
            return await attempts.start(session, self.center.settings, self.me, self.ticket_id, number)

    async def log(self, attempt: CallAttempt, outcome: CallOutcome, **told: object) -> None:
        async with self.center.database.transaction() as session:
            said = Told(outcome, **told)  # type: ignore[arg-type]
            await attempts.log(session, self.center.settings, self.me, self.ticket_id, attempt.id, said)

    async def call(self, outcome: CallOutcome, **told: object) -> None:
        await self.log(await self.start(), outcome, **told)

    async def what(self) -> list[str]:
        return [entry.detail["what"] for entry in await self.center.entries(self.ticket_id, EntryKind.CALL)]


@pytest.fixture
async def phone(center: Center) -> Phone:
    seen = await center.call("My bill is wrong, please call me back.")
    assert seen.ticket is not None
    me = await center.person()
    await center.give(seen.ticket.id, me)
    return Phone(center, me, seen.ticket.id)


async def scheduled(center: Center, ticket_id: int) -> ScheduledCall | None:
    async with center.database.transaction() as session:
        return await attempts.scheduled_on(session, ticket_id)


async def pull(center: Center, ticket_id: int, at: timedelta) -> None:
    """The scheduled time comes: it is `at` from now."""
    async with center.database.transaction() as session:
        await session.execute(
            update(ScheduledCall).where(ScheduledCall.ticket_id == ticket_id).values(call_at=clock.now() + at)
        )
    await schedule.come_due(center.database, center.settings)


async def test_a_reached_customer_is_the_first_response_and_everything_is_written_down(phone: Phone) -> None:
    center = phone.center
    await phone.call(REACHED, note="She will send the letter.", then=TicketState.WAITING)
    ticket = await center.ticket(phone.ticket_id)
    assert ticket.first_responded_at is not None
    assert ticket.state is TicketState.WAITING
    (entry,) = await center.entries(phone.ticket_id, EntryKind.CALL)
    assert (entry.text, entry.detail["what"], entry.detail["number"]) == (
        "She will send the letter.", "reached", "+17075550142",
    )  # fmt: skip
    async with center.database.transaction() as session:
        actions = list(await session.scalars(select(AuditEvent.action).where(AuditEvent.action.like("call.%"))))
    assert actions == ["call.start", "call.log"]


async def test_two_calls_without_an_answer_stop_the_clock_and_set_the_next(phone: Phone) -> None:
    center = phone.center
    before = await center.ticket(phone.ticket_id)
    await phone.call(NO_ANSWER)
    assert (await center.ticket(phone.ticket_id)).state is TicketState.ASSIGNED
    await phone.call(CallOutcome.LEFT_MESSAGE)
    waiting = await center.ticket(phone.ticket_id)
    assert waiting.state is TicketState.WAITING
    assert waiting.first_responded_at is None
    planned = await scheduled(center, phone.ticket_id)
    assert planned is not None
    assert before.due_at is not None
    left = (before.due_at - clock.now()).total_seconds()
    assert waiting.due_at is None, "it stands still"
    assert await phone.what() == ["no_answer", "left_message", "scheduled"]
    # Its time comes and nobody is at the desk: to the queue, with the time that was left and the wait it always had.
    await pull(center, phone.ticket_id, timedelta(seconds=-1))
    back = await center.ticket(phone.ticket_id)
    assert back.state is TicketState.QUEUED
    assert back.queued_at == before.queued_at
    assert back.due_at is not None
    assert (back.due_at - clock.now()).total_seconds() == pytest.approx(left, abs=30)
    assert (await phone.what())[-1] == "due"
    assert await scheduled(center, phone.ticket_id) is None


async def test_it_returns_to_its_person_if_they_are_there_and_one_more_try_waits_again(phone: Phone) -> None:
    center = phone.center
    async with center.database.transaction() as session:
        session.add(Presence(person_id=phone.me.id, intent=Intent.BUSY, since=clock.now()))
        session.add(PresenceLease(person_id=phone.me.id, tab_id="t", expires_at=clock.now() + timedelta(minutes=2)))
    await phone.call(NO_ANSWER)
    await phone.call(NO_ANSWER)
    await pull(center, phone.ticket_id, timedelta(hours=1))
    assert (await center.ticket(phone.ticket_id)).state is TicketState.WAITING
    await pull(center, phone.ticket_id, timedelta(0))
    back = await center.ticket(phone.ticket_id)
    assert (back.state, back.assignee_id) == (TicketState.ASSIGNED, phone.me.id)
    await phone.call(NO_ANSWER)
    assert (await center.ticket(phone.ticket_id)).state is TicketState.WAITING


@pytest.mark.parametrize("how", ["call", "work", "mail", "close"])
async def test_whatever_goes_on_before_ends_the_wait_for_the_call(phone: Phone, how: str) -> None:
    center = phone.center
    await phone.call(NO_ANSWER)
    await phone.call(NO_ANSWER)
    if how == "call":
        await phone.start()
    elif how == "mail":
        async with center.database.transaction() as session:
            ticket = await session.get_one(Ticket, phone.ticket_id, with_for_update=True)
            ticket.state, ticket.rev = TicketState.ASSIGNED, ticket.rev + 1
        await schedule.come_due(center.database, center.settings)
    else:
        state = TicketState.ASSIGNED if how == "work" else TicketState.CLOSED
        async with center.database.transaction() as session:
            await desk.set_state(session, center.settings, phone.me, phone.ticket_id, state)
    async with center.database.transaction() as session:
        row = (await session.scalars(select(ScheduledCall))).one()
    assert row.ended_at is not None
    assert row.ended_how is not None
    wanted = TicketState.CLOSED if how == "close" else TicketState.ASSIGNED
    assert (await center.ticket(phone.ticket_id)).state is wanted


async def test_an_emergency_never_waits(phone: Phone) -> None:
    await phone.center.change(phone.ticket_id, priority=Priority.EMERGENCY)
    for _ in range(3):
        await phone.call(NO_ANSWER)
    assert (await phone.center.ticket(phone.ticket_id)).state is TicketState.ASSIGNED


async def test_two_at_once_cannot_call(phone: Phone) -> None:
    center = phone.center
    lead = Phone(center, await center.person(Role.SUPERVISOR), phone.ticket_id)
    results = await asyncio.gather(phone.start(), lead.start(), return_exceptions=True)
    assert sum(isinstance(each, Conflict) for each in results) == 1
    async with center.database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(CallAttempt)) == 1
    stranger = Phone(center, await center.person(), phone.ticket_id)
    with pytest.raises(Forbidden):
        await stranger.start()


async def test_a_call_that_was_forgotten_keeps_nobody_from_calling(phone: Phone) -> None:
    center = phone.center
    forgotten = await phone.start()
    assert (await phone.start()).id == forgotten.id
    async with center.database.transaction() as session:
        await session.execute(update(CallAttempt).values(started_at=clock.now() - timedelta(hours=2)))
    lead = Phone(center, await center.person(Role.SUPERVISOR), phone.ticket_id)
    await lead.call(REACHED)
    assert await phone.what() == ["not_logged", "reached"]
    with pytest.raises(Conflict):
        await phone.log(forgotten, REACHED)


async def test_one_telephone_makes_one_call(phone: Phone) -> None:
    center = phone.center
    other = await center.call("Another matter.", caller_id="+17075550143")
    assert other.ticket is not None
    await center.give(other.ticket.id, phone.me)
    await phone.start()
    with pytest.raises(Conflict, match="Say first how your call"):
        await Phone(center, phone.me, other.ticket.id).start()


async def test_a_wrong_number_leaves_the_ticket_and_the_next_best_is_offered(phone: Phone) -> None:
    center = phone.center
    await center.change(phone.ticket_id, callback_number="+17075550199")
    async with center.database.transaction() as session:
        ticket = await session.get_one(Ticket, phone.ticket_id)
        session.add(Customer(name="Ana"))
        session.add(CustomerIdentity(kind=IdentityKind.PHONE, value="+17075550177", customer_id=ticket.customer_id))
    await phone.call(CallOutcome.WRONG_NUMBER)
    async with center.database.transaction() as session:
        ticket = await session.get_one(Ticket, phone.ticket_id)
        assert ticket.callback_number == "+17075550142"
        offered = await numbers_of(session, ticket)
    assert [(each.number, each.source) for each in offered] == [
        ("+17075550142", NumberSource.TICKET), ("+17075550177", NumberSource.CUSTOMER),
    ]  # fmt: skip
    (entry,) = await center.entries(phone.ticket_id, EntryKind.CALL)
    assert entry.detail["cleared"] is True
    for _ in range(2):
        await phone.call(NO_ANSWER)
    assert (await center.ticket(phone.ticket_id)).state is TicketState.WAITING


async def test_what_a_caller_said_is_offered_and_a_wrong_number_takes_its_confirmation_back(center: Center) -> None:
    seen = await center.call("This is Ana. Please call me back at seven oh seven, five five five, oh one nine nine.")
    assert seen.ticket is not None
    me = await center.person()
    await center.give(seen.ticket.id, me)
    phone = Phone(center, me, seen.ticket.id)
    async with center.database.transaction() as session:
        ticket = await session.get_one(Ticket, phone.ticket_id)
        offered = await numbers_of(session, ticket)
        assert [(each.number[-4:], each.source.value) for each in offered] == [("0142", "ticket"), ("0199", "heard")]
        (said,) = await callbacks_of(session, phone.ticket_id)
        await caller_actions.confirm(session, me, phone.ticket_id, said.fact_id)
    attempt = await phone.start()
    assert attempt.number == "+17075550199"
    await phone.log(attempt, CallOutcome.WRONG_NUMBER)
    async with center.database.transaction() as session:
        ticket = await session.get_one(Ticket, phone.ticket_id)
        offered = await numbers_of(session, ticket)
        (said,) = await callbacks_of(session, phone.ticket_id)
    assert [(each.number[-4:], each.source.value) for each in offered] == [("0142", "ticket")]
    assert said.state is CallerFactState.REJECTED
    (entry,) = await center.entries(phone.ticket_id, EntryKind.CALL)
    assert entry.detail["cleared"] is True


async def test_a_ticket_without_a_number_asks_for_one(center: Center) -> None:
    seen = await center.receive("Please call me, I have no time to write.")
    assert seen.ticket is not None
    me = await center.person()
    await center.give(seen.ticket.id, me)
    phone = Phone(center, me, seen.ticket.id)
    with pytest.raises(Invalid, match="no telephone number"):
        await phone.start()
    with pytest.raises(Invalid, match="not a telephone number"):
        await phone.start("soon")
    assert (await phone.start("(707) 555-0133")).number == "+17075550133"


async def test_a_promise_comes_up_on_its_day_and_is_crossed_off(phone: Phone) -> None:
    center = phone.center
    today = clock.now().astimezone(ZoneInfo(center.settings.timezone)).date()
    with pytest.raises(Invalid):
        await phone.call(REACHED, promise="Send the form.", promise_by=today - timedelta(days=1))
    await phone.log(await phone.start(), REACHED, promise="Send the form.", promise_by=today, then=TicketState.CLOSED)
    assert await promises.remind(center.database) == 1
    assert await promises.remind(center.database) == 0
    async with center.database.transaction() as session:
        (due,) = await due_promises(session, center.settings, phone.me.id)
        assert (due.text, due.due, due.late) == ("Send the form.", True, False)
        await promises.keep(session, phone.me, due.id)
    async with center.database.transaction() as session:
        assert await due_promises(session, center.settings) == []
        ticket = await session.get_one(Ticket, phone.ticket_id)
        view = await calls_view(session, center.settings, ticket)
        assert [each.kept_at is not None for each in view.promises] == [True]
        assert await session.scalar(select(func.count()).select_from(Promise)) == 1
    written = await center.entries(phone.ticket_id, EntryKind.PROMISE)
    assert [entry.detail["what"] for entry in written] == ["made", "due", "kept"]
