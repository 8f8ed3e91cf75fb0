"""One matter on two tickets becomes one, nobody learns of it who should not, and it can be taken apart again."""

import asyncio

import pytest
from sqlalchemy import select

from services.tickets import desk, intake, participants
from services.tickets.merge import NeedsConfirmation, merge, unmerge
from services.tickets.views.queue import QueueFilter, queue
from services.tickets.views.ticket import ticket_view
from services.tickets.views.timeline import timeline
from shared.errors import CentralitaError, Conflict, Forbidden, Invalid
from shared.models import (
    Assignment,
    AssignmentState,
    AuditEvent,
    EntryKind,
    Level,
    Participant,
    Priority,
    Role,
    Ticket,
    TicketState,
)
from shared.people import Actor
from tests.tickets.intake.conftest import Center, Seen

SPANISH = "Buenas tardes, quisiera saber por qué mi factura llegó tan alta este mes. Gracias."


async def merged(center: Center, me: Actor, ticket_id: int, into_id: int, *, confirmed: bool = False) -> Ticket:
    async with center.database.transaction() as session:
        return await merge(session, center.settings, me, ticket_id, into_id, confirmed=confirmed)


async def apart(center: Center, me: Actor, ticket_id: int) -> Ticket:
    async with center.database.transaction() as session:
        return await unmerge(session, center.settings, me, ticket_id)


async def two_tickets(center: Center) -> tuple[Seen, Seen]:
    first = await center.receive("My transformer hums at night.", subject="Hum")
    second = await center.receive("The humming is louder today.", subject="Noise")
    assert first.ticket.id != second.ticket.id
    return first, second


async def test_the_merged_one_closes_and_everything_about_it_leads_to_the_other(center: Center) -> None:
    me = await center.person(Role.CSR2)
    first, second = await two_tickets(center)
    offered = await center.give(second.ticket.id, await center.person(), offered=True)
    into = await merged(center, me, second.ticket.id, first.ticket.id)
    gone = await center.ticket(second.ticket.id)
    assert (gone.state, gone.merged_into_id, into.id) == (TicketState.CLOSED, first.ticket.id, first.ticket.id)
    assert (await center.assignment(offered)).state is AssignmentState.WITHDRAWN
    (here,) = await center.entries(gone.id, EntryKind.MERGED)
    (there,) = await center.entries(into.id, EntryKind.MERGED)
    assert (here.actor_id, here.detail["what"], there.detail["what"]) == (me.id, "into", "from")

    original = (await center.message(second.row.message_id)).rfc_message_id
    for quoting in (
        {"reply_token": gone.reply_token},
        {"in_reply_to": [original]},
        {"references": [original]},
        {"subject": f"Re: Noise [#{gone.id}]"},
    ):
        assert (await center.receive("And?", **quoting)).ticket.id == into.id
    assert (await center.ticket(gone.id)).state is TicketState.CLOSED, "it does not reopen"
    stranger = await center.receive("Well?", from_address="x@example.net", reply_token=gone.reply_token)
    assert stranger.ticket.linked_ticket_id == into.id
    async with center.database.transaction() as session:
        seen = [entry.ticket_id for entry in await timeline(session, into.id) if entry.kind is EntryKind.MAIL_IN]
        assert seen == [into.id, gone.id, *[into.id] * 4]
        found = await queue(session, QueueFilter(q="louder", states=list(TicketState)))
        assert [row.id for row in found.items] == [into.id]
        view = await ticket_view(session, center.settings, me, gone.id)
        assert (view.merged_into_id, view.allowed.work) == (into.id, False)
        tickets = await session.scalars(select(AuditEvent.ticket_id).where(AuditEvent.action == "ticket.merge"))
        assert sorted(id_ or 0 for id_ in tickets) == sorted([gone.id, into.id])
    with pytest.raises(Conflict):
        async with center.database.transaction() as session:
            leader = await center.person(Role.SUPERVISOR)
            await desk.set_state(session, center.settings, leader, gone.id, TicketState.QUEUED)


