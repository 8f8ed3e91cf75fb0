"""A line that is cut while a mail is sent: what the server cannot have is sent again at once, and only that."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.inbox.send import NOT_KNOWN
from shared import clock
from shared.database import Database
from shared.models import Delivery, DeliveryState
from shared.settings import Settings
from tests.inbox.conftest import until
from tests.inbox.test_send import delivery_of, make_due, queue, sender_to
from tests.servers.cutting import Cutting
from tests.servers.smtp import FaultySmtp

TEXT = "Una línea de la respuesta.\n.\n..y otra\n" * 8_000
LAST = b"250 2.0.0 Accepted\r\n"


@pytest.fixture
async def cutting(smtp: FaultySmtp) -> AsyncIterator[Cutting]:
    async with Cutting(smtp.port) as proxy:
        yield proxy


async def test_cut_before_the_end_is_sent_again_at_once_and_after_it_never(
    smtp: FaultySmtp, cutting: Cutting, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = sender_to(database, settings, cutting.port)
    await sender.send(await queue(database, text=TEXT, to_addresses=["a@0.example"]))

    async def said_goodbye() -> bool:
        return b"221 " in cutting.said

    await until(said_goodbye)
    said, asked = cutting.said, cutting.asked
    hand_over = sender._hand_over

    async def after_the_cut(delivery: Delivery) -> None:
        """What is written lies in buffers for a moment: give the cut the time to be noticed that a commit takes."""

        async def noticed() -> bool:
            return cutting.cuts > cuts

        if cutting.after_asked is not None:
            await until(noticed)
            await asyncio.sleep(0.05)
        await hand_over(delivery)

    monkeypatch.setattr(sender, "_hand_over", after_the_cut)
    monkeypatch.setattr(sender, "_wake_at", lambda *_: None)  # each again when all lines were cut
    content_begins = said.index(b"354 ")
    ids: dict[str, int] = {}
    for name, heard, told in (
        ("recipients", content_begins - 2, None),
        ("no answer to DATA", content_begins, None),
        ("half an answer to DATA", content_begins + 2, None),
        ("in the content", None, asked // 2),
        ("before the last line", None, asked - len(".\r\nQUIT\r\n")),
    ):
        cutting.after, cutting.after_asked = heard, told
        ids[name] = await queue(database, text=TEXT, to_addresses=[f"a@{len(ids) + 1}.example"])
        cuts = cutting.cuts
        await sender.send(ids[name])
        assert cutting.cuts == cuts + 1, name
        delivery = await delivery_of(database, ids[name])
        assert delivery.state is DeliveryState.QUEUED, name
        assert delivery.next_attempt_at < clock.now() + timedelta(seconds=5), name
        cutting.after = cutting.after_asked = None
    for name, delivery_id in ids.items():
        await make_due(database, delivery_id)
        await sender.send(delivery_id)
        delivery = await delivery_of(database, delivery_id)
        assert (delivery.state, delivery.attempts) == (DeliveryState.SENT, 2), name
    assert sorted(accepted.recipients for accepted in smtp.mails) == sorted(
        [f"a@{number}.example"] for number in range(len(ids) + 1)
    )

    cutting.after = said.index(LAST) + 1  # of the answer to all of it
    unknown = await queue(database, text=TEXT, to_addresses=["a@9.example"])
    await sender.send(unknown)
    delivery = await delivery_of(database, unknown)
    await sender.stop()
    assert (delivery.state, delivery.last_error) == (DeliveryState.FAILED, NOT_KNOWN)
    assert len({accepted.content for accepted in smtp.mails}) == len(smtp.mails) == len(ids) + 2


async def test_taken_back_while_its_content_is_written(
    smtp: FaultySmtp, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the last line is written nothing has been sent: the writer's «undo» still wins."""
    sender = sender_to(database, settings, smtp.port)
    delivery_id = await queue(database, text=TEXT)
    hand_over = sender._hand_over

    async def taken_back_meanwhile(delivery: Delivery) -> None:
        async with database.transaction() as session:
            (await session.merge(await delivery_of(database, delivery_id))).state = DeliveryState.CANCELLED
        await hand_over(delivery)

    monkeypatch.setattr(sender, "_hand_over", taken_back_meanwhile)
    await sender.send(delivery_id)
    await sender.stop()
    assert (await delivery_of(database, delivery_id)).state is DeliveryState.CANCELLED
    await asyncio.sleep(0)
    assert smtp.mails == []


async def test_a_server_that_refuses_in_the_middle_is_heard(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = asyncio.Event()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 localhost\r\n")
        while line := await reader.readline():
            if line.startswith(b"DATA"):
                writer.write(b"354 Go on\r\n")
                await reader.readline()
                writer.write(b"552 5.3.4 Enough\r\n")
                await writer.drain()
                refused.set()
                while await reader.read(100_000):
                    pass
                break
            writer.write(b"250 OK\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        sender = sender_to(database, settings, server.sockets[0].getsockname()[1])
        delivery_id = await queue(database, text=TEXT)
        hand_over = sender._hand_over

        async def slowly(delivery: Delivery) -> None:
            await asyncio.wait_for(refused.wait(), 20)
            await asyncio.sleep(0.05)
            await hand_over(delivery)

        monkeypatch.setattr(sender, "_hand_over", slowly)
        await sender.send(delivery_id)
        await sender.stop()
    delivery = await delivery_of(database, delivery_id)
    assert (delivery.state, delivery.last_error) == (DeliveryState.FAILED, "552 5.3.4 Enough")
