"""Mail and recordings on which our code failed: a place where somebody looks at them, tries again or sets them aside.

Two kinds: a receipt that could not be parsed into a message, and a message or recording that could not be made a
ticket. Their bytes are kept whatever happens to them.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Subquery, delete, func, literal, select, tuple_, union_all, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.new_ticket import clean_line
from shared import audit, clock
from shared.database import ring
from shared.errors import Conflict, Invalid, NotFound
from shared.events import Event, publish
from shared.jobs import Job
from shared.models import (
    Intake,
    IntakeOutcome,
    Mailbox,
    MailReceipt,
    Message,
    Person,
    Problem,
    ReceiptState,
    Recording,
    SettledLetter,
)
from shared.people import Actor, Permission

MAX_REASON = 500
MAX_REPLAY = 1000  # at a time; more is said to be left
GROUPS = 20


class DeadLetterKind(StrEnum):
    RECEIPT = "receipt"  # a mail that could not be parsed into a message
    INTAKE = "intake"  # a message or recording that could not be made a ticket


class DeadLetterFilter(BaseModel):
    kind: DeadLetterKind | None = None
    error: str = Field(default="", max_length=300, description="Only those whose traceback contains this.")
    settled: bool = Field(default=False, description="Those that were set aside by hand instead.")


class Settlement(BaseModel):
    model_config = ConfigDict(frozen=True)

    reason: str
    by: str
    at: datetime


class DeadLetter(BaseModel):
    """Mail or a recording that our code failed on. Its bytes are kept."""

    model_config = ConfigDict(frozen=True)

    kind: DeadLetterKind
    id: int
    what: str = Field(description="Where it came from: mailbox and folder, or who wrote, or who called.")
    subject: str
    error: str = Field(description="The last line of what our code said.")
    traceback: str
    attempts: int
    at: datetime
    next_attempt_at: datetime | None = Field(description="Null: it is not tried again by itself.")
    size: int | None
    settled: Settlement | None


class DeadLetters(BaseModel):
    items: list[DeadLetter]
    next: str | None = Field(description="Cursor of the next page; null on the last.")


class ErrorGroup(BaseModel):
    """Dead letters that ended with the same words."""

    model_config = ConfigDict(frozen=True)

    kind: DeadLetterKind
    error: str
    count: int
    last_at: datetime


class DeadLetterCounts(BaseModel):
    waiting: int = Field(description="Neither replayed nor set aside.")
    settled: int
    groups: list[ErrorGroup] = Field(description="What waits, by kind and error, the most frequent first.")


class Replayed(BaseModel):
    replayed: int
    left: int = Field(description="How many of the same are still to be replayed: ask again.")


def _all() -> Subquery:
    """Both kinds as (kind, id, at, error, settled)."""
    receipts = (
        select(
            literal(DeadLetterKind.RECEIPT.value).label("kind"),
            MailReceipt.id.label("id"),
            MailReceipt.received_at.label("at"),
            func.coalesce(MailReceipt.error, "").label("error"),
            SettledLetter.id.is_not(None).label("settled"),
        )
        .outerjoin(SettledLetter, SettledLetter.receipt_id == MailReceipt.id)
        .where(MailReceipt.state == ReceiptState.DEAD)
    )
    intakes = (
        select(
            literal(DeadLetterKind.INTAKE.value).label("kind"),
            Intake.id.label("id"),
            Intake.at.label("at"),
            func.coalesce(Intake.error, "").label("error"),
            SettledLetter.id.is_not(None).label("settled"),
        )
        .outerjoin(SettledLetter, SettledLetter.intake_id == Intake.id)
        .where(Intake.outcome == IntakeOutcome.FAILED)
    )
    return union_all(receipts, intakes).subquery("letter")


def _matching(letters: Subquery, wanted: DeadLetterFilter) -> list[Any]:
    conditions: list[Any] = [letters.c.settled.is_(wanted.settled)]
    if wanted.kind is not None:
        conditions.append(letters.c.kind == wanted.kind.value)
    if wanted.error.strip():
        conditions.append(letters.c.error.contains(wanted.error.strip(), autoescape=True))
    return conditions


async def dead_letters(
    session: AsyncSession, me: Actor, wanted: DeadLetterFilter, cursor: str | None = None, limit: int = 50
) -> DeadLetters:
    """One page, the newest first."""
    me.require(Permission.HEALTH_READ)
    letters = _all()
    key = tuple_(letters.c.at, letters.c.kind, letters.c.id)
    statement = select(letters.c.kind, letters.c.id, letters.c.at).where(*_matching(letters, wanted))
    if cursor:
        statement = statement.where(key < tuple_(*(literal(part) for part in _decode(cursor))))
    found = list(
        await session.execute(
            statement.order_by(letters.c.at.desc(), letters.c.kind.desc(), letters.c.id.desc()).limit(limit + 1)
        )
    )
    page = found[:limit]
    whole = await _letters(session, [(DeadLetterKind(row.kind), row.id) for row in page])
    return DeadLetters(
        items=[whole[DeadLetterKind(row.kind), row.id] for row in page],
        next=_encode(page[-1]) if len(found) > limit else None,
    )


async def counts(session: AsyncSession, me: Actor) -> DeadLetterCounts:
    me.require(Permission.HEALTH_READ)
    letters = _all()
    totals = {
        row[0]: row[1]
        for row in await session.execute(select(letters.c.settled, func.count()).group_by(letters.c.settled))
    }
    last_line = func.right(func.substring(letters.c.error, r"([^\n]*)\s*$"), 300)
    groups = await session.execute(
        select(letters.c.kind, last_line.label("error"), func.count().label("n"), func.max(letters.c.at).label("last"))
        .where(letters.c.settled.is_(False))
        .group_by(letters.c.kind, last_line)
        .order_by(func.count().desc(), last_line)
        .limit(GROUPS)
    )
    return DeadLetterCounts(
        waiting=totals.get(False, 0),
        settled=totals.get(True, 0),
        groups=[
            ErrorGroup(kind=DeadLetterKind(row.kind), error=row.error, count=row.n, last_at=row.last) for row in groups
        ],
    )


async def raw_blob(session: AsyncSession, me: Actor, kind: DeadLetterKind, letter_id: int) -> str:
    """The name of the bytes as they came. Only for who may replay; each look is audited."""
    me.require(Permission.DEAD_LETTER_REPLAY)
    if kind is DeadLetterKind.RECEIPT:
        blob = await session.scalar(select(MailReceipt.blob).where(MailReceipt.id == letter_id))
    else:
        blob = await session.scalar(
            select(func.coalesce(Message.blob, Recording.blob))
            .select_from(Intake)
            .outerjoin(Message, Message.id == Intake.message_id)
            .outerjoin(Recording, Recording.id == Intake.recording_id)
            .where(Intake.id == letter_id)
        )
    if blob is None:
        raise NotFound("There is no such dead letter.")
    audit.record(session, me.id, "dead_letter.download", object_type=kind.value, object_id=letter_id, ip=me.ip)
    return blob


async def replay(session: AsyncSession, me: Actor, kind: DeadLetterKind, letter_id: int) -> None:
    """Try again, now: the cause was repaired. A receipt goes back to «stored», where the inbox's sweep finds it."""
    me.require(Permission.DEAD_LETTER_REPLAY)
    await _lock(session, kind, letter_id)
    await _replay(session, me, kind, [letter_id])


