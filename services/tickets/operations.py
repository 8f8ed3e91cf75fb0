"""What is wrong with the machines, and what to do about it: problems, mailboxes, dead letters and their replay."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shared import audit, clock
from shared.database import ring
from shared.errors import Conflict, NotFound
from shared.jobs import Job
from shared.models import (
    Intake,
    IntakeOutcome,
    Mailbox,
    MailboxState,
    MailReceipt,
    Message,
    Problem,
    ReceiptState,
    Recording,
)
from shared.people import Actor, Permission


class ProblemView(BaseModel):
    """A machine's failure that somebody can act on."""

    model_config = ConfigDict(frozen=True)

    id: int
    service: str
    key: str
    message: str
    hint: str = Field(description="What to do about it.")
    count: int
    first_at: datetime
    last_at: datetime
    resolved_at: datetime | None


class MailboxView(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: int
    name: str
    address: str
    state: MailboxState
    last_seen_at: datetime | None = Field(description="Last good answer of the server.")
    last_error: str | None
    last_error_at: datetime | None


class DeadLetterKind(StrEnum):
    RECEIPT = "receipt"  # a mail that could not be parsed into a message
    INTAKE = "intake"  # a message or recording that could not be made a ticket


class DeadLetter(BaseModel):
    """Mail or a recording that our code failed on. Its bytes are kept."""

    model_config = ConfigDict(frozen=True)

    kind: DeadLetterKind
    id: int
    what: str = Field(description="Where it came from: mailbox and folder, or who wrote, or who called.")
    subject: str
    error: str
    attempts: int
    at: datetime
    next_attempt_at: datetime | None = Field(description="Null: given up; replay it by hand.")
    size: int | None


class DeadLetters(BaseModel):
    items: list[DeadLetter]


async def problems(session: AsyncSession, me: Actor, *, include_resolved: bool = False) -> list[ProblemView]:
    """Open ones first, the newest first; with `include_resolved` also the last hundred that are over."""
    me.require(Permission.HEALTH_READ)
    statement = select(Problem).order_by(Problem.resolved_at.is_(None).desc(), Problem.last_at.desc()).limit(200)
    if not include_resolved:
        statement = statement.where(Problem.resolved_at.is_(None))
    return [
        ProblemView(
            id=row.id,
            service=row.service,
            key=row.key,
            message=row.message,
            hint=row.hint,
            count=row.count,
            first_at=row.first_at,
            last_at=row.last_at,
            resolved_at=row.resolved_at,
        )
        for row in await session.scalars(statement)
    ]


async def mailboxes(session: AsyncSession, me: Actor) -> list[MailboxView]:
    me.require(Permission.HEALTH_READ)
    return [
        MailboxView(
            id=row.id,
            name=row.name,
            address=row.address,
            state=row.state,
            last_seen_at=row.last_seen_at,
            last_error=row.last_error,
            last_error_at=row.last_error_at,
        )
        for row in await session.scalars(select(Mailbox).order_by(Mailbox.name))
    ]


async def dead_letters(session: AsyncSession, me: Actor, limit: int = 100) -> DeadLetters:
    """The newest of both kinds. The error is the last line of what our code said."""
    me.require(Permission.HEALTH_READ)
    receipts = await session.execute(
        select(MailReceipt, Mailbox.name)
        .join(Mailbox, Mailbox.id == MailReceipt.mailbox_id)
        .where(MailReceipt.state == ReceiptState.DEAD)
        .order_by(MailReceipt.id.desc())
        .limit(limit)
    )
    found = [
        DeadLetter(
            kind=DeadLetterKind.RECEIPT,
            id=receipt.id,
            what=f"{mailbox} / {receipt.folder}",
            subject="",
            error=_last_line(receipt.error),
            attempts=receipt.attempts,
            at=receipt.received_at,
            next_attempt_at=None,
            size=receipt.size,
        )
        for receipt, mailbox in receipts
    ]
    intakes = await session.execute(
        select(
            Intake,
            func.coalesce(Message.from_address, Recording.caller_id, Recording.caller_name, "").label("what"),
            func.coalesce(Message.subject, "").label("subject"),
        )
        .outerjoin(Message, Message.id == Intake.message_id)
        .outerjoin(Recording, Recording.id == Intake.recording_id)
        .where(Intake.outcome == IntakeOutcome.FAILED)
        .order_by(Intake.id.desc())
        .limit(limit)
    )
    found += [
        DeadLetter(
            kind=DeadLetterKind.INTAKE,
            id=intake.id,
            what=what,
            subject=subject,
            error=_last_line(intake.error),
            attempts=intake.attempts,
            at=intake.at,
            next_attempt_at=intake.next_attempt_at,
            size=None,
        )
        for intake, what, subject in intakes
    ]
    return DeadLetters(items=sorted(found, key=lambda each: each.at, reverse=True)[:limit])


def _last_line(error: str | None) -> str:
    lines = (error or "").strip().splitlines()
    return lines[-1][:500] if lines else ""


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
    if kind is DeadLetterKind.RECEIPT:
        receipt = await session.get(MailReceipt, letter_id, with_for_update=True)
        if receipt is None:
            raise NotFound("There is no such dead letter.")
        if receipt.state is not ReceiptState.DEAD:
            raise Conflict("This letter is not dead any more: it was replayed already.")
        await session.execute(
            update(MailReceipt)
            .where(MailReceipt.id == letter_id)
            .values(state=ReceiptState.STORED, attempts=0, error=None)
        )
    else:
        intake = await session.get(Intake, letter_id, with_for_update=True)
        if intake is None:
            raise NotFound("There is no such dead letter.")
        if intake.outcome is not IntakeOutcome.FAILED:
            raise Conflict("This letter is not dead any more: it was replayed already.")
        intake.next_attempt_at = clock.now()
        if intake.message_id is not None:
            ring(session, Job.TAKE_IN_MESSAGE, intake.message_id)
        elif intake.recording_id is not None:
            ring(session, Job.TAKE_IN_RECORDING, intake.recording_id)
    audit.record(session, me.id, "dead_letter.replay", object_type=kind.value, object_id=letter_id, ip=me.ip)
