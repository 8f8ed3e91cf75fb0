"""Mail that a policy kept from becoming a ticket: a person's word that it is a customer's, or that it stays held."""

from collections.abc import Sequence

from pydantic import BaseModel, Field
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import intake_mail, left_held, spam, spam_corrections
from services.tickets.intake import lock_names_of
from services.tickets.locks import lock_names
from shared import audit, clock
from shared.database import ring
from shared.errors import CentralitaError, Conflict, Forbidden, NotFound
from shared.jobs import Job
from shared.models import Intake, IntakeOutcome, Message
from shared.people import Actor, Permission
from shared.settings import Settings

BULK_LIMIT = 100


class MadeTicket(BaseModel):
    ticket_id: int


class Outcome(BaseModel):
    """What became of one of several."""

    id: int
    ticket_id: int | None = Field(description="Null when it was not possible; `detail` says why.")
    detail: str = ""


async def make_ticket(session: AsyncSession, settings: Settings, me: Actor, intake_id: int) -> MadeTicket:
    """Take the mail in as a customer's, whatever held it: on the ticket that it answers, else on one of its own.

    Of what looked like spam the sender is remembered, and a ticket that was closed as spam is opened again.
    """
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
    if intake.taken_off_ticket_id is not None:
        ticket_id = (await spam_corrections.take_back(session, settings, me, intake.taken_off_ticket_id)).id
    else:
        ticket_id = await intake_mail.take_in_held(session, settings, message)
        if policy == spam.POLICY:
            await spam_corrections.remember(session, me, message, spam=False)
    await left_held.forget_sender(session, message, policy or "")
    ring(session, Job.ROUTE, ticket_id)
    audit.record(
        session, me.id, "held.ticket", object_type="message", object_id=message.id, ticket_id=ticket_id,
        detail={"policy": policy}, ip=me.ip,
    )  # fmt: skip
    return MadeTicket(ticket_id=ticket_id)


async def make_tickets(
    session: AsyncSession, settings: Settings, me: Actor, intake_ids: Sequence[int]
) -> list[Outcome]:
    """One after the other; one that cannot be made stops none of the others."""
    me.require(Permission.TICKET_ASSIGN)
    outcomes = []
    for intake_id in dict.fromkeys(intake_ids):
        try:
            async with session.begin_nested():
                made = await make_ticket(session, settings, me, intake_id)
        except Forbidden:
            raise
        except CentralitaError as error:
            outcomes.append(Outcome(id=intake_id, ticket_id=None, detail=str(error)))
        else:
            outcomes.append(Outcome(id=intake_id, ticket_id=made.ticket_id))
    return outcomes


async def leave(session: AsyncSession, me: Actor, intake_ids: Sequence[int]) -> list[int]:
    """Somebody looked: it stays held and is no longer listed as waiting, nor is what is like it (left_held.py).

    Returns those that were waiting.
    """
    me.require(Permission.TICKET_ASSIGN)
    left = await session.scalars(
        update(Intake)
        .where(Intake.id.in_(intake_ids), Intake.outcome == IntakeOutcome.HELD, Intake.left_at.is_(None))
        .values(left_at=clock.now(), left_by_id=me.id)
        .returning(Intake.id)
        .execution_options(synchronize_session=False)
    )
    done = sorted(left)
    if done:
        await left_held.remember(session, me, done)
        audit.record(session, me.id, "held.leave", object_type="intake", detail={"ids": done}, ip=me.ip)
    return done
