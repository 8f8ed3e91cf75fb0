"""One matter on two tickets becomes one: the first goes on in the second, by a pointer. Nothing written moves."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import participants, reroute, search
from services.tickets.calls import schedule
from services.tickets.clocks import moves as clocks
from services.tickets.intake_mail import ACTIVE
from services.tickets.learned import raise_priority, set_language
from services.tickets.locks import ChangedHands, lock_together, open_assignment
from services.tickets.priority import URGENCY
from services.tickets.rights import require_mine, require_not_merged
from services.tickets.routing.handover import end
from services.tickets.urgency.kept import together
from shared import audit, clock
from shared.database import ring
from shared.errors import Conflict, Invalid
from shared.events import Event, publish, publish_all
from shared.jobs import Job
from shared.language import MIXED, UNKNOWN, Evidence, decide
from shared.models import (
    AssignmentState,
    Customer,
    Entry,
    EntryKind,
    Level,
    Participant,
    ParticipantHow,
    ScheduledEnd,
    SearchText,
    Ticket,
    TicketState,
)
from shared.people import Actor, Permission
from shared.settings import Settings
from shared.web.i18n import N_

LEVELS = [Level.INTERN, Level.CSR1, Level.CSR2]


class NeedsConfirmation(Conflict):
    """The tickets are different customers': whoever takes part in one would see the other's matter."""


async def merge(
    session: AsyncSession, settings: Settings, me: Actor, ticket_id: int, into_id: int, *, confirmed: bool = False
) -> Ticket:
    """Let a ticket go on in another. Raises NeedsConfirmation when their customers differ and `confirmed` is false.

    The merged one closes; answers to its mails, its token and its number lead to the other, which becomes as urgent
    and as demanding as the two were together. Returns the ticket that goes on.
    """
    me.require(Permission.TICKET_WORK)
    if ticket_id == into_id:
        raise Invalid("A ticket cannot be merged into itself.", field="into")
    brought = await _merged_into(session, ticket_id)
    tickets = await lock_together(session, [ticket_id, into_id, *brought], people=(me.id,))
    if await _merged_into(session, ticket_id) != brought:
        raise ChangedHands
    ticket, into = tickets[ticket_id], tickets[into_id]
    require_not_merged(ticket)
    require_not_merged(into)
    if ticket.assignee_id is not None:
        require_mine(me, ticket)
    if into.state is TicketState.CLOSED:
        raise Conflict("Ticket {number} is closed. Open it again first.", number=into.id)
    differ = ticket.customer_id is None or ticket.customer_id != into.customer_id
    if differ and not confirmed:
        raise await _question(session, ticket, into)

    was = ticket.state
    if was in ACTIVE:
        await clocks.take_over(session, settings, ticket, into)
    else:
        await clocks.drop(session, settings, ticket)
    new = await participants.bring(session, ticket.id, into.id)
    await let_go_on(
        session, ticket, into, actor_id=me.id, brought=[tickets[other] for other in brought],
        detail={"participants": new, "customers_differ": differ},
    )  # fmt: skip
    await _take_over(session, settings, me, ticket, into, was)
    await _told(session, me, "ticket.merge", ticket, into, {"participants": new, "customers_differ": differ})
    return into


async def let_go_on(
    session: AsyncSession,
    ticket: Ticket,
    into: Ticket,
    *,
    actor_id: int | None,
    brought: Sequence[Ticket] = (),
    detail: dict[str, Any] | None = None,
) -> None:
    """Close a ticket, both are locked, and point from it to another, with what goes on in it already (`brought`)."""
    was = ticket.state
    await _close(session, ticket)
    for each in (ticket, *brought):
        each.merged_into_id = into.id
    ticket.rev += 1
    ticket.updated_at = into.updated_at = clock.now()
    ids = [each.id for each in brought]
    session.add_all(
        [
            Entry(
                ticket_id=ticket.id, kind=EntryKind.MERGED, actor_id=actor_id,
                detail={"ticket_id": into.id, "what": "into", "was": was.value, "brought": ids},
            ),
            Entry(
                ticket_id=into.id, kind=EntryKind.MERGED, actor_id=actor_id,
                detail={"ticket_id": ticket.id, "what": "from", **(detail or {})},
            ),
        ]
    )  # fmt: skip
    await session.execute(update(SearchText).where(SearchText.ticket_id == ticket.id).values(ticket_id=into.id))


async def unmerge(session: AsyncSession, settings: Settings, me: Actor, ticket_id: int) -> Ticket:
    """Take a merged ticket out again. What was written since the merge stays where it was written, and says so."""
    me.require(Permission.TICKET_WORK)
    into_id = await session.scalar(select(Ticket.merged_into_id).where(Ticket.id == ticket_id))
    story = await _story(session, ticket_id)
    brought = list(story.get("brought", []))
    tickets = await lock_together(session, [ticket_id, *([into_id] if into_id else []), *brought], people=(me.id,))
    ticket = tickets[ticket_id]
    if ticket.merged_into_id is None:
        raise Conflict("Ticket {number} is not merged.", number=ticket_id)
    if ticket.merged_into_id != into_id:
        raise ChangedHands
    into = tickets[ticket.merged_into_id]
    if into.assignee_id is not None:
        require_mine(me, into)
    ticket.merged_into_id = None
    for other in brought:
        if tickets[other].merged_into_id == into.id:
            tickets[other].merged_into_id = ticket.id
    if story.get("was") != TicketState.CLOSED.value:
        ticket.state, ticket.closed_at = TicketState.QUEUED, None
        await clocks.begin_again(session, settings, ticket, ticket.queued_at)
        ring(session, Job.ROUTE, ticket.id)
    for each in (ticket, into):
        each.rev += 1
        each.updated_at = clock.now()
    await session.execute(
        delete(Participant).where(
            Participant.ticket_id == into.id,
            Participant.how == ParticipantHow.MERGED,
            Participant.from_ticket_id == ticket.id,
            Participant.removed_at.is_(None),
        )
    )
    session.add_all(
        Entry(ticket_id=one.id, kind=EntryKind.MERGED, actor_id=me.id, detail={"ticket_id": other_.id, "what": "apart"})
        for one, other_ in ((ticket, into), (into, ticket))
    )
    await session.flush()
    entries = list(await session.scalars(select(Entry).where(Entry.ticket_id.in_([ticket.id, *brought]))))
    sources = [*search.sources_of(entries), *(("ticket", id_) for id_ in (ticket.id, *brought))]
    await search.move(session, sources, from_id=into.id, to_id=ticket.id)
    await _told(session, me, "ticket.unmerge", ticket, into, {})
    return ticket


async def _merged_into(session: AsyncSession, ticket_id: int) -> list[int]:
    """What goes on in this ticket already. It is led on to the same end, so that there is never a chain."""
    return list(await session.scalars(select(Ticket.id).where(Ticket.merged_into_id == ticket_id).order_by(Ticket.id)))


async def _story(session: AsyncSession, ticket_id: int) -> dict[str, Any]:
    detail = await session.scalar(
        select(Entry.detail)
        .where(Entry.ticket_id == ticket_id, Entry.kind == EntryKind.MERGED, Entry.detail["what"].astext == "into")
        .order_by(Entry.id.desc())
        .limit(1)
    )
    return dict(detail or {})


async def _question(session: AsyncSession, ticket: Ticket, into: Ticket) -> NeedsConfirmation:
    names = []
    for each in (ticket, into):
        customer = await session.get(Customer, each.customer_id) if each.customer_id is not None else None
        known = sorted(await participants.identities(session, each.customer_id))
        names.append((customer.name if customer is not None else "") or ", ".join(known) or "?")
    everybody = await participants.addresses_on(session, ticket.id) | await participants.addresses_on(session, into.id)
    return NeedsConfirmation(
        N_(
            "Ticket {number} is {customer}’s and ticket {other} is {other_customer}’s. Merged, both matters are one "
            "conversation: {people} may see what is written there and answer it. Confirm it if that is right."
        ),
        number=ticket.id,
        customer=names[0],
        other=into.id,
        other_customer=names[1],
        people=", ".join(sorted(everybody)) or "?",
    )


async def _close(session: AsyncSession, ticket: Ticket) -> None:
    assignment = await open_assignment(session, ticket.id)
    if assignment is not None:
        offered = assignment.state is AssignmentState.OFFERED
        end(assignment, AssignmentState.WITHDRAWN if offered else AssignmentState.DONE, cause="merged")
        ring(session, Job.ROUTE, 0)  # somebody has room again
        if offered:
            await publish(session, Event("offer", assignment.id, (assignment.person_id,), "withdrawn"))
    if ticket.state is not TicketState.CLOSED:
        ticket.state, ticket.assignee_id, ticket.closed_at = TicketState.CLOSED, None, clock.now()


async def _take_over(
    session: AsyncSession, settings: Settings, me: Actor, ticket: Ticket, into: Ticket, was: TicketState
) -> None:
    """The ticket that goes on is as urgent as both, needs who either needs, and does not wait while one did not."""
    into.urgency = together(into.urgency, ticket.urgency)
    if was in ACTIVE:
        if URGENCY.index(ticket.priority) < URGENCY.index(into.priority):
            await raise_priority(session, settings, into, ticket.priority, ticket.queued_at)
        await schedule.end(session, into, ScheduledEnd.MOVED_ON)
        if into.state is TicketState.WAITING:
            into.state = TicketState.ASSIGNED
            session.add(
                Entry(
                    ticket_id=into.id, kind=EntryKind.STATE, actor_id=me.id,
                    detail={"from": TicketState.WAITING.value, "to": TicketState.ASSIGNED.value},
                )
            )  # fmt: skip
        await clocks.follow(session, settings, into)
    into.level = max(ticket.level, into.level, key=LEVELS.index)
    into.callback_number = into.callback_number or ticket.callback_number
    if ticket.language not in (into.language, UNKNOWN):
        language = ticket.language if into.language == UNKNOWN else MIXED
        if language != into.language:
            set_language(session, into, decide(Evidence(correction=language)), actor_id=me.id)
    await reroute.rerouted(session, settings, into, actor_id=me.id)


async def _told(
    session: AsyncSession, me: Actor, action: str, ticket: Ticket, into: Ticket, detail: dict[str, object]
) -> None:
    for one, other in ((ticket, into), (into, ticket)):
        audit.record(
            session, me.id, action, object_type="ticket", object_id=other.id, ticket_id=one.id,
            detail={"ticket": ticket.id, "into": into.id, **detail}, ip=me.ip,
        )  # fmt: skip
    await publish_all(
        session,
        [Event("ticket", each.id, _concerned(each), action.partition(".")[2]) for each in (ticket, into)],
    )


def _concerned(ticket: Ticket) -> tuple[int, ...]:
    return (ticket.assignee_id,) if ticket.assignee_id is not None else ()
