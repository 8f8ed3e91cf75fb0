"""Whose names and domains nobody else should carry here: our staff, our mailboxes, and those of the settings."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.lookalike import PUBLIC_PROVIDERS, Protected, domain_of
from services.tickets.remembered import Remembered
from shared.mailboxes import own_addresses
from shared.models import MailboxAccount, Person, Role
from shared.settings import Settings

_protected: Remembered[Protected] = Remembered(seconds=15)


async def protected(session: AsyncSession, settings: Settings) -> Protected:
    return await _protected.get(session, "protected", lambda: _load(session, settings))


async def _load(session: AsyncSession, settings: Settings) -> Protected:
    people = await session.execute(
        select(Person.name, Person.email).where(Person.active, Person.role != Role.SERVICE).order_by(Person.id)
    )
    addresses = await own_addresses(session, settings)
    own = {domain_of(address) for address in addresses} - PUBLIC_PROVIDERS
    return Protected(
        staff=tuple((name, email) for name, email in people),
        center_names=(
            settings.center_name_en,
            settings.center_name_es,
            *(mailbox.display_name for mailbox in settings.mailboxes),
            *await session.scalars(select(MailboxAccount.display_name).where(MailboxAccount.removed_at.is_(None))),
        ),
        names=tuple(settings.protected_names),
        domains=(*(each.lower() for each in settings.protected_domains), *sorted(own - {""})),
        addresses=addresses,
    )
