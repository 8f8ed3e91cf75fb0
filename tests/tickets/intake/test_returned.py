"""An answer that came back is its CSR's at once, says what can be done, and is done with when somebody did it."""

from typing import Any

import pytest
from sqlalchemy import text

from services.tickets import deliveries, desk, live, returned, returned_actions, way_out
from services.tickets.pages import wording
from services.tickets.returned import ReturnedView
from services.tickets.views.timeline import timeline
from shared.errors import Conflict, Forbidden
from shared.events import Event
from shared.models import (
    Delivery,
    DeliveryKind,
    EntryKind,
    IntakeOutcome,
    Machine,
    NoAcknowledgement,
    Role,
    Ticket,
    TicketState,
)
from shared.people import Actor
from tests.tickets.intake.conftest import HELP, Center


async def answered(center: Center, me: Actor, **how: Any) -> tuple[Ticket, Delivery]:
    ticket = (await center.receive("My number is 707-555-0131.")).ticket
    await center.give(ticket.id, me)
    async with center.database.transaction() as session:
        reply = await desk.reply(session, center.settings, me, ticket.id, text="Your **bill** is right.", **how)
    await center.sent(reply.id)
    return ticket, reply


async def waiting(center: Center, me: Actor) -> list[ReturnedView]:
    async with center.database.transaction() as session:
        return (await returned.mine(session, me)).items


async def sentences(center: Center, ticket_id: int, kind: EntryKind) -> list[str]:
    async with center.database.transaction() as session:
        return [
            wording.sentence("en", entry, str) for entry in await timeline(session, ticket_id) if entry.kind is kind
        ]


async def test_corrected_and_sent_again(center: Center) -> None:
    me, other = await center.person(), await center.person()
    ticket, reply = await answered(center, me, to=["ana@exmaple.com"])
    await center.bounced(reply)
    (view,) = await waiting(center, me)
    assert (view.ticket_id, view.delivery_id, view.phones) == (ticket.id, reply.id, ["+17075550131"])
    assert [(lost.address, lost.permanent) for lost in view.recipients] == [("ana@exmaple.com", True)]
    assert not await waiting(center, other)
    with pytest.raises(Forbidden):
        async with center.database.transaction() as session:
            await deliveries.send_again(session, center.settings, other, ticket.id, reply.id)
    async with center.database.transaction() as session:
        again = await deliveries.send_again(
            session, center.settings, me, ticket.id, reply.id, to=["ana@example.com"], cc=[]
        )
    assert (again.to_addresses, again.html) == (["ana@example.com"], reply.html)
    assert again.rfc_message_id != reply.rfc_message_id
    assert not await waiting(center, me)
    (entry,) = await center.entries(ticket.id, EntryKind.RETURNED)
    assert (entry.detail["what"], entry.actor_id) == ("resent", me.id)
    with pytest.raises(Conflict):
        async with center.database.transaction() as session:
            await returned_actions.settle(session, center.settings, me, view.id, "called")


async def test_several_recipients_each_with_what_became_of_them(center: Center) -> None:
    me = await center.person()
    ticket, reply = await answered(center, me, to=["ana@example.com"], cc=["bob@example.com", "c@example.com"])
    report = {
        "recipients": [
            {"address": "ana@example.com", "kind": "delivered", "status": "2.0.0"},
            {"address": "bob@example.com", "kind": "failed", "status": "4.2.2", "permanent": False},
            {"address": "c@example.com", "kind": "delayed", "status": "4.4.1"},
        ],
        "original_message_id": reply.rfc_message_id,
    }
    await center.bounced(reply, bounce=report)
    (view,) = await waiting(center, me)
    assert [(lost.address, lost.permanent) for lost in view.recipients] == [("bob@example.com", False)]
    assert await sentences(center, ticket.id, EntryKind.BOUNCE) == [
        "The mail did not reach bob@example.com in time; it may work later."
    ]
    failed = {"address": "c@example.com", "kind": "failed", "status": "5.1.1", "permanent": True}
    await center.bounced(reply, bounce={**report, "recipients": [failed]})
    (view,) = await waiting(center, me)
    assert [lost.address for lost in view.recipients] == ["bob@example.com", "c@example.com"]


async def test_late_is_information_and_an_acknowledgement_is_no_alarm(center: Center) -> None:
    me = await center.person()
    ticket, reply = await answered(center, me)
    await center.bounced(reply, kind="delayed")
    (acknowledgement,) = await center.deliveries(ticket.id, DeliveryKind.ACKNOWLEDGEMENT)
    await center.sent(acknowledgement.id)
    await center.bounced(acknowledgement)
    assert not await waiting(center, me)
    assert len(await center.entries(ticket.id, EntryKind.BOUNCE)) == 2


async def test_what_our_server_could_not_deliver_is_told_the_same_way(center: Center) -> None:
    me = await center.person()
    ticket = (await center.receive()).ticket
    await center.give(ticket.id, me)
    async with center.database.transaction() as session:
        reply = await desk.reply(session, center.settings, me, ticket.id, text="Hello")
    await center.sent(reply.id, error="550 no such user")
    (view,) = await waiting(center, me)
    assert view.recipients[0].diagnostic == "550 no such user"


