"""Mail that a policy kept from becoming a ticket: the list of it, and a person's word that it is a customer's."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import intake_mail
from services.tickets.intake import lock_names_of
from services.tickets.locks import lock_names
from shared import audit
from shared.database import ring
from shared.errors import Conflict, NotFound
from shared.jobs import Job
from shared.models import Intake, IntakeOutcome, Message
from shared.people import Actor, Permission
from shared.settings import Settings

VOICEMAIL = "voicemail"  # nothing is missing: its recording made a ticket


class HeldMail(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: int = Field(description="Of what became of the mail; names it here.")
    policy: str = Field(description="auto_reply, list, loop, bounce_unmatched, mailbox_check or voicemail.")
    evidence: str | None = Field(description="What in the mail says so.")
    from_address: str
    from_name: str
    subject: str
    received_at: datetime


class HeldMails(BaseModel):
    items: list[HeldMail]


class MadeTicket(BaseModel):
    ticket_id: int


async def held_mail(session: AsyncSession, me: Actor, *, policy: str | None = None, limit: int = 100) -> HeldMails:
    """The newest. Without a `policy` all but voicemails, which are tickets through their recordings."""
    me.require(Permission.HEALTH_READ)
    wanted = Intake.policy == policy if policy is not None else Intake.policy != VOICEMAIL
    rows = await session.execute(
        select(Intake, Message)
        .join(Message, Message.id == Intake.message_id)
        .where(Intake.outcome == IntakeOutcome.HELD, wanted)
        .order_by(Intake.id.desc())
        .limit(limit)
    )
    return HeldMails(
        items=[
            HeldMail(
                id=intake.id,
                policy=intake.policy or "",
                evidence=message.machine_evidence,
                from_address=message.from_address,
                from_name=message.from_name,
                subject=message.subject,
                received_at=message.received_at,
            )
            for intake, message in rows
        ]
    )


async def make_ticket(session: AsyncSession, settings: Settings, me: Actor, intake_id: int) -> MadeTicket:
    """Take the mail in as a customer's, whatever held it: on the ticket that it answers, else on one of its own."""
    me.require(Permission.TICKET_ASSIGN)
    intake = await session.get(Intake, intake_id)
    message = await session.get(Message, intake.message_id) if intake is not None and intake.message_id else None
    if intake is None or message is None:
        raise NotFound("There is no such mail.")
    await lock_names(session, lock_names_of(message))
    await session.refresh(intake, with_for_update=True)
    if intake.outcome is not IntakeOutcome.HELD:
        raise Conflict("This mail is not held any more.")
    policy = intake.policy
    ticket_id = await intake_mail.take_in_held(session, settings, message)
    ring(session, Job.ROUTE, ticket_id)
    audit.record(
        session, me.id, "held.ticket", object_type="message", object_id=message.id, ticket_id=ticket_id,
        detail={"policy": policy}, ip=me.ip,
    )  # fmt: skip
    return MadeTicket(ticket_id=ticket_id)
