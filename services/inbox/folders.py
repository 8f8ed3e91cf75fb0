"""The SQL of watched folders: the lease on a folder's row, how far it was read, and what comparing it found.

Every write for a folder is conditional on the lease: it changes the folder's row first, which locks it, and that row
says who holds it. A reader that was taken over meanwhile changes nothing and gets `LeaseLost`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock
from shared.events import Event, publish
from shared.models import Mailbox, MailboxState, MailFolder, MailReceipt


class LeaseLost(Exception):
    """Another process reads this folder now: nothing may be written for it from here."""


@dataclass(frozen=True)
class Lease:
    """The right of one watcher to read one folder."""

    mailbox_id: int
    folder: str
    holder: str


@dataclass(frozen=True)
class StoredMail:
    """A mail whose bytes are safe."""

    uid: int
    blob: str
    size: int
    internal_date: datetime | None


@dataclass(frozen=True)
class Reconciliation:
    """What comparing a folder with the ledger found. `on_server` = `in_ledger` + `refused`."""

    on_server: int
    in_ledger: int
    missing: int  # on the server and not in the ledger when it began
    repaired: int  # of these, fetched meanwhile
    refused: tuple[int, ...]  # UIDs that the server has and cannot deliver
    gone: int  # in the ledger and not on the server any more: expunged or moved


def _row(mailbox_id: int, folder: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return MailFolder.mailbox_id == mailbox_id, MailFolder.name == folder


def _held(lease: Lease) -> tuple[ColumnElement[bool], ...]:
    return *_row(lease.mailbox_id, lease.folder), MailFolder.holder == lease.holder


def _until(seconds: float) -> ColumnElement[datetime]:
    # Not now(), which is when the transaction began: it may have waited for the row.
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)


async def take(session: AsyncSession, lease: Lease, seconds: float, is_dead: Callable[[str], bool]) -> str | None:
    """Take the lease if it is free, has run out, is ours already or its holder is known to be dead.

    None when it is ours; else who holds it, and the row says that we stand by.
    """
    await session.execute(
        insert(MailFolder).values(mailbox_id=lease.mailbox_id, name=lease.folder).on_conflict_do_nothing()
    )
    row = (
        await session.scalars(
            select(MailFolder).where(*_row(lease.mailbox_id, lease.folder)).with_for_update(),
            execution_options={"populate_existing": True},
        )
    ).one()
    now = await session.scalar(select(func.clock_timestamp()))
    assert now is not None
    free = row.holder in (None, lease.holder) or (row.holder_until is not None and row.holder_until <= now)
    if not free and row.holder is not None and not is_dead(row.holder):
        row.standby, row.standby_at = lease.holder, now
        return row.holder
    values: dict[str, Any] = {"holder": lease.holder, "holder_until": _until(seconds)}
    if row.standby == lease.holder or row.holder != lease.holder:
        values |= {"standby": None, "standby_at": None}
    await session.execute(update(MailFolder).where(*_row(lease.mailbox_id, lease.folder)).values(**values))
    return None


async def renew(session: AsyncSession, lease: Lease, seconds: float) -> datetime | None:
    """Keep the lease. Returns when somebody asked for a comparison that is not done yet. Raises LeaseLost."""
    found = await session.execute(
        update(MailFolder)
        .where(*_held(lease))
        .values(holder_until=_until(seconds))
        .returning(MailFolder.reconcile_wanted_at)
    )
    row = found.first()
    if row is None:
        raise LeaseLost(f"{lease.folder} is read by another process")
    wanted: datetime | None = row[0]
    return wanted


async def release(session: AsyncSession, lease: Lease) -> None:
    """Whoever stands by may take it at once. Harmless when it is not ours any more."""
    await session.execute(update(MailFolder).where(*_held(lease)).values(holder=None, holder_until=None))


async def open_folder(session: AsyncSession, lease: Lease, uidvalidity: int) -> int:
    """The highest UID seen under this UIDVALIDITY; 0 when the server has begun to number anew. Raises LeaseLost."""
    row = await session.scalar(
        select(MailFolder).where(*_held(lease)).with_for_update(), execution_options={"populate_existing": True}
    )
    if row is None:
        raise LeaseLost(f"{lease.folder} is read by another process")
    if row.uidvalidity != uidvalidity:
        row.uidvalidity, row.last_uid = uidvalidity, 0
    return row.last_uid


async def known_uids(session: AsyncSession, lease: Lease, uidvalidity: int, above: int = 0) -> set[int]:
    """As one array: each row of a result takes several times the memory of its number, and a folder may have many."""
    found = await session.scalar(
        select(func.array_agg(MailReceipt.uid)).where(
            MailReceipt.mailbox_id == lease.mailbox_id,
            MailReceipt.folder == lease.folder,
            MailReceipt.uidvalidity == uidvalidity,
            MailReceipt.uid > above,
        )
    )
    return set(found or ())


async def record_receipts(session: AsyncSession, lease: Lease, uidvalidity: int, mails: Sequence[StoredMail]) -> int:
    """The ledger rows of mails whose bytes are stored; how many were new. Raises LeaseLost, and then wrote nothing."""
    moved = await session.execute(
        update(MailFolder)
        .where(*_held(lease), MailFolder.uidvalidity == uidvalidity)
        .values(last_uid=func.greatest(MailFolder.last_uid, max(mail.uid for mail in mails)))
        .returning(MailFolder.last_uid)
    )
    if moved.first() is None:
        raise LeaseLost(f"{lease.folder} is read by another process")
    result = await session.execute(
        insert(MailReceipt)
        .on_conflict_do_nothing(index_elements=["mailbox_id", "folder", "uidvalidity", "uid"])
        .returning(MailReceipt.id),
        # Apart from the statement, which would be compiled anew for each number of them.
        [
            {
                "mailbox_id": lease.mailbox_id,
                "folder": lease.folder,
                "uidvalidity": uidvalidity,
                "uid": mail.uid,
                "blob": mail.blob,
                "size": mail.size,
                "internal_date": mail.internal_date,
            }
            for mail in mails
        ],
    )
    return len(result.all())


async def begin_reconciliation(session: AsyncSession, lease: Lease) -> datetime | None:
    """The wish that a comparison beginning now answers, if there is one. Raises LeaseLost."""
    row = (await session.execute(select(MailFolder.reconcile_wanted_at).where(*_held(lease)))).first()
    if row is None:
        raise LeaseLost(f"{lease.folder} is read by another process")
    wanted: datetime | None = row[0]
    return wanted


async def end_reconciliation(
    session: AsyncSession, lease: Lease, found: Reconciliation, answered: datetime | None
) -> None:
    """Keep what was found. A wish that came after the beginning stays. Raises LeaseLost."""
    changed = await session.execute(
        update(MailFolder)
        .where(*_held(lease))
        .values(
            reconciled_at=func.clock_timestamp(),
            on_server=found.on_server,
            in_ledger=found.in_ledger,
            missing=found.missing,
            repaired=found.repaired,
            gone=found.gone,
            refused_uids=list(found.refused),
            reconcile_wanted_at=func.nullif(MailFolder.reconcile_wanted_at, answered),
        )
        .returning(MailFolder.name)
    )
    if changed.first() is None:
        raise LeaseLost(f"{lease.folder} is read by another process")
    if answered is not None:
        await publish(session, Event("problem"))  # somebody looks at the page and waits


async def any_refused(session: AsyncSession, mailbox_id: int, folders: Sequence[str]) -> bool:
    """Whether the last comparison of any of these folders named mail that the server cannot deliver."""
    found = await session.scalar(
        select(MailFolder.name)
        .where(
            MailFolder.mailbox_id == mailbox_id,
            MailFolder.name.in_(folders),
            func.jsonb_array_length(MailFolder.refused_uids) > 0,
        )
        .limit(1)
    )
    return found is not None


async def set_state(
    session: AsyncSession,
    lease: Lease,
    state: MailboxState,
    folders: Sequence[str],
    *,
    error: tuple[str, str] | None,
) -> MailboxState | None:
    """How this folder is, and with it its mailbox: the worst of its `folders`. None when the lease was lost.

    `error`: a code of shared/mailbox_errors.py and the server's words.
    """
    # Folders that change at once must see each other: the mailbox's row lets one after the other.
    await session.execute(select(Mailbox.id).where(Mailbox.id == lease.mailbox_id).with_for_update())
    changed = await session.execute(
        update(MailFolder)
        .where(*_held(lease))
        .values(state=state, state_at=func.clock_timestamp())
        .returning(MailFolder.name)
    )
    if changed.first() is None:
        return None
    states = set(
        await session.scalars(
            select(MailFolder.state).where(MailFolder.mailbox_id == lease.mailbox_id, MailFolder.name.in_(folders))
        )
    )
    order = (MailboxState.FAILED, MailboxState.STARTING, MailboxState.POLLING, MailboxState.WATCHING)
    overall = next(each for each in order if each in states)
    values: dict[str, object] = {"state": overall}
    if error is not None:
        values |= {"last_error_code": error[0], "last_error": error[1], "last_error_at": clock.now()}
    else:
        values["last_seen_at"] = clock.now()
        if overall is not MailboxState.FAILED:
            values |= {"last_error_code": None, "last_error": None}
    await session.execute(update(Mailbox).where(Mailbox.id == lease.mailbox_id).values(**values))
    return overall
