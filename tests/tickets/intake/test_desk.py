"""What people do at the desk: answers leave once to the right people, corrections reroute, states hold together."""

from typing import Any

import pytest
from sqlalchemy import select

from services.tickets import contacts, desk, search
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.models import (
    AssignmentState,
    AuditEvent,
    Channel,
    DeliveryKind,
    DeliveryState,
    EntryKind,
    LanguageSource,
    Level,
    Priority,
    Role,
    Ticket,
    TicketState,
)
from shared.people import Actor
from tests.tickets.intake.conftest import HELP, Center


class Desk:
    """One representative with one ticket of theirs."""

    def __init__(self, center: Center, me: Actor, ticket: Ticket, assignment: int) -> None:
        self.center, self.me, self.ticket, self.assignment = center, me, ticket, assignment

    async def reply(self, text: str = "Your bill is right.", me: Actor | None = None, **values: Any) -> Any:
        async with self.center.database.transaction() as session:
            return await desk.reply(session, self.center.settings, me or self.me, self.ticket.id, text=text, **values)

    async def state(self, state: TicketState, me: Actor | None = None) -> Ticket:
        async with self.center.database.transaction() as session:
            return await desk.set_state(session, self.center.settings, me or self.me, self.ticket.id, state)

    async def now(self) -> Ticket:
        return await self.center.ticket(self.ticket.id)


@pytest.fixture
async def mine(center: Center) -> Desk:
    seen = await center.receive(subject="My bill", references=["<root@example.com>"])
    me = await center.person(Role.CSR2)
    assignment = await center.give(seen.ticket.id, me)
    return Desk(center, me, seen.ticket, assignment)


async def test_a_reply_leaves_once_in_its_thread(mine: Desk) -> None:
    delivery = await mine.reply("**Your bill** is right.\n<script>alert(1)</script>", cc=["Spouse@example.com"])
    message = (await mine.center.entries(mine.ticket.id, EntryKind.MAIL_IN))[0].message_id
    original = await mine.center.message(message)
    assert (delivery.kind, delivery.state) == (DeliveryKind.REPLY, DeliveryState.QUEUED)
    assert (delivery.to_addresses, delivery.cc_addresses) == (["ana@example.com"], ["spouse@example.com"])
    assert delivery.subject == f"Re: My bill [#{mine.ticket.id}]"
    assert delivery.in_reply_to == original.rfc_message_id
    assert delivery.references == ["<root@example.com>", original.rfc_message_id]
    assert delivery.reply_token == mine.ticket.reply_token
    assert delivery.created_by_id == mine.me.id
    assert "<strong>Your bill</strong>" in delivery.html
    assert "<script" not in delivery.html
    (entry,) = await mine.center.entries(mine.ticket.id, EntryKind.MAIL_OUT)
    assert (entry.delivery_id, entry.actor_id) == (delivery.id, mine.me.id)
    assert (await mine.now()).first_responded_at is None, "not before it left"
    await mine.center.sent(delivery.id)
    await mine.center.sent(delivery.id)
    assert len(await mine.center.entries(mine.ticket.id, EntryKind.DELIVERY_SENT)) == 1
    responded = (await mine.now()).first_responded_at
    assert responded is not None
    second = await mine.reply("And another thing.")
    await mine.center.sent(second.id)
    assert (await mine.now()).first_responded_at == responded


async def test_an_answer_follows_no_reply_to_that_nobody_knows(mine: Desk) -> None:
    token = mine.ticket.reply_token
    await mine.center.receive("Send it to my new address.", reply_token=token, reply_to=["thief@example.net"])
    delivery = await mine.reply()
    assert delivery.to_addresses == ["ana@example.com"]
    stranger = await mine.center.receive("Thank you.", from_address="thief@example.net", reply_token=token)
    assert stranger.ticket.id != mine.ticket.id
    # Chosen by a person it takes part, and from then on it is known.
    await mine.reply(to=["Thief@example.net"])
    assert (await mine.reply()).to_addresses == ["thief@example.net"]


