"""Mails find their ticket by what cannot be guessed, and nobody gets in who is not part of it."""

import asyncio
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, update

from services.tickets import desk, intake
from services.tickets.thread import (
    MAX_REFERENCES,
    Candidate,
    bare_subject,
    extend_references,
    is_reply,
    place,
    quoted_ids,
    subject_number,
)
from shared import clock
from shared.models import (
    Delivery,
    Entry,
    EntryKind,
    IntakeOutcome,
    Intent,
    MailReceipt,
    Person,
    Presence,
    PresenceLease,
    ReceiptState,
    Role,
    ShiftDay,
    TicketState,
)
from shared.people import Actor
from tests.tickets.intake.conftest import Center, Seen, days_ago


async def message_id_of(center: Center, seen: Seen) -> str:
    rfc_id = (await center.message(seen.row.message_id)).rfc_message_id
    assert rfc_id is not None
    return rfc_id


async def test_a_reply_joins_by_token_by_in_reply_to_and_by_references(center: Center) -> None:
    first = await center.receive()
    ticket = first.ticket
    original = await message_id_of(center, first)
    (acknowledgement,) = await center.deliveries(ticket.id)
    ways: list[tuple[str, dict[str, Any]]] = [
        ("token", {"reply_token": ticket.reply_token}),
        ("in_reply_to", {"in_reply_to": [acknowledgement.rfc_message_id]}),
        ("in_reply_to", {"in_reply_to": [original]}),
        ("references", {"references": ["<elsewhere@example.com>", acknowledgement.rfc_message_id]}),
        ("subject", {"subject": f"Re: A question [#{ticket.id}]"}),
    ]
    for how, quoting in ways:
        seen = await center.receive("And one more thing.", **quoting)
        assert seen.row.outcome is IntakeOutcome.ATTACHED, how
        assert seen.ticket.id == ticket.id
        assert (await center.entries(ticket.id, EntryKind.MAIL_IN))[-1].detail["threaded_by"] == how
    assert len(await center.tickets()) == 1
    assert len(await center.deliveries(ticket.id)) == 1, "later mails are not acknowledged again"


@pytest.mark.parametrize("by", ["token", "in_reply_to", "references", "subject"])
async def test_a_stranger_who_quotes_a_ticket_gets_a_new_linked_one(center: Center, by: str) -> None:
    first = await center.receive()
    ticket = first.ticket
    original = await message_id_of(center, first)
    ways: dict[str, dict[str, Any]] = {
        "token": {"reply_token": ticket.reply_token},
        "in_reply_to": {"in_reply_to": [original]},
        "references": {"references": [original]},
        "subject": {"subject": f"Re: A question [#{ticket.id}]"},
    }
    quoting = ways[by]
    async with center.database.transaction() as session:  # a thread is acknowledged once a day
        await session.execute(update(Delivery).values(created_at=days_ago(1.1)))
    seen = await center.receive("What did they say?", from_address="stranger@example.net", **quoting)
    assert seen.row.outcome is IntakeOutcome.TICKETED
    assert seen.ticket.id != ticket.id
    assert seen.ticket.linked_ticket_id == ticket.id
    assert seen.ticket.customer_id != ticket.customer_id
    assert len(await center.entries(ticket.id, EntryKind.MAIL_IN)) == 1
    (mine,) = await center.entries(seen.ticket.id, EntryKind.LINKED)
    (theirs,) = await center.entries(ticket.id, EntryKind.LINKED)
    assert mine.detail == {"ticket_id": ticket.id, "cause": "stranger"}
    assert theirs.detail == {"ticket_id": seen.ticket.id, "cause": "stranger"}
    # What the stranger gets back carries nothing of the other ticket.
    (acknowledgement,) = await center.deliveries(seen.ticket.id)
    assert acknowledgement.reply_token == seen.ticket.reply_token != ticket.reply_token
    assert f"#{ticket.id}]" not in acknowledgement.subject
    # And once in, the stranger stays on their own ticket.
    again = await center.receive("Well?", from_address="stranger@example.net", **quoting)
    assert again.ticket.id != ticket.id


async def test_a_mail_that_answers_two_tickets_joins_the_first_and_both_say_so_once(center: Center) -> None:
    first, second = await center.receive(), await center.receive("About something else.")
    theirs = await center.receive(from_address="neighbor@example.com")
    ids = [await message_id_of(center, each) for each in (first, second, theirs)]
    for _ in range(2):
        bridge = await center.receive(in_reply_to=[ids[1]], references=[ids[0], ids[2], ids[1]])
        assert (bridge.row.outcome, bridge.ticket.id) == (IntakeOutcome.ATTACHED, second.ticket.id)
    for one, other in ((first, second), (second, first)):
        (entry,) = await center.entries(one.ticket.id, EntryKind.LINKED)
        assert entry.detail == {"ticket_id": other.ticket.id, "cause": "answers_both"}
    assert not await center.entries(theirs.ticket.id, EntryKind.LINKED), "nothing of the sender's is said there"
    assert len(await center.tickets()) == 3