async def test_different_customers_are_asked_about_and_named(center: Center) -> None:
    me = await center.person(Role.CSR2)
    first = await center.receive("My transformer hums.")
    other = await center.receive("Our transformer hums.", from_address="bob@example.com", from_name="Bob")
    with pytest.raises(NeedsConfirmation) as question:
        await merged(center, me, other.ticket.id, first.ticket.id)
    sentence = question.value.message.format(**question.value.values)
    assert "ana@example.com" in sentence
    assert "bob@example.com" in sentence
    assert (await center.ticket(other.ticket.id)).state is TicketState.QUEUED
    into = await merged(center, me, other.ticket.id, first.ticket.id, confirmed=True)
    assert (
        await center.receive("Me too.", from_address="bob@example.com", reply_token=into.reply_token)
    ).ticket.id == (into.id)
    (entry,) = await center.entries(into.id, EntryKind.MERGED)
    assert (entry.detail["participants"], entry.detail["customers_differ"]) == (["bob@example.com"], True)


async def test_the_one_that_goes_on_is_what_both_were(center: Center) -> None:
    """Spanish needs a bilingual, also when it comes in by a merge; so does urgency, and the higher level."""
    me, english = await center.person(Role.CSR2, spanish=True), await center.person(Role.CSR1)
    first = await center.receive("My transformer hums at night, could you please have a look?")
    await center.give(first.ticket.id, english)
    await center.change(first.ticket.id, level=Level.INTERN)
    second = await center.receive(SPANISH)
    await center.change(second.ticket.id, priority=Priority.HIGH)
    level = (await center.ticket(second.ticket.id)).level
    into = await merged(center, me, second.ticket.id, first.ticket.id)
    assert (into.language, into.priority, into.level) == ("mixed", Priority.HIGH, level)
    assert (into.state, into.assignee_id) == (TicketState.QUEUED, None), "who has no Spanish gives it back"


async def test_what_cannot_be_merged(center: Center) -> None:
    me, other = await center.person(Role.CSR2), await center.person(Role.CSR2)
    first, second = await two_tickets(center)
    with pytest.raises(Invalid):
        await merged(center, me, first.ticket.id, first.ticket.id)
    await center.give(second.ticket.id, other)
    with pytest.raises(Forbidden):
        await merged(center, me, second.ticket.id, first.ticket.id)
    async with center.database.transaction() as session:
        await desk.set_state(session, center.settings, other, second.ticket.id, TicketState.CLOSED)
    with pytest.raises(Conflict):
        await merged(center, me, first.ticket.id, second.ticket.id)
    await merged(center, me, second.ticket.id, first.ticket.id)
    with pytest.raises(Conflict):
        await merged(center, me, second.ticket.id, first.ticket.id)


async def test_there_is_never_a_chain_and_each_can_be_taken_out_again(center: Center) -> None:
    me = await center.person(Role.CSR2)
    first, second = await two_tickets(center)
    third = await center.receive("And it smells.", subject="Smell")
    await merged(center, me, first.ticket.id, second.ticket.id)
    await merged(center, me, second.ticket.id, third.ticket.id)
    assert [(await center.ticket(id_)).merged_into_id for id_ in (first.ticket.id, second.ticket.id)] == [
        third.ticket.id
    ] * 2
    await apart(center, me, second.ticket.id)
    assert (await center.ticket(second.ticket.id)).merged_into_id is None
    assert (await center.ticket(first.ticket.id)).merged_into_id == second.ticket.id
    seen = await center.receive("Still humming.", reply_token=first.ticket.reply_token)
    assert seen.ticket.id == second.ticket.id


