"""A mail that leaves: its delivery row, its stable Message-ID, its thread, and the ring that sends it."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.letter import Letter
from services.tickets.markdown import to_html, to_text
from services.tickets.remembered import Remembered
from services.tickets.thread import bare_subject, extend_references
from shared import clock
from shared.database import ring
from shared.jobs import Job
from shared.mailboxes import first_sending_address
from shared.models import Delivery, DeliveryKind, Mailbox, Message, Ticket
from shared.rows import write_numbered
from shared.settings import Settings

MAX_SUBJECT = 300
_domains: Remembered[str] = Remembered(seconds=60)


async def send(
    session: AsyncSession,
    settings: Settings,
    ticket: Ticket,
    *,
    kind: DeliveryKind,
    to: Sequence[str],
    subject: str,
    language: str,
    markdown: str,
) -> Delivery:
    """Create an automatic mail in this transaction; it leaves after the commit."""
    delivery = await delivery_row(
        session, settings, ticket, kind=kind, to=to, subject=subject, language=language, letter=plain(markdown)
    )
    await send_all(session, [delivery])
    return delivery


async def send_all(session: AsyncSession, deliveries: Sequence[Delivery]) -> None:
    """Put them into the store; they leave after the commit, or when they are not held any more."""
    session.add_all(deliveries)
    await session.flush()
    for delivery in deliveries:
        ring(session, Job.SEND, delivery.id)


async def send_rows(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """The same for many automatic mails, as `delivery_values` has them, without the ORM; their ids, in order."""
    ids = await write_numbered(session, Delivery, rows)
    for delivery_id in ids:
        ring(session, Job.SEND, delivery_id)
    return ids


def hold(settings: Settings, delivery: Delivery) -> None:
    """Let it wait for its writer's second thoughts."""
    if settings.undo_s:
        delivery.undo_until = delivery.next_attempt_at = clock.now() + timedelta(seconds=settings.undo_s)


def plain(markdown: str) -> Letter:
    """A text without signature and quotation."""
    return Letter(to_text(markdown), to_html(markdown))


async def delivery_row(
    session: AsyncSession,
    settings: Settings,
    ticket: Ticket,
    *,
    kind: DeliveryKind,
    to: Sequence[str],
    cc: Sequence[str] = (),
    subject: str,
    language: str,
    letter: Letter,
    answers: Message | None = None,
    created_by_id: int | None = None,
) -> Delivery:
    """A mail on a ticket, not yet in the store. `answers`: the mail it replies to."""
    values = await delivery_values(
        session,
        settings,
        ticket,
        kind=kind,
        to=to,
        cc=cc,
        subject=subject,
        language=language,
        letter=letter,
        answers=answers,
    )
    return Delivery(**values, created_by_id=created_by_id)


async def delivery_values(
    session: AsyncSession,
    settings: Settings,
    ticket: Ticket,
    *,
    kind: DeliveryKind,
    to: Sequence[str],
    cc: Sequence[str] = (),
    subject: str,
    language: str,
    letter: Letter,
    answers: Message | None = None,
) -> dict[str, Any]:
    """What the store keeps of such a mail."""
    mailbox_id = answers.mailbox_id if answers is not None else None
    return {
        "ticket_id": ticket.id,
        "kind": kind,
        "mailbox_id": mailbox_id,
        "to_addresses": list(to),
        "cc_addresses": list(cc),
        "subject": subject[:MAX_SUBJECT],
        "language": language,
        "text": letter.text,
        "html": letter.html,
        "rfc_message_id": await new_message_id(session, settings, mailbox_id),
        "in_reply_to": answers.rfc_message_id if answers is not None else None,
        "references": extend_references(answers.references, answers.rfc_message_id) if answers is not None else [],
        "reply_token": ticket.reply_token,
    }


async def new_message_id(session: AsyncSession, settings: Settings, mailbox_id: int | None) -> str:
    return f"<{uuid.uuid4().hex}@{await sending_domain(session, settings, mailbox_id)}>"


def reply_subject(subject: str, ticket_id: int) -> str:
    """«Re: … [#42]»: the number for people, the token in the address for us."""
    bare = bare_subject(subject)
    return f"Re: {bare[: MAX_SUBJECT - 30]} [#{ticket_id}]" if bare else f"[#{ticket_id}]"


async def sending_domain(session: AsyncSession, settings: Settings, mailbox_id: int | None) -> str:
    """The domain of the mailbox it leaves from, which is also how our own mail is recognised when it comes back."""
    return await _domains.get(session, mailbox_id, lambda: _domain(session, settings, mailbox_id))


async def _domain(session: AsyncSession, settings: Settings, mailbox_id: int | None) -> str:
    address: str | None = None
    if mailbox_id is not None:
        address = await session.scalar(select(Mailbox.address).where(Mailbox.id == mailbox_id))
    if address is None:
        address = await first_sending_address(session, settings) or await session.scalar(
            select(Mailbox.address).order_by(Mailbox.id).limit(1)
        )
    domain = (address or "").rpartition("@")[2].lower()
    return domain or "localhost"
