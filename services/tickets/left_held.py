"""What somebody looked at and left held is remembered: the sender's next mail that the same policy holds needs no look.

It only spares a look. Nothing is held for it that would not be held anyway, and an emergency never is.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import intake_repository as repository
from services.tickets import spam
from services.tickets.views.shapes import PersonRef, View
from shared import audit, clock
from shared.models import Intake, IntakeOutcome, LeftSender, Machine, Message, Person
from shared.people import Actor, Permission

# Where one mail of a sender is like the next. A bounce, a complaint or a challenge is each time about another matter.
ALIKE = (spam.POLICY, Machine.LIST.value, Machine.AUTO_REPLY.value, Machine.RECEIPT.value, Machine.LOOP.value)
SHOWN = 500


class LeftSenderView(View):
    """A sender whose mail stays held without a look."""

    id: int
    address: str
    policy: str
    by: PersonRef
    at: datetime


async def hold(session: AsyncSession, message: Message, policy: str) -> None:
    """The mail waits for a look, unless somebody has looked at the like of it before."""
    known = None
    if policy in ALIKE and message.from_address:
        known = await session.scalar(
            select(LeftSender).where(LeftSender.address == message.from_address, LeftSender.policy == policy)
        )
    left = {"left_at": clock.now(), "left_by_id": known.decided_by_id} if known is not None else {}
    await repository.put_intake(session, message_id=message.id, outcome=IntakeOutcome.HELD, policy=policy, **left)


async def remember(session: AsyncSession, me: Actor, intake_ids: Sequence[int]) -> None:
    """These stay held, and so does what is like them."""
    found = await session.execute(
        select(Message.from_address, Intake.policy, Message.id)
        .join(Intake, Intake.message_id == Message.id)
        .where(Intake.id.in_(intake_ids), Intake.policy.in_(ALIKE), Message.from_address != "")
        .order_by(Intake.id)
    )
    rows = {(address, policy): message_id for address, policy, message_id in found}
    if not rows:
        return
    await session.execute(
        insert(LeftSender).on_conflict_do_nothing(),
        [
            {"address": address, "policy": policy, "message_id": message_id, "decided_by_id": me.id}
            for (address, policy), message_id in sorted(rows.items())
        ],
    )
    senders = [{"address": address, "policy": policy} for address, policy in sorted(rows)]
    audit.record(session, me.id, "sender.leave", object_type="left_sender", detail={"senders": senders}, ip=me.ip)


async def forget_sender(session: AsyncSession, message: Message, policy: str) -> None:
    """A mail like it was a customer's after all."""
    await session.execute(
        delete(LeftSender).where(LeftSender.address == message.from_address, LeftSender.policy == policy)
    )


async def forget(session: AsyncSession, me: Actor, left_id: int) -> str | None:
    """The address; None when nothing is remembered under that number. What was left so far stays left."""
    me.require(Permission.TICKET_ASSIGN)
    row = await session.get(LeftSender, left_id, with_for_update=True)
    if row is None:
        return None
    await session.delete(row)
    audit.record(
        session, me.id, "sender.look_again", object_type="left_sender", object_id=left_id,
        detail={"address": row.address, "policy": row.policy}, ip=me.ip,
    )  # fmt: skip
    return row.address


async def remembered(session: AsyncSession, me: Actor) -> list[LeftSenderView]:
    """The newest first."""
    me.require(Permission.HEALTH_READ)
    rows = await session.execute(
        select(LeftSender, Person.name)
        .join(Person, Person.id == LeftSender.decided_by_id)
        .order_by(LeftSender.id.desc())
        .limit(SHOWN)
    )
    return [
        LeftSenderView(
            id=row.id,
            address=row.address,
            policy=row.policy,
            by=PersonRef(id=row.decided_by_id, name=name),
            at=row.decided_at,
        )
        for row, name in rows
    ]
