"""Replaying mail on which our code failed, from the command line; the page of dead letters does more for people."""

from collections.abc import Sequence

from sqlalchemy import exists, update
from sqlalchemy.ext.asyncio import AsyncSession

from shared import audit
from shared.models import MailReceipt, ReceiptState, SettledLetter


async def replay_mail(session: AsyncSession, actor_id: int | None, receipt_ids: Sequence[int] | None = None) -> int:
    """Put dead mail back to `stored`: the inbox's sweep takes it up within seconds. None: all of it. How many.

    What somebody set aside by hand stays aside; it is replayed on the page, which takes that word back.
    """
    statement = (
        update(MailReceipt)
        .where(MailReceipt.state == ReceiptState.DEAD, ~exists().where(SettledLetter.receipt_id == MailReceipt.id))
        .values(state=ReceiptState.STORED, attempts=0, error=None)
        .returning(MailReceipt.id)
    )
    if receipt_ids is not None:
        statement = statement.where(MailReceipt.id.in_(receipt_ids))
    replayed = list(await session.scalars(statement))
    for receipt_id in replayed:
        audit.record(session, actor_id, "dead_letter.replay", object_type="mail_receipt", object_id=receipt_id)
    return len(replayed)
