"""A mail becomes a ticket with language, topic, urgency, clock and timeline, exactly once."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from services.tickets import intake
from services.tickets.locks import lock_names
from shared.errors import NotFound
from shared.models import (
    Channel,
    Customer,
    DeliveryKind,
    Entry,
    EntryKind,
    FactKind,
    Intake,
    IntakeOutcome,
    LanguageSource,
    Level,
    Machine,
    MessageFact,
    Priority,
    Ticket,
    TicketState,
)
from tests.tickets.intake.conftest import HELP, Center


async def test_an_english_mail_becomes_a_ticket(center: Center) -> None:
    seen = await center.receive(
        "Hello,\nmy bill jumped from $181 to $412. Please call me at (707) 555-0131. "
        "My account is 1020304050-6.\nThanks,\nMarcus",
        subject="Re: Fwd: High bill",
        from_address="marcus@example.com",
        from_name="Marcus Oyelaran",
    )
    ticket = seen.ticket
    assert seen.row.outcome is IntakeOutcome.TICKETED
    assert (ticket.channel, ticket.state) == (Channel.EMAIL, TicketState.QUEUED)
    assert (ticket.language, ticket.language_source) == ("en", LanguageSource.TEXT)
    assert ticket.language_confidence > 0.9
    assert ticket.language_evidence["text"]["english_words"] > 3
    assert (ticket.topic, ticket.level, ticket.priority) == ("billing_dispute", Level.CSR2, Priority.NORMAL)
    assert ticket.topic_evidence["phrases"]["billing_dispute"]
    assert ticket.subject == "High bill"
    assert ticket.callback_number == "+17075550131"
    assert len(ticket.reply_token) >= 16
    assert (await center.customer(ticket.customer_id)).name == "Marcus Oyelaran"
    message = await center.message(seen.row.message_id)
    assert ticket.queued_at == message.received_at
    # Open around the clock: the default target of four hours, in open time.
    assert ticket.due_at == message.received_at + timedelta(minutes=240)
    (mail,) = await center.entries(ticket.id, EntryKind.MAIL_IN)
    assert mail.message_id == message.id
    async with center.database.transaction() as session:
        facts = list(
            await session.scalars(
                select(MessageFact).where(MessageFact.message_id == message.id).order_by(MessageFact.start)
            )
        )
    assert [(fact.kind, fact.value) for fact in facts] == [
        (FactKind.AMOUNT, "181.00"),
        (FactKind.AMOUNT, "412.00"),
        (FactKind.PHONE, "+17075550131"),
        (FactKind.ACCOUNT, "1020304050-6"),
        (FactKind.NAME, "Marcus"),
    ]
    assert [message.text_new[fact.start : fact.end] for fact in facts][2:4] == ["(707) 555-0131", "1020304050-6"]


async def test_a_mail_that_tells_nothing_leans_on_the_customers_earlier_tickets(center: Center) -> None:
    words = "Buenas tardes, quisiera saber por qué mi recibo subió tanto este mes."
    first = (await center.receive(words, subject="Recibo", from_address="rosa@example.com")).ticket
    later = (await center.receive("Ok 5", subject="", from_address="rosa@example.com")).ticket
    assert (first.language, later.language, later.language_source) == ("es", "es", LanguageSource.HISTORY)
    assert later.language_evidence["earlier"] == ["es"]
    assert later.language_confidence < 0.85, "it is only likely"
    # What they clearly write now is what they want now; and what leant on history is nobody's history.
    english = "Could you please send me a copy of the last bill?"
    third = (await center.receive(english, subject="Bill", from_address="rosa@example.com")).ticket
    assert (third.language, third.language_source) == ("en", LanguageSource.TEXT)
    fourth = (await center.receive("Ok 6", subject="", from_address="rosa@example.com")).ticket
    assert fourth.language_evidence["earlier"] == ["en", "es"]


async def test_the_same_sender_is_the_same_customer(center: Center) -> None:
    first = await center.receive(from_address="ana@example.com", from_name="")
    second = await center.receive(from_address="ana@example.com", from_name="Ana Ruiz")
    assert first.ticket.id != second.ticket.id
    assert first.ticket.customer_id == second.ticket.customer_id
    assert (await center.customer(first.ticket.customer_id)).name == "Ana Ruiz"


async def test_an_empty_mail_is_a_ticket_all_the_same(center: Center) -> None:
    seen = await center.receive("", subject="1234", from_name="")
    assert (seen.ticket.language, seen.ticket.topic) == ("unknown", "other")
    nothing = await center.receive("", subject="", from_address="", from_name="", rfc_message_id=None)
    assert nothing.ticket.customer_id is None


async def test_exactly_once_under_many_calls_at_once(center: Center) -> None:
    message_id = await center.store()
    await asyncio.gather(*(intake.take_in_message(center.database, center.settings, message_id) for _ in range(20)))
    async with center.database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Ticket)) == 1
        assert await session.scalar(select(func.count()).select_from(Intake)) == 1
        assert await session.scalar(select(func.count()).where(Entry.kind == EntryKind.MAIL_IN)) == 1
    assert len(await center.deliveries()) == 1


async def test_a_burst_is_taken_in_together_and_each_mail_once(center: Center) -> None:
    plain = [await center.store(from_address=f"c{n}@example.com") for n in range(6)]
    again = await center.store("One more thing about it.", from_address="c0@example.com")
    leak = await center.store("I smell gas in my kitchen!", from_address="leak@example.com")
    robot = await center.store(from_address="robot@example.com", machine=Machine.AUTO_REPLY)
    own = await center.store(from_address=HELP)
    everything = [*plain, again, leak, robot, own]
    turns = [[*everything], everything[::-1], plain, [own, robot, leak, again]]
    await asyncio.gather(
        *(intake.take_in_messages(center.database, center.settings, ids) for ids in turns),
        *(intake.take_in_message(center.database, center.settings, id_) for id_ in everything),
    )
    async with center.database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Intake)) == len(everything)
        assert await session.scalar(select(func.count()).select_from(Ticket)) == len(plain) + 2
        assert await session.scalar(select(func.count()).where(Entry.kind == EntryKind.MAIL_IN)) == len(plain) + 2
        assert await session.scalar(select(func.count()).select_from(Customer)) == len(plain) + 1
    kinds = Counter(delivery.kind for delivery in await center.deliveries())
    assert kinds[DeliveryKind.ACKNOWLEDGEMENT] == len(plain)  # one per customer and hour
    assert kinds[DeliveryKind.SAFETY] == 1
    assert len(await center.alerts()) == 1


async def test_many_plain_mails_share_one_transaction(center: Center) -> None:
    plain = [await center.store(from_address=f"c{n}@example.com") for n in range(6)]
    await intake.take_in_messages(center.database, center.settings, plain)
    async with center.database.transaction() as session:
        assert await session.scalar(text("SELECT count(DISTINCT xmin::text) FROM intake")) == 1
    seen = [await center.seen(message_id=message_id) for message_id in plain]
    assert [each.row.outcome for each in seen] == [IntakeOutcome.TICKETED] * 6
    assert len({each.ticket.customer_id for each in seen}) == len({each.ticket.reply_token for each in seen}) == 6
    for each in seen:
        (delivery,) = await center.deliveries(each.ticket.id)
        assert delivery.to_addresses == [(await center.message(each.row.message_id)).from_address]
        kinds = [entry.kind for entry in await center.entries(each.ticket.id)]
        assert kinds == [EntryKind.MAIL_IN, EntryKind.ACKNOWLEDGEMENT]


async def test_an_unknown_message_is_not_found(center: Center) -> None:
    with pytest.raises(NotFound):
        await intake.take_in_message(center.database, center.settings, 999)


async def test_the_sweep_takes_in_what_nobody_rang_for(center: Center) -> None:
    message_ids = [await center.store(from_address=f"c{n}@example.com") for n in range(5)]
    assert await intake.Doors(center.database, center.settings).sweep() == 5
    for message_id in message_ids:
        assert (await center.seen(message_id=message_id)).row.outcome is IntakeOutcome.TICKETED
    assert await intake.Doors(center.database, center.settings).sweep() == 0


async def test_a_failing_mail_says_so_and_blocks_nobody(center: Center) -> None:
    """The database itself refuses one mail: it is kept as failed, the other goes through, and it heals by itself."""
    async with center.database.transaction() as session:
        await session.execute(text("ALTER TABLE ticket ADD CONSTRAINT refuses CHECK (subject <> 'poison') NOT VALID"))
    poison = await center.store(subject="poison")
    good = await center.store(subject="fine", from_address="other@example.com")
    await intake.Doors(center.database, center.settings).sweep()
    failed = (await center.seen(message_id=poison)).row
    assert failed.outcome is IntakeOutcome.FAILED
    assert failed.attempts == 1
    assert "refuses" in (failed.error or "")
    assert failed.next_attempt_at is not None
    assert (await center.seen(message_id=good)).row.outcome is IntakeOutcome.TICKETED
    assert await _open_problems(center) == [f"intake:message:{poison}"]
    # Not before its time.
    assert await intake.Doors(center.database, center.settings).sweep() == 0
    async with center.database.transaction() as session:
        await session.execute(text("ALTER TABLE ticket DROP CONSTRAINT refuses"))
        await session.execute(text("UPDATE intake SET next_attempt_at = now() WHERE outcome = 'failed'"))
    assert await intake.Doors(center.database, center.settings).sweep() == 1
    healed = await center.seen(message_id=poison)
    assert healed.row.outcome is IntakeOutcome.TICKETED
    assert healed.row.error is None
    assert await _open_problems(center) == []


async def test_a_deadlock_is_nobodys_fault(center: Center) -> None:
    """The database ends one of two transactions that wait for each other: the mail is simply taken in again."""
    ticket = (await center.receive()).ticket
    message_id = await center.store("One more thing.", reply_token=ticket.reply_token)
    async with center.database.transaction() as session:
        await session.execute(text("SET LOCAL deadlock_timeout = '30s'"))
        await session.execute(text("SELECT 1 FROM ticket WHERE id = :id FOR UPDATE"), {"id": ticket.id})
        taking = asyncio.create_task(intake.take_in_message(center.database, center.settings, message_id))
        assert await _somebody_waits(center)
        await lock_names(session, ["customer:ana@example.com"])
    await taking
    row = (await center.seen(message_id=message_id)).row
    assert (row.outcome, row.attempts) == (IntakeOutcome.ATTACHED, 0)
    assert await _open_problems(center) == []


def test_back_off_grows_and_ends() -> None:
    waits = [intake.back_off(attempt) for attempt in range(1, 20)]
    assert waits[0] == timedelta(seconds=30)
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=6)


async def _somebody_waits(center: Center) -> bool:
    for _ in range(500):
        async with center.database.transaction() as session:
            waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = :name")
            name = center.database.engine.url.database
            if await session.scalar(waiting, {"name": name}):
                return True
        await asyncio.sleep(0.02)
    return False


async def _open_problems(center: Center) -> list[str]:
    async with center.database.transaction() as session:
        return list(await session.scalars(text("SELECT key FROM problem WHERE resolved_at IS NULL")))
