"""Two matters on one ticket become two, and every later answer finds the right one."""

import asyncio

import pytest
from sqlalchemy import select

from services.tickets import desk, intake
from services.tickets.merge import merge
from services.tickets.split import split
from services.tickets.views.queue import QueueFilter, queue
from services.tickets.views.ticket import ticket_view
from services.tickets.views.timeline import timeline
from shared.errors import Conflict, Forbidden, Invalid
from shared.models import AuditEvent, Delivery, EntryKind, Priority, Role, Ticket, TicketState
from shared.people import Actor
from tests.tickets.intake.conftest import Center, Seen, days_ago

GAS = "There is a really strong rotten egg smell by the gas meter. What should I do?"
ENGLISH = "By the way, why was my bill so high this month? I was away for two weeks of it."
SPANISH = "Buenas tardes, quisiera saber por qué mi factura llegó tan alta este mes. Gracias."


async def two_matters(center: Center, me: Actor, text: str = ENGLISH) -> tuple[Seen, Seen]:
    """A ticket of mine with a second mail that is about something else."""
    first = await center.receive("I want to change my mailing address, please.", subject="Address")
    await center.give(first.ticket.id, me)
    second = await center.receive(
        text, subject="Re: Address", reply_token=first.ticket.reply_token, received_at=days_ago(0.2)
    )
    assert second.ticket.id == first.ticket.id
    return first, second


async def entry_of(center: Center, seen: Seen) -> int:
    (entry,) = [e for e in await center.entries(seen.ticket.id) if e.message_id == seen.row.message_id]
    return entry.id


async def split_off(center: Center, me: Actor, ticket_id: int, entries: list[int], *, take: bool = True) -> Ticket:
    async with center.database.transaction() as session:
        return await split(session, center.settings, me, ticket_id, entries, take=take)


async def rfc_id(center: Center, seen: Seen) -> str:
    found = (await center.message(seen.row.message_id)).rfc_message_id
    assert found is not None
    return found


async def test_what_is_split_off_is_a_ticket_of_its_own_and_answers_to_it_go_there(center: Center) -> None:
    me = await center.person(Role.CSR2, spanish=True)
    first, second = await two_matters(center, me, SPANISH)
    old = await center.ticket(first.ticket.id)
    async with center.database.transaction() as session:
        answer = await desk.reply(session, center.settings, me, old.id, text="Su factura subió por el calor.")
    reply = next(e for e in await center.entries(old.id, EntryKind.MAIL_OUT) if e.delivery_id == answer.id)
    moved = await entry_of(center, second)
    new = await split_off(center, me, old.id, [moved, reply.id])

    assert (new.subject, new.language, new.split_from_id) == ("Address", "es", old.id)
    assert (new.state, new.assignee_id) == (TicketState.ASSIGNED, me.id)
    arrived = (await center.message(second.row.message_id)).received_at
    assert new.queued_at == arrived
    assert new.due_at is not None
    assert new.due_at == old.due_at, "both wait since it arrived: it came before the first"
    assert new.reply_token != old.reply_token
    # Both tickets say so, and what was written stays where it was written.
    (there,) = await center.entries(new.id, EntryKind.MAIL_IN)
    assert (there.message_id, there.detail["split_from"]["entry_id"]) == (second.row.message_id, moved)
    assert (await center.entries(new.id, EntryKind.SPLIT))[0].detail == {"ticket_id": old.id, "what": "from"}
    (here,) = await center.entries(old.id, EntryKind.SPLIT)
    assert {moved, reply.id} <= set(here.detail["entries"])
    async with center.database.transaction() as session:
        shown = {entry.id: entry.moved_to for entry in await timeline(session, old.id)}
        assert (shown[moved], shown[reply.id]) == (new.id, new.id)
        assert [row.id for row in (await ticket_view(session, center.settings, me, old.id)).linked] == [new.id]
        assert [row.id for row in (await queue(session, QueueFilter(q="factura"))).items] == [new.id]
        actions = await session.scalars(select(AuditEvent.ticket_id).where(AuditEvent.action == "ticket.split"))
        assert sorted(ticket_id or 0 for ticket_id in actions) == sorted([old.id, new.id])

    token = old.reply_token  # the one that all mail so far carries
    follows_mail = await center.receive("¿Y bien?", in_reply_to=[await rfc_id(center, second)], reply_token=token)
    follows_answer = await center.receive("Gracias.", in_reply_to=[answer.rfc_message_id], reply_token=token)
    stays = await center.receive("New address.", in_reply_to=[await rfc_id(center, first)], reply_token=token)
    token_alone = await center.receive("Something else.", reply_token=token)
    new_token = await center.receive("Otra cosa.", reply_token=new.reply_token)
    assert [seen.ticket.id for seen in (follows_mail, follows_answer, new_token)] == [new.id] * 3
    assert [seen.ticket.id for seen in (stays, token_alone)] == [old.id] * 2
    stranger = await center.receive("Hm?", from_address="x@example.net", in_reply_to=[await rfc_id(center, second)])
    assert stranger.ticket.linked_ticket_id == new.id
    bounced = await center.bounced(answer)
    assert bounced.ticket.id == new.id


