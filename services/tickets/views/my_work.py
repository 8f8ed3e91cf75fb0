"""What one person has on the desk: offers, open tickets, what waits on customers, and replies about to leave."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.views.calls import due_promises
from services.tickets.views.models import LeavingView, MyWork, OfferView, PersonRef
from services.tickets.views.presence import loads, presences
from services.tickets.views.reassignments import concerning
from services.tickets.views.rows import language_counts, rows, select_rows, ticket_row
from shared import clock
from shared.models import Assignment, AssignmentState, Delivery, DeliveryState, Person, Ticket, TicketState
from shared.people import Actor
from shared.settings import Settings


async def my_work(session: AsyncSession, settings: Settings, me: Actor) -> MyWork:
    offers_statement = (
        select_rows(Assignment)
        .join(Assignment, Assignment.ticket_id == Ticket.id)
        .where(
            Assignment.person_id == me.id,
            Assignment.state == AssignmentState.OFFERED,
            Assignment.expires_at > clock.now(),
        )
        .order_by(Ticket.priority_rank, Assignment.expires_at)
    )
    offers = [
        OfferView(
            assignment_id=row.Assignment.id,
            expires_at=row.Assignment.expires_at,
            offered_at=row.Assignment.offered_at,
            explanation=row.Assignment.explanation,
            ticket=ticket_row(row),
        )
        for row in await session.execute(offers_statement)
    ]
    mine = await rows(
        session,
        select_rows()
        .where(Ticket.assignee_id == me.id, Ticket.state.in_([TicketState.ASSIGNED, TicketState.WAITING]))
        .order_by(Ticket.priority_rank, Ticket.due_order, Ticket.id),
    )
    capacity = await session.scalar(select(Person.capacity).where(Person.id == me.id))
    return MyWork(
        me=PersonRef(id=me.id, name=me.name),
        presence=(await presences(session, [me.id]))[me.id],
        capacity=capacity or 0,
        load=(await loads(session, [me.id]))[me.id],
        offers=offers,
        active=[row for row in mine if row.state is TicketState.ASSIGNED],
        waiting=[row for row in mine if row.state is TicketState.WAITING],
        queue=await language_counts(session),
        promises=await due_promises(session, settings, person_id=me.id),
        leaving=await _leaving(session, me),
        moves=await concerning(session, settings, me),
    )


async def _leaving(session: AsyncSession, me: Actor) -> list[LeavingView]:
    found = await session.scalars(
        select(Delivery)
        .where(
            Delivery.created_by_id == me.id,
            Delivery.state == DeliveryState.QUEUED,
            Delivery.next_attempt_at > clock.now(),
            Delivery.undo_until > clock.now(),
        )
        .order_by(Delivery.id.desc())
    )
    return [
        LeavingView(delivery_id=each.id, ticket_id=each.ticket_id, to=each.to_addresses, undo_until=each.undo_until)
        for each in found
        if each.undo_until is not None
    ]
