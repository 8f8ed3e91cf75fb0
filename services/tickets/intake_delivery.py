"""What became of a mail we sent: on the timeline once, and the first answer by a person stops the customer's clock."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.locks import lock_ticket
from shared import clock
from shared.errors import NotFound
from shared.events import Event, publish
from shared.models import Delivery, DeliveryKind, DeliveryState, Entry, EntryKind
from shared.settings import Settings


async def take_in(session: AsyncSession, settings: Settings, delivery_id: int) -> None:
    """Safe to call at any time and any number of times."""
    found = await session.get(Delivery, delivery_id)
    if found is None:
        raise NotFound("There is no delivery {number}.", number=delivery_id)
    if found.failure_noted or found.state not in (DeliveryState.SENT, DeliveryState.FAILED):
        return
    ticket = await lock_ticket(session, found.ticket_id)
    delivery = await session.scalar(
        select(Delivery).where(Delivery.id == delivery_id).with_for_update().execution_options(populate_existing=True)
    )
    if delivery is None or delivery.failure_noted or delivery.state not in (DeliveryState.SENT, DeliveryState.FAILED):
        return
    delivery.failure_noted = True
    sent = delivery.state is DeliveryState.SENT
    detail: dict[str, object] = {"kind": delivery.kind.value, "to": delivery.to_addresses}
    if not sent:
        detail["error"] = delivery.last_error
        detail["attempts"] = delivery.attempts
    session.add(
        Entry(
            ticket_id=ticket.id,
            kind=EntryKind.DELIVERY_SENT if sent else EntryKind.DELIVERY_FAILED,
            delivery_id=delivery.id,
            detail=detail,
        )
    )
    if sent and delivery.kind is DeliveryKind.REPLY and ticket.first_responded_at is None:
        ticket.first_responded_at = delivery.sent_at
    ticket.updated_at = clock.now()
    people = {person for person in (ticket.assignee_id, delivery.created_by_id) if person is not None}
    await publish(
        session,
        Event("ticket", ticket.id, people=tuple(sorted(people)), what="sent" if sent else "delivery_failed"),
    )