async def replay_all(session: AsyncSession, me: Actor, wanted: DeadLetterFilter) -> Replayed:
    """All that match, at most a thousand at a time, the oldest first: after a fix."""
    me.require(Permission.DEAD_LETTER_REPLAY)
    letters = _all()
    matching = _matching(letters, wanted)
    total = await session.scalar(select(func.count()).select_from(letters).where(*matching)) or 0
    rows = await session.execute(
        select(letters.c.kind, letters.c.id).where(*matching).order_by(letters.c.at, letters.c.id).limit(MAX_REPLAY)
    )
    chosen: dict[DeadLetterKind, list[int]] = {kind: [] for kind in DeadLetterKind}
    for kind, id_ in rows:
        chosen[DeadLetterKind(kind)].append(id_)
    done = 0
    for each, ids in chosen.items():
        done += len(await _replay(session, me, each, ids))
    asked = wanted.model_dump(mode="json", exclude_defaults=True)
    audit.record(
        session, me.id, "dead_letter.replay_all", object_type="dead_letter", detail={**asked, "replayed": done},
        ip=me.ip,
    )  # fmt: skip
    return Replayed(replayed=done, left=max(0, total - done))


async def settle(session: AsyncSession, me: Actor, kind: DeadLetterKind, letter_id: int, reason: str) -> None:
    """Set it aside by hand: it is not tried again and nobody is reminded of it. Bytes, error and reason stay."""
    me.require(Permission.DEAD_LETTER_REPLAY)
    reason = clean_line(reason)[:MAX_REASON]
    if not reason:
        raise Invalid("Say why this needs no more looking at.", field="reason")
    letter = await _lock(session, kind, letter_id)
    by_kind = {"receipt_id" if kind is DeadLetterKind.RECEIPT else "intake_id": letter_id}
    if await session.scalar(select(SettledLetter.id).filter_by(**by_kind)) is not None:
        raise Conflict("This letter was set aside already.")
    session.add(SettledLetter(**by_kind, reason=reason, settled_by_id=me.id))
    if isinstance(letter, Intake):
        letter.next_attempt_at = None
        await _resolve(session, letter)
    audit.record(
        session, me.id, "dead_letter.settle", object_type=kind.value, object_id=letter_id, detail={"reason": reason},
        ip=me.ip,
    )  # fmt: skip
    await publish(session, Event("problem", 0, what="dead_letter"))