async def test_a_sender_without_an_address_joins_nothing(center: Center) -> None:
    first = await center.receive(from_address="", from_name="")
    seen = await center.receive(from_address="", reply_token=first.ticket.reply_token)
    assert seen.ticket.id != first.ticket.id


async def test_the_same_subject_alone_never_joins(center: Center) -> None:
    first = await center.receive(subject="Re: my bill")
    second = await center.receive(subject="Re: my bill")
    assert first.ticket.id != second.ticket.id
    assert second.ticket.linked_ticket_id is None


async def test_a_copied_message_id_pushes_nobody_aside(center: Center) -> None:
    """Two mails with one Message-ID are both kept, and each sender's answers stay on their own ticket."""
    first = await center.receive()
    original = await message_id_of(center, first)
    copied = await center.receive("Something else", from_address="eve@example.net", rfc_message_id=original)
    assert copied.ticket.id != first.ticket.id
    for seen, address in ((first, "ana@example.com"), (copied, "eve@example.net")):
        answer = await center.receive("And?", from_address=address, in_reply_to=[original])
        assert answer.ticket.id == seen.ticket.id
    (ours,) = await center.deliveries(first.ticket.id)
    await center.receive("I am you", from_address="eve@example.net", rfc_message_id=ours.rfc_message_id)
    assert (await center.receive("Thanks", in_reply_to=[ours.rfc_message_id])).ticket.id == first.ticket.id


async def test_a_number_that_is_no_ticket_is_ignored(center: Center) -> None:
    seen = await center.receive(subject="Question [#99999]")
    assert seen.row.outcome is IntakeOutcome.TICKETED
    assert seen.ticket.linked_ticket_id is None


async def test_whom_we_answer_may_write_back(center: Center) -> None:
    first = await center.receive()
    supervisor = await center.person(Role.SUPERVISOR)
    async with center.database.transaction() as session:
        delivery = await desk.reply(
            session, center.settings, supervisor, first.ticket.id, text="Hello", to=["Sister@example.com"]
        )
    seen = await center.receive("Thanks!", from_address="sister@example.com", in_reply_to=[delivery.rfc_message_id])
    assert seen.ticket.id == first.ticket.id


async def test_a_closed_ticket_reopens_or_is_followed_by_a_new_one(center: Center) -> None:
    first = await center.receive()
    ticket = first.ticket
    await center.change(ticket.id, state=TicketState.CLOSED, closed_at=days_ago(2))
    seen = await center.receive("It happened again.", reply_token=ticket.reply_token)
    assert seen.ticket.id == ticket.id
    assert (seen.ticket.state, seen.ticket.closed_at) == (TicketState.QUEUED, None)
    assert seen.ticket.rev > ticket.rev
    assert seen.ticket.queued_at > ticket.queued_at
    (state,) = await center.entries(ticket.id, EntryKind.STATE)
    assert state.detail == {"from": "closed", "to": "queued", "reason": "customer_wrote"}

    await center.change(ticket.id, state=TicketState.CLOSED, closed_at=days_ago(31))
    late = await center.receive("A year later.", reply_token=ticket.reply_token)
    assert late.ticket.id != ticket.id
    assert late.ticket.linked_ticket_id == ticket.id
    assert late.ticket.customer_id == ticket.customer_id
    assert (await center.ticket(ticket.id)).state is TicketState.CLOSED
    # Who answers the old mail once more goes on where the first answer went.
    again = await center.receive("And one thing.", reply_token=ticket.reply_token)
    assert again.ticket.id == late.ticket.id


async def test_a_waiting_ticket_goes_back_to_its_person_or_to_the_queue(center: Center) -> None:
    first = await center.receive()
    person = await center.person()
    await at_desk(center, person)
    assignment_id = await center.give(first.ticket.id, person)
    await center.change(first.ticket.id, state=TicketState.WAITING)
    seen = await center.receive("Here is the number.", reply_token=first.ticket.reply_token)
    assert (seen.ticket.state, seen.ticket.assignee_id) == (TicketState.ASSIGNED, person.id)

    await center.change(first.ticket.id, state=TicketState.WAITING)
    await _deactivate(center, person.id)
    seen = await center.receive("Hello?", reply_token=first.ticket.reply_token)
    assert (seen.ticket.state, seen.ticket.assignee_id) == (TicketState.QUEUED, None)
    assert (await center.assignment(assignment_id)).ended_at is not None


