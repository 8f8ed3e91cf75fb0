"""Mail that a policy held, as a supervisor looks through it, and what people said about senders."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.tickets import cursors
from services.tickets.spam import POLICY
from services.tickets.trust import Verdict, verdict_of
from services.tickets.views.shapes import PersonRef, View
from shared import audit
from shared.models import Intake, IntakeOutcome, Message, Person, SenderJudgement
from shared.people import Actor, Permission

# Nothing is missing: its recording made a ticket; we wrote it to ourselves.
NOT_LISTED = ("voicemail", "mailbox_check")
PREVIEW = 600  # characters


class HeldFilter(BaseModel):
    policy: str | None = Field(default=None, max_length=40, description="Only this one.", examples=["spam"])
    sender: str = Field(default="", max_length=200, description="Part of the address or the name.")
    subject: str = Field(default="", max_length=200, description="Part of it.")
    evidence: str = Field(default="", max_length=200, description="Part of what says so.")
    show: Literal["waiting", "left", "all"] = Field(
        default="waiting", description="`left`: somebody looked, and it stays held."
    )


class JudgementView(View):
    """What a person said about an address, for its next mail."""

    id: int
    address: str
    spam: bool = Field(description="False: its mail becomes tickets, whatever the mail server calls it.")
    by: PersonRef
    at: datetime


class HeldMail(View):
    id: int = Field(description="Of what became of the mail; names it here.")
    policy: str = Field(
        description="auto_reply, list, loop, complaint, receipt, challenge, bounce_unmatched, mailbox_check, voicemail "
        "or spam."
    )
    evidence: str | None = Field(description="What in the mail says so.")
    from_address: str
    from_name: str
    verdict: Verdict
    subject: str
    received_at: datetime
    preview: str = Field(description="The beginning of its text, without markup.")
    judgement: JudgementView | None = Field(description="What somebody said about its sender.")
    taken_off_ticket_id: int | None = Field(description="The ticket that was closed as spam.")
    left_at: datetime | None
    left_by: PersonRef | None


class HeldMails(View):
    items: list[HeldMail]
    next: str | None = Field(default=None, description="Cursor of the next page; null on the last.")


class HeldCount(View):
    """How much of it nobody has looked at."""

    policy: str
    waiting: int


_leaver, _judge = aliased(Person), aliased(Person)


async def held_mail(
    session: AsyncSession, me: Actor, wanted: HeldFilter, cursor: str | None = None, limit: int = 50
) -> HeldMails:
    """The newest first. Without a policy all that somebody could miss. Looking is audited: it shows what mails say."""
    me.require(Permission.HEALTH_READ)
    statement = (
        select(Intake, Message, SenderJudgement, _leaver.name, _judge.name)
        .join(Message, Message.id == Intake.message_id)
        .outerjoin(SenderJudgement, SenderJudgement.address == Message.from_address)
        .outerjoin(_leaver, _leaver.id == Intake.left_by_id)
        .outerjoin(_judge, _judge.id == SenderJudgement.decided_by_id)
        .where(Intake.outcome == IntakeOutcome.HELD, *_conditions(wanted))
        .order_by(Intake.id.desc())
        .limit(limit + 1)
    )
    if cursor is not None:
        statement = statement.where(Intake.id < cursors.decode(cursor))
    rows = list(await session.execute(statement))
    items = [_mail(*row) for row in rows[:limit]]
    if items:
        audit.record(
            session, me.id, "held.view", object_type="intake", detail={"ids": [item.id for item in items]}, ip=me.ip
        )
    return HeldMails(items=items, next=cursors.encode(items[-1].id) if len(rows) > limit else None)


def _conditions(wanted: HeldFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        Intake.policy == wanted.policy if wanted.policy else Intake.policy.not_in(NOT_LISTED)
    ]
    if wanted.show != "all":
        conditions.append(Intake.left_at.is_(None) if wanted.show == "waiting" else Intake.left_at.is_not(None))
    for text, columns in (
        (wanted.sender, (Message.from_address, Message.from_name)),
        (wanted.subject, (Message.subject,)),
        (wanted.evidence, (Message.machine_evidence, Message.spam)),
    ):
        part = text.replace("\x00", "").strip()
        if part:
            conditions.append(or_(*(column.icontains(part, autoescape=True) for column in columns)))
    return conditions


def _mail(
    intake: Intake, message: Message, judgement: SenderJudgement | None, leaver: str | None, judge: str | None
) -> HeldMail:
    return HeldMail(
        id=intake.id,
        policy=intake.policy or "",
        evidence=message.spam if intake.policy == POLICY else message.machine_evidence,
        from_address=message.from_address,
        from_name=message.from_name,
        verdict=verdict_of(message.authentication),
        subject=message.subject,
        received_at=message.received_at,
        preview=plain(message.text_new or message.text_full),
        judgement=_judgement(judgement, judge) if judgement is not None else None,
        taken_off_ticket_id=intake.taken_off_ticket_id,
        left_at=intake.left_at,
        left_by=PersonRef(id=intake.left_by_id, name=leaver or "") if intake.left_by_id is not None else None,
    )


def plain(text: str) -> str:
    """Its beginning in one paragraph: no control characters, no marks that turn the direction of writing."""
    shown = "".join(c if c.isprintable() else " " for c in text[: PREVIEW * 4])
    shown = " ".join(shown.split())
    return shown if len(shown) <= PREVIEW else shown[:PREVIEW].rpartition(" ")[0] + "…"


def _judgement(row: SenderJudgement, name: str | None) -> JudgementView:
    return JudgementView(
        id=row.id,
        address=row.address,
        spam=row.spam,
        by=PersonRef(id=row.decided_by_id, name=name or ""),
        at=row.decided_at,
    )


async def judgements(session: AsyncSession, me: Actor, limit: int = 500) -> list[JudgementView]:
    """The newest first."""
    me.require(Permission.HEALTH_READ)
    rows = await session.execute(
        select(SenderJudgement, Person.name)
        .join(Person, Person.id == SenderJudgement.decided_by_id)
        .order_by(SenderJudgement.decided_at.desc(), SenderJudgement.id.desc())
        .limit(limit)
    )
    return [_judgement(row, name) for row, name in rows]


async def counts(session: AsyncSession) -> list[HeldCount]:
    """What waits for a look, by policy; spam first, then the most."""
    rows: Any = await session.execute(
        select(Intake.policy, func.count())
        .where(
            Intake.outcome == IntakeOutcome.HELD,
            Intake.left_at.is_(None),
            Intake.message_id.is_not(None),
            Intake.policy.not_in(NOT_LISTED),
        )
        .group_by(Intake.policy)
        .order_by((Intake.policy == POLICY).desc(), func.count().desc())
    )
    return [HeldCount(policy=policy, waiting=count) for policy, count in rows]