async def test_a_web_form_is_answered_where_a_person_says(center: Center) -> None:
    seen = await center.receive(from_address="noreply@forms.example", reply_to=["lupe@example.com"])
    me = await center.person(Role.CSR2)
    desk_of = Desk(center, me, seen.ticket, await center.give(seen.ticket.id, me))
    with pytest.raises(Invalid) as raised:
        await desk_of.reply()
    assert raised.value.field == "to"
    assert (await desk_of.reply(to=["lupe@example.com"])).to_addresses == ["lupe@example.com"]


async def test_an_acknowledgement_is_not_a_first_response(mine: Desk) -> None:
    (acknowledgement,) = await mine.center.deliveries(mine.ticket.id)
    await mine.center.sent(acknowledgement.id)
    assert (await mine.now()).first_responded_at is None
    assert len(await mine.center.entries(mine.ticket.id, EntryKind.DELIVERY_SENT)) == 1


@pytest.mark.parametrize(
    ("values", "error", "field"),
    [
        ({"text": "  \n"}, Invalid, "text"),
        ({"text": "x" * 100_001}, Invalid, "text"),
        ({"to": ["nonsense"]}, Invalid, "to"),
        ({"to": ["a@b.example, c@d.example"]}, Invalid, "to"),
        ({"to": ["a@b.example\r\nBcc: x@y.example"]}, Invalid, "to"),
        ({"to": []}, Invalid, "to"),
        ({"to": [HELP]}, Invalid, "to"),
        ({"cc": [f"p{n}@x.example" for n in range(30)]}, Invalid, "to"),
    ],
)
async def test_a_reply_that_cannot_go(mine: Desk, values: dict[str, Any], error: type[Invalid], field: str) -> None:
    with pytest.raises(error) as raised:
        await mine.reply(**values)
    assert raised.value.field == field
    assert len(await mine.center.deliveries(mine.ticket.id)) == 1


async def test_only_who_works_on_it_or_supervises_answers(mine: Desk) -> None:
    other = await mine.center.person(Role.CSR2)
    with pytest.raises(Forbidden):
        await mine.reply(me=other)
    with pytest.raises(Forbidden):
        await mine.state(TicketState.CLOSED, me=other)
    await mine.reply(me=await mine.center.person(Role.SUPERVISOR))
    with pytest.raises(NotFound):
        async with mine.center.database.transaction() as session:
            await desk.reply(session, mine.center.settings, mine.me, 9999, text="x")
    machine = await mine.center.person(Role.SERVICE)
    with pytest.raises(Forbidden):
        await mine.reply(me=machine)


async def test_a_reply_to_a_thread_that_moved_on_is_a_conflict(mine: Desk) -> None:
    seen = (await mine.center.entries(mine.ticket.id))[-1].id
    await mine.center.receive("Never mind, I found it.", reply_token=mine.ticket.reply_token)
    with pytest.raises(Conflict):
        await mine.reply(seen_entry_id=seen)
    newest = (await mine.center.entries(mine.ticket.id))[-1].id
    async with mine.center.database.transaction() as session:
        await desk.note(session, mine.me, mine.ticket.id, "A colleague's note is no reason to stop.")
    await mine.reply(seen_entry_id=newest)


async def test_states_hold_together_with_the_assignment(mine: Desk) -> None:
    await mine.reply(then=TicketState.WAITING)
    ticket = await mine.now()
    assert (ticket.state, ticket.assignee_id) == (TicketState.WAITING, mine.me.id)
    assert (await mine.center.assignment(mine.assignment)).state is AssignmentState.ACCEPTED
    await mine.state(TicketState.ASSIGNED)
    assert (await mine.now()).state is TicketState.ASSIGNED
    with pytest.raises(Conflict):
        await mine.state(TicketState.OFFERED)
    await mine.reply(then=TicketState.CLOSED)
    ticket = await mine.now()
    assert (ticket.state, ticket.assignee_id) == (TicketState.CLOSED, None)
    assert ticket.closed_at is not None
    assert (await mine.center.assignment(mine.assignment)).state is AssignmentState.DONE
    with pytest.raises(Conflict):
        await mine.reply(me=await mine.center.person(Role.SUPERVISOR))
    with pytest.raises(Conflict):
        await mine.state(TicketState.WAITING)
    await mine.state(TicketState.QUEUED)
    ticket = await mine.now()
    assert (ticket.state, ticket.closed_at) == (TicketState.QUEUED, None)
    changes = [(e.detail["from"], e.detail["to"]) for e in await mine.center.entries(ticket.id, EntryKind.STATE)]
    assert changes == [
        ("assigned", "waiting"), ("waiting", "assigned"), ("assigned", "closed"), ("closed", "queued"),
    ]  # fmt: skip
    async with mine.center.database.transaction() as session:
        actions = set(await session.scalars(select(AuditEvent.action).where(AuditEvent.ticket_id == ticket.id)))
    assert {"ticket.reply", "ticket.set_state"} <= actions


