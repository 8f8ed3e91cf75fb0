"""The supervisors' queue: tickets that nobody there may answer, with what was done about each and what comes next."""

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.ladder import repository
from services.tickets.ladder.expected import Expected
from services.tickets.ladder.look import Look, facts
from services.tickets.ladder.share import promise_used
from services.tickets.ladder.tell import expected
from services.tickets.views.rows import select_rows, ticket_row
from services.tickets.views.waiting import climbed
from services.tickets.views.waiting_models import StuckTicket
from shared.models import LadderStep, Person, Rung, Ticket
from shared.settings import Settings

MOST = 200  # the most urgent ones


def _climbs() -> ColumnElement[bool]:
    """What only needs an interpreter is offered to everybody: that is nothing for supervisors."""
    return exists().where(
        LadderStep.ticket_id == Ticket.id,
        LadderStep.wait_began_at == Ticket.queued_at,
        LadderStep.rung != Rung.INTERPRETER,
    )


async def stuck_tickets(session: AsyncSession, settings: Settings) -> list[StuckTicket]:
    """Those that need a decision first, then the most urgent. Whoever may be answered by now is not among them."""
    rows = (
        await session.execute(
            select_rows()
            .where(repository.CONCERNED, _climbs())
            .order_by(Ticket.priority_rank, Ticket.due_order, Ticket.id)
            .limit(MOST)
        )
    ).all()
    if not rows:
        return []
    look = await Look.take(session, settings)
    steps = await repository.steps_of(session, [row[0].id for row in rows])
    people = {step.acknowledged_by_id for each in steps.values() for step in each if step.acknowledged_by_id}
    named = await session.execute(select(Person.id, Person.name).where(Person.id.in_(people)))
    names = {row.id: row.name for row in named}
    planned: dict[object, Expected | None] = {}
    found = []
    for row in rows:
        ticket: Ticket = row[0]
        values = facts(ticket)
        if look.path(values)[0] is None:
            continue
        kind = (values.language, values.level, values.mode, values.urgent)
        if kind not in planned:
            planned[kind] = await expected(session, look, ticket)
        view = climbed(look, ticket, steps[ticket.id], names, planned[kind])
        waits = [step for step in view.steps if step.rung is Rung.SUPERVISOR and step.acknowledged_at is None]
        found.append(
            StuckTicket(
                ticket=ticket_row(row),
                since=view.steps[0].at,
                used=promise_used(look.open_time, ticket, look.now),
                needs_decision=bool(waits),
                ladder=view,
            )
        )
    return sorted(found, key=lambda each: not each.needs_decision)  # stable: else as the queue is


async def stuck(session: AsyncSession) -> int:
    """How many climb, for the board; cheap, so it counts those whose people have come back a moment ago as well."""
    return int(
        await session.scalar(select(func.count()).select_from(Ticket).where(repository.CONCERNED, _climbs())) or 0
    )
