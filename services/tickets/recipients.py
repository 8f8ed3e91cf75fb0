"""Whom an answer goes to when nobody says otherwise: one rule for the page and for the API."""

from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import acknowledged_repository
from services.tickets.acknowledge import answers_by_itself
from services.tickets.participants import addresses_on, identities
from shared.models import Ticket


@dataclass(frozen=True)
class Proposal:
    """`to`: the address, if there is one. `asked_for`: another one that the mail names, which we do not know.

    `cc`: who stood beside the writer in that mail and may speak on the ticket.
    """

    to: str | None
    asked_for: str | None = None
    cc: list[str] = field(default_factory=list)


async def propose(session: AsyncSession, ticket: Ticket) -> Proposal:
    """Whoever wrote last; at another address of theirs only when it is known to be theirs.

    Anybody can write any From, Reply-To and Cc: an answer that simply followed them would carry the customer's matter
    to a stranger, and make the stranger part of the conversation. Only a person decides that.
    """
    known = await identities(session, ticket.customer_id)
    here = await addresses_on(session, ticket.id)
    last = await acknowledged_repository.last_mail_of(session, ticket.id)
    if last is None:
        return Proposal(next(iter(sorted(known)), None))
    sender = last.from_address or None
    named = [address.lower() for address in (last.from_address, *last.to_addresses, *last.cc_addresses)]

    def beside(to: str | None) -> list[str]:
        return [address for address in dict.fromkeys(named) if address in here and address not in (to, sender)]

    wanted = next((address.strip().lower() for address in last.reply_to if address.strip()), None)
    if wanted is None or wanted == sender:
        return Proposal(sender, cc=beside(sender))
    if wanted in known or wanted in here:
        return Proposal(wanted, cc=beside(wanted))
    if sender is not None and answers_by_itself(sender):  # a web form: nobody reads what is sent there
        sender = None
    return Proposal(sender, wanted, cc=beside(sender))
