"""Which mailboxes are ours: those of the settings, and those that administrators manage. The one place that knows."""

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from shared.models import Mailbox, MailboxAccount
from shared.settings import Settings

# A removed mailbox is nobody's any more: its address may be given to a person, who then writes to us like anybody.
_NOT_REMOVED = ~exists().where(MailboxAccount.mailbox_id == Mailbox.id, MailboxAccount.removed_at.is_not(None))


def addresses_in_settings(settings: Settings) -> frozenset[str]:
    return frozenset(mailbox.address.lower() for mailbox in settings.mailboxes)


async def own_addresses(session: AsyncSession, settings: Settings) -> frozenset[str]:
    """Lower case. Mail from one of them is ours, come back; mail to one of them is to us."""
    stored = await session.scalars(select(func.lower(Mailbox.address)).where(_NOT_REMOVED))
    return addresses_in_settings(settings) | frozenset(stored)


def is_own(settings: Settings, address: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """The same as a condition on a column of lower-case addresses."""
    stored = exists().where(func.lower(Mailbox.address) == address, _NOT_REMOVED)
    return or_(stored, address.in_(addresses_in_settings(settings)))


async def first_sending_address(session: AsyncSession, settings: Settings) -> str | None:
    """Of the mailbox from which mail leaves that names none: the settings' come first, then the oldest."""
    able = [mailbox.address for mailbox in settings.mailboxes if mailbox.smtp is not None]
    if able:
        return able[0]
    found: str | None = await session.scalar(
        select(Mailbox.address)
        .join(MailboxAccount, MailboxAccount.mailbox_id == Mailbox.id)
        .where(
            MailboxAccount.smtp_host.is_not(None),
            MailboxAccount.removed_at.is_(None),
            MailboxAccount.paused_at.is_(None),
        )
        .order_by(Mailbox.id)
        .limit(1)
    )
    return found
