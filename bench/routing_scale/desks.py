"""Five hundred people at their desks: they answer offers as people do, and the time until each offer is taken."""

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic

from sqlalchemy import text

from bench.routing_scale.center import Member, everybody
from services.tickets import desk, presence
from services.tickets.routing.offers import accept, decline
from shared import clock
from shared.database import Database, ring
from shared.errors import CentralitaError
from shared.events import Event, Hearing, publish
from shared.jobs import Job
from shared.models import Channel, ClockKind, Level, Priority, Ticket, TicketState
from shared.settings import Settings

DECLINED, MISSED = 0.04, 0.02  # of all offers
CLICK_AFTER_S = 3.0  # who missed an offer comes back and clicks


@dataclass
class Desks:
    """`think_s` and `work_s`: from an offer to its answer, from there to the end of the work; drawn evenly."""

    database: Database
    settings: Settings
    crew: Sequence[Member]
    think_s: tuple[float, float] = (1.0, 6.0)
    work_s: tuple[float, float] = (15.0, 45.0)
    after_arrival: list[float] = field(default_factory=list)  # seconds until the offer was news
    after_free: list[float] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    _arrived: dict[int, float] = field(default_factory=dict)  # by ticket
    _free: dict[int, float] = field(default_factory=dict)  # by person with work in the backlog
    _held: Counter[int] = field(default_factory=Counter)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _dice: random.Random = field(default_factory=lambda: random.Random(5))
    _numbers: int = 0

    async def attend(self) -> None:
        """Until cancelled."""
        members = everybody(self.crew)
        hearing = Hearing(self.settings)
        hearing.start()
        try:
            async with hearing.subscribe() as events:
                while True:
                    event = await events.get()
                    if event.kind == "resync":
                        await self._look_again(members)
                    elif event.kind == "offer" and event.what == "offered":
                        self._offered(members[event.people[0]], event.id)
                    elif event.kind == "ticket" and event.what == "offered" and event.id in self._arrived:
                        self.after_arrival.append(monotonic() - self._arrived.pop(event.id))
        finally:
            await hearing.stop()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def forget_times(self) -> None:
        """Those so far are of another phase."""
        self.after_arrival, self.after_free = [], []

    @property
    def waiting(self) -> tuple[int, int]:
        """Arrived tickets that nobody was offered yet, and people who are free though there is work for them."""
        return len(self._arrived), len(self._free)

    async def arrive(self) -> None:
        """A ticket for somebody who is free: English for CSR I, now and then a Spanish emergency."""
        self._numbers += 1
        urgent = self._numbers % 20 == 0
        async with self.database.transaction() as session:
            now = clock.now()
            ticket = Ticket(
                channel=Channel.EMAIL,
                language="es" if urgent else "en",
                level=Level.CSR1,
                priority=Priority.EMERGENCY if urgent else Priority.NORMAL,
                reply_token=f"arrived-{self._numbers}",
                queued_at=now,
                due_at=now + timedelta(hours=4),
                due_kind=ClockKind.FIRST_RESPONSE,
            )
            session.add(ticket)
            await session.flush()
            await publish(session, Event("ticket", ticket.id, what="created"))
            ring(session, Job.ROUTE, ticket.id)
            self._arrived[ticket.id] = monotonic()

    async def _look_again(self, members: dict[int, Member]) -> None:
        """What was offered before anybody listened."""
        async with self.database.transaction() as session:
            rows = await session.execute(text("SELECT id, person_id FROM assignment WHERE state = 'offered'"))
            for row in rows.all():
                self._offered(members[row.person_id], row.id)

    def _offered(self, member: Member, assignment_id: int) -> None:
        since = self._free.pop(member.actor.id, None)
        if since is not None:
            self.after_free.append(monotonic() - since)
        self._held[member.actor.id] += 1
        self._spawn(self._answer(member, assignment_id))

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, member: Member, assignment_id: int) -> None:
        await asyncio.sleep(self._dice.uniform(*self.think_s))
        chance = self._dice.random()
        with suppress(CentralitaError):  # it ran out or was taken back meanwhile
            if chance < DECLINED:
                self.answers["declined"] += 1
                async with self.database.transaction() as session:
                    await decline(session, member.actor, assignment_id, "Not mine")
                    self._let_go(member)
                return
            if chance >= DECLINED + MISSED:
                self.answers["accepted"] += 1
                async with self.database.transaction() as session:
                    ticket_id = (await accept(session, self.settings, member.actor, assignment_id)).ticket_id
                await asyncio.sleep(self._dice.uniform(*self.work_s))
                async with self.database.transaction() as session:
                    await desk.set_state(session, self.settings, member.actor, ticket_id, TicketState.CLOSED)
                    self._let_go(member)
                return
        self.answers["missed"] += 1
        await asyncio.sleep(self.settings.offer_s + self.settings.sweep_s + CLICK_AFTER_S)
        async with self.database.transaction() as session:
            await presence.acted(session, member.actor.id)
            self._let_go(member)

    def _let_go(self, member: Member) -> None:
        """Called before the commit that sets them free: what the commit costs counts as well."""
        self._held[member.actor.id] -= 1
        if member.busy and self._held[member.actor.id] == 0:
            self._free[member.actor.id] = monotonic()
