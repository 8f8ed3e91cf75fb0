"""What became of a mail we sent: on the timeline once, and the answer of a person stops the customer's clock."""

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import returned
from services.tickets.clocks import moves as clocks
from services.tickets.locks import lock_ticket
from services.tickets.thread_repository import survivor
from shared import clock
from shared.errors import NotFound
from shared.events import Event, publish, publish_all
from shared.models import Delivery, DeliveryKind, DeliveryState, Entry, EntryKind
from shared.settings import Settings


async def take_in(session: AsyncSession, settings: Settings, delivery_id: int) -> None:
    """Safe to call at any time and any number of times."""
    found = await session.get(Delivery, delivery_id)
    if found is None:
        raise NotFound("There is no delivery {number}.", number=delivery_id)
    if found.failure_noted or found.state not in (DeliveryState.SENT, DeliveryState.FAILED):
        return
    ticket = await lock_ticket(session, await survivor(session, found.ticket_id))
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
    if not sent and delivery.kind in returned.TOLD:
        lost = [*delivery.to_addresses, *delivery.cc_addresses]
        await returned.came_back(
            session, delivery, [{"address": address, "diagnostic": delivery.last_error} for address in lost]
        )
    if sent and delivery.kind is DeliveryKind.REPLY and delivery.sent_at is not None:
        await clocks.answered(session, settings, ticket, delivery.sent_at)
    ticket.updated_at = clock.now()
    people = {person for person in (ticket.assignee_id, delivery.created_by_id) if person is not None}
    await publish(
        session,
        Event("ticket", ticket.id, people=tuple(sorted(people)), what="sent" if sent else "delivery_failed"),
    )


async def take_in_automatic(session: AsyncSession, delivery_ids: Sequence[int]) -> set[int]:
    """Those of them that are automatic mails that left: on their timelines, many in a few statements. Returns which.

    They change nothing about their tickets, so none is locked.
    """
    rows = (
        await session.execute(
            update(Delivery)
            .where(
                Delivery.id.in_(delivery_ids),
                Delivery.state == DeliveryState.SENT,
                Delivery.kind != DeliveryKind.REPLY,
                ~Delivery.failure_noted,
            )
            .values(failure_noted=True)
            .returning(Delivery.id, Delivery.ticket_id, Delivery.kind, Delivery.to_addresses)
        )
    ).all()
    session.add_all(
        Entry(
            ticket_id=row.ticket_id,
            kind=EntryKind.DELIVERY_SENT,
            delivery_id=row.id,
            detail={"kind": row.kind.value, "to": row.to_addresses},
        )
        for row in sorted(rows, key=lambda row: row.id)
    )
    await session.flush()
    await publish_all(
        session, [Event("ticket", ticket_id, what="sent") for ticket_id in {row.ticket_id for row in rows}]
    )
    return {row.id for row in rows}
