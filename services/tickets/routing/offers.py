"""What a CSR does with work: accept or decline an offer, take from the queue, give back; and offers that run out."""

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import presence
from services.tickets.alerts import raise_alert
from services.tickets.locks import lock_people, lock_ticket, lock_tickets, open_assignment
from services.tickets.routing.handover import give, take_back
from services.tickets.routing.rules import LEVEL, TAKE_RULES, Rule, Situation, refused_by, reviewer_live
from services.tickets.routing.staff import staff, today_at_the_center
from services.tickets.routing.terms import Policy, TicketState, required_language
from shared import audit, clock
from shared.database import Database
from shared.errors import CentralitaError, Conflict, Forbidden, Invalid, NotFound
from shared.events import Event, publish
from shared.models import (
    AlertKind,
    Assignment,
    AssignmentState,
    Entry,
    EntryKind,
    Presence,
    Ticket,
)
from shared.models import TicketState as State
from shared.people import Actor, Permission
from shared.settings import Settings
from shared.web.i18n import N_

REASON_LIMIT = 500
MISSES_BEFORE_ALERT = 3
EXPIRE_BATCH = 200

GONE = N_("This offer is no longer open: it ran out, was withdrawn or went to somebody else.")


async def accept(session: AsyncSession, settings: Settings, me: Actor, assignment_id: int) -> Assignment:
    """Turn an offer into my work. Conflict: it is not mine any more. Twice is once."""
    ticket, assignment = await _my_offer(session, me, assignment_id)
    if assignment.state is AssignmentState.ACCEPTED and ticket.assignee_id == me.id:
        return assignment
    now = clock.now()
    expired = assignment.expires_at is not None and assignment.expires_at <= now
    if assignment.state is not AssignmentState.OFFERED or ticket.state is not State.OFFERED or expired:
        raise Conflict(GONE)
    if not await _still_fits(session, Policy.of(settings), ticket, assignment):
        raise Conflict("This ticket has changed since it was offered and now needs somebody else.")
    assignment.state = AssignmentState.ACCEPTED
    ticket.state = State.ASSIGNED
    ticket.assignee_id = me.id
    ticket.rev += 1
    ticket.updated_at = now
    session.add(
        Entry(
            ticket_id=ticket.id,
            kind=EntryKind.ACCEPTED,
            actor_id=me.id,
            detail={"assignment_id": assignment.id, "person_id": me.id, "person": me.name},
        )
    )
    audit.record(session, me.id, "assignment.accept", ticket_id=ticket.id, object_id=assignment.id, ip=me.ip)
    await presence.acted(session, me.id)
    await publish(session, Event("offer", assignment.id, (me.id,), "accepted"))
    await publish(session, Event("ticket", ticket.id, (me.id,), "accepted"))
    return assignment


async def decline(session: AsyncSession, me: Actor, assignment_id: int, reason: str) -> Assignment:
    """Say no to an offer, with a reason; the same ticket does not come back at once."""
    reason = _reason(reason)
    ticket, assignment = await _my_offer(session, me, assignment_id)
    if assignment.state is not AssignmentState.OFFERED or ticket.state is not State.OFFERED:
        raise Conflict(GONE)
    await take_back(
        session,
        ticket,
        assignment,
        state=AssignmentState.DECLINED,
        kind=EntryKind.DECLINED,
        cause="declined",
        actor_id=me.id,
        reason=reason,
    )
    audit.record(
        session, me.id, "assignment.decline", ticket_id=ticket.id, object_id=assignment.id,
        detail={"reason": reason}, ip=me.ip,
    )  # fmt: skip
    await presence.acted(session, me.id)
    await publish(session, Event("offer", assignment.id, (me.id,), "declined"))
    return assignment


async def take(session: AsyncSession, settings: Settings, me: Actor, ticket_id: int) -> Assignment:
    """Pull a ticket from the queue, by the same rules that offers follow. An offer of it to me is accepted."""
    me.require(Permission.TICKET_WORK)
    ticket = await lock_ticket(session, ticket_id, people=(me.id,))
    current = await open_assignment(session, ticket_id)
    if current is not None and current.person_id == me.id:
        return await accept(session, settings, me, current.id)
    if ticket.state is not State.QUEUED:
        raise Conflict("Somebody else was quicker: ticket {number} is no longer in the queue.", number=ticket_id)
    rule = await _refusal(session, settings, ticket, me.id, TAKE_RULES)
    if rule is not None:
        raise _cannot_take(rule.name, ticket)
    assignment = await give(session, ticket, me.id, actor_id=me.id, how="taken")
    audit.record(session, me.id, "assignment.take", ticket_id=ticket.id, object_id=assignment.id, ip=me.ip)
    await presence.acted(session, me.id)
    return assignment


async def release(session: AsyncSession, me: Actor, ticket_id: int, reason: str) -> Ticket:
    """Give work back to the queue, with a reason: one's own, or anybody's for those who assign."""
    reason = _reason(reason)
    me.require(Permission.TICKET_WORK)
    ticket = await lock_ticket(session, ticket_id)
    assignment = await open_assignment(session, ticket_id)
    if assignment is None or assignment.state is not AssignmentState.ACCEPTED:
        raise Conflict("Nobody is working on ticket {number}.", number=ticket_id)
    if assignment.person_id != me.id:
        me.require(Permission.TICKET_ASSIGN)
    await take_back(
        session,
        ticket,
        assignment,
        state=AssignmentState.WITHDRAWN,
        kind=EntryKind.RELEASED,
        cause="released",
        actor_id=me.id,
        reason=reason,
    )
    audit.record(
        session, me.id, "assignment.release", ticket_id=ticket.id, object_id=assignment.id,
        detail={"reason": reason, "person_id": assignment.person_id}, ip=me.ip,
    )  # fmt: skip
    await presence.acted(session, me.id)
    return ticket