async def test_on_a_closed_ticket_its_author_is_told_and_it_stays_closed(center: Center) -> None:
    me = await center.person()
    ticket, reply = await answered(center, me, then=TicketState.CLOSED)
    seen = await center.bounced(reply)
    assert (seen.ticket.state, seen.ticket.rev) == (TicketState.CLOSED, (await center.ticket(ticket.id)).rev)
    (view,) = await waiting(center, me)
    async with center.database.transaction() as session:
        await returned_actions.settle(session, center.settings, me, view.id, "called")
    assert await sentences(center, ticket.id, EntryKind.RETURNED) == [
        f"{me.name} called because the answer to ana@example.com came back."
    ]
    assert not await waiting(center, me)


def test_only_who_is_concerned_hears_of_it() -> None:
    me = Actor(id=7, name="M", email="m@center.example", role=Role.CSR1)
    assert live.concerns(me, Event("returned", 1, (7,)))
    assert not live.concerns(me, Event("returned", 1, (8,)))


async def test_who_complains_gets_nothing_automatic_any_more(center: Center) -> None:
    me = await center.person()
    ticket, reply = await answered(center, me)
    seen = await center.receive(
        "This is spam", from_address="fbl@isp.example", machine=Machine.COMPLAINT,
        bounce={"recipients": [], "original_message_id": reply.rfc_message_id, "feedback_type": "abuse"},
    )  # fmt: skip
    assert seen.ticket.id == ticket.id
    (sentence,) = await sentences(center, ticket.id, EntryKind.MACHINE_MAIL)
    assert sentence.startswith("ana@example.com called a mail of ours spam.")
    async with center.database.transaction() as session:
        await session.execute(text("UPDATE delivery SET created_at = now() - interval '2 days'"))
    other = await center.receive("Another question", subject="Other")
    assert not await center.deliveries(other.ticket.id), "no acknowledgement"
    async with center.database.transaction() as session:
        await desk.reply(session, center.settings, me, ticket.id, text="A person may.")
        await way_out.allow_again(session, me, "ana@example.com")
    third = await center.receive("A third question", subject="Third")
    assert await center.deliveries(third.ticket.id)


async def test_a_complaint_silences_nobody_whom_that_mail_did_not_reach(center: Center) -> None:
    me = await center.person()
    _, reply = await answered(center, me)
    report = {"original_message_id": reply.rfc_message_id, "recipients": [{"address": "bob@example.com"}]}
    await center.receive("Spam", from_address="x@y.example", machine=Machine.COMPLAINT, bounce=report)
    async with center.database.transaction() as session:
        assert await session.get(NoAcknowledgement, "bob@example.com") is None
    unknown = await center.receive("Spam", from_address="x@y.example", machine=Machine.COMPLAINT, bounce=None)
    assert (unknown.row.outcome, unknown.row.policy) == (IntakeOutcome.HELD, "complaint")


@pytest.mark.parametrize("machine", [Machine.RECEIPT, Machine.CHALLENGE])
async def test_receipts_and_challenges_are_on_the_ticket_and_change_nothing(center: Center, machine: Machine) -> None:
    me = await center.person()
    ticket, reply = await answered(center, me, then=TicketState.CLOSED)
    seen = await center.receive(
        "…", from_address="robot@isp.example", machine=machine, in_reply_to=[reply.rfc_message_id], bounce=None
    )
    assert (seen.row.outcome, seen.ticket.id, seen.ticket.state) == (
        IntakeOutcome.ATTACHED, ticket.id, TicketState.CLOSED,
    )  # fmt: skip
    assert len(await center.deliveries()) == 2
    assert not await waiting(center, me)


async def test_our_own_mail_come_back_is_on_the_ticket_that_it_left(center: Center) -> None:
    me = await center.person()
    ticket, reply = await answered(center, me)
    seen = await center.receive(
        "Your bill is right.", from_address=HELP, machine=Machine.LOOP, rfc_message_id=reply.rfc_message_id
    )
    assert (seen.row.outcome, seen.ticket.id) == (IntakeOutcome.ATTACHED, ticket.id)
    other = await center.receive("?", from_address=HELP, machine=Machine.LOOP)
    assert (other.row.outcome, other.row.policy) == (IntakeOutcome.HELD, "loop")


@pytest.mark.parametrize("habit", ["same", "new address", "no headers", "same Reply-To"])
async def test_a_mailbox_that_answers_everything_gets_one_answer(center: Center, habit: str) -> None:
    """Two mailboxes, each answering what the other sends; the other says nothing of being a machine."""
    number = 0

    async def robot(delivery: Delivery | None) -> None:
        nonlocal number
        number += 1
        values: dict[str, Any] = {"from_address": "robot@example.net", "subject": f"Thank you ({number})"}
        if delivery is not None and habit != "no headers":
            values |= {"in_reply_to": [delivery.rfc_message_id], "references": [delivery.rfc_message_id]}
            values |= {"reply_token": delivery.reply_token, "subject": delivery.subject}
        if habit == "new address":
            values["from_address"] = f"robot+{number}@example.net"
        if habit == "same Reply-To":
            values |= {"from_address": f"robot{number}@example.net", "reply_to": ["robot@example.net"]}
            values |= {"in_reply_to": [], "references": [], "reply_token": None}
        await center.receive("Thank you for your mail. We will get back to you.", **values)

    await robot(None)
    answered_ids: set[int] = set()
    for _ in range(6):  # a round: the robot answers everything of ours that it has not answered yet
        for delivery in await center.deliveries():
            if delivery.id not in answered_ids:
                answered_ids.add(delivery.id)
                await robot(delivery)
    assert len(await center.deliveries()) == 1
    assert number == 2
