"""What the ladder looks at: who is there, the opening hours, and the rules of routing, all of one moment."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.ladder.steps import Shares, Step, path
from services.tickets.routing.rules import Situation, reviewer_live
from services.tickets.routing.staff import staff, today_at_the_center
from services.tickets.routing.terms import PersonState, Policy, TicketState
from shared import clock
from shared.calendar import OpenTime, load_open_time
from shared.models import Missing, Ticket
from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class Look:
    now: datetime
    people: tuple[PersonState, ...]
    open_time: OpenTime
    situation: Situation
    shares: Shares

    @classmethod
    async def take(cls, session: AsyncSession, settings: Settings) -> Self:
        open_time = await load_open_time(session, settings)
        now = clock.now()
        people = await staff(session, now, today_at_the_center(settings), zone=open_time.zone)
        by_id = {person.id: person for person in people}
        situation = Situation(Policy.of(settings), reviewer_live(people), by_id)
        return cls(now, people, open_time, situation, Shares.of(settings))

    def path(self, ticket: TicketState) -> tuple[Missing | None, list[Step]]:
        return path(ticket, self.people, self.situation, self.shares)


def facts(ticket: Ticket) -> TicketState:
    """What of a ticket decides who may answer it."""
    return TicketState(
        id=ticket.id,
        channel=ticket.channel,
        language=ticket.language,
        level=ticket.level,
        priority=ticket.priority,
        weight=ticket.weight,
        rev=ticket.rev,
    )
