"""Mail that machines wrote: on the right ticket's timeline or held by name, never answered, never reopening."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import intake_repository as repository
from services.tickets import left_held, returned, search
from services.tickets.intake_reading import searchable
from services.tickets.thread import Placement
from services.tickets.thread_repository import survivor
from shared import clock
from shared.events import Event, publish
from shared.models import (
    Delivery,
    DeliveryKind,
    Entry,
    EntryKind,
    IntakeOutcome,
    Machine,
    Message,
    NoAcknowledgement,
    Ticket,
)

BOUNCE_WINDOW = timedelta(days=14)  # how long ago a mail can have left that comes back with nothing but a recipient
ABOUT_OUR_MAIL = (Machine.COMPLAINT, Machine.RECEIPT, Machine.CHALLENGE)


async def take_in_machine(session: AsyncSession, message: Message, placement: Placement) -> None:
    """Not a bounce. On the ticket whose mail it is about, or on which its sender takes part; else held."""
    assert message.machine is not None
    delivery = None
    if message.machine in ABOUT_OUR_MAIL:
        named = [each for each in _recipients(message) if message.machine is not Machine.CHALLENGE]
        delivery = await repository.delivery_of_bounce(session, message, _addresses(named), _since())
    ticket_id = delivery.ticket_id if delivery is not None else placement.ticket_id
    if ticket_id is None and placement.why == "closed_long_ago":
        ticket_id = placement.linked_to  # it changes nothing there, and starts nothing new
    if ticket_id is None:
        await left_held.hold(session, message, message.machine.value)
        return
    detail: dict[str, Any] = {"machine": message.machine.value, "evidence": message.machine_evidence}
    if message.machine is Machine.COMPLAINT and delivery is not None:
        detail["addresses"] = await _leave_alone(session, message, delivery)
    await _attach(session, message, ticket_id, EntryKind.MACHINE_MAIL, detail, delivery)


async def take_in_loop(session: AsyncSession, message: Message) -> None:
    """Our own mail, come back: on the ticket from which it left, when it is known by its Message-ID; else held."""
    delivery: Delivery | None = None
    if message.machine is Machine.LOOP and message.rfc_message_id:
        delivery = await session.scalar(select(Delivery).where(Delivery.rfc_message_id == message.rfc_message_id))
    if delivery is None:
        await left_held.hold(session, message, Machine.LOOP.value)
        return
    detail = {"machine": Machine.LOOP.value, "evidence": message.machine_evidence}
    await _attach(session, message, delivery.ticket_id, EntryKind.MACHINE_MAIL, detail, delivery)


async def take_in_bounce(session: AsyncSession, message: Message) -> None:
    """Our mail came back, or is late. Late is information; who did not get an answer at all is told to its CSR."""
    named = [each for each in _recipients(message) if each.get("kind", "failed") != "delivered"]
    delivery = await repository.delivery_of_bounce(session, message, _addresses(named), _since())
    if delivery is None:
        await left_held.hold(session, message, "bounce_unmatched")
        return
    about: list[dict[str, Any]] = named or [{"address": address} for address in delivery.to_addresses]
    failed = [each for each in about if each.get("kind", "failed") != "delayed"]
    detail = {
        "recipients": about,
        "delayed": not failed,
        "permanent": any(each.get("permanent", True) for each in failed),
        "delivery_kind": delivery.kind.value,
        "human": delivery.kind is DeliveryKind.REPLY,
    }
    await _attach(session, message, delivery.ticket_id, EntryKind.BOUNCE, detail, delivery)
    if delivery.kind in returned.TOLD:
        await returned.came_back(session, delivery, failed)


def _recipients(message: Message) -> list[dict[str, Any]]:
    return [each for each in (message.bounce or {}).get("recipients", []) if isinstance(each, dict)]


def _addresses(recipients: Iterable[dict[str, Any]]) -> list[str]:
    return [str(each["address"]).lower() for each in recipients if each.get("address")]


def _since() -> Any:
    return clock.now() - BOUNCE_WINDOW


async def _leave_alone(session: AsyncSession, message: Message, delivery: Delivery) -> list[str]:
    """Who complained gets nothing automatic any more. Reports often leave the address out; then it is the one we
    wrote to. An address to which that mail did not go is nobody's business here."""
    written_to = [*delivery.to_addresses, *delivery.cc_addresses]
    named = [address for address in _addresses(_recipients(message)) if address in written_to]
    addresses = named or (delivery.to_addresses if len(written_to) == 1 else [])
    if addresses:
        rows = [{"address": address, "asked_by": "complaint"} for address in addresses]
        await session.execute(insert(NoAcknowledgement).values(rows).on_conflict_do_nothing())
    return addresses


async def _attach(
    session: AsyncSession,
    message: Message,
    ticket_id: int,
    kind: EntryKind,
    detail: dict[str, Any],
    delivery: Delivery | None,
) -> None:
    ticket = await session.get_one(Ticket, await survivor(session, ticket_id))
    session.add(
        Entry(
            ticket_id=ticket.id,
            kind=kind,
            message_id=message.id,
            delivery_id=delivery.id if delivery is not None else None,
            detail=detail,
        )
    )
    await repository.put_intake(session, message_id=message.id, outcome=IntakeOutcome.ATTACHED, ticket_id=ticket.id)
    await search.index(
        session,
        ticket_id=ticket.id,
        source="message",
        source_id=message.id,
        language=ticket.language,
        body=searchable(message),
    )
    people = (ticket.assignee_id,) if ticket.assignee_id is not None else ()
    what = "delayed" if detail.get("delayed") else kind.value
    await publish(session, Event("ticket", ticket.id, people=people, what=what))
