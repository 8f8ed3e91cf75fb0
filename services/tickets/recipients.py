"""Whom an answer goes to when nobody says otherwise: one rule for the page and for the API."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import intake_repository as repository
from services.tickets.acknowledge import answers_by_itself
from shared.models import CustomerIdentity, IdentityKind, Participant, Ticket


@dataclass(frozen=True)
class Proposal:
    """`to`: the address, if there is one. `asked_for`: another one that the mail names, which we do not know."""

    to: str | None
    asked_for: str | None = None


async def propose(session: AsyncSession, ticket: Ticket) -> Proposal:
    """Whoever wrote last; at another address of theirs only when it is known to be theirs.

    Anybody can write any From and any Reply-To: an answer that simply followed a Reply-To would carry the customer's
    matter to a stranger, and make the stranger part of the conversation. Only a person decides that.
    """
    identities = await _identities(session, ticket)
    last = await repository.last_mail_of(session, ticket.id)
    if last is None:
        return Proposal(next(iter(sorted(identities)), None))
    sender = last.from_address or None
    wanted = next((address.strip().lower() for address in last.reply_to if address.strip()), None)
    if wanted is None or wanted == sender:
        return Proposal(sender)
    if wanted in identities or wanted in await _participants(session, ticket):
        return Proposal(wanted)
    if sender is not None and answers_by_itself(sender):  # a web form: nobody reads what is sent there
        sender = None
    return Proposal(sender, wanted)


async def _identities(session: AsyncSession, ticket: Ticket) -> set[str]:
    if ticket.customer_id is None:
        return set()
    rows = await session.scalars(
        select(CustomerIdentity.value).where(
            CustomerIdentity.customer_id == ticket.customer_id, CustomerIdentity.kind == IdentityKind.EMAIL
        )
    )
    return set(rows)


async def _participants(session: AsyncSession, ticket: Ticket) -> set[str]:
    return set(await session.scalars(select(Participant.address).where(Participant.ticket_id == ticket.id)))
