"""The outbox's SQL: a delivery's way through its states, each step one committed transaction.

    queued ── lease ──> queued, leased ── hand over ──> sending ── answer ──> sent | queued again | failed
       └── taken back by its writer (services/tickets): cancelled

`sending` is committed when all of the mail but the line that ends it is written: without that line no server has a mail
(RFC 5321, 4.1.1.4). A process or a connection that dies before has sent nothing, and the delivery is tried again. One
that dies between that line and our next commit leaves `sending` with a lease that ends: whether the customer got the
mail is not known, so it is not sent again but marked failed, saying so, and the CSR decides.

Each step names the attempt it belongs to: a process whose lease has run out changes nothing any more. Taking back and
handing over both need the row in `queued`, so exactly one of them wins.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.inbox import pacing
from services.inbox.pacing import Pace
from shared import clock
from shared.database import ring
from shared.events import Event, publish
from shared.jobs import Job
from shared.models import (
    Delivery,
    DeliveryFailure,
    DeliveryFile,
    DeliveryKind,
    DeliveryState,
    Mailbox,
    MailDomain,
    SentCopy,
)

LEASE = timedelta(minutes=5)
HAND_OVER_LEASE = timedelta(minutes=10)
# Rows are due by the database's clock; ours may be a little behind it.
CLOCK_SLACK = timedelta(seconds=2)
# So long a mail counts as on its way to its domain: the lease of a process that died is no reason to wait longer.
ON_ITS_WAY = timedelta(seconds=60)


@dataclass(frozen=True)
class Wait:
    """When to ask again. `crowded`: domains of which a mail that ends is a reason to ask sooner."""

    until: datetime
    crowded: tuple[str, ...] = ()


async def lease(session: AsyncSession, delivery_id: int, pace: Pace) -> Delivery | Wait | None:
    """The delivery, taken for this process; or when to ask again; or None when it is not ours to send."""
    now = clock.now()
    delivery = await session.scalar(
        select(Delivery)
        .where(
            Delivery.id == delivery_id,
            Delivery.state == DeliveryState.QUEUED,
            or_(Delivery.leased_until.is_(None), Delivery.leased_until < now),
        )
        .with_for_update(skip_locked=True)
    )
    if delivery is None:
        return None
    if delivery.undo_until is not None and delivery.undo_until > now:
        return Wait(delivery.undo_until)
    if delivery.next_attempt_at > now + (CLOCK_SLACK if delivery.slot_at is None else timedelta(0)):
        return Wait(delivery.next_attempt_at)
    wait = await _turn(session, delivery, pace, now)
    if wait is not None:
        return wait
    delivery.leased_until = now + LEASE
    delivery.attempts += 1
    delivery.slot_at = None
    return delivery


async def _turn(session: AsyncSession, delivery: Delivery, pace: Pace, now: datetime) -> Wait | None:
    """Its turn at all domains it goes to; when it must wait, the row says until when, or since when it has its turn."""
    wanted = pacing.domains_of([*delivery.to_addresses, *delivery.cc_addresses])
    domains = await _locked(session, wanted)
    if delivery.kind in pacing.URGENT:
        for domain in domains:
            pacing.begin(domain, pace, now)
        return None
    active = await _on_their_way(session, now)
    turns = [
        pacing.take_turn(
            domain, active=active.get(domain.domain, 0), slot_at=delivery.slot_at, pace=pace, now=now
        )
        for domain in domains
    ]  # fmt: skip
    waits = [turn for turn in turns if turn.wait_until is not None]
    if not waits:
        return None
    last = max(waits, key=lambda turn: turn.wait_until or now)
    until = last.wait_until or now
    delivery.next_attempt_at, delivery.slot_at = (last.slot_at if last.crowded else None) or until, last.slot_at
    crowded = (domain.domain for domain, turn in zip(domains, turns, strict=True) if turn.crowded)
    return Wait(until, tuple(crowded) if last.crowded else ())


async def give_turns(session: AsyncSession, delivery_ids: Sequence[int], pace: Pace) -> dict[int, datetime]:
    """A turn for each of these that has none, in order; returns those that wait for it, and until when.

    Left to `lease`: what is urgent, is not due, goes to several domains or is being looked at.
    """
    now = clock.now()
    rows = await session.execute(
        select(Delivery.id, Delivery.to_addresses, Delivery.cc_addresses)
        .where(
            Delivery.id.in_(delivery_ids),
            Delivery.state == DeliveryState.QUEUED,
            Delivery.kind.not_in(pacing.URGENT),
            Delivery.leased_until.is_(None),
            Delivery.slot_at.is_(None),
            Delivery.next_attempt_at <= now + CLOCK_SLACK,
            or_(Delivery.undo_until.is_(None), Delivery.undo_until <= now),
        )
        .order_by(Delivery.id)
        .with_for_update(skip_locked=True)
    )
    wanted = {id_: pacing.domains_of([*to, *cc]) for id_, to, cc in rows}
    names = {id_: domains[0] for id_, domains in wanted.items() if len(domains) == 1}
    domains = {domain.domain: domain for domain in await _locked(session, set(names.values()))} if names else {}
    turns = {id_: pacing.give_turn(domains[name], pace, now) for id_, name in names.items()}
    if turns:
        await session.execute(
            text(
                "UPDATE delivery SET slot_at = turn.at, next_attempt_at = turn.at"
                " FROM unnest(CAST(:ids AS bigint[]), CAST(:turns AS timestamptz[])) AS turn(id, at)"
                " WHERE delivery.id = turn.id"
            ),
            {"ids": list(turns), "turns": list(turns.values())},
        )
    return {id_: at for id_, at in turns.items() if at > now}


async def _locked(session: AsyncSession, names: Iterable[str]) -> list[MailDomain]:
    """The domains' rows, made when they are not there, locked in one order."""
    names = sorted(names)
    await session.execute(insert(MailDomain).on_conflict_do_nothing(), [{"domain": name} for name in names])
    found = await session.scalars(
        select(MailDomain)
        .where(MailDomain.domain.in_(names))
        .order_by(MailDomain.domain)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(found)


async def _on_their_way(session: AsyncSession, now: datetime) -> dict[str, int]:
    """Per domain, how many mails any process is sending."""
    queued, sending = now + LEASE - ON_ITS_WAY, now + HAND_OVER_LEASE - ON_ITS_WAY
    rows = await session.execute(
        select(Delivery.to_addresses, Delivery.cc_addresses).where(
            Delivery.leased_until.is_not(None),
            or_(
                and_(Delivery.state == DeliveryState.QUEUED, Delivery.leased_until > queued),
                and_(Delivery.state == DeliveryState.SENDING, Delivery.leased_until > sending),
            ),
        )
    )  # fmt: skip
    active: dict[str, int] = {}
    for to, cc in rows:
        for domain in pacing.domains_of([*to, *cc]):
            active[domain] = active.get(domain, 0) + 1
    return active


async def prolong(session: AsyncSession, delivery: Delivery) -> None:
    """Keep a delivery whose content takes its time; `hand_over` tells whether it still is ours."""
    await session.execute(
        update(Delivery)
        .where(
            Delivery.id == delivery.id,
            Delivery.state == DeliveryState.QUEUED,
            Delivery.attempts == delivery.attempts,
        )
        .values(leased_until=clock.now() + HAND_OVER_LEASE)
    )


async def hand_over(session: AsyncSession, delivery: Delivery) -> bool:
    """Note that the end goes to the server now. False when it was taken back, or the lease was lost meanwhile."""
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
    if changed is None:
        return False
    await _tell(session, delivery)
    return True


async def mark_sent(session: AsyncSession, delivery: Delivery, note: str | None, copy_to: str | None) -> None:
    """`note`: recipients that the server refused while it took the others. `copy_to`: the mailbox that keeps a copy."""
    changed = await _finish(
        session, delivery, state=DeliveryState.SENT, sent_at=clock.now(), leased_until=None, last_error=note
    )
    if changed and copy_to is not None:
        await session.execute(
            insert(SentCopy).values(delivery_id=delivery.id, mailbox=copy_to).on_conflict_do_nothing()
        )
    await _recovered(session, pacing.domains_of([*delivery.to_addresses, *delivery.cc_addresses]))


async def mark_failed(session: AsyncSession, delivery: Delivery, error: str, failure: DeliveryFailure) -> None:
    await _finish(
        session,
        delivery,
        state=DeliveryState.FAILED,
        leased_until=None,
        last_error=error[:2000] or failure.value,
        failure=failure,
    )


async def _finish(session: AsyncSession, delivery: Delivery, **values: object) -> bool:
    changed = await session.scalar(
        update(Delivery)
        .where(
            Delivery.id == delivery.id,
            Delivery.state.in_([DeliveryState.QUEUED, DeliveryState.SENDING]),
            Delivery.attempts == delivery.attempts,
        )
        .values(**values)
        .returning(Delivery.id)
    )
    if changed is None:
        return False
    ring(session, Job.TAKE_IN_DELIVERY, delivery.id)
    await _tell(session, delivery)
    return True


async def requeue(
    session: AsyncSession, delivery: Delivery, error: str, after: timedelta, busy: Iterable[str] = ()
) -> None:
    """Try again later. `busy`: the domains that said so; all their mails wait."""
    now = clock.now()
    changed = await session.scalar(
        update(Delivery)
        .where(
            Delivery.id == delivery.id,
            Delivery.state.in_([DeliveryState.QUEUED, DeliveryState.SENDING]),
            Delivery.attempts == delivery.attempts,
        )
        .values(
            state=DeliveryState.QUEUED,
            leased_until=None,
            slot_at=None,
            next_attempt_at=now + after,
            last_error=error[:2000],
        )
        .returning(Delivery.id)
    )
    for domain in await _locked(session, busy) if busy else []:
        pacing.refuse(domain, error, now)
    if changed is not None:
        await _tell(session, delivery)


async def _recovered(session: AsyncSession, names: list[str]) -> None:
    """A domain took a mail: it is slowed no more, and what waits for it is looked at again."""
    recovered = await session.scalars(
        update(MailDomain)
        .where(MailDomain.domain.in_(names), MailDomain.refusals > 0)
        .values(refusals=0, slowed_until=None, last_error=None, next_slot_at=None)
        .returning(MailDomain.domain)
    )
    for name in recovered:
        waiting = text(
            "UPDATE delivery SET next_attempt_at = now(), slot_at = NULL WHERE id IN (SELECT id FROM delivery"
            " WHERE state = 'queued' AND slot_at IS NOT NULL AND next_attempt_at > now()"
            " AND strpos(lower((to_addresses || cc_addresses)::text), :end) > 0 FOR UPDATE SKIP LOCKED)"
        )
        await session.execute(waiting, {"end": f'@{name}"'})


async def _tell(session: AsyncSession, delivery: Delivery) -> None:
    """Screens that show the ticket look again; of automatic mail only when somebody must act, which tickets tells."""
    if delivery.kind is DeliveryKind.REPLY:
        people = (delivery.created_by_id,) if delivery.created_by_id is not None else ()
        await publish(session, Event("ticket", delivery.ticket_id, people, "delivery"))


async def due(session: AsyncSession, limit: int, within: timedelta = timedelta(0)) -> list[tuple[int, datetime]]:
    """What is to be sent by then, and when, the oldest first."""
    now = clock.now()
    rows = await session.execute(
        select(Delivery.id, Delivery.next_attempt_at)
        .where(
            Delivery.state == DeliveryState.QUEUED,
            Delivery.next_attempt_at <= now + within,
            or_(Delivery.leased_until.is_(None), Delivery.leased_until < now),
        )
        .order_by(Delivery.next_attempt_at, Delivery.id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]


async def unanswered(session: AsyncSession) -> list[Delivery]:
    """Handed to a server by a process that did not live to note the answer."""
    return list(
        await session.scalars(
            select(Delivery)
            .where(Delivery.state == DeliveryState.SENDING, Delivery.leased_until < clock.now())
            .limit(100)
        )
    )


async def files_of(session: AsyncSession, delivery_id: int) -> list[DeliveryFile]:
    """What leaves with it, in order."""
    found = await session.scalars(
        select(DeliveryFile)
        .where(DeliveryFile.delivery_id == delivery_id)
        .order_by(DeliveryFile.position, DeliveryFile.id)
    )
    return list(found)


async def mailbox_name(session: AsyncSession, mailbox_id: int | None) -> str | None:
    return None if mailbox_id is None else await session.scalar(select(Mailbox.name).where(Mailbox.id == mailbox_id))
