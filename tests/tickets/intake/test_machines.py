"""Machines are never answered, never reopen anything, and nothing they send disappears without a row."""

import pytest

from services.tickets import desk, intake
from shared.models import DeliveryKind, EntryKind, IntakeOutcome, Machine, Role, TicketState
from tests.tickets.intake.conftest import HELP, Center, days_ago


@pytest.mark.parametrize("machine", [Machine.AUTO_REPLY, Machine.LIST, Machine.LOOP])
async def test_without_a_ticket_they_are_held_by_name(center: Center, machine: Machine) -> None:
    seen = await center.receive("I am out of the office.", machine=machine)
    assert (seen.row.outcome, seen.row.policy) == (IntakeOutcome.HELD, machine.value)
    assert not await center.tickets()
    assert not await center.deliveries()


async def test_an_automatic_reply_goes_on_its_ticket_and_changes_nothing(center: Center) -> None:
    ticket = (await center.receive()).ticket
    await center.change(ticket.id, state=TicketState.CLOSED, closed_at=days_ago(1))
    (acknowledgement,) = await center.deliveries(ticket.id)
    seen = await center.receive(
        "I am out until November 30.",
        machine=Machine.AUTO_REPLY,
        machine_evidence="Auto-Submitted: auto-replied",
        in_reply_to=[acknowledgement.rfc_message_id],
    )
    assert seen.row.outcome is IntakeOutcome.ATTACHED
    assert (seen.ticket.state, seen.ticket.rev) == (TicketState.CLOSED, ticket.rev)
    (entry,) = await center.entries(ticket.id, EntryKind.MACHINE_MAIL)
    assert entry.detail["evidence"] == "Auto-Submitted: auto-replied"
    assert len(await center.deliveries()) == 1


async def test_a_strangers_automatic_reply_does_not_get_in(center: Center) -> None:
    ticket = (await center.receive()).ticket
    seen = await center.receive(
        "Out of office", machine=Machine.AUTO_REPLY, from_address="x@example.net", reply_token=ticket.reply_token
    )
    assert seen.row.outcome is IntakeOutcome.HELD
    assert not await center.entries(ticket.id, EntryKind.MACHINE_MAIL)


async def test_a_bounce_is_shown_on_the_ticket_whose_mail_came_back(center: Center) -> None:
    ticket = (await center.receive()).ticket
    person = await center.person()
    await center.give(ticket.id, person)
    async with center.database.transaction() as session:
        reply = await desk.reply(session, center.settings, person, ticket.id, text="Your bill is right.")
    await center.sent(reply.id)
    seen = await center.bounced(reply)
    assert seen.row.outcome is IntakeOutcome.ATTACHED
    (entry,) = await center.entries(ticket.id, EntryKind.BOUNCE)
    assert entry.delivery_id == reply.id
    assert entry.detail["recipients"][0]["address"] == "ana@example.com"
    assert not entry.detail["delayed"]
    assert (await center.ticket(ticket.id)).state is TicketState.ASSIGNED


async def test_bounces_are_matched_by_token_and_by_recipient_too(center: Center) -> None:
    ticket = (await center.receive()).ticket
    (acknowledgement,) = await center.deliveries(ticket.id)
    await center.sent(acknowledgement.id)
    recipient = {"address": "Ana@Example.com", "status": "5.1.1", "kind": "failed"}
    for evidence in ({"reply_token": ticket.reply_token}, {}):
        seen = await center.bounced(acknowledgement, bounce={"recipients": [recipient]}, **evidence)
        assert seen.ticket.id == ticket.id
    delayed = await center.bounced(acknowledgement, kind="delayed")
    assert (await center.entries(delayed.ticket.id, EntryKind.BOUNCE))[-1].detail["delayed"]


async def test_a_bounce_of_nothing_we_sent_is_held(center: Center) -> None:
    seen = await center.receive(
        "Undeliverable",
        machine=Machine.BOUNCE,
        bounce={"recipients": [{"address": "nobody@example.com"}], "original_message_id": "<other@example.com>"},
    )
    assert (seen.row.outcome, seen.row.policy) == (IntakeOutcome.HELD, "bounce_unmatched")
    empty = await center.receive("Undeliverable", machine=Machine.BOUNCE, bounce=None)
    assert empty.row.outcome is IntakeOutcome.HELD


async def test_our_own_address_and_voicemail_mail_are_held(center: Center) -> None:
    own = await center.receive(from_address=HELP)
    assert (own.row.outcome, own.row.policy) == (IntakeOutcome.HELD, "loop")
    message_id = await center.store("New voicemail", from_address="pbx@center.example.org")
    await center.attach(message_id, voicemail=True)
    await intake.take_in_message(center.database, center.settings, message_id)
    seen = await center.seen(message_id=message_id)
    assert (seen.row.outcome, seen.row.policy) == (IntakeOutcome.HELD, "voicemail")
    assert not await center.tickets()


async def test_a_customers_own_recording_is_an_attachment_like_any_other(center: Center) -> None:
    message_id = await center.store("Listen to this noise")
    await center.attach(message_id, voicemail=False)
    await intake.take_in_message(center.database, center.settings, message_id)
    assert (await center.seen(message_id=message_id)).row.outcome is IntakeOutcome.TICKETED


async def test_two_machines_facing_each_other_stop_after_one_answer(center: Center) -> None:
    """A responder that says nothing of itself: it gets one acknowledgement, and its answers get none."""
    ticket = (await center.receive("We got your mail.", from_address="robot@example.net")).ticket
    for _ in range(5):
        deliveries = await center.deliveries(None, DeliveryKind.ACKNOWLEDGEMENT)
        await center.receive("We got your mail.", from_address="robot@example.net", subject="We got your mail")
        await center.receive(
            "We got your mail.", from_address="robot@example.net", in_reply_to=[deliveries[0].rfc_message_id]
        )
    assert len(await center.deliveries()) == 1
    assert len(await center.entries(ticket.id, EntryKind.MAIL_IN)) == 6


async def test_failures_of_delivery_reach_the_person(center: Center) -> None:
    ticket = (await center.receive()).ticket
    supervisor = await center.person(Role.SUPERVISOR)
    async with center.database.transaction() as session:
        reply = await desk.reply(session, center.settings, supervisor, ticket.id, text="Hello")
    await center.sent(reply.id, error="550 no such user")
    await center.sent(reply.id, error="550 no such user")
    (entry,) = await center.entries(ticket.id, EntryKind.DELIVERY_FAILED)
    assert entry.detail["error"] == "550 no such user"
    assert (await center.ticket(ticket.id)).first_responded_at is None
