"""What the mail server calls spam waits for a person, unless it must not wait; who may call something spam.

An emergency is never held, nor what goes on with an open ticket: a gas smell in a mail that looks like advertising is
still a gas smell.
"""

from sqlalchemy import exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.priority import triage
from services.tickets.triage.understand import topic_of
from services.tickets.trust import Verdict, verdict_of
from shared.models import (
    CustomerIdentity,
    IdentityKind,
    Intake,
    IntakeOutcome,
    Message,
    Participant,
    Priority,
    Ticket,
    TicketState,
)
from shared.people import Actor, Permission

POLICY = "spam"


def is_held(
    *, called_spam: bool, judged_spam: bool | None, verdict: Verdict, known: bool, goes_on: bool, emergency: bool
) -> bool:
    """Whether a person's mail waits instead of becoming a ticket. Pure.

    `judged_spam`: what somebody said about the sender, if anybody did; `known`: takes part in a ticket or has one open;
    `goes_on`: the mail answers an open ticket of theirs. A word for the sender helps nobody who forges the address.
    """
    if emergency or goes_on:
        return False
    if judged_spam is not None and (judged_spam or verdict is not Verdict.FAILED):
        return judged_spam
    return called_spam and not known


async def holds(session: AsyncSession, message: Message, ticket_id: int | None, judged_spam: bool | None) -> bool:
    """`ticket_id`: the ticket that the mail would go on, open or closed.

    Also a subject or a quoted text may speak of an emergency here: to let one mail too many through costs little.
    """
    if message.spam is None and not judged_spam:
        return False
    state = None
    if ticket_id is not None:
        state = await session.scalar(select(Ticket.state).where(Ticket.id == ticket_id))
    said = f"{message.subject}\n{message.text_full or message.text_new}"
    return is_held(
        called_spam=message.spam is not None,
        judged_spam=judged_spam,
        verdict=verdict_of(message.authentication),
        known=await _known(session, message.from_address),
        goes_on=state is not None and state is not TicketState.CLOSED,
        emergency=triage(topic_of(said), said).priority is Priority.EMERGENCY,
    )


async def _known(session: AsyncSession, address: str) -> bool:
    """A customer with an open ticket, or somebody who takes part in one that nobody called spam."""
    if not address:
        return False
    as_spam = exists().where(Intake.taken_off_ticket_id == Participant.ticket_id)
    takes_part = exists().where(Participant.address == address, Participant.removed_at.is_(None), ~as_spam)
    has_one = exists().where(
        CustomerIdentity.kind == IdentityKind.EMAIL,
        CustomerIdentity.value == address,
        Ticket.customer_id == CustomerIdentity.customer_id,
        Ticket.state != TicketState.CLOSED,
    )
    return bool(await session.scalar(select(or_(takes_part, has_one))))


def may_be_spam(me: Actor, ticket: Ticket, offered_to: int | None = None) -> bool:
    """Whoever works on it, or anybody while nobody does; of an emergency only who leads."""
    if not me.may(Permission.TICKET_WORK):
        return False
    if me.may(Permission.TICKET_ASSIGN):
        return True
    free = ticket.assignee_id is None and offered_to in (None, me.id)
    return (free or ticket.assignee_id == me.id) and ticket.priority is not Priority.EMERGENCY


async def waiting(session: AsyncSession) -> int:
    """How much that looks like spam nobody has looked at."""
    found = await session.scalar(
        select(func.count()).where(
            Intake.outcome == IntakeOutcome.HELD, Intake.policy == POLICY, Intake.left_at.is_(None)
        )
    )
    return found or 0
