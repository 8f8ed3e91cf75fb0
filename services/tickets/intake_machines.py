"""Mail that machines wrote: on the right ticket's timeline or held by name, never answered, never reopening."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import intake_repository as repository
from services.tickets import search
from services.tickets.intake_reading import searchable
from services.tickets.thread import Placement
from shared import clock
from shared.events import Event, publish
from shared.models import DeliveryKind, Entry, EntryKind, IntakeOutcome, Message, Ticket

BOUNCE_WINDOW = timedelta(days=14)  # how long ago a mail can have left that comes back with nothing but a recipient


async def take_in_machine(session: AsyncSession, message: Message, placement: Placement) -> None:
    """An automatic reply or list mail. On its ticket if its sender takes part there, else held."""
    assert message.machine is not None
    ticket_id = placement.ticket_id
    if ticket_id is None and placement.why == "closed_long_ago":
        ticket_id = placement.linked_to  # it changes nothing there, and starts nothing new
    if ticket_id is None:
        await repository.put_intake(
            session, message_id=message.id, outcome=IntakeOutcome.HELD, policy=message.machine.value
        )
        return
    session.add(
        Entry(
            ticket_id=ticket_id,
            kind=EntryKind.MACHINE_MAIL,
            message_id=message.id,
            detail={"machine": message.machine.value, "evidence": message.machine_evidence},
        )
    )
    await _attached(session, message, ticket_id, "machine_mail")


async def take_in_bounce(session: AsyncSession, message: Message) -> None:
    """Our mail came back. The delivery's own row is the inbox's; what the CSR must know stands on the timeline."""
    recipients = list((message.bounce or {}).get("recipients", []))
    addresses = [str(item["address"]).lower() for item in recipients if item.get("address")]
    delivery = await repository.delivery_of_bounce(session, message, addresses, clock.now() - BOUNCE_WINDOW)
    if delivery is None:
        await repository.put_intake(
            session, message_id=message.id, outcome=IntakeOutcome.HELD, policy="bounce_unmatched"
        )
        return
    kinds = {str(item.get("kind", "failed")) for item in recipients}
    delayed = bool(kinds) and kinds <= {"delayed"}
    session.add(
        Entry(
            ticket_id=delivery.ticket_id,
            kind=EntryKind.BOUNCE,
            message_id=message.id,
            delivery_id=delivery.id,
            detail={
                "recipients": recipients or [{"address": address} for address in delivery.to_addresses],
                "delayed": delayed,
                "delivery_kind": delivery.kind.value,
                "human": delivery.kind is DeliveryKind.REPLY,
            },
        )
    )
    await _attached(session, message, delivery.ticket_id, "delayed" if delayed else "bounce")


async def _attached(session: AsyncSession, message: Message, ticket_id: int, what: str) -> None:
    ticket = await session.get_one(Ticket, ticket_id)
    await repository.put_intake(session, message_id=message.id, outcome=IntakeOutcome.ATTACHED, ticket_id=ticket_id)
    await search.index(
        session,
        ticket_id=ticket_id,
        source="message",
        source_id=message.id,
        language=ticket.language,
        body=searchable(message),
    )
    people = (ticket.assignee_id,) if ticket.assignee_id is not None else ()
    await publish(session, Event("ticket", ticket_id, people=people, what=what))
