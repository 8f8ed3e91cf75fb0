"""Offers: made by the router, accepted, declined, missed, taken from the queue and given back."""

from datetime import timedelta

from services.tickets.routing.offers import accept
from services.tickets.routing.router import route_once
from shared import clock
from shared.database import Database
from shared.models import EntryKind, TicketState
from shared.settings import Settings
from tests.tickets.routing.conftest import Center


async def test_an_offer_is_made_accepted_and_shown(center: Center, database: Database, settings: Settings) -> None:
    csr = await center.person(name="Ana")
    ticket_id = await center.ticket()
    assert await route_once(database, settings) == 1
    assert (await center.get(ticket_id)).state is TicketState.OFFERED
    offer = await center.open_assignment(ticket_id)
    assert offer.person_id == csr.id
    assert offer.expires_at is not None
    assert timedelta(seconds=170) < offer.expires_at - clock.now() <= timedelta(seconds=180)
    async with database.transaction() as session:
        await accept(session, csr, offer.id)
    ticket = await center.get(ticket_id)
    assert (ticket.state, ticket.assignee_id, ticket.rev) == (TicketState.ASSIGNED, csr.id, 3)
    entries = await center.entries(ticket_id)
    assert [entry.kind for entry in entries] == [EntryKind.OFFERED, EntryKind.ACCEPTED]
    assert entries[0].detail["person"] == "Ana"
    async with database.transaction() as session:  # a second click changes nothing
        await accept(session, csr, offer.id)
    assert (await center.get(ticket_id)).rev == 3
