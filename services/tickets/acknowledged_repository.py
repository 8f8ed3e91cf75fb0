"""SQL of automatic mails: who got one lately, who wants none, and which mail it answers."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.thread_repository import family
from shared.models import Delivery, DeliveryKind, Intake, Message, NoAcknowledgement, Participant, Ticket


async def acknowledged_since(
    session: AsyncSession, customer_ids: Collection[int], kinds: Sequence[str], since: datetime
) -> set[int]:
    """Which of these customers got a mail of one of these kinds since then, on any ticket."""
    if not customer_ids:
        return set()
    found = await session.scalars(
        select(Ticket.customer_id)
        .join(Delivery, Delivery.ticket_id == Ticket.id)
        .where(Ticket.customer_id.in_(customer_ids), Delivery.kind.in_(kinds), Delivery.created_at >= since)
        .distinct()
    )
    return {customer_id for customer_id in found if customer_id is not None}


async def unwanted_by(session: AsyncSession, addresses: Collection[str]) -> set[str]:
    """Which of these addresses want no acknowledgements."""
    found = await session.scalars(select(NoAcknowledgement.address).where(NoAcknowledgement.address.in_(addresses)))
    return set(found)


async def addresses_acknowledged_since(
    session: AsyncSession, addresses: Collection[str], kinds: Sequence[str], since: datetime
) -> set[str]:
    """Which of these addresses got a mail of one of these kinds since then."""
    if not addresses:
        return set()
    first = Delivery.to_addresses[0].astext
    lately = select(first).where(
        first.in_(addresses),
        Delivery.kind.in_((DeliveryKind.ACKNOWLEDGEMENT, DeliveryKind.SAFETY)),  # of the index
        Delivery.kind.in_(kinds),
        Delivery.created_at >= since,
    )
    return set(await session.scalars(lately))


async def threads_acknowledged_since(
    session: AsyncSession, ticket_ids: Collection[int], kinds: Sequence[str], since: datetime
) -> set[int]:
    """On which of these tickets, or on a ticket linked to which of them, a mail of these kinds left since then."""
    if not ticket_ids:
        return set()
    found: set[int] = set()
    for column in (Ticket.id, Ticket.linked_ticket_id):
        found |= {
            ticket_id
            for ticket_id in await session.scalars(
                select(column)
                .join(Delivery, Delivery.ticket_id == Ticket.id)
                .where(column.in_(ticket_ids), Delivery.kind.in_(kinds), Delivery.created_at >= since)
            )
            if ticket_id is not None
        }
    return found


async def last_mail_of(session: AsyncSession, ticket_id: int) -> Message | None:
    """The newest mail on the ticket, or on one that goes on in it, of somebody who was not shown out."""
    found: Message | None = await session.scalar(
        select(Message)
        .join(Intake, Intake.message_id == Message.id)
        .where(
            Intake.ticket_id.in_(family(ticket_id)),
            Message.machine.is_(None),
            ~exists().where(
                Participant.ticket_id == ticket_id,
                Participant.address == Message.from_address,
                Participant.removed_at.is_not(None),
            ),
        )
        .order_by(Message.id.desc())
        .limit(1)
    )
    return found
