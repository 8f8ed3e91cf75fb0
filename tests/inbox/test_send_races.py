"""Who may touch a delivery, and when: its writer, one sender, another sender, and one that is dead."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from services.inbox.send import NOT_KNOWN
from shared import clock
from shared.database import Database
from shared.events import Event, Hearing
from shared.models import Delivery, DeliveryState
from shared.settings import Settings
from tests.inbox.conftest import until
from tests.inbox.test_send import delivery_of, make_due, queue, sender_to
from tests.servers.smtp import FaultySmtp


async def test_what_its_writer_still_may_take_back_waits(
    smtp: FaultySmtp, database: Database, settings: Settings
) -> None:
    """Neither a ring nor a sweep nor a lost clock makes it leave early; then it leaves by itself."""
    until_then = clock.now() + timedelta(seconds=0.6)
    delivery_id = await queue(database, next_attempt_at=until_then, undo_until=until_then)
    sender = sender_to(database, settings, smtp.port)
    await sender.send(delivery_id)
    await sender.sweep()
    assert smtp.mails == []

    async def sent() -> bool:
        return (await delivery_of(database, delivery_id)).state is DeliveryState.SENT

    await until(sent, timeout=5)
    delivery = await delivery_of(database, delivery_id)
    assert delivery.sent_at is not None
    assert delivery.sent_at >= until_then
    await sender.stop()


async def test_a_process_that_lost_its_lease_changes_nothing(
    smtp: FaultySmtp, database: Database, settings: Settings
) -> None:
    """It was slow to name the recipients; meanwhile another one has sent the mail, or is about to."""
    smtp.delay_recipients.clear()
    delivery_id = await queue(database)
    slow = asyncio.create_task(sender_to(database, settings, smtp.port).send(delivery_id))
    await asyncio.wait_for(smtp.recipient_named.wait(), 5)
    async with database.transaction() as session:  # as after five minutes, when another process leases it
        await session.execute(update(Delivery).values(state=DeliveryState.SENDING, attempts=Delivery.attempts + 1))
    smtp.delay_recipients.set()
    await slow
    assert (await delivery_of(database, delivery_id)).state is DeliveryState.SENDING
    assert smtp.mails == []


@pytest.mark.parametrize("first", ["writer", "sender"])
async def test_taking_back_and_handing_over_cannot_both_win(
    first: str, smtp: FaultySmtp, database: Database, settings: Settings
) -> None:
    """The writer's statement is the one that services/tickets makes: only what is `queued` is taken back."""
    smtp.delay_recipients.clear()
    delivery_id = await queue(database)
    sending = asyncio.create_task(sender_to(database, settings, smtp.port).send(delivery_id))
    await asyncio.wait_for(smtp.recipient_named.wait(), 5)
    if first == "sender":
        smtp.delay_content.clear()
        smtp.delay_recipients.set()
        await asyncio.wait_for(smtp.content_arrived.wait(), 5)
    async with database.transaction() as session:
        taken_back = await session.scalar(
            update(Delivery)
            .where(Delivery.id == delivery_id, Delivery.state == DeliveryState.QUEUED)
            .values(state=DeliveryState.CANCELLED, leased_until=None)
            .returning(Delivery.id)
        )
    smtp.delay_recipients.set()
    smtp.delay_content.set()
    await sending
    state = (await delivery_of(database, delivery_id)).state
    assert (taken_back is not None, state, len(smtp.mails)) == (
        (True, DeliveryState.CANCELLED, 0) if first == "writer" else (False, DeliveryState.SENT, 1)
    )


async def test_two_processes_send_it_once(smtp: FaultySmtp, database: Database, settings: Settings) -> None:
    delivery_id = await queue(database)
    senders = [sender_to(database, settings, smtp.port) for _ in range(4)]
    await asyncio.gather(*(sender.send(delivery_id) for sender in senders))
    assert len(smtp.mails) == 1


async def test_process_that_died_before_the_hand_over_is_made_up_for(
    smtp: FaultySmtp, database: Database, settings: Settings
) -> None:
    delivery_id = await queue(database, leased_until=clock.now() - timedelta(seconds=1), attempts=1)
    await sender_to(database, settings, smtp.port).sweep()
    assert (await delivery_of(database, delivery_id)).state is DeliveryState.SENT
    assert len(smtp.mails) == 1


async def test_process_that_died_after_the_hand_over_is_told_and_not_repeated(
    smtp: FaultySmtp, database: Database, settings: Settings
) -> None:
    delivery_id = await queue(
        database, state=DeliveryState.SENDING, leased_until=clock.now() - timedelta(seconds=1), attempts=1
    )
    await sender_to(database, settings, smtp.port).sweep()
    delivery = await delivery_of(database, delivery_id)
    assert (delivery.state, delivery.last_error) == (DeliveryState.FAILED, NOT_KNOWN)
    assert smtp.mails == []


async def test_state_while_the_server_thinks(smtp: FaultySmtp, database: Database, settings: Settings) -> None:
    smtp.delay_content.clear()
    delivery_id = await queue(database)
    sending = asyncio.create_task(sender_to(database, settings, smtp.port).send(delivery_id))
    await asyncio.wait_for(smtp.content_arrived.wait(), 5)
    delivery = await delivery_of(database, delivery_id)
    assert delivery.state is DeliveryState.SENDING
    assert delivery.leased_until is not None
    assert delivery.leased_until > clock.now()
    smtp.delay_content.set()
    await sending
    assert (await delivery_of(database, delivery_id)).state is DeliveryState.SENT


async def test_screens_hear_of_each_step(smtp: FaultySmtp, database: Database, settings: Settings) -> None:
    """Delayed, then handed over, then sent: whoever looks at the ticket sees it without asking."""
    hearing = Hearing(settings)
    hearing.start()
    async with hearing.subscribe() as events:
        assert (await asyncio.wait_for(events.get(), 10)).kind == "resync"
        smtp.answers["ana@example.com"] = ["451 4.2.0 Greylisted", "250 OK"]
        delivery_id = await queue(database)
        ticket_id = (await delivery_of(database, delivery_id)).ticket_id
        sender = sender_to(database, settings, smtp.port)
        await sender.send(delivery_id)
        await make_due(database, delivery_id)
        await sender.send(delivery_id)
        heard = [await asyncio.wait_for(events.get(), 10) for _ in range(3)]
    assert heard == [Event("ticket", ticket_id, (), "delivery")] * 3
    await hearing.stop()
