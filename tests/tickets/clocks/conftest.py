"""A center that is open always, its tickets and their clocks."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from services.tickets import desk
from services.tickets.clocks import changes, watch
from shared import clock
from shared.models import ClockKind, SlaClock, SlaPause, Ticket, TicketState
from shared.people import Actor
from tests.tickets.intake.conftest import Center as Mail
from tests.tickets.intake.conftest import center

__all__ = ["center"]
FIRST, NEXT, RESOLUTION = ClockKind.FIRST_RESPONSE, ClockKind.NEXT_RESPONSE, ClockKind.RESOLUTION


class Case:
    """One ticket, whose it is, and what becomes of its promises."""

    def __init__(self, center: Mail, me: Actor, ticket_id: int) -> None:
        self.center, self.me, self.ticket_id = center, me, ticket_id

    async def clocks(self) -> Sequence[SlaClock]:
        async with self.center.database.transaction() as session:
            found = await session.scalars(
                select(SlaClock).where(SlaClock.ticket_id == self.ticket_id).order_by(SlaClock.id)
            )
            return found.all()

    async def clock(self, kind: ClockKind) -> SlaClock:
        """The newest of its kind."""
        return [each for each in await self.clocks() if each.kind is kind][-1]

    async def pauses(self, kind: ClockKind) -> Sequence[SlaPause]:
        async with self.center.database.transaction() as session:
            found = await session.scalars(
                select(SlaPause)
                .join(SlaClock, SlaClock.id == SlaPause.clock_id)
                .where(SlaClock.ticket_id == self.ticket_id, SlaClock.kind == kind)
                .order_by(SlaPause.id)
            )
            return found.all()

    async def ticket(self) -> Ticket:
        return await self.center.ticket(self.ticket_id)

    async def state(self, state: TicketState) -> None:
        async with self.center.database.transaction() as session:
            await desk.set_state(session, self.center.settings, self.me, self.ticket_id, state)

    async def reply(self, then: TicketState | None = None) -> int:
        """Written, not yet sent."""
        async with self.center.database.transaction() as session:
            sent = await desk.reply(session, self.center.settings, self.me, self.ticket_id, text="Here.", then=then)
            return sent.id

    async def answer(self, then: TicketState | None = None) -> None:
        await self.center.sent(await self.reply(then))

    async def writes(self) -> None:
        """The customer, once more."""
        ticket = await self.ticket()
        await self.center.receive("And another thing.", reply_token=ticket.reply_token)

    async def mark(self) -> int:
        return await watch.mark(self.center.database)

    async def follow(self) -> None:
        await changes.follow_changes(self.center.database, self.center.settings)


@pytest.fixture
async def case(center: Mail) -> Case:
    seen = await center.receive()
    assert seen.ticket is not None
    me = await center.person()
    await center.give(seen.ticket.id, me)
    return Case(center, me, seen.ticket.id)


def later(traveller: time_machine.Traveller, minutes: float) -> None:
    traveller.move_to(clock.now() + timedelta(minutes=minutes))
