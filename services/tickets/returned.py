"""An answer that did not arrive: its CSR is told at once, wherever they are, until somebody has settled it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.thread_repository import family, survivor
from shared import audit, clock
from shared.events import Event, publish
from shared.models import (
    CustomerIdentity,
    Delivery,
    DeliveryKind,
    Entry,
    EntryKind,
    IdentityKind,
    ReturnedMail,
    ReturnedSettled,
    Ticket,
    TicketState,
)
from shared.people import Actor, Permission

# What its writer must be told of. An acknowledgement that comes back stands on the timeline, and no more.
TOLD = (DeliveryKind.REPLY, DeliveryKind.SAFETY)
LIMIT = 50


class LostRecipient(BaseModel):
    """Somebody who did not get the mail."""

    model_config = ConfigDict(frozen=True)

    address: str
    permanent: bool = Field(description="The address takes no mail; else it may work later.")
    status: str = Field(description="RFC 3463, such as 5.1.1; may be empty.")
    diagnostic: str = Field(description="What their server said.")


class ReturnedView(BaseModel):
    """An answer that came back and waits for somebody to do something about it."""

    model_config = ConfigDict(frozen=True)

    id: int
    ticket_id: int
    delivery_id: int
    subject: str
    recipients: list[LostRecipient]
    at: datetime
    phones: list[str] = Field(description="Numbers at which the customer may be reached, the best first.")
    ticket_state: TicketState
    can_be_sent_again: bool = Field(description="As a reply; safety instructions are not: call the customer.")


class Returned(BaseModel):
    items: list[ReturnedView]


def _statement() -> Select[ReturnedMail, Delivery, Ticket]:
    return (
        select(ReturnedMail, Delivery, Ticket)
        .join(Delivery, Delivery.id == ReturnedMail.delivery_id)
        .join(Ticket, Ticket.id == ReturnedMail.ticket_id)
        .where(ReturnedMail.settled.is_(None))
        .order_by(ReturnedMail.id.desc())
        .limit(LIMIT)
    )


async def of_ticket(session: AsyncSession, ticket_id: int) -> list[ReturnedView]:
    return await _views(session, _statement().where(ReturnedMail.ticket_id.in_(family(ticket_id))))


async def mine(session: AsyncSession, me: Actor) -> Returned:
    """What waits for me: on tickets that are mine, and what I wrote on tickets that are nobody's."""
    me.require(Permission.TICKET_WORK)
    responsible = func.coalesce(Ticket.assignee_id, ReturnedMail.person_id)
    return Returned(items=await _views(session, _statement().where(responsible == me.id)))


async def _views(session: AsyncSession, statement: Select[ReturnedMail, Delivery, Ticket]) -> list[ReturnedView]:
    found = list(await session.execute(statement))
    customers = {ticket.customer_id for _, _, ticket in found} - {None}
    phones: dict[int, list[str]] = {}
    if customers:
        for customer_id, number in await session.execute(
            select(CustomerIdentity.customer_id, CustomerIdentity.value)
            .where(CustomerIdentity.customer_id.in_(customers), CustomerIdentity.kind == IdentityKind.PHONE)
            .order_by(CustomerIdentity.value)
        ):
            phones.setdefault(customer_id, []).append(number)
    return [
        ReturnedView(
            id=row.id,
            ticket_id=ticket.merged_into_id or ticket.id,
            delivery_id=row.delivery_id,
            subject=delivery.subject,
            recipients=[LostRecipient(**each) for each in row.recipients],
            at=row.at,
            phones=list(
                dict.fromkeys(
                    [
                        *([ticket.callback_number] if ticket.callback_number else []),
                        *phones.get(ticket.customer_id or 0, []),
                    ]
                )
            ),
            ticket_state=ticket.state,
            can_be_sent_again=delivery.kind is DeliveryKind.REPLY,
        )
        for row, delivery, ticket in found
    ]


async def came_back(session: AsyncSession, delivery: Delivery, lost: Sequence[Mapping[str, Any]]) -> None:
    """Say so to whoever works on the ticket, else to whoever wrote it. Reports about several recipients add up."""
    if not lost:
        return
    row = await session.scalar(select(ReturnedMail).where(ReturnedMail.delivery_id == delivery.id).with_for_update())
    if row is None:
        row = ReturnedMail(
            delivery_id=delivery.id, ticket_id=delivery.ticket_id, person_id=delivery.created_by_id, recipients=[]
        )
        session.add(row)
    known = {str(each["address"]): each for each in row.recipients}
    for each in lost:
        address = str(each.get("address", "")).lower()
        known[address] = {
            "address": address,
            "permanent": bool(each.get("permanent", True)),
            "status": str(each.get("status") or ""),
            "diagnostic": str(each.get("diagnostic") or "")[:500],
        }
    row.recipients = list(known.values())
    row.settled = row.settled_at = row.settled_by_id = None
    await session.flush()
    ticket = await session.get_one(Ticket, await survivor(session, delivery.ticket_id))
    person = ticket.assignee_id or row.person_id
    await publish(session, Event("returned", row.id, (person,) if person is not None else (), "came_back"))


async def settled(
    session: AsyncSession, me: Actor, row: ReturnedMail, ticket: Ticket, how: ReturnedSettled, **more: object
) -> None:
    """Somebody did something about it; the ticket is locked."""
    row.settled, row.settled_at, row.settled_by_id = how, clock.now(), me.id
    detail = {"what": how.value, "addresses": [each["address"] for each in row.recipients], **more}
    session.add(
        Entry(
            ticket_id=ticket.id,
            kind=EntryKind.RETURNED,
            actor_id=me.id,
            detail={**detail, "delivery_id": row.delivery_id},
        )
    )
    audit.record(
        session, me.id, f"returned.{how.value}", object_type="delivery", object_id=row.delivery_id,
        ticket_id=ticket.id, detail=detail, ip=me.ip,
    )  # fmt: skip
    people = {me.id, *([ticket.assignee_id] if ticket.assignee_id is not None else [])}
    await publish(session, Event("returned", row.id, tuple(sorted(people)), how.value))
    await publish(session, Event("ticket", ticket.id, tuple(sorted(people)), "returned"))


async def sent_again(session: AsyncSession, me: Actor, ticket: Ticket, delivery_id: int, to: Sequence[str]) -> None:
    """The mail left once more: what was said about it is settled."""
    row = await session.scalar(
        select(ReturnedMail)
        .where(ReturnedMail.delivery_id == delivery_id, ReturnedMail.settled.is_(None))
        .with_for_update()
    )
    if row is not None:
        await settled(session, me, row, ticket, ReturnedSettled.RESENT, to=list(to))