async def test_taken_apart_each_has_its_own_again(center: Center) -> None:
    me = await center.person(Role.CSR2)
    first = await center.receive("My transformer hums.")
    other = await center.receive("Our fence is broken.", from_address="bob@example.com")
    await merged(center, me, other.ticket.id, first.ticket.id, confirmed=True)
    during = await center.receive("While merged.", from_address="bob@example.com", reply_token=other.ticket.reply_token)
    assert during.ticket.id == first.ticket.id
    back = await apart(center, me, other.ticket.id)
    assert (back.state, back.merged_into_id, back.closed_at) == (TicketState.QUEUED, None, None)
    async with center.database.transaction() as session:
        assert await participants.addresses_on(session, first.ticket.id) == {"ana@example.com"}
        found = await queue(session, QueueFilter(q="fence"))
        assert [row.id for row in found.items] == [other.ticket.id]
        found = await queue(session, QueueFilter(q="merged"))
        assert [row.id for row in found.items] == [first.ticket.id], "what was written since stays where it was written"
    seen = await center.receive("Again.", from_address="bob@example.com", reply_token=other.ticket.reply_token)
    assert seen.ticket.id == other.ticket.id
    stranger = await center.receive("And?", from_address="bob@example.com", reply_token=first.ticket.reply_token)
    assert stranger.ticket.id not in (first.ticket.id, other.ticket.id)
    assert [e.detail["what"] for e in await center.entries(first.ticket.id, EntryKind.MERGED)] == ["from", "apart"]
    with pytest.raises(Conflict):
        await apart(center, me, other.ticket.id)


async def test_whoever_was_shown_out_does_not_come_back_by_a_merge(center: Center) -> None:
    me = await center.person(Role.SUPERVISOR)
    first = await center.receive("My transformer hums.", cc_addresses=["bob@example.com"])
    other = await center.receive("Our fence is broken.", from_address="bob@example.com")
    async with center.database.transaction() as session:
        await participants.let_in(session, me, first.ticket.id, "bob@example.com")
        await participants.show_out(session, me, first.ticket.id, "bob@example.com")
    await merged(center, me, other.ticket.id, first.ticket.id, confirmed=True)
    seen = await center.receive("Hello?", from_address="bob@example.com", reply_token=other.ticket.reply_token)
    assert seen.ticket.id not in (first.ticket.id, other.ticket.id)
    assert seen.ticket.linked_ticket_id == first.ticket.id


async def test_merges_and_mail_at_the_same_moment(center: Center) -> None:
    """Whatever comes first: no mail reopens the merged ticket, none is lost, and no two of us end in a ring."""
    me, you = await center.person(Role.SUPERVISOR), await center.person(Role.SUPERVISOR)
    first, second = await two_tickets(center)
    a, b = first.ticket.id, second.ticket.id
    ids = [await center.store(f"Part {n}", reply_token=(first, second)[n % 2].ticket.reply_token) for n in range(8)]

    async def try_merge(who: Actor, ticket_id: int, into_id: int) -> int | None:
        try:
            return (await merged(center, who, ticket_id, into_id)).id
        except CentralitaError:
            return None

    results = await asyncio.gather(
        try_merge(me, a, b),
        try_merge(you, b, a),
        *(intake.take_in_message(center.database, center.settings, id_) for id_ in ids),
    )
    assert [bool(result) for result in results[:2]].count(True) == 1
    survivor = results[0] or results[1] or 0
    gone = a if survivor == b else b
    assert (await center.ticket(gone)).state is TicketState.CLOSED
    assert (await center.ticket(gone)).merged_into_id == survivor
    async with center.database.transaction() as session:
        shown = [entry.message.id for entry in await timeline(session, survivor) if entry.message]
        assert set(ids) <= set(shown)
        assert len(shown) == len(set(shown))
        open_ = select(Assignment.id).where(Assignment.ticket_id == gone, Assignment.ended_at.is_(None))
        assert await session.scalar(open_) is None
        rows = await session.scalars(select(Participant.address).where(Participant.ticket_id == survivor))
        assert list(rows) == ["ana@example.com"]
    assert len(await center.tickets()) == 2
