"""Who may speak on a ticket: copies are proposed, a CSR lets in and shows out, and mail obeys at once."""

import pytest

from services.tickets import desk, participants
from services.tickets.participants import PeopleOnTicket, let_in, people_on, show_out
from services.tickets.recipients import Proposal, propose
from shared.errors import Forbidden, Invalid, NotFound
from shared.models import EntryKind, Ticket
from shared.people import Actor
from tests.tickets.intake.conftest import HELP, Center

BOB, EVE = "bob@example.com", "eve@example.net"


async def people(center: Center, ticket_id: int) -> PeopleOnTicket:
    async with center.database.transaction() as session:
        return await people_on(session, await session.get_one(Ticket, ticket_id))


async def proposal(center: Center, ticket_id: int) -> Proposal:
    async with center.database.transaction() as session:
        return await propose(session, await session.get_one(Ticket, ticket_id))


async def admit(center: Center, me: Actor, ticket_id: int, address: str, reason: str = "") -> None:
    async with center.database.transaction() as session:
        await let_in(session, me, ticket_id, address, reason)


async def remove(center: Center, me: Actor, ticket_id: int, address: str) -> None:
    async with center.database.transaction() as session:
        await show_out(session, me, ticket_id, address)


async def test_a_copy_is_proposed_let_in_and_then_answered_in_copy(center: Center) -> None:
    me = await center.person()
    ticket = (await center.receive(to_addresses=[HELP, "help+abc@center.example.org"], cc_addresses=[BOB, HELP])).ticket
    await center.give(ticket.id, me)
    found = await people(center, ticket.id)
    assert [(each.address, each.how, each.customer) for each in found.participants] == [
        ("ana@example.com", "customer", True)
    ]
    assert [(each.address, each.copied_by) for each in found.proposed] == [(BOB, "ana@example.com")]
    assert (await proposal(center, ticket.id)).cc == [], "a copy opens nothing by itself"
    early = await center.receive("Me, too", from_address=BOB, reply_token=ticket.reply_token)
    assert early.ticket.id != ticket.id

    await admit(center, me, ticket.id, BOB)
    assert (await proposal(center, ticket.id)).cc == [BOB]
    assert not (await people(center, ticket.id)).proposed
    (entry,) = await center.entries(ticket.id, EntryKind.PARTICIPANT)
    assert entry.detail == {"address": BOB, "what": "added", "how": "copied"}
    bobs = await center.receive(
        "I am her brother.", from_address=BOB, to_addresses=[HELP], cc_addresses=["ana@example.com", EVE],
        reply_token=ticket.reply_token,
    )  # fmt: skip
    assert bobs.ticket.id == ticket.id
    assert (await proposal(center, ticket.id)) == Proposal(BOB, cc=["ana@example.com"])
    await remove(center, me, ticket.id, EVE)
    assert not (await people(center, ticket.id)).proposed, "who was declined is not proposed again"


async def test_opening_it_to_somebody_new_needs_a_reason_and_the_ticket(center: Center) -> None:
    me, other = await center.person(), await center.person()
    ticket = (await center.receive()).ticket
    await center.give(ticket.id, me)
    for address, reason in ((EVE, ""), (EVE, "  "), ("nonsense", "Why not"), (HELP, "It is us"), ("", "x")):
        with pytest.raises(Invalid):
            await admit(center, me, ticket.id, address, reason)
    with pytest.raises(Forbidden):
        await admit(center, other, ticket.id, EVE, "Curious")
    await admit(center, me, ticket.id, EVE.upper(), "Her lawyer, see note.")
    await admit(center, me, ticket.id, EVE, "Twice is once.")
    (added,) = [each for each in (await people(center, ticket.id)).participants if each.address == EVE]
    assert (added.how, added.reason, added.added_by) == ("added", "Her lawyer, see note.", me.name)
    assert (await center.receive("Hello", from_address=EVE, reply_token=ticket.reply_token)).ticket.id == ticket.id


async def test_who_was_shown_out_opens_a_linked_ticket_and_is_not_answered_by_itself(center: Center) -> None:
    me = await center.person()
    ticket = (await center.receive()).ticket
    await center.give(ticket.id, me)
    await admit(center, me, ticket.id, BOB, "Her husband.")
    await center.receive("It is Bob.", from_address=BOB, reply_token=ticket.reply_token)
    assert (await proposal(center, ticket.id)).to == BOB
    await remove(center, me, ticket.id, BOB)
    await remove(center, me, ticket.id, BOB)
    with pytest.raises(NotFound):
        await remove(center, me, ticket.id, "nobody@example.com")
    assert (await proposal(center, ticket.id)).to == "ana@example.com"
    late = await center.receive("Still Bob.", from_address=BOB, reply_token=ticket.reply_token)
    assert (late.ticket.id != ticket.id, late.ticket.linked_ticket_id) == (True, ticket.id)
    assert [each.address for each in (await people(center, ticket.id)).removed] == [BOB]
    async with center.database.transaction() as session:
        await desk.reply(session, center.settings, me, ticket.id, text="Hello Bob", to=[BOB])
    assert (await center.receive("Thanks.", from_address=BOB, reply_token=ticket.reply_token)).ticket.id == ticket.id
    async with center.database.transaction() as session:
        assert await participants.addresses_on(session, ticket.id) == {"ana@example.com", BOB}
