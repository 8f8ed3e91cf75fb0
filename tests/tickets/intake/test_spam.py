"""Mail that looks like spam is held and seen, never lost; people's corrections are remembered for the sender."""

import pytest
from sqlalchemy import select

from services.tickets import held, intake, spam, spam_corrections
from services.tickets.views.held import HeldFilter, counts, held_mail, judgements
from shared.errors import Conflict, Forbidden
from shared.models import EntryKind, IntakeOutcome, Role, SenderJudgement, TicketState
from shared.people import Actor
from tests.tickets.intake.conftest import Center, Seen

FLAG = "X-Spam-Flag: YES"
LURE = "Congratulations, you have won. Click here to get your prize."


async def lure(center: Center, text: str = LURE, address: str = "win@example.net", **values: object) -> Seen:
    return await center.receive(text, **{"from_address": address, "spam": FLAG} | values)


async def marked(center: Center, ticket_id: int, person: Actor) -> None:
    async with center.database.transaction() as session:
        await spam_corrections.mark(session, center.settings, person, ticket_id)


async def test_what_the_mail_server_calls_spam_is_held_and_not_answered(center: Center) -> None:
    seen = await lure(center)
    assert (seen.row.outcome, seen.row.policy) == (IntakeOutcome.HELD, "spam")
    assert not await center.tickets()
    assert not await center.deliveries()
    supervisor = await center.person(Role.SUPERVISOR)
    async with center.database.transaction() as session:
        [mail] = (await held_mail(session, supervisor, HeldFilter(policy="spam"))).items
        assert (mail.evidence, mail.preview) == (FLAG, LURE)
        assert [(each.policy, each.waiting) for each in await counts(session)] == [("spam", 1)]
        assert await spam.waiting(session) == 1


async def test_many_at_once_are_held_one_by_one(center: Center) -> None:
    ids = [await center.store(LURE, from_address=f"win{n}@example.net", spam=FLAG) for n in range(3)]
    ids.append(await center.store(from_address="ana@example.com"))
    await intake.take_in_messages(center.database, center.settings, ids)
    outcomes = [(await center.seen(message_id=message_id)).row.policy for message_id in ids]
    assert outcomes == ["spam", "spam", "spam", None]


async def test_an_emergency_is_never_held(center: Center) -> None:
    seen = await lure(center, "There is a strong smell of gas in my kitchen.")
    assert seen.ticket.priority.value == "emergency"
    despair = await lure(center, "ya no quiero vivir, no tengo para la luz", "sola@example.net")
    assert despair.ticket.priority.value == "emergency"
    judged = await lure(center, address="again@example.net")
    supervisor = await center.person(Role.SUPERVISOR)
    async with center.database.transaction() as session:
        await spam_corrections.remember(session, supervisor, await center.message(judged.row.message_id), spam=True)
    assert (await lure(center, "Huele a gas en mi cocina, ¿qué hago?", "again@example.net")).ticket


async def test_somebody_with_an_open_ticket_is_not_held(center: Center) -> None:
    ticket = (await center.receive()).ticket
    assert (await lure(center, address="ana@example.com")).ticket.id != ticket.id
    answer = await lure(center, address="ana@example.com", reply_token=ticket.reply_token)
    assert answer.ticket.id == ticket.id


async def test_a_ticket_closed_as_spam_can_be_taken_back(center: Center) -> None:
    ticket = (await center.receive(from_address="win@example.net")).ticket
    csr = await center.person()
    await marked(center, ticket.id, csr)
    closed = await center.ticket(ticket.id)
    assert closed.state is TicketState.CLOSED
    [entry] = await center.entries(ticket.id, EntryKind.SPAM)
    assert entry.actor_id == csr.id
    with pytest.raises(Conflict, match="Nobody wrote"):
        await marked(center, ticket.id, csr)
    # The next mail is judged by it, also one that answers the closed ticket.
    again = await center.receive(from_address="win@example.net", reply_token=ticket.reply_token)
    assert (again.row.policy, (await center.ticket(ticket.id)).state) == ("spam", TicketState.CLOSED)

    async with center.database.transaction() as session:
        await spam_corrections.take_back(session, center.settings, csr, ticket.id)
    assert (await center.ticket(ticket.id)).state is TicketState.QUEUED
    [first, *_] = await center.entries(ticket.id, EntryKind.MAIL_IN)
    assert (await center.seen(message_id=first.message_id)).ticket.id == ticket.id
    assert (await lure(center, reply_token=ticket.reply_token)).ticket.id == ticket.id
    with pytest.raises(Conflict, match="was not closed as spam"):
        async with center.database.transaction() as session:
            await spam_corrections.take_back(session, center.settings, csr, ticket.id)


async def test_making_a_ticket_of_it_is_remembered_until_it_is_forgotten(center: Center) -> None:
    first, second = await lure(center), await lure(center, address="other@example.net")
    supervisor = await center.person(Role.SUPERVISOR)
    async with center.database.transaction() as session:
        made, gone = await held.make_tickets(session, center.settings, supervisor, [first.row.id, 999_999])
        assert (made.ticket_id is not None, gone.ticket_id) == (True, None)
        assert await held.leave(session, supervisor, [second.row.id, first.row.id]) == [second.row.id]
        assert (await held_mail(session, supervisor, HeldFilter())).items == []
        [left] = (await held_mail(session, supervisor, HeldFilter(show="left", sender="OTHER@"))).items
        assert left.left_by is not None
        assert left.left_by.id == supervisor.id
    await center.change((await center.tickets())[0].id, state=TicketState.CLOSED, closed_at=first.row.at)
    assert (await lure(center, text="Me again")).ticket
    async with center.database.transaction() as session:
        [judgement] = await judgements(session, supervisor)
        assert (judgement.address, judgement.spam) == ("win@example.net", False)
        assert await spam_corrections.forget(session, supervisor, judgement.id) == "win@example.net"
        assert (await session.scalars(select(SenderJudgement))).all() == []


async def test_a_ticket_made_of_what_was_closed_as_spam_is_that_ticket(center: Center) -> None:
    seen = await center.receive(from_address="win@example.net")
    await marked(center, seen.ticket.id, await center.person())
    supervisor = await center.person(Role.SUPERVISOR)
    async with center.database.transaction() as session:
        made = await held.make_ticket(session, center.settings, supervisor, seen.row.id)
    assert made.ticket_id == seen.ticket.id
    assert len(await center.tickets()) == 1


async def test_who_may_close_as_spam(center: Center) -> None:
    owner, colleague = await center.person(), await center.person()
    ticket = (await center.receive()).ticket
    await center.give(ticket.id, owner)
    with pytest.raises(Forbidden, match="Somebody else"):
        await marked(center, ticket.id, colleague)
    await marked(center, ticket.id, owner)
    urgent = (await center.receive("I smell gas", from_address="k@example.com")).ticket
    with pytest.raises(Forbidden, match="supervisor"):
        await marked(center, urgent.id, owner)
    await marked(center, urgent.id, await center.person(Role.SUPERVISOR))