async def test_closing_an_offered_ticket_withdraws_the_offer(center: Center) -> None:
    ticket = (await center.receive()).ticket
    offer = await center.give(ticket.id, await center.person(), offered=True)
    supervisor = await center.person(Role.SUPERVISOR)
    async with center.database.transaction() as session:
        await desk.set_state(session, center.settings, supervisor, ticket.id, TicketState.CLOSED)
    assert (await center.assignment(offer)).state is AssignmentState.WITHDRAWN
    assert (await center.ticket(ticket.id)).state is TicketState.CLOSED


async def test_a_language_correction_reroutes_at_once_and_is_remembered(mine: Desk) -> None:
    async with mine.center.database.transaction() as session:
        await desk.set_language(session, mine.center.settings, mine.me, mine.ticket.id, "es")
    ticket = await mine.now()
    assert (ticket.language, ticket.language_source) == ("es", LanguageSource.CORRECTION)
    assert ticket.language_evidence["text"]["language"] == "en", "what the machine saw is kept"
    assert (ticket.state, ticket.assignee_id) == (TicketState.QUEUED, None), "not verified in Spanish"
    assert (await mine.center.assignment(mine.assignment)).state is AssignmentState.WITHDRAWN
    assert ticket.rev > mine.ticket.rev
    # The next contact of this customer is Spanish, although its text is too short to tell, or English.
    for words in ("ok 5", "Please call me."):
        later = await mine.center.receive(words, subject="")
        assert (later.ticket.language, later.ticket.language_source) == ("es", LanguageSource.HISTORY)
    with pytest.raises(Invalid):
        async with mine.center.database.transaction() as session:
            await desk.set_language(session, mine.center.settings, mine.me, mine.ticket.id, "Spanish")


async def test_what_no_store_can_hold_is_left_out(mine: Desk) -> None:
    async with mine.center.database.transaction() as session:
        entry = await desk.note(session, mine.me, mine.ticket.id, "a\x00b \ud800 c")
    assert entry.text == "ab ? c"


async def test_topic_and_priority_corrections(mine: Desk) -> None:
    async with mine.center.database.transaction() as session:
        await desk.set_topic(session, mine.center.settings, mine.me, mine.ticket.id, "shutoff_notice")
    ticket = await mine.now()
    assert (ticket.topic, ticket.topic_corrected) == ("shutoff_notice", True)
    assert (ticket.level, ticket.priority) == (Level.CSR2, Priority.HIGH)
    assert mine.ticket.due_at is not None
    assert ticket.due_at is not None
    assert ticket.due_at < mine.ticket.due_at
    async with mine.center.database.transaction() as session:
        await desk.set_priority(session, mine.center.settings, mine.me, mine.ticket.id, Priority.LOW)
    async with mine.center.database.transaction() as session:
        await desk.set_topic(session, mine.center.settings, mine.me, mine.ticket.id, "scam_report")
    ticket = await mine.now()
    assert (ticket.topic, ticket.priority) == ("scam_report", Priority.LOW), "what a person set stays"
    with pytest.raises(Invalid):
        async with mine.center.database.transaction() as session:
            await desk.set_topic(session, mine.center.settings, mine.me, mine.ticket.id, "nonsense")
    async with mine.center.database.transaction() as session:
        await desk.set_topic(session, mine.center.settings, mine.me, mine.ticket.id, "emergency_safety")
    assert (await mine.now()).priority is Priority.EMERGENCY
    assert len(await mine.center.alerts()) == 1


