"""What a person does with a reply on its way, or one that did not arrive: take it back, send it again, elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import desk, outgoing, release, returned, search
from services.tickets.clocks import moves as clocks
from services.tickets.locks import lock_ticket
from services.tickets.thread_repository import family
from shared import audit, clock
from shared.database import ring
from shared.errors import Conflict, Forbidden, NotFound
from shared.events import Event, publish
from shared.jobs import Job
from shared.models import (
    Assignment,
    AssignmentState,
    Delivery,
    DeliveryFile,
    DeliveryKind,
    DeliveryState,
    Entry,
    EntryKind,
    Participant,
    Ticket,
    TicketState,
)
from shared.people import Actor, Permission
from shared.settings import Settings

DRAFT_KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Written:
    """A reply as its writer had it."""

    text: str
    to: list[str]
    cc: list[str]
    then: str
    file_ids: list[int]


async def take_back(session: AsyncSession, settings: Settings, me: Actor, ticket_id: int, delivery_id: int) -> Written:
    """Undo a reply that was not handed over yet. Raises Conflict when it was.

    The sender's hand-over and this both need the row in `queued`, under lock: exactly one of them happens.
    """
    ticket, delivery = await _locked(session, me, ticket_id, delivery_id)
    if delivery.state is DeliveryState.CANCELLED:
        raise Conflict("This reply was taken back already.")
    if delivery.state is not DeliveryState.QUEUED:
        raise Conflict("It is too late to take this reply back: it has left.")
    undo = delivery.undo or {}
    delivery.state, delivery.leased_until = DeliveryState.CANCELLED, None
    files = list(await session.scalars(_files(delivery_id).with_for_update()))
    for file in files:
        file.delivery_id = None
        file.created_at = clock.now()  # it waits for a reply again
    if strangers := undo.get("participants"):
        await session.execute(
            delete(Participant).where(Participant.ticket_id == ticket_id, Participant.address.in_(strangers))
        )
    await search.forget(session, "delivery", delivery_id)
    session.add(
        Entry(
            ticket_id=ticket_id,
            kind=EntryKind.DELIVERY_CANCELLED,
            actor_id=me.id,
            delivery_id=delivery_id,
            detail={"to": delivery.to_addresses, "files": [[file.id, file.filename] for file in files]},
        )
    )
    await _restore(session, settings, me, ticket, undo)
    ticket.updated_at = clock.now()
    audit.record(
        session, me.id, "ticket.take_back", object_type="delivery", object_id=delivery_id, ticket_id=ticket_id,
        detail={"to": delivery.to_addresses}, ip=me.ip,
    )  # fmt: skip
    await publish(session, Event("ticket", ticket_id, desk.concerned(ticket, me), "taken_back"))
    return Written(
        text=await _text(session, delivery_id),
        to=delivery.to_addresses,
        cc=delivery.cc_addresses,
        then=undo.get("then", ""),
        file_ids=[file.id for file in files],
    )


async def taken_back(session: AsyncSession, me: Actor, ticket_id: int, delivery_id: int) -> Written | None:
    """A reply of one's own that was taken back lately, for going on with it; None when it is not one."""
    delivery = await session.get(Delivery, delivery_id)
    entry = await session.scalar(
        select(Entry)
        .where(
            Entry.delivery_id == delivery_id,
            Entry.ticket_id == ticket_id,
            Entry.kind == EntryKind.DELIVERY_CANCELLED,
            Entry.actor_id == me.id,
            Entry.at > clock.now() - DRAFT_KEPT,
        )
        .limit(1)
    )
    if delivery is None or entry is None:
        return None
    return Written(
        text=await _text(session, delivery_id),
        to=delivery.to_addresses,
        cc=delivery.cc_addresses,
        then=(delivery.undo or {}).get("then", ""),
        file_ids=[int(each[0]) for each in entry.detail.get("files", [])],
    )


async def send_again(
    session: AsyncSession, settings: Settings, me: Actor, ticket_id: int, delivery_id: int, *,
    to: Sequence[str] | None = None, cc: Sequence[str] | None = None, release_reason: str | None = None,
) -> Delivery:  # fmt: skip
    """Send a reply that failed or came back once more: as it was, or to other addresses.

    As it was means the same row and the same Message-ID, by which a server that has it already can tell. To other
    addresses facts of the account go only with a `release_reason`: ConfirmRelease, as in desk.reply.
    """
    ticket, delivery = await _locked(session, me, ticket_id, delivery_id)
    if not await _did_not_arrive(session, delivery):
        raise Conflict("This mail is not one that failed or came back.")
    recipients, copies = await desk.whom(
        session, settings, delivery.to_addresses if to is None else to, delivery.cc_addresses if cc is None else cc
    )
    same = (recipients, copies) == (delivery.to_addresses, delivery.cc_addresses)
    if delivery.state is DeliveryState.FAILED and same:
        _queue_again(delivery)
        session.add(
            Entry(
                ticket_id=ticket_id,
                kind=EntryKind.DELIVERY_AGAIN,
                actor_id=me.id,
                delivery_id=delivery_id,
                detail={"to": recipients, "cc": copies},
            )
        )
        ring(session, Job.SEND, delivery_id)
        sent = delivery
    else:
        text, old = await _text(session, delivery_id), list(await session.scalars(_files(delivery_id)))
        released = None
        if not same:
            names = [file.filename for file in old]
            released = await release.look(
                session, settings, ticket, text, [*recipients, *copies], reason=release_reason, files=names
            )
        sent = await _copy(session, settings, ticket, delivery, me, recipients, copies)
        files = [_copy_of(file, me) for file in old]
        session.add_all(files)
        await desk.record_sent(
            session, settings, me, ticket, sent,
            text=text, files=files,
            detail={"again": delivery_id, **({"released": released.detail()} if released else {})},
        )  # fmt: skip
        if released:
            release.record(session, me, ticket, sent.id, released)
    await returned.sent_again(session, me, ticket, delivery_id, recipients)
    ticket.updated_at = clock.now()
    audit.record(
        session, me.id, "ticket.send_again", object_type="delivery", object_id=sent.id, ticket_id=ticket_id,
        detail={"to": recipients, "cc": copies, "first": delivery_id}, ip=me.ip,
    )  # fmt: skip
    await publish(session, Event("ticket", ticket_id, desk.concerned(ticket, me), "reply"))
    return sent


