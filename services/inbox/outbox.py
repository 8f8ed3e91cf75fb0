"""The outbox's SQL: a delivery's way through its states, each step one committed transaction.

    queued ── lease ──> queued, leased ── hand over ──> sending ── answer ──> sent | queued again | failed

`sending` is committed right before the mail's content is handed to the server. A process that dies before that has
sent nothing, and the delivery is tried again when its lease ends. One that dies between the hand-over and our commit
leaves `sending` with a lease that ends: whether the customer got the mail is not known, so it is not sent again but
marked failed, saying so, and the CSR decides.
"""

from datetime import timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock
from shared.database import ring
from shared.jobs import Job
from shared.models import Delivery, DeliveryState, Mailbox

LEASE = timedelta(minutes=5)
HAND_OVER_LEASE = timedelta(minutes=10)
# Rows are due by the database's clock; ours may be a little behind it.
CLOCK_SLACK = timedelta(seconds=2)


async def lease(session: AsyncSession, delivery_id: int) -> Delivery | None:
    """The delivery, taken for this process, when it is due and nobody else has it."""
    now = clock.now()
    delivery = await session.scalar(
        select(Delivery)
        .where(
            Delivery.id == delivery_id,
            Delivery.state == DeliveryState.QUEUED,
            Delivery.next_attempt_at <= now + CLOCK_SLACK,
            or_(Delivery.leased_until.is_(None), Delivery.leased_until < now),
        )
        .with_for_update(skip_locked=True)
    )
    if delivery is not None:
        delivery.leased_until = now + LEASE
        delivery.attempts += 1
    return delivery


async def hand_over(session: AsyncSession, delivery: Delivery) -> bool:
    """Note that the content goes to the server now. False when the lease was lost meanwhile."""
    changed = await session.scalar(
        update(Delivery)
        .where(
            Delivery.id == delivery.id,
            Delivery.state == DeliveryState.QUEUED,
            Delivery.attempts == delivery.attempts,
        )
        .values(state=DeliveryState.SENDING, leased_until=clock.now() + HAND_OVER_LEASE)
        .returning(Delivery.id)
    )
    return changed is not None


async def mark_sent(session: AsyncSession, delivery_id: int, note: str | None) -> None:
    """`note`: recipients that the server refused while it took the others."""
    await _finish(
        session,
        delivery_id,
        state=DeliveryState.SENT,
        sent_at=clock.now(),
        leased_until=None,
        last_error=note,
    )


async def mark_failed(session: AsyncSession, delivery_id: int, error: str) -> None:
    await _finish(session, delivery_id, state=DeliveryState.FAILED, leased_until=None, last_error=error[:2000])


async def _finish(session: AsyncSession, delivery_id: int, **values: object) -> None:
    changed = await session.scalar(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state.in_([DeliveryState.QUEUED, DeliveryState.SENDING]))
        .values(**values)
        .returning(Delivery.id)
    )
    if changed is not None:
        ring(session, Job.TAKE_IN_DELIVERY, delivery_id)


async def requeue(session: AsyncSession, delivery_id: int, error: str, after: timedelta) -> None:
    await session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state.in_([DeliveryState.QUEUED, DeliveryState.SENDING]))
        .values(
            state=DeliveryState.QUEUED,
            leased_until=None,
            next_attempt_at=clock.now() + after,
            last_error=error[:2000],
        )
    )


async def due(session: AsyncSession, limit: int) -> list[int]:
    now = clock.now()
    return list(
        await session.scalars(
            select(Delivery.id)
            .where(
                Delivery.state == DeliveryState.QUEUED,
                Delivery.next_attempt_at <= now,
                or_(Delivery.leased_until.is_(None), Delivery.leased_until < now),
            )
            .order_by(Delivery.next_attempt_at, Delivery.id)
            .limit(limit)
        )
    )


async def unanswered(session: AsyncSession) -> list[int]:
    """Handed to a server by a process that did not live to note the answer."""
    return list(
        await session.scalars(
            select(Delivery.id)
            .where(Delivery.state == DeliveryState.SENDING, Delivery.leased_until < clock.now())
            .limit(100)
        )
    )


async def mailbox_name(session: AsyncSession, mailbox_id: int | None) -> str | None:
    return None if mailbox_id is None else await session.scalar(select(Mailbox.name).where(Mailbox.id == mailbox_id))
