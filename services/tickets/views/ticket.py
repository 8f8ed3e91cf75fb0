"""One ticket, whole: who it is from, what happened, and what the reader may do with it."""

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.tickets.participants import people_on
from services.tickets.returned import of_ticket
from services.tickets.spam import may_be_spam
from services.tickets.views.calls import calls_view
from services.tickets.views.clocks import clock_views
from services.tickets.views.learning import corrections_on
from services.tickets.views.models import (
    Allowed,
    AssignmentView,
    CustomerView,
    IdentityView,
    PersonRef,
    TicketRow,
    TicketView,
    TrustView,
)
from services.tickets.views.rows import rows, select_rows, ticket_row
from services.tickets.views.timeline import timeline
from services.tickets.views.trust import trust_view
from services.tickets.views.urgency_models import UrgencyView
from shared import clock
from shared.errors import NotFound
from shared.models import (
    Assignment,
    AssignmentState,
    Customer,
    CustomerIdentity,
    IdentityKind,
    Person,
    Ticket,
    TicketState,
)
from shared.people import Actor, Permission
from shared.settings import Settings

HISTORY = 10  # other tickets of the customer that are listed


async def ticket_view(session: AsyncSession, settings: Settings, me: Actor, ticket_id: int) -> TicketView:
    """Raises NotFound. Looking is audited by the caller, who knows why it looks."""
    row = (await session.execute(select_rows().where(Ticket.id == ticket_id))).one_or_none()
    if row is None:
        raise NotFound("There is no ticket {ticket_id}.", ticket_id=ticket_id)
    ticket: Ticket = row[0]
    assignment = await _open_assignment(session, ticket_id)
    customer = await _customer(session, ticket.customer_id)
    people = await people_on(session, ticket)
    participants = sorted(each.address for each in people.participants)
    entries = await timeline(session, ticket_id)
    trust = await trust_view(session, settings, ticket_id)
    here = (Ticket.linked_ticket_id, Ticket.split_from_id, Ticket.merged_into_id)
    there = {ticket.linked_ticket_id, ticket.split_from_id, ticket.merged_into_id} - {None}
    history: list[TicketRow] = []
    if ticket.customer_id is not None:
        history = await rows(
            session,
            select_rows()
            .where(Ticket.customer_id == ticket.customer_id, Ticket.id != ticket_id)
            .order_by(Ticket.id.desc())
            .limit(HISTORY),
        )
    return TicketView(
        ticket=ticket_row(row),
        trust=trust,
        rev=ticket.rev,
        language_source=ticket.language_source,
        language_evidence=ticket.language_evidence,
        topic_evidence=ticket.topic_evidence,
        corrections=await corrections_on(session, ticket_id, only_counting=True),
        urgency=[UrgencyView.model_validate(each) for each in ticket.urgency],
        callback_number=ticket.callback_number,
        created_at=ticket.created_at,
        closed_at=ticket.closed_at,
        customer=customer,
        participants=participants,
        people=people,
        returned=await of_ticket(session, ticket_id),
        merged_into_id=ticket.merged_into_id,
        split_from_id=ticket.split_from_id,
        assignment=assignment,
        calls=await calls_view(session, settings, ticket),
        clocks=await clock_views(session, settings, ticket_id),
        entries=entries,
        last_entry_id=entries[-1].id if entries else 0,
        linked=await rows(
            session,
            select_rows()
            .where(or_(*(column == ticket_id for column in here), Ticket.id.in_(there)))
            .order_by(Ticket.id),
        ),
        history=history,
        allowed=_allowed(me, ticket, assignment, customer, participants, trust),
    )


def _allowed(
    me: Actor,
    ticket: Ticket,
    assignment: AssignmentView | None,
    customer: CustomerView | None,
    participants: list[str],
    trust: TrustView,
) -> Allowed:
    may_work = me.may(Permission.TICKET_WORK)
    leads = me.may(Permission.TICKET_ASSIGN)
    mine = ticket.assignee_id == me.id
    offered_to_me = (
        assignment is not None
        and assignment.person.id == me.id
        and assignment.state is AssignmentState.OFFERED
        and assignment.expires_at is not None
        and assignment.expires_at > clock.now()
    )
    has_address = bool(participants) or (
        customer is not None and any(identity.kind == IdentityKind.EMAIL for identity in customer.identities)
    )
    return Allowed(
        accept=may_work and offered_to_me,
        take=may_work and ticket.state is TicketState.QUEUED,
        work=may_work and (mine or leads) and ticket.merged_into_id is None,
        correct=may_work,
        people=may_work and (mine or leads) and ticket.merged_into_id is None,
        release=may_work and mine and ticket.state is TicketState.ASSIGNED,
        assign=leads and ticket.state is not TicketState.CLOSED,
        call=may_work and (mine or leads) and ticket.merged_into_id is None and ticket.state is not TicketState.CLOSED,
        reply_by_mail=has_address,
        spam=may_be_spam(me, ticket, assignment.person.id if assignment else None) and trust.verdict is not None,
    )


async def _open_assignment(session: AsyncSession, ticket_id: int) -> AssignmentView | None:
    pinned_by = aliased(Person)
    found = (
        await session.execute(
            select(Assignment, Person.name, pinned_by.name.label("pinned_by"))
            .join(Person, Person.id == Assignment.person_id)
            .outerjoin(pinned_by, pinned_by.id == Assignment.pinned_by_id)
            .where(
                Assignment.ticket_id == ticket_id,
                Assignment.state.in_([AssignmentState.OFFERED, AssignmentState.ACCEPTED]),
            )
        )
    ).one_or_none()
    if found is None:
        return None
    assignment, name, by = found
    return AssignmentView(
        id=assignment.id,
        person=PersonRef(id=assignment.person_id, name=name),
        state=assignment.state,
        pinned=assignment.pinned,
        pinned_by=None if by is None else PersonRef(id=assignment.pinned_by_id or 0, name=by),
        pin_reason=assignment.pin_reason,
        offered_at=assignment.offered_at,
        expires_at=assignment.expires_at,
        explanation=assignment.explanation,
        reason=assignment.reason,
    )


async def _customer(session: AsyncSession, customer_id: int | None) -> CustomerView | None:
    if customer_id is None:
        return None
    customer = await session.get_one(Customer, customer_id)
    identities = await session.scalars(
        select(CustomerIdentity)
        .where(CustomerIdentity.customer_id == customer_id)
        .order_by(CustomerIdentity.kind, CustomerIdentity.value)
    )
    return CustomerView(
        id=customer.id,
        name=customer.name,
        language=customer.language,
        identities=[IdentityView(kind=identity.kind, value=identity.value) for identity in identities],
    )