async def test_topic_and_urgency_are_decided_again_and_who_may_not_take_it_does_not(center: Center) -> None:
    leader = await center.person(Role.SUPERVISOR)
    first, second = await two_matters(center, leader, SPANISH)
    new = await split_off(center, leader, first.ticket.id, [await entry_of(center, second)])
    assert (new.language, new.state, new.assignee_id) == ("es", TicketState.QUEUED, None), "not verified in Spanish"
    gas = await center.receive(GAS, reply_token=first.ticket.reply_token)
    urgent = await split_off(center, leader, first.ticket.id, [await entry_of(center, gas)], take=False)
    assert (urgent.topic, urgent.priority) == ("emergency_safety", Priority.EMERGENCY)
    assert urgent.id in {alert.ticket_id for alert in await center.alerts()}


async def test_what_cannot_be_split(center: Center) -> None:
    me, other = await center.person(Role.CSR2), await center.person(Role.CSR2)
    first, second = await two_matters(center, me)
    ticket_id = first.ticket.id
    one, two = await entry_of(center, first), await entry_of(center, second)
    async with center.database.transaction() as session:
        note = await desk.note(session, me, ticket_id, "Two matters.")
    state = (await center.entries(ticket_id, EntryKind.ACKNOWLEDGEMENT))[0].id
    for wrong in ([], [note.id], [one, two], [state], [two, 10**9]):
        with pytest.raises(Invalid):
            await split_off(center, me, ticket_id, wrong)
    with pytest.raises(Forbidden):
        await split_off(center, other, ticket_id, [two])
    await split_off(center, me, ticket_id, [two, note.id])
    with pytest.raises(Conflict):
        await split_off(center, me, ticket_id, [two])
    assert len(await center.tickets()) == 2


async def test_an_acknowledgement_goes_along_with_the_mail_that_it_answers(center: Center) -> None:
    me = await center.person(Role.CSR2)
    first, second = await two_matters(center, me)
    (acknowledgement,) = await center.deliveries(first.ticket.id)
    new = await split_off(center, me, first.ticket.id, [await entry_of(center, first)])
    assert [delivery.id for delivery in await center.deliveries(new.id)] == [acknowledgement.id]
    answered = await center.receive(
        "Thanks.", in_reply_to=[acknowledgement.rfc_message_id], reply_token=acknowledgement.reply_token
    )
    assert answered.ticket.id == new.id
    assert (await center.ticket(second.ticket.id)).id != new.id


async def test_mail_that_arrives_meanwhile_is_on_one_of_the_two_and_on_the_right_one_afterwards(
    center: Center,
) -> None:
    me = await center.person(Role.CSR2, spanish=True)
    first, second = await two_matters(center, me)
    quoted, moved = await rfc_id(center, second), await entry_of(center, second)
    ids = [
        await center.store(f"Parte {n}", in_reply_to=[quoted], reply_token=first.ticket.reply_token) for n in range(6)
    ]
    taken = [intake.take_in_message(center.database, center.settings, id_) for id_ in ids]
    new, *_ = await asyncio.gather(split_off(center, me, first.ticket.id, [moved]), *taken)
    assert isinstance(new, Ticket)
    where = [(await center.seen(message_id=id_)).ticket.id for id_ in ids]
    assert set(where) <= {first.ticket.id, new.id}
    assert len(await center.tickets()) == 2
    after = await center.receive("Fin", in_reply_to=[quoted], reply_token=first.ticket.reply_token)
    assert after.ticket.id == new.id


async def test_split_in_two_and_merged_again(center: Center) -> None:
    """The way back from a split is a merge."""
    me = await center.person(Role.CSR2, spanish=True)
    first, second = await two_matters(center, me)
    new = await split_off(center, me, first.ticket.id, [await entry_of(center, second)])
    async with center.database.transaction() as session:
        await merge(session, center.settings, me, new.id, first.ticket.id)
    seen = await center.receive("¿Y?", in_reply_to=[await rfc_id(center, second)], reply_token=new.reply_token)
    assert seen.ticket.id == first.ticket.id
    async with center.database.transaction() as session:
        entries = await timeline(session, first.ticket.id)
        assert await session.scalar(select(Delivery.id).where(Delivery.ticket_id == first.ticket.id)) is not None
    words = [e for e in entries if e.message and e.message.id == second.row.message_id and e.moved_to is None]
    assert [e.ticket_id for e in words] == [new.id], "shown once"
