"""SQL of trust: who wrote by mail on a ticket, and whose identity somebody checked."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.lookalike import Likeness, Protected, Suspicion, suspicions
from services.tickets.trust import Check, Mail, verdict_of
from shared.models import Entry, EntryKind, IdentityCheck, Intake, Message

MAX_SENDERS = 20  # of one ticket that are looked at


@dataclass(frozen=True)
class Wrote:
    """A person's mail on a ticket, with what its sender says of themselves."""

    mail: Mail
    message_id: int
    name: str
    reply_to: tuple[str, ...]
    text: str
    domain: str | None  # that authenticated
    spam: str | None  # the mail server's word


def look_alikes(wrote: Sequence[Wrote], protected: Protected) -> dict[int, list[Suspicion]]:
    """By message, of the newest mail of each sender as they now call themselves."""
    newest = {(each.name, each.mail.address, each.reply_to): each for each in wrote}
    return {
        each.message_id: found
        for each in list(newest.values())[-MAX_SENDERS:]
        if (found := suspicions(each.name, each.mail.address, each.reply_to, protected))
    }


def pretenders(wrote: Sequence[Wrote], protected: Protected) -> set[str]:
    """Addresses that look like somebody else's; another Reply-To alone is only worth a look."""
    found = look_alikes(wrote, protected)
    return {
        each.mail.address
        for each in wrote
        if any(suspicion.kind is not Likeness.REPLY_TO for suspicion in found.get(each.message_id, []))
    }


async def mails_of(session: AsyncSession, ticket_id: int) -> list[Wrote]:
    """Oldest first."""
    found = await session.execute(
        select(
            Entry.id, Message.id, Message.from_address, Message.from_name, Message.reply_to, Message.authentication,
            Message.text_new, Message.spam,
        )
        .join(Message, Message.id == Entry.message_id)
        .where(Entry.ticket_id == ticket_id, Entry.kind == EntryKind.MAIL_IN)
        .order_by(Entry.id)
    )  # fmt: skip
    return [
        Wrote(
            mail=Mail(entry_id, address, verdict_of(authentication)),
            message_id=message_id,
            name=name,
            reply_to=tuple(str(each) for each in reply_to),
            text=text,
            domain=authentication.get("domain") or None,
            spam=spam,
        )
        for entry_id, message_id, address, name, reply_to, authentication, text, spam in found
    ]


async def checks_of(session: AsyncSession, ticket_id: int) -> Sequence[IdentityCheck]:
    """Newest first."""
    found = await session.scalars(
        select(IdentityCheck).where(IdentityCheck.ticket_id == ticket_id).order_by(IdentityCheck.id.desc())
    )
    return found.all()


def as_check(row: IdentityCheck) -> Check:
    return Check(row.id, row.entry_id, row.address, row.ended_at is not None)


async def closed_as_spam(session: AsyncSession, ticket_id: int) -> bool:
    found = await session.scalar(select(exists().where(Intake.taken_off_ticket_id == ticket_id)))
    return bool(found)
