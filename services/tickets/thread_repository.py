"""What the store knows of the tickets that a mail points to, for thread.py to decide on."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, exists, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from services.tickets.said import Mail, Said
from services.tickets.thread import Known
from shared import clock
from shared.models import Delivery, Entry, EntryKind, Intake, MailReceipt, Message, Participant, ReceiptState, Ticket

# So long an answer waits for what it answers; a mail that breaks the parser must not hold it back for ever.
COMES_WITHIN = timedelta(minutes=2)
MOST_MAILS = 500  # of one ticket that are weighed together


def taking_part(address: str) -> Select[int]:
    """The tickets on which this address may speak."""
    return select(Participant.ticket_id).where(Participant.address == address, Participant.removed_at.is_(None))


def family(ticket_id: int) -> Select[int]:
    """The ticket and those that go on in it."""
    return select(Ticket.id).where(or_(Ticket.id == ticket_id, Ticket.merged_into_id == ticket_id))


async def still_coming(session: AsyncSession, rfc_ids: Sequence[str], message: Message) -> bool:
    """Whether what this mail answers is unknown, and may be one of the mails that came before and wait to be parsed.

    After a crash in the middle of a batch, mail that was fetched later is parsed first.
    """
    if not rfc_ids or message.reply_token or clock.now() - message.created_at > COMES_WITHIN:
        return False
    own = select(func.min(MailReceipt.id)).where(MailReceipt.message_id == message.id).scalar_subquery()
    coming = await session.scalar(
        select(
            and_(
                exists().where(MailReceipt.state == ReceiptState.STORED, MailReceipt.id < own),
                ~exists().where(Message.rfc_message_id.in_(rfc_ids), Message.id != message.id),
                ~exists().where(Delivery.rfc_message_id.in_(rfc_ids)),
            )
        )
    )
    return bool(coming)


async def answered_by(session: AsyncSession, rfc_ids: Sequence[str]) -> dict[str, list[int]]:
    """Message-ID → tickets of mails that answer it, also through others: what is answered may arrive last."""
    rows = await session.execute(
        text(
            "SELECT asked.id, coalesce(ticket.merged_into_id, ticket.id) AS ticket_id"
            " FROM unnest(CAST(:ids AS text[])) AS asked(id)"
            ' JOIN message ON message.in_reply_to ? asked.id OR message."references" ? asked.id'
            " JOIN intake ON intake.message_id = message.id JOIN ticket ON ticket.id = intake.ticket_id"
            " ORDER BY message.id"
        ),
        {"ids": list(rfc_ids)},
    )
    found: dict[str, list[int]] = defaultdict(list)
    for rfc_id, ticket_id in rows:
        if ticket_id not in found[rfc_id]:
            found[rfc_id].append(ticket_id)
    return dict(found)


@dataclass(frozen=True)
class OnTicket:
    """A mail of a person on a ticket, with what is kept of it and its lowest UID."""

    message: Message
    said: dict[str, Any] | None
    uid: int


async def mails_of(session: AsyncSession, ticket_id: int, but: int) -> list[OnTicket]:
    """The newest on the ticket and on those that go on in it, without one. Texts only where nothing is kept of them."""
    uid = select(func.min(MailReceipt.uid)).where(MailReceipt.message_id == Message.id).scalar_subquery()
    rows = await session.execute(
        select(Message, Intake.said, uid)
        .join(Intake, Intake.message_id == Message.id)
        .where(Intake.ticket_id.in_(family(ticket_id)), Message.machine.is_(None), Message.id != but)
        .options(defer(Message.text_full), defer(Message.html), defer(Message.headers))
        .order_by(Message.id.desc())
        .limit(MOST_MAILS)
    )
    return [OnTicket(message, said, found or 0) for message, said, found in rows]


async def uid_of(session: AsyncSession, message_id: int) -> int:
    return await session.scalar(select(func.min(MailReceipt.uid)).where(MailReceipt.message_id == message_id)) or 0


def as_mail(message: Message, said: Said, uid: int) -> Mail:
    return Mail(
        message_id=message.id,
        said=said,
        subject=message.subject,
        sent_at=message.sent_at,
        received_at=message.received_at,
        uid=uid,
        blob=message.blob,
        rfc_message_id=message.rfc_message_id,
        answers=(*message.in_reply_to, *message.references),
    )


async def link(session: AsyncSession, ticket_id: int, to: int) -> None:
    """Unless it is linked to another."""
    await session.execute(
        update(Ticket).where(Ticket.id == ticket_id, Ticket.linked_ticket_id.is_(None)).values(linked_ticket_id=to)
    )


async def unrelated(session: AsyncSession, ticket_id: int, others: Collection[int]) -> list[int]:
    """Those of the others that neither a split, a link nor an entry has brought together with the ticket."""
    here = select(Ticket.linked_ticket_id, Ticket.split_from_id).where(Ticket.id == ticket_id)
    told = exists().where(
        Entry.ticket_id == ticket_id,
        Entry.kind == EntryKind.LINKED,
        Entry.detail["ticket_id"].as_integer() == Ticket.id,
    )
    linked, split_from = (await session.execute(here)).one()
    rows = await session.execute(
        select(Ticket.id, Ticket.linked_ticket_id, Ticket.split_from_id).where(Ticket.id.in_(others), ~told)
    )
    return [row[0] for row in rows if row[0] not in (linked, split_from) and ticket_id not in row[1:]]


async def survivor(session: AsyncSession, ticket_id: int) -> int:
    """The ticket in which this one goes on: itself, unless it was merged."""
    merged_into: int | None = await session.scalar(select(Ticket.merged_into_id).where(Ticket.id == ticket_id))
    return ticket_id if merged_into is None else merged_into


async def quoted(
    session: AsyncSession, *, token: str | None, rfc_ids: Sequence[str], number: int | None, address: str
) -> Known | None:
    """Everything these words point to, or None when that is nothing. `address`: the sender's, for what followed."""
    of_token = await _of_token(session, token) if token else None
    of_ids = await _of_ids(session, rfc_ids) if rfc_ids else {}
    named = {ticket_id for tickets in of_ids.values() for ticket_id in tickets}
    named |= {ticket_id for ticket_id in (of_token, number) if ticket_id is not None}
    if not named:
        return None
    existing, merged, split_from = await _relations(session, named)
    return Known(
        of_token=of_token,
        of_ids=of_ids,
        existing=existing,
        merged=merged,
        split_from=split_from,
        followed_by=await _followers(session, {merged.get(id_, id_) for id_ in existing}, address),
    )