async def at_desk(center: Center, person: Actor, intent: Intent = Intent.AVAILABLE, *, live: bool = True) -> None:
    async with center.database.transaction() as session:
        await session.execute(delete(Presence))
        await session.execute(delete(PresenceLease))
        session.add(Presence(person_id=person.id, intent=intent))
        if live:
            soon = clock.now() + timedelta(minutes=2)
            session.add(PresenceLease(person_id=person.id, tab_id="tab", expires_at=soon))


@pytest.mark.parametrize(
    ("intent", "live", "off_shift", "pinned", "theirs"),
    [
        (Intent.BUSY, True, False, False, True),
        (Intent.BREAK, True, False, False, True),  # they are back in a moment
        (Intent.OFFLINE, True, False, False, False),
        (Intent.AVAILABLE, False, False, False, False),
        (Intent.AVAILABLE, True, True, False, False),
        (Intent.OFFLINE, False, False, True, True),  # a supervisor gave it to them
    ],
)
async def test_a_reply_goes_to_its_person_if_they_are_there_else_to_the_queue_with_a_note(
    center: Center, intent: Intent, live: bool, off_shift: bool, pinned: bool, theirs: bool
) -> None:
    first = await center.receive()
    person = await center.person()
    await at_desk(center, person, intent, live=live)
    if off_shift:
        async with center.database.transaction() as session:
            session.add(
                ShiftDay(
                    person_id=person.id,
                    day=clock.now().astimezone(ZoneInfo(center.settings.timezone)).date(),
                    reason="off",
                )
            )
    await center.give(first.ticket.id, person, pinned=pinned)
    async with center.database.transaction() as session:
        session.add(
            Entry(ticket_id=first.ticket.id, kind=EntryKind.NOTE, actor_id=person.id, text="Asked for a number")
        )
    await center.change(first.ticket.id, state=TicketState.WAITING)
    seen = await center.receive("Here is the number.", reply_token=first.ticket.reply_token)
    assert (seen.ticket.state is TicketState.ASSIGNED) is theirs
    assert seen.ticket.assignee_id == (person.id if theirs else None)
    released = await center.entries(first.ticket.id, EntryKind.RELEASED)
    assert len(released) == (0 if theirs else 1)
    for entry in released:
        assert (entry.detail["cause"], entry.detail["handover"]["last"]) == ("away", "note")
        assert entry.detail["handover"]["since"] <= entry.detail["handover"]["last_at"]


async def test_two_mails_of_a_thread_at_once_are_one_ticket(center: Center) -> None:
    """The answer is taken in before the mail it answers: the earlier one goes first all the same."""
    first = await center.store("My bill is too high.")
    original = (await center.message(first)).rfc_message_id
    second = await center.store("I forgot: my number is 707-555-0131.", in_reply_to=[original])
    await asyncio.gather(
        *(intake.take_in_message(center.database, center.settings, message) for message in (second, first, second))
    )
    (ticket,) = await center.tickets()
    assert ticket.callback_number == "+17075550131"
    kinds = [entry.message_id for entry in await center.entries(ticket.id, EntryKind.MAIL_IN)]
    assert kinds == [first, second]


async def receipts(center: Center, *states: ReceiptState, message_id: int) -> list[int]:
    """Rows of the ledger in the order of arrival; those that are parsed are the message's."""
    async with center.database.transaction() as session:
        rows = [
            MailReceipt(
                mailbox_id=1, folder="INBOX", uidvalidity=1, uid=uid, blob="0" * 64, size=1, state=state,
                message_id=message_id if state is ReceiptState.PARSED else None,
            )
            for uid, state in enumerate(states, 1)
        ]  # fmt: skip
        session.add_all(rows)
        await session.flush()
        return [row.id for row in rows]


async def test_an_answer_waits_for_the_mail_that_it_answers_and_that_is_parsed_after_it(center: Center) -> None:
    answer = await center.store("I forgot to say …", in_reply_to=["<first@mail.example.com>"])
    first_receipt, _ = await receipts(center, ReceiptState.STORED, ReceiptState.PARSED, message_id=answer)
    await intake.take_in_message(center.database, center.settings, answer)
    assert not await center.tickets()
    first = await center.store(rfc_message_id="<first@mail.example.com>")
    async with center.database.transaction() as session:
        parsed = {"state": ReceiptState.PARSED, "message_id": first}
        await session.execute(update(MailReceipt).where(MailReceipt.id == first_receipt).values(parsed))
    await intake.Doors(center.database, center.settings).sweep()
    (ticket,) = await center.tickets()
    assert (await center.seen(message_id=answer)).row.outcome is IntakeOutcome.ATTACHED
    assert len(await center.entries(ticket.id, EntryKind.MAIL_IN)) == 2


async def test_an_answer_to_what_never_comes_waits_no_longer_than_two_minutes(center: Center) -> None:
    answer = await center.store(in_reply_to=["<never@mail.example.com>"], created_at=days_ago(0.002))
    await receipts(center, ReceiptState.STORED, ReceiptState.PARSED, message_id=answer)
    await intake.take_in_message(center.database, center.settings, answer)
    assert (await center.seen(message_id=answer)).row.outcome is IntakeOutcome.TICKETED


