"""The SQL of the ladder: which kinds of tickets wait, which tickets of a kind, and which steps were taken."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.routing.terms import TicketState
from shared.models import UNOFFERED, Channel, LadderStep, Level, Priority, Rung, Ticket
from shared.models import TicketState as State
from shared.people import CHANNEL_MODE

# Everything else is offered to whoever has room: no ladder is needed for an ordinary English ticket.
CONCERNED = and_(
    Ticket.state == State.QUEUED,
    Ticket.kind.not_in(UNOFFERED),
    or_(Ticket.language != "en", Ticket.level == Level.CSR2),
)
_WRITTEN = Ticket.channel == Channel.EMAIL


@dataclass(frozen=True, slots=True)
class Kind:
    """What decides who may answer a ticket; all tickets of a kind lack the same."""

    language: str
    level: Level
    priority: Priority
    written: bool

    def example(self) -> TicketState:
        channel = Channel.EMAIL if self.written else Channel.VOICEMAIL
        return TicketState(0, channel, self.language, self.level, self.priority)


async def kinds(session: AsyncSession) -> list[Kind]:
    """The kinds of tickets in the queue that a ladder may concern."""
    written = case((_WRITTEN, 1), else_=0)
    rows = await session.execute(
        select(Ticket.language, Ticket.level, Ticket.priority, written)
        .where(CONCERNED)
        .distinct()
        .order_by(Ticket.language, Ticket.level, Ticket.priority, written)
    )
    return [Kind(language, level, priority, bool(by_mail)) for language, level, priority, by_mail in rows]


async def waiting(session: AsyncSession, kind: Kind, after: int, limit: int) -> Sequence[Ticket]:
    """Tickets of a kind in the order of their numbers, from after one on."""
    found = await session.scalars(
        select(Ticket)
        .where(
            CONCERNED,
            Ticket.language == kind.language,
            Ticket.level == kind.level,
            Ticket.priority == kind.priority,
            _WRITTEN if kind.written else ~_WRITTEN,
            Ticket.id > after,
        )
        .order_by(Ticket.id)
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return found.all()


async def taken(session: AsyncSession, tickets: Collection[Ticket]) -> dict[int, set[Rung]]:
    """The steps of each ticket's present wait; that its customer was told counts for every wait."""
    found: dict[int, set[Rung]] = defaultdict(set)
    if tickets:
        began = {ticket.id: ticket.queued_at for ticket in tickets}
        rows = await session.execute(
            select(LadderStep.ticket_id, LadderStep.rung, LadderStep.wait_began_at).where(
                LadderStep.ticket_id.in_(began)
            )
        )
        for ticket_id, rung, began_at in rows:
            if rung is Rung.TELL_CUSTOMER or began_at == began[ticket_id]:
                found[ticket_id].add(rung)
    return found


async def note(session: AsyncSession, values: dict[str, object]) -> LadderStep | None:
    """Write a step down. None: another sweep did."""
    step: LadderStep | None = await session.scalar(
        insert(LadderStep).values(**values).on_conflict_do_nothing().returning(LadderStep)
    )
    return step


async def steps_of(session: AsyncSession, ticket_ids: Collection[int]) -> dict[int, list[LadderStep]]:
    """All steps of these tickets, in their order."""
    found: dict[int, list[LadderStep]] = defaultdict(list)
    rows = await session.scalars(
        select(LadderStep).where(LadderStep.ticket_id.in_(ticket_ids)).order_by(LadderStep.at, LadderStep.id)
    )
    for step in rows:
        found[step.ticket_id].append(step)
    return found


async def told_lately(session: AsyncSession, address: str, ticket: Ticket, now: datetime, lately: timedelta) -> bool:
    """Whether this address, or somebody on a ticket that this one is linked to, was told lately."""
    same = LadderStep.told_address == address
    if ticket.linked_ticket_id is not None:
        linked = select(Ticket.id).where(
            or_(Ticket.id == ticket.linked_ticket_id, Ticket.linked_ticket_id == ticket.linked_ticket_id)
        )
        same = or_(same, and_(LadderStep.told_address.is_not(None), LadderStep.ticket_id.in_(linked)))
    return bool(
        await session.scalar(select(func.count()).select_from(LadderStep).where(same, LadderStep.at > now - lately))
    )


def mode_of(ticket: Ticket) -> str:
    return CHANNEL_MODE[ticket.channel.value].value
