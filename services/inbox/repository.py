"""The inbox's SQL: mailboxes, stored mail that is to be parsed, and messages. Watched folders are in `folders.py`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Integer, and_, exists, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.models import (
    Attachment,
    Delivery,
    Intake,
    Mailbox,
    MailReceipt,
    Message,
    ReceiptState,
    Recording,
    SettledLetter,
)

WRITE_LOCK = 0x696E626F78  # «inbox»: one process at a time decides whether a mail is known already


@dataclass(frozen=True)
class Claim:
    """A receipt taken up for parsing."""

    receipt_id: int
    mailbox_id: int
    folder: str
    blob: str
    size: int
    internal_date: datetime | None
    received_at: datetime
    attempts: int


async def upsert_mailbox(session: AsyncSession, name: str, address: str) -> int:
    statement = insert(Mailbox).values(name=name, address=address)
    result = await session.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"address": address}).returning(Mailbox.id)
    )
    return int(result.scalar_one())


async def claim_stored(
    session: AsyncSession, *, tried_before: bool, limit: int, without: Collection[int] = ()
) -> list[Claim]:
    """Take up stored mail, counting the attempt before it is made: what kills the process must not come for ever.

    Mail that was tried before comes apart from the rest, so that a poisonous one spoils no other.
    """
    tried = MailReceipt.attempts > 0 if tried_before else MailReceipt.attempts == 0
    chosen = (
        select(MailReceipt.id)
        .where(MailReceipt.state == ReceiptState.STORED, tried, MailReceipt.id.not_in(without))
        .order_by(MailReceipt.attempts, MailReceipt.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("chosen")
    )
    rows = await session.scalars(
        update(MailReceipt)
        .where(MailReceipt.id.in_(select(chosen.c.id)))
        .values(attempts=MailReceipt.attempts + 1)
        .returning(MailReceipt)
    )
    return sorted((_claim(row) for row in rows), key=lambda claim: claim.receipt_id)


def _claim(row: MailReceipt) -> Claim:
    return Claim(
        receipt_id=row.id,
        mailbox_id=row.mailbox_id,
        folder=row.folder,
        blob=row.blob,
        size=row.size,
        internal_date=row.internal_date,
        received_at=row.received_at,
        attempts=row.attempts,
    )


async def give_back(session: AsyncSession, receipt_ids: Sequence[int]) -> None:
    """The attempt could not be made (disk or database away): it does not count."""
    await session.execute(
        update(MailReceipt)
        .where(MailReceipt.id.in_(receipt_ids), MailReceipt.state == ReceiptState.STORED)
        .values(attempts=func.greatest(MailReceipt.attempts - 1, 0, type_=Integer))
    )


async def lock_for_writing(session: AsyncSession) -> None:
    await session.execute(select(func.pg_advisory_xact_lock(WRITE_LOCK)))


async def still_stored(session: AsyncSession, receipt_ids: Sequence[int]) -> set[int]:
    """Those that nobody else has finished meanwhile; locked."""
    found = await session.scalars(
        select(MailReceipt.id)
        .where(MailReceipt.id.in_(receipt_ids), MailReceipt.state == ReceiptState.STORED)
        .with_for_update()
    )
    return set(found)


async def messages_by_blob(session: AsyncSession, blobs: Sequence[str]) -> dict[str, int]:
    rows = await session.execute(select(Message.blob, Message.id).where(Message.blob.in_(blobs)))
    return {row.blob: row.id for row in rows}


async def messages_by_rfc_id(session: AsyncSession, rfc_ids: Sequence[str]) -> dict[str, list[tuple[int, str]]]:
    """(id, blob) of the messages that carry these Message-IDs."""
    rows = await session.execute(
        select(Message.rfc_message_id, Message.id, Message.blob)
        .where(Message.rfc_message_id.in_(rfc_ids))
        .order_by(Message.id)
    )
    found: dict[str, list[tuple[int, str]]] = {}
    for rfc_id, message_id, blob in rows:
        found.setdefault(rfc_id or "", []).append((message_id, blob))
    return found


async def own_deliveries(session: AsyncSession, rfc_ids: Sequence[str]) -> set[str]:
    return set(await session.scalars(select(Delivery.rfc_message_id).where(Delivery.rfc_message_id.in_(rfc_ids))))


async def mark_parsed(session: AsyncSession, pairs: Sequence[tuple[int, int]]) -> None:
    """(receipt, message) pairs."""
    await session.execute(
        text(
            "UPDATE mail_receipt SET state = 'parsed', message_id = pair.message, error = NULL"
            " FROM unnest(CAST(:receipts AS bigint[]), CAST(:messages AS bigint[])) AS pair(receipt, message)"
            " WHERE mail_receipt.id = pair.receipt"
        ),
        {"receipts": [receipt for receipt, _ in pairs], "messages": [message for _, message in pairs]},
    )


async def mark_dead(session: AsyncSession, receipt_id: int, error: str) -> None:
    await session.execute(
        update(MailReceipt)
        .where(MailReceipt.id == receipt_id, MailReceipt.state == ReceiptState.STORED)
        .values(state=ReceiptState.DEAD, error=error)
    )


async def count_dead(session: AsyncSession) -> int:
    """Those that nobody has set aside by hand."""
    settled = exists().where(SettledLetter.receipt_id == MailReceipt.id)
    return int(await session.scalar(select(func.count()).where(MailReceipt.state == ReceiptState.DEAD, ~settled)) or 0)


async def messages_not_taken_in(session: AsyncSession, since: datetime, until: datetime) -> list[int]:
    """Messages of that span of which nothing became yet: their ring may have been lost."""
    return list(
        await session.scalars(
            select(Message.id)
            .where(
                Message.created_at >= since,
                Message.created_at < until,
                ~exists().where(Intake.message_id == Message.id),
            )
            .order_by(Message.id)
            .limit(1000)
        )
    )


async def voicemails_not_taken_in(session: AsyncSession, since: datetime, until: datetime) -> list[int]:
    return list(
        await session.scalars(
            select(Attachment.id)
            .join(Message, Message.id == Attachment.message_id)
            .where(
                and_(Attachment.voicemail, Message.created_at >= since, Message.created_at < until),
                ~exists().where(Recording.attachment_id == Attachment.id),
            )
            .order_by(Attachment.id)
            .limit(1000)
        )
    )