@pytest.mark.parametrize("together", [False, True])
async def test_a_mail_that_arrives_after_its_answer_joins_it(center: Center, together: bool) -> None:
    answer = await center.receive("I forgot to say …", in_reply_to=["<first@mail.example.com>"])
    first = await center.store(rfc_message_id="<first@mail.example.com>")
    other = await center.store("Something else.", from_address="other@example.com") if together else None
    await intake.take_in_messages(center.database, center.settings, [first, *([other] if other else [])])
    seen = await center.seen(message_id=first)
    assert (seen.row.outcome, seen.ticket.id) == (IntakeOutcome.ATTACHED, answer.ticket.id)
    assert len(await center.tickets()) == (2 if together else 1)


async def test_a_strangers_mail_that_somebody_has_answered_is_linked_and_not_let_in(center: Center) -> None:
    answer = await center.receive("As she wrote …", in_reply_to=["<first@mail.example.com>"])
    seen = await center.receive(rfc_message_id="<first@mail.example.com>", from_address="stranger@example.com")
    assert seen.row.outcome is IntakeOutcome.TICKETED
    assert seen.ticket.id != answer.ticket.id
    assert (await center.ticket(answer.ticket.id)).linked_ticket_id == seen.ticket.id


async def test_an_answer_to_what_is_known_does_not_wait_for_other_mail(center: Center) -> None:
    first = await center.receive()
    answer = await center.store(in_reply_to=[await message_id_of(center, first), "<unknown@mail.example.com>"])
    await receipts(center, ReceiptState.STORED, ReceiptState.PARSED, message_id=answer)
    await intake.take_in_message(center.database, center.settings, answer)
    assert (await center.seen(message_id=answer)).row.outcome is IntakeOutcome.ATTACHED


async def test_many_replies_at_once_all_arrive(center: Center) -> None:
    first = await center.receive()
    person = await center.person()
    await center.give(first.ticket.id, person)
    ids = [await center.store(f"Part {n}", reply_token=first.ticket.reply_token) for n in range(8)]
    await asyncio.gather(*(intake.take_in_message(center.database, center.settings, id_) for id_ in ids))
    assert len(await center.entries(first.ticket.id, EntryKind.MAIL_IN)) == 9
    assert len(await center.tickets()) == 1


@pytest.mark.parametrize(
    ("subject", "bare"),
    [
        ("Re: RE: Fwd: RV: My bill", "My bill"),
        ("AW: SV: Antw: Rechnung", "Rechnung"),
        ("RE[2]: Re (3): bill [#42]", "bill"),
        ("Respuesta sobre mi recibo", "Respuesta sobre mi recibo"),
        ("Reference: none", "Reference: none"),
        ("  re:  ", ""),
        ("回复:电费", "电费"),
        ("RV: ENC: TR: RES: R: FWD: Réf: recibo", "recibo"),
        ("Ref: Factura 123", "Ref: Factura 123"),
    ],
)
def test_bare_subject(subject: str, bare: str) -> None:
    assert bare_subject(subject) == bare


def test_bare_subject_of_a_hostile_length_ends() -> None:
    assert bare_subject("Re: " * 100_000) == ""


def test_is_reply_and_numbers() -> None:
    assert is_reply("RE: x", [])
    assert is_reply("x", ["<a@b>"])
    assert not is_reply("Fwd: x", [])
    assert subject_number("Re: a [#42] b") == 42
    assert subject_number("#42 and [42]") is None
    assert subject_number(f"[#{'9' * 40}]") is None


def test_quoted_ids_keep_the_newest_and_the_root() -> None:
    references = [f"<{n}@x>" for n in range(500)]
    ids = quoted_ids(["<499@x>"], references)
    assert ids[0] == "<499@x>"
    assert ids[-1] == "<0@x>"
    assert len(ids) == MAX_REFERENCES
    assert len(extend_references(references, "<new@x>")) == MAX_REFERENCES
    assert extend_references(["<a@x>"], "<a@x>") == ["<a@x>"]


def test_place_prefers_a_ticket_one_takes_part_in() -> None:
    now = clock.now()
    candidates = [Candidate(1, "token"), Candidate(2, "references")]
    assert place(candidates, {2}, {}, at=now, reopen_days=30).ticket_id == 2
    stranger = place(candidates, set(), {}, at=now, reopen_days=30)
    assert (stranger.ticket_id, stranger.linked_to, stranger.why) == (None, 1, "stranger")


async def _deactivate(center: Center, person_id: int) -> None:
    async with center.database.transaction() as session:
        await session.execute(update(Person).where(Person.id == person_id).values(active=False))