async def _locked(session: AsyncSession, me: Actor, ticket_id: int, delivery_id: int) -> tuple[Ticket, Delivery]:
    me.require(Permission.TICKET_WORK)
    undo = await session.scalar(select(Delivery.undo).where(Delivery.id == delivery_id)) or {}
    back_to = [undo["assignee_id"]] if undo.get("assignee_id") else []  # whose desk it may come back to
    ticket = await lock_ticket(session, ticket_id, people=back_to)
    delivery = await session.scalar(
        select(Delivery)
        .where(
            Delivery.id == delivery_id,
            Delivery.ticket_id.in_(family(ticket_id)),
            Delivery.kind == DeliveryKind.REPLY,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if delivery is None:
        raise NotFound("There is no such reply.")
    if me.id not in (delivery.created_by_id, ticket.assignee_id) and not me.may(Permission.TICKET_ASSIGN):
        raise Forbidden("Only who wrote this reply, who works on the ticket, or a supervisor may do that.")
    return ticket, delivery


async def _did_not_arrive(session: AsyncSession, delivery: Delivery) -> bool:
    if delivery.state is DeliveryState.FAILED:
        return True
    if delivery.state is not DeliveryState.SENT:
        return False
    came_back = await session.scalar(
        select(Entry.id)
        .where(
            Entry.delivery_id == delivery.id,
            Entry.kind == EntryKind.BOUNCE,
            Entry.detail["delayed"].as_boolean().is_not(True),
        )
        .limit(1)
    )
    return delivery.last_error is not None or came_back is not None


def _queue_again(delivery: Delivery) -> None:
    now = clock.now()
    delivery.state, delivery.failure, delivery.last_error = DeliveryState.QUEUED, None, None
    delivery.failure_noted, delivery.undo, delivery.undo_until = False, None, None
    delivery.leased_until, delivery.slot_at = None, None
    delivery.next_attempt_at = delivery.tried_since = now


async def _copy(
    session: AsyncSession, settings: Settings, ticket: Ticket, delivery: Delivery, me: Actor,
    to: list[str], cc: list[str],
) -> Delivery:  # fmt: skip
    """The same words to others: a mail of its own."""
    return Delivery(
        ticket_id=ticket.id,
        kind=delivery.kind,
        mailbox_id=delivery.mailbox_id,
        to_addresses=to,
        cc_addresses=cc,
        subject=delivery.subject,
        language=delivery.language,
        text=delivery.text,
        html=delivery.html,
        rfc_message_id=await outgoing.new_message_id(session, settings, delivery.mailbox_id),
        in_reply_to=delivery.in_reply_to,
        references=delivery.references,
        reply_token=ticket.reply_token,
        created_by_id=me.id,
    )


def _copy_of(file: DeliveryFile, me: Actor) -> DeliveryFile:
    return DeliveryFile(
        ticket_id=file.ticket_id,
        uploaded_by_id=me.id,
        position=file.position,
        filename=file.filename,
        content_type=file.content_type,
        size=file.size,
        blob=file.blob,
        content_id=file.content_id,  # the text names it
        inline=file.inline,
    )


async def _restore(session: AsyncSession, settings: Settings, me: Actor, ticket: Ticket, undo: dict[str, Any]) -> None:
    """Let the ticket be what it was before the reply, unless something else has happened to it since."""
    after = undo.get("then")
    if after is None or ticket.state.value != after or ticket.rev != undo["rev"]:
        return
    before = TicketState(undo["state"])
    if before is TicketState.OFFERED:
        before = TicketState.QUEUED  # that offer is gone
    assignment = await session.get(Assignment, undo["assignment_id"] or 0, with_for_update=True)
    ticket.state, ticket.closed_at = before, None
    if before in (TicketState.ASSIGNED, TicketState.WAITING):
        ticket.assignee_id = undo["assignee_id"]
        if assignment is not None and assignment.state is AssignmentState.DONE:
            assignment.state, assignment.ended_at = AssignmentState.ACCEPTED, None
    ticket.rev += 1
    session.add(
        Entry(
            ticket_id=ticket.id,
            kind=EntryKind.STATE,
            actor_id=me.id,
            detail={"from": after, "to": before.value, "cause": "taken_back"},
        )
    )
    if after == TicketState.CLOSED.value:
        await clocks.unclosed(session, settings, ticket)
    else:
        await clocks.follow(session, settings, ticket)
    ring(session, Job.ROUTE, ticket.id)


async def _text(session: AsyncSession, delivery_id: int) -> str:
    """What its writer wrote, without signature and quotation."""
    found = await session.scalar(
        select(Entry.text).where(Entry.delivery_id == delivery_id, Entry.kind == EntryKind.MAIL_OUT).limit(1)
    )
    return found or ""


def _files(delivery_id: int) -> Any:
    return (
        select(DeliveryFile)
        .where(DeliveryFile.delivery_id == delivery_id)
        .order_by(DeliveryFile.position, DeliveryFile.id)
    )