async def _lock(session: AsyncSession, kind: DeadLetterKind, letter_id: int) -> MailReceipt | Intake:
    """The letter, dead and locked. Raises NotFound and Conflict."""
    found: MailReceipt | Intake | None
    if kind is DeadLetterKind.RECEIPT:
        found = await session.get(MailReceipt, letter_id, with_for_update=True)
        dead = found is not None and found.state is ReceiptState.DEAD
    else:
        found = await session.get(Intake, letter_id, with_for_update=True)
        dead = found is not None and found.outcome is IntakeOutcome.FAILED
    if found is None:
        raise NotFound("There is no such dead letter.")
    if not dead:
        raise Conflict("This letter is not dead any more: it was replayed already.")
    return found


async def _replay(session: AsyncSession, me: Actor, kind: DeadLetterKind, ids: Sequence[int]) -> list[int]:
    if not ids:
        return []
    if kind is DeadLetterKind.RECEIPT:
        done = list(
            await session.scalars(
                update(MailReceipt)
                .where(MailReceipt.id.in_(ids), MailReceipt.state == ReceiptState.DEAD)
                .values(state=ReceiptState.STORED, attempts=0, error=None)
                .returning(MailReceipt.id)
            )
        )
        await session.execute(delete(SettledLetter).where(SettledLetter.receipt_id.in_(done)))
    else:
        rows = list(
            await session.execute(
                update(Intake)
                .where(Intake.id.in_(ids), Intake.outcome == IntakeOutcome.FAILED)
                .values(next_attempt_at=clock.now())
                .returning(Intake.id, Intake.message_id, Intake.recording_id)
            )
        )
        done = [row.id for row in rows]
        await session.execute(delete(SettledLetter).where(SettledLetter.intake_id.in_(done)))
        if len(rows) == 1:  # many are found by the sweep, a few at a time and after what is new
            (row,) = rows
            job = Job.TAKE_IN_MESSAGE if row.message_id is not None else Job.TAKE_IN_RECORDING
            ring(session, job, row.message_id if row.message_id is not None else row.recording_id)
    for letter_id in done:
        audit.record(session, me.id, "dead_letter.replay", object_type=kind.value, object_id=letter_id, ip=me.ip)
    return done


