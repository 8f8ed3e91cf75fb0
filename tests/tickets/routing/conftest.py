"""A small center: people of every role, their certificates and presence, and tickets to route."""

import itertools
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from shared import clock
from shared.database import Database
from shared.models import (
    Assignment,
    AssignmentState,
    Certification,
    CertificationMode,
    Channel,
    ClockKind,
    Entry,
    Intent,
    Level,
    OpeningHours,
    Person,
    Presence,
    PresenceLease,
    Priority,
    Role,
    SlaClock,
    Ticket,
    TicketState,
)
from shared.people import Actor

_numbers = itertools.count(1)
OPEN = (AssignmentState.OFFERED, AssignmentState.ACCEPTED)


def actor(person: Person) -> Actor:
    return Actor(id=person.id, name=person.name, email=person.email, role=person.role)


class Center:
    """Makes rows, each in a transaction of its own, and looks at what became of them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._verifier: int | None = None

    async def always_open(self) -> None:
        async with self.database.transaction() as session:
            session.add_all(OpeningHours(weekday=day, opens=time(0), closes=time(0)) for day in range(7))

    async def person(
        self,
        role: Role = Role.CSR1,
        *,
        spanish: bool | Sequence[CertificationMode] = False,
        intent: Intent | None = Intent.AVAILABLE,
        live: bool = True,
        capacity: int = 1,
        name: str = "",
        since: timedelta = timedelta(0),
    ) -> Actor:
        number = next(_numbers)
        async with self.database.transaction() as session:
            person = Person(email=f"p{number}@example.org", name=name or f"Person {number}", role=role)
            person.capacity = capacity
            session.add(person)
            await session.flush()
            if spanish:
                modes = list(CertificationMode) if spanish is True else list(spanish)
                verifier = await self._verified_by(session)
                session.add_all(
                    Certification(
                        person_id=person.id, language="es", mode=mode, verified_by_id=verifier,
                        verified_on=date(2020, 1, 1),
                    )
                    for mode in modes
                )  # fmt: skip
            now = clock.now()
            if intent is not None:
                session.add(Presence(person_id=person.id, intent=intent, since=now - since))
            if live:
                session.add(PresenceLease(person_id=person.id, tab_id="tab", expires_at=now + timedelta(seconds=150)))
        return actor(person)

    async def _verified_by(self, session: Any) -> int:
        if self._verifier is None:
            verifier = Person(email=f"verifier{next(_numbers)}@example.org", name="Verifier", role=Role.MANAGER)
            session.add(verifier)
            await session.flush()
            self._verifier = verifier.id
        return self._verifier

    async def ticket(
        self,
        language: str = "en",
        *,
        level: Level = Level.CSR1,
        priority: Priority = Priority.NORMAL,
        channel: Channel = Channel.EMAIL,
        waited: timedelta = timedelta(minutes=1),
        due_in: timedelta | None = timedelta(hours=4),
        weight: int = 1,
    ) -> int:
        now = clock.now()
        async with self.database.transaction() as session:
            ticket = Ticket(
                channel=channel, language=language, level=level, priority=priority, weight=weight,
                reply_token=f"token-{next(_numbers)}", queued_at=now - waited, subject="A question",
            )  # fmt: skip
            if due_in is not None:
                ticket.due_at, ticket.due_kind = now - waited + due_in, ClockKind.FIRST_RESPONSE
            session.add(ticket)
            await session.flush()
            if due_in is not None:
                session.add(
                    SlaClock(
                        ticket_id=ticket.id, kind=ClockKind.FIRST_RESPONSE, started_at=ticket.queued_at,
                        running_since=ticket.queued_at, target_s=round(due_in.total_seconds()), due_at=ticket.due_at,
                        warn_at=ticket.queued_at + 0.75 * due_in,
                    )
                )  # fmt: skip
            return ticket.id

    async def get(self, ticket_id: int) -> Ticket:
        async with self.database.transaction() as session:
            return await session.get_one(Ticket, ticket_id)

    async def change(self, ticket_id: int, **values: object) -> None:
        """As a correction does it: the ticket's facts, and its revision."""
        async with self.database.transaction() as session:
            ticket = await session.get_one(Ticket, ticket_id, with_for_update=True)
            for name, value in values.items():
                setattr(ticket, name, value)
            ticket.rev += 1

    async def wait_on_customer(self, ticket_id: int) -> None:
        await self.change(ticket_id, state=TicketState.WAITING)

    async def assignments(self, ticket_id: int) -> list[Assignment]:
        async with self.database.transaction() as session:
            return list(
                await session.scalars(
                    select(Assignment).where(Assignment.ticket_id == ticket_id).order_by(Assignment.id)
                )
            )

    async def holder(self, ticket_id: int) -> int | None:
        """Who is offered or holds the ticket."""
        held = [each for each in await self.assignments(ticket_id) if each.state in OPEN]
        return held[0].person_id if held else None

    async def open_assignment(self, ticket_id: int) -> Assignment:
        (held,) = [each for each in await self.assignments(ticket_id) if each.state in OPEN]
        return held

    async def entries(self, ticket_id: int) -> list[Entry]:
        async with self.database.transaction() as session:
            return list(await session.scalars(select(Entry).where(Entry.ticket_id == ticket_id).order_by(Entry.id)))

    async def presence(self, person: Actor) -> Presence | None:
        async with self.database.transaction() as session:
            return await session.get(Presence, person.id)

    async def leave(self, person: Actor, at: datetime | None = None) -> None:
        """Every browser of the person is gone, without a word."""
        async with self.database.transaction() as session:
            for lease in await session.scalars(select(PresenceLease).where(PresenceLease.person_id == person.id)):
                lease.expires_at = at or clock.now()


@pytest.fixture
async def center(database: Database) -> Center:
    center = Center(database)
    await center.always_open()
    return center
