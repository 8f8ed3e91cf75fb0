"""Replaying mail on which our code failed, from the command line; the health page does the same for people."""

from collections.abc import Sequence

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from shared import audit
from shared.models import MailReceipt, ReceiptState


async def replay_mail(session: AsyncSession, actor_id: int | None, receipt_ids: Sequence[int] | None = None) -> int:
    """Put dead mail back to `stored`: the inbox's sweep takes it up within seconds. None: all of it. How many."""
    statement = (
        update(MailReceipt)
        .where(MailReceipt.state == ReceiptState.DEAD)
        .values(state=ReceiptState.STORED, attempts=0, error=None)
        .returning(MailReceipt.id)
    )
    if receipt_ids is not None:
        statement = statement.where(MailReceipt.id.in_(receipt_ids))
    replayed = list(await session.scalars(statement))
    for receipt_id in replayed:
        audit.record(session, actor_id, "dead_letter.replay", object_type="mail_receipt", object_id=receipt_id)
    return len(replayed)