async def _resolve(session: AsyncSession, intake: Intake) -> None:
    """Its problem is over: somebody decided."""
    what = f"message:{intake.message_id}" if intake.message_id is not None else f"recording:{intake.recording_id}"
    await session.execute(
        update(Problem)
        .where(Problem.service == "tickets", Problem.key == f"intake:{what}", Problem.resolved_at.is_(None))
        .values(resolved_at=clock.now())
    )


async def _letters(
    session: AsyncSession, keys: Sequence[tuple[DeadLetterKind, int]]
) -> dict[tuple[DeadLetterKind, int], DeadLetter]:
    receipt_ids = [id_ for kind, id_ in keys if kind is DeadLetterKind.RECEIPT]
    intake_ids = [id_ for kind, id_ in keys if kind is DeadLetterKind.INTAKE]
    found: dict[tuple[DeadLetterKind, int], DeadLetter] = {}
    for receipt, mailbox, settled, name in await session.execute(
        select(MailReceipt, Mailbox.name, SettledLetter, Person.name)
        .join(Mailbox, Mailbox.id == MailReceipt.mailbox_id)
        .outerjoin(SettledLetter, SettledLetter.receipt_id == MailReceipt.id)
        .outerjoin(Person, Person.id == SettledLetter.settled_by_id)
        .where(MailReceipt.id.in_(receipt_ids))
    ):
        found[DeadLetterKind.RECEIPT, receipt.id] = DeadLetter(
            kind=DeadLetterKind.RECEIPT,
            id=receipt.id,
            what=f"{mailbox} / {receipt.folder}",
            subject="",
            error=_last_line(receipt.error),
            traceback=receipt.error or "",
            attempts=receipt.attempts,
            at=receipt.received_at,
            next_attempt_at=None,
            size=receipt.size,
            settled=_settlement(settled, name),
        )
    for intake, what, subject, settled, name in await session.execute(
        select(
            Intake,
            func.coalesce(Message.from_address, Recording.caller_id, Recording.caller_name, ""),
            func.coalesce(Message.subject, ""),
            SettledLetter,
            Person.name,
        )
        .outerjoin(Message, Message.id == Intake.message_id)
        .outerjoin(Recording, Recording.id == Intake.recording_id)
        .outerjoin(SettledLetter, SettledLetter.intake_id == Intake.id)
        .outerjoin(Person, Person.id == SettledLetter.settled_by_id)
        .where(Intake.id.in_(intake_ids))
    ):
        found[DeadLetterKind.INTAKE, intake.id] = DeadLetter(
            kind=DeadLetterKind.INTAKE,
            id=intake.id,
            what=what,
            subject=subject,
            error=_last_line(intake.error),
            traceback=intake.error or "",
            attempts=intake.attempts,
            at=intake.at,
            next_attempt_at=intake.next_attempt_at,
            size=None,
            settled=_settlement(settled, name),
        )
    return found


def _settlement(row: SettledLetter | None, name: str | None) -> Settlement | None:
    return None if row is None else Settlement(reason=row.reason, by=name or "", at=row.settled_at)


def _last_line(error: str | None) -> str:
    lines = (error or "").strip().splitlines()
    return lines[-1][:500] if lines else ""


def _encode(row: Any) -> str:
    key = json.dumps([row.at.isoformat(), row.kind, row.id])
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[datetime, str, int]:
    try:
        at, kind, id_ = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        moment, number = datetime.fromisoformat(at), int(id_)
        if moment.tzinfo is None or not 0 <= number < 2**63:
            raise ValueError
        return moment, str(kind), number
    except (ValueError, TypeError, binascii.Error):
        raise Invalid("This page link is not valid; start again from the first page.", field="cursor") from None
