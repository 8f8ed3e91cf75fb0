"""A person's word that a ticket was spam, or that mail was none: done, taken back, and remembered for the sender."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import desk
from services.tickets.locks import lock_names, lock_ticket, open_assignment
from services.tickets.spam import POLICY, may_be_spam
from shared import audit, clock
from shared.errors import Conflict, Forbidden
from shared.events import Event, publish
from shared.models import (
    Channel,
    Entry,
    EntryKind,
    Intake,
    IntakeOutcome,
    Message,
    Priority,
    SenderJudgement,
    Ticket,
    TicketState,
)
from shared.people import Actor, Permission
from shared.settings import Settings


async def mark(session: AsyncSession, settings: Settings, me: Actor, ticket_id: int) -> Ticket:
    """The ticket is closed, its mails go to the held ones, and its sender is remembered."""
    me.require(Permission.TICKET_WORK)
    ticket = await _locked(session, me, ticket_id)
    mails = await _mails(session, Intake.ticket_id == ticket_id)
    if not mails:
        raise Conflict("Nobody wrote by mail on ticket {number}.", number=ticket_id)
    if ticket.state is not TicketState.CLOSED:
        await desk.move(session, settings, me, ticket, TicketState.CLOSED)
    now = clock.now()
    await session.execute(
        update(Intake)
        .where(Intake.id.in_([intake.id for intake, _ in mails]))
        .values(
            outcome=IntakeOutcome.HELD, policy=POLICY, ticket_id=None, taken_off_ticket_id=ticket.id,
            left_at=now, left_by_id=me.id,
        )
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    first = mails[0][1]
    await remember(session, me, first, spam=True)
    await _say(session, me, ticket, {"address": first.from_address})
    return ticket


async def take_back(session: AsyncSession, settings: Settings, me: Actor, ticket_id: int) -> Ticket:
    """It was no spam: its mails are the ticket's again, and it waits in the queue."""
    me.require(Permission.TICKET_WORK)
    ticket = await _locked(session, me, ticket_id)
    mails = await _mails(session, Intake.taken_off_ticket_id == ticket_id)
    if not mails:
        raise Conflict("Ticket {number} was not closed as spam.", number=ticket_id)
    opened = mails[0][0].id if ticket.channel is Channel.EMAIL else None
    for intake, _ in mails:
        intake.outcome = IntakeOutcome.TICKETED if intake.id == opened else IntakeOutcome.ATTACHED
        intake.ticket_id, intake.policy, intake.taken_off_ticket_id = ticket.id, None, None
        intake.left_at = intake.left_by_id = None
    if ticket.state is TicketState.CLOSED:
        await desk.move(session, settings, me, ticket, TicketState.QUEUED)
    first = mails[0][1]
    await remember(session, me, first, spam=False)
    await _say(session, me, ticket, {"address": first.from_address, "taken_back": True})
    return ticket


async def _locked(session: AsyncSession, me: Actor, ticket_id: int) -> Ticket:
    """Behind the locks on its senders: their next mail may come in at this moment."""
    senders = await session.scalars(
        select(Message.from_address)
        .join(Intake, Intake.message_id == Message.id)
        .where(or_(Intake.ticket_id == ticket_id, Intake.taken_off_ticket_id == ticket_id))
        .distinct()
    )
    await lock_names(session, [f"customer:{address}" for address in senders if address])
    ticket = await lock_ticket(session, ticket_id)
    assignment = await open_assignment(session, ticket_id)
    if not may_be_spam(me, ticket, assignment.person_id if assignment else None):
        if ticket.priority is Priority.EMERGENCY:
            raise Forbidden("An emergency is closed as spam by a supervisor only.")
        raise Forbidden("Somebody else works on ticket {number}.", number=ticket_id)
    return ticket


async def _mails(session: AsyncSession, which: ColumnElement[bool]) -> Sequence[tuple[Intake, Message]]:
    found = await session.execute(
        select(Intake, Message)
        .join(Message, Message.id == Intake.message_id)
        .where(which, Message.machine.is_(None))
        .order_by(Message.id)
    )
    return [(intake, message) for intake, message in found]


async def _say(session: AsyncSession, me: Actor, ticket: Ticket, detail: dict[str, object]) -> None:
    session.add(Entry(ticket_id=ticket.id, kind=EntryKind.SPAM, actor_id=me.id, detail=detail))
    await session.flush()
    action = "ticket.not_spam" if detail.get("taken_back") else "ticket.spam"
    audit.record(session, me.id, action, ticket_id=ticket.id, detail=detail, ip=me.ip)
    await publish(session, Event("ticket", ticket.id, what="spam"))


# What people said about senders


async def remember(session: AsyncSession, me: Actor, message: Message, *, spam: bool) -> None:
    """The sender's next mail is judged by it, by the newest word; without an address there is nothing to remember."""
    if not message.from_address:
        return
    values = {"spam": spam, "message_id": message.id, "decided_by_id": me.id, "decided_at": clock.now()}
    await session.execute(
        insert(SenderJudgement)
        .values(address=message.from_address, **values)
        .on_conflict_do_update(index_elements=["address"], set_=values)
    )
    audit.record(
        session, me.id, "sender.judge", object_type="message", object_id=message.id,
        detail={"address": message.from_address, "spam": spam}, ip=me.ip,
    )  # fmt: skip


async def forget(session: AsyncSession, me: Actor, judgement_id: int) -> str | None:
    """The address that was judged; None when there is no such judgement."""
    me.require(Permission.TICKET_ASSIGN)
    address = await session.scalar(
        delete(SenderJudgement).where(SenderJudgement.id == judgement_id).returning(SenderJudgement.address)
    )
    if address is not None:
        audit.record(
            session, me.id, "sender.forget", object_type="sender_judgement", object_id=judgement_id,
            detail={"address": address}, ip=me.ip,
        )  # fmt: skip
    return address