async def expire_offers(database: Database, settings: Settings) -> int:
    """Offers nobody answered go back to the queue, and whoever let them run out is asked nothing until a click."""
    async with database.transaction() as session:
        now = clock.now()
        due = (
            await session.execute(
                select(Assignment.id, Assignment.person_id, Assignment.ticket_id)
                .where(Assignment.state == AssignmentState.OFFERED, Assignment.expires_at <= now)
                .order_by(Assignment.expires_at)
                .limit(EXPIRE_BATCH)
            )
        ).all()
        if not due:
            return 0
        await lock_people(session, [row.person_id for row in due])
        tickets = await lock_tickets(session, [row.ticket_id for row in due])
        still = await session.scalars(
            select(Assignment)
            .where(Assignment.id.in_([row.id for row in due]), Assignment.state == AssignmentState.OFFERED)
            .order_by(Assignment.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        expired = list(still)
        for assignment in expired:
            await take_back(
                session,
                tickets[assignment.ticket_id],
                assignment,
                state=AssignmentState.EXPIRED,
                kind=EntryKind.EXPIRED,
                cause="expired",
            )
            await publish(session, Event("offer", assignment.id, (assignment.person_id,), "expired"))
        missed_by = {assignment.person_id for assignment in expired}
        await session.execute(
            update(Presence)
            .where(Presence.person_id.in_(missed_by), Presence.unresponsive_since.is_(None))
            .values(unresponsive_since=now)
        )
        for person_id in sorted(missed_by):
            await publish(session, Event("presence", person_id, (person_id,), "unresponsive"))
        await _alert_missed(session, [assignment.ticket_id for assignment in expired])
        return len(expired)


async def _alert_missed(session: AsyncSession, ticket_ids: list[int]) -> None:
    """A ticket that several people let run out needs a supervisor."""
    counts = await session.execute(
        select(Assignment.ticket_id, func.count())
        .where(Assignment.ticket_id.in_(ticket_ids), Assignment.state == AssignmentState.EXPIRED)
        .group_by(Assignment.ticket_id)
    )
    for ticket_id, misses in counts:
        if misses % MISSES_BEFORE_ALERT == 0:
            await raise_alert(session, AlertKind.MISSED_OFFERS, ticket_id, {"misses": misses})


async def _my_offer(session: AsyncSession, me: Actor, assignment_id: int) -> tuple[Ticket, Assignment]:
    """The offer and its ticket, locked after me. To anybody else it does not exist."""
    me.require(Permission.TICKET_WORK)
    ticket_id = await session.scalar(
        select(Assignment.ticket_id).where(Assignment.id == assignment_id, Assignment.person_id == me.id)
    )
    if ticket_id is None:
        raise NotFound("There is no offer {number} for you.", number=assignment_id)
    ticket = await lock_ticket(session, ticket_id, people=(me.id,))
    assignment = await session.get_one(Assignment, assignment_id, with_for_update=True, populate_existing=True)
    return ticket, assignment


async def _still_fits(session: AsyncSession, policy: Policy, ticket: Ticket, assignment: Assignment) -> bool:
    """The ticket may have turned out to be in another language, or harder, since it was offered.

    Who was verified when it was offered stays so for the minutes that an offer lasts.
    """
    now = clock.now()
    (person,) = await staff(session, now, now.date(), {assignment.person_id})
    values = _values(ticket)
    required = required_language(ticket.language, policy)
    language_fits = (
        required is None
        or required == assignment.explanation.get("required_language")
        or person.speaks(required, values.mode)
    )
    return language_fits and LEVEL.allows(values, person, Situation(policy))


async def _refusal(
    session: AsyncSession, settings: Settings, ticket: Ticket, person_id: int, rules: tuple[Rule, ...]
) -> Rule | None:
    now, today = clock.now(), today_at_the_center(settings)
    everybody = await staff(session, now, today)
    (person,) = await staff(session, now, today, {person_id})
    return refused_by(rules, _values(ticket), person, Situation(Policy.of(settings), reviewer_live(everybody)))


def _values(ticket: Ticket) -> TicketState:
    return TicketState(
        id=ticket.id,
        channel=ticket.channel,
        language=ticket.language,
        level=ticket.level,
        priority=ticket.priority,
        weight=ticket.weight,
    )


class NotForYou(Forbidden):
    """The rules do not give this ticket to this person, who may see it all the same."""


def _cannot_take(rule: str, ticket: Ticket) -> CentralitaError:
    if rule == "language" and ticket.language in ("mixed", "unknown"):
        return NotForYou("The language of this ticket is not certain, so it needs a verified bilingual.")
    if rule == "language":
        return NotForYou("This ticket needs somebody who is verified in its language.")
    if rule == "level":
        return NotForYou("This ticket needs a higher level than yours.")
    if rule == "intern":
        return NotForYou("Interns take simple tickets that are not urgent, while a reviewer is at work.")
    if rule == "capacity":
        return Conflict(
            "You have as much work as you may have, your offers counted. Finish, give back or decline something first."
        )
    return NotForYou("Your role does not take tickets from the queue.")


def _reason(text: str) -> str:
    text = text.strip()
    if not text:
        raise Invalid("Please give a reason.", field="reason")
    if len(text) > REASON_LIMIT:
        raise Invalid("Please keep the reason under {limit} characters.", field="reason", limit=REASON_LIMIT)
    return text
