"""SQL of mailboxes that administrators manage: how to reach them, their tokens, sign-ins and checks."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock
from shared.events import Event, publish
from shared.models import (
    CheckState,
    Delivery,
    DeliveryState,
    Mailbox,
    MailboxAccount,
    MailboxCheck,
    MailboxSignIn,
    MailboxState,
    MailboxToken,
)
from shared.secrets import CannotOpen, Safe

LEASE = timedelta(minutes=2)  # renewed at each step of a check


def place_of_account(mailbox_id: int, column: str) -> str:
    return f"mailbox_account:{mailbox_id}:{column}"


def place_of_token(mailbox_id: int, column: str) -> str:
    return f"mailbox_token:{mailbox_id}:{column}"


async def accounts(session: AsyncSession) -> list[tuple[Mailbox, MailboxAccount]]:
    """Those that are not removed, the oldest first."""
    rows = await session.execute(
        select(Mailbox, MailboxAccount)
        .join(MailboxAccount, MailboxAccount.mailbox_id == Mailbox.id)
        .where(MailboxAccount.removed_at.is_(None))
        .order_by(Mailbox.id)
    )
    return [(row[0], row[1]) for row in rows]


async def state_of(session: AsyncSession, mailbox_id: int) -> MailboxState | None:
    return await session.scalar(select(Mailbox.state).where(Mailbox.id == mailbox_id))


async def removed_names(session: AsyncSession) -> list[str]:
    return list(
        await session.scalars(
            select(Mailbox.name)
            .join(MailboxAccount, MailboxAccount.mailbox_id == Mailbox.id)
            .where(MailboxAccount.removed_at.is_not(None))
        )
    )


async def seal_anew(session: AsyncSession, safe: Safe) -> int:
    """Secrets that an earlier key sealed, under the present one; how many."""
    count = 0
    for account in await session.scalars(select(MailboxAccount).with_for_update()):
        for column in ("password", "client_secret"):
            count += _seal_anew(account, column, safe, place_of_account(account.mailbox_id, column))
    for token in await session.scalars(select(MailboxToken).with_for_update()):
        for column in ("refresh_token", "access_token"):
            count += _seal_anew(token, column, safe, place_of_token(token.mailbox_id, column))
    return count


def _seal_anew(row: MailboxAccount | MailboxToken, column: str, safe: Safe, place: str) -> int:
    sealed: bytes | None = getattr(row, column)
    if sealed is None or not safe.is_old(sealed):
        return 0
    with suppress(CannotOpen):  # the key is gone: whoever uses the secret says so
        setattr(row, column, safe.seal(safe.open(sealed, place), place))
        return 1
    return 0


async def lock_token(session: AsyncSession, mailbox_id: int) -> tuple[MailboxToken, datetime]:
    """The mailbox's token row, locked until this transaction ends, and the database's time."""
    await session.execute(insert(MailboxToken).values(mailbox_id=mailbox_id).on_conflict_do_nothing())
    row = await session.scalar(select(MailboxToken).where(MailboxToken.mailbox_id == mailbox_id).with_for_update())
    now = await session.scalar(select(func.clock_timestamp()))
    assert row is not None
    assert now is not None
    return row, now


async def refresh_token_ends(session: AsyncSession, mailbox_id: int) -> datetime | None:
    ends: datetime | None = await session.scalar(
        select(MailboxToken.refresh_expires_at).where(MailboxToken.mailbox_id == mailbox_id)
    )
    return ends


async def returned_sign_in(session: AsyncSession, mailbox_id: int) -> MailboxSignIn | None:
    """The newest sign-in that came back with a code. Older ones are spent by it."""
    found = (
        await session.scalars(
            select(MailboxSignIn)
            .where(MailboxSignIn.mailbox_id == mailbox_id, MailboxSignIn.code.is_not(None))
            .order_by(MailboxSignIn.id.desc())
            .with_for_update()
        )
    ).all()
    for older in found[1:]:
        finish_sign_in(older, clock.now())
    return found[0] if found else None


def finish_sign_in(sign_in: MailboxSignIn, now: datetime) -> None:
    """A code can be spent once, whatever came of it (RFC 6749 section 4.1.2)."""
    sign_in.code = sign_in.verifier = None
    sign_in.finished_at = now


async def send_again(session: AsyncSession, mailbox_id: int) -> None:
    """What waited for a paused mailbox is due now."""
    await session.execute(
        update(Delivery)
        .where(Delivery.mailbox_id == mailbox_id, Delivery.state == DeliveryState.QUEUED)
        .values(next_attempt_at=func.least(Delivery.next_attempt_at, clock.now()))
    )


async def claim_check(session: AsyncSession, check_id: int) -> MailboxCheck | None:
    """The check, taken for this process, when nobody else does it or who did it is gone."""
    check = await session.scalar(
        select(MailboxCheck).where(MailboxCheck.id == check_id, _open_check()).with_for_update(skip_locked=True)
    )
    if check is not None:
        check.state, check.leased_until = CheckState.RUNNING, clock.now() + LEASE
    return check


async def open_checks(session: AsyncSession) -> list[int]:
    return list(await session.scalars(select(MailboxCheck.id).where(_open_check()).order_by(MailboxCheck.id).limit(20)))


def _open_check() -> Any:
    return or_(
        MailboxCheck.state == CheckState.ASKED,
        and_(MailboxCheck.state == CheckState.RUNNING, MailboxCheck.leased_until < clock.now()),
    )


async def write_check(
    session: AsyncSession,
    check: MailboxCheck,
    *,
    steps: Sequence[dict[str, Any]],
    probes: Sequence[str] = (),
    state: CheckState = CheckState.RUNNING,
) -> None:
    """How far it is, for the page that shows it."""
    over = state is not CheckState.RUNNING
    await session.execute(
        update(MailboxCheck)
        .where(MailboxCheck.id == check.id)
        .values(
            steps=list(steps),
            probes=[*check.probes, *probes],
            state=state,
            leased_until=None if over else clock.now() + LEASE,
            finished_at=clock.now() if over else None,
        )
    )
    await publish(session, Event("mailbox", check.mailbox_id, what="check"))