async def participation(
    session: AsyncSession, ticket_ids: Collection[int], address: str
) -> tuple[set[int], dict[int, datetime]]:
    """Of these tickets: on which the address takes part, and when the closed ones were closed."""
    rows = await session.execute(
        select(Ticket.id, Ticket.closed_at, Participant.address)
        .outerjoin(
            Participant,
            and_(Participant.ticket_id == Ticket.id, Participant.address == address, Participant.removed_at.is_(None)),
        )
        .where(Ticket.id.in_(ticket_ids))
    )
    participates: set[int] = set()
    closed: dict[int, datetime] = {}
    for ticket_id, closed_at, participant in rows:
        if participant:
            participates.add(ticket_id)
        if closed_at is not None:
            closed[ticket_id] = closed_at
    return participates, closed


async def _of_token(session: AsyncSession, token: str) -> int | None:
    found: int | None = await session.scalar(select(Ticket.id).where(Ticket.reply_token == token))
    return found


async def _of_ids(session: AsyncSession, rfc_ids: Sequence[str]) -> dict[str, list[int]]:
    """Message-ID → tickets: of our own deliveries, then of the mails with it. Nobody can push ours aside by copying."""
    of_deliveries = select(Delivery.rfc_message_id, Delivery.ticket_id).where(Delivery.rfc_message_id.in_(rfc_ids))
    of_messages = (
        select(Message.rfc_message_id, Intake.ticket_id)
        .join(Intake, Intake.message_id == Message.id)
        .where(Message.rfc_message_id.in_(rfc_ids), Intake.ticket_id.is_not(None))
        .order_by(Message.id)
    )
    found: dict[str, list[int]] = defaultdict(list)
    for rfc_id, ticket_id in [*(await session.execute(of_deliveries)), *(await session.execute(of_messages))]:
        if ticket_id not in found[rfc_id]:
            found[rfc_id].append(ticket_id)
    return dict(found)


async def _relations(
    session: AsyncSession, ticket_ids: Iterable[int]
) -> tuple[set[int], dict[int, int], dict[int, int]]:
    """Which of these exist, into which they were merged, and from which they were split, up to the first."""
    existing: set[int] = set()
    merged: dict[int, int] = {}
    split_from: dict[int, int] = {}
    wanted = set(ticket_ids)
    while wanted:
        rows = await session.execute(
            select(Ticket.id, Ticket.merged_into_id, Ticket.split_from_id).where(Ticket.id.in_(wanted))
        )
        for ticket_id, into, parent in rows:
            existing.add(ticket_id)
            if into is not None:
                merged[ticket_id] = into
            if parent is not None:
                split_from[ticket_id] = parent
        wanted = set(split_from.values()) - existing
    return existing, merged, split_from


async def _followers(session: AsyncSession, ticket_ids: Collection[int], address: str) -> dict[int, list[int]]:
    """Tickets that were opened because their mail could not join these, and on which the address takes part."""
    if not address:
        return {}
    goes_on_in = func.coalesce(Ticket.merged_into_id, Ticket.id)
    rows = await session.execute(
        select(Ticket.linked_ticket_id, goes_on_in)
        .where(Ticket.linked_ticket_id.in_(ticket_ids), goes_on_in.in_(taking_part(address)))
        .order_by(Ticket.id.desc())
        .limit(50)
    )
    found: dict[int, list[int]] = defaultdict(list)
    for linked_to, follower in rows:
        if linked_to is not None:
            found[linked_to].append(follower)
    return dict(found)