async def contact(center: Center, me: Actor, **values: Any) -> Ticket:
    async with center.database.transaction() as session:
        return await contacts.create_contact(
            session,
            center.settings,
            me,
            **{
                "channel": Channel.PHONE,
                "language": "en",
                "subject": "",
                "text": "Wants to know what the evergreen plan costs.",
                "name": "Joe Field",
                "phone": "707 555 0177",
                "email": "Joe@example.com",
            }
            | values,
        )


async def test_a_telephone_call_is_written_down_and_taken(center: Center) -> None:
    me = await center.person(Role.CSR1)
    ticket = await contact(center, me)
    assert (ticket.channel, ticket.state, ticket.assignee_id) == (Channel.PHONE, TicketState.ASSIGNED, me.id)
    assert (ticket.topic, ticket.callback_number) == ("opt_up_evergreen", "+17075550177")
    assert ticket.subject.startswith("Wants to know")
    customer = await center.customer(ticket.customer_id)
    assert (customer.name, customer.language) == ("Joe Field", "en")
    (entry,) = await center.entries(ticket.id, EntryKind.CONTACT)
    assert entry.actor_id == me.id
    # The same person by mail, and by telephone, is the same customer; and may write on this ticket.
    mail = await center.receive("Thank you!", from_address="joe@example.com", reply_token=ticket.reply_token)
    assert mail.ticket.id == ticket.id
    call = await center.call(caller_id="+17075550177")
    assert call.ticket.customer_id == ticket.customer_id
    async with center.database.transaction() as session:
        delivery = await desk.reply(session, center.settings, me, ticket.id, text="It is 13 dollars.")
    assert delivery.to_addresses == ["joe@example.com"]


async def test_a_contact_in_spanish_queues_for_somebody_verified(center: Center) -> None:
    me = await center.person(Role.CSR2)
    ticket = await contact(center, me, language="es", channel=Channel.WALK_IN, text="Huele a gas en su casa")
    assert (ticket.state, ticket.assignee_id, ticket.priority) == (TicketState.QUEUED, None, Priority.EMERGENCY)
    assert len(await center.alerts()) == 1
    verified = await center.person(Role.CSR2, spanish=True)
    assert (await contact(center, verified, language="es")).assignee_id == verified.id


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"channel": Channel.EMAIL}, "channel"),
        ({"language": "Spanish"}, "language"),
        ({"topic": "nonsense"}, "topic"),
        ({"text": " ", "subject": ""}, "text"),
        ({"phone": "abc"}, "phone"),
        ({"email": "joe"}, "email"),
    ],
)
async def test_a_contact_that_cannot_be(center: Center, values: dict[str, Any], field: str) -> None:
    me = await center.person(Role.CSR1)
    with pytest.raises(Invalid) as raised:
        await contact(center, me, **values)
    assert raised.value.field == field
    assert not await center.tickets()


async def test_everything_said_is_found_in_both_languages(mine: Desk) -> None:
    center = mine.center
    spanish = await center.receive(
        "Tengo preguntas sobre las facturas y la facturación de mi casa en Cotati.", from_address="l@example.com"
    )
    call = await center.call("Hello, my dryers stopped working after the outages.", "en")
    await mine.reply("We corrected the zebra adjustment.")
    async with center.database.transaction() as session:
        await desk.note(session, mine.me, mine.ticket.id, "Quokka is the code word.")
    for words, ticket_id in (
        ("facturacion", spanish.ticket.id),
        ("factura", spanish.ticket.id),
        ("FACTURACIÓN", spanish.ticket.id),
        ("dryer", call.ticket.id),
        ("zebras", mine.ticket.id),
        ("quokka", mine.ticket.id),
        ("l@example.com", spanish.ticket.id),
        ('"code word" -nothing', mine.ticket.id),
    ):
        async with center.database.transaction() as session:
            found = list(await session.scalars(select(Ticket.id).where(search.matching(words))))
        assert found == [ticket_id], words
