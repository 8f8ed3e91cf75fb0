"""Nothing is lost and nothing comes twice while services are killed, restarted, and Redis is emptied or gone."""

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.journeys.house import House, eventually

pytestmark = [
    pytest.mark.journey,
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(150),  # the first test waits until the house is there
]

SERVICES = ("inbox", "tickets-worker", "tickets", "voicemail", "voicemail-worker")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[House]:
    async with House() as house:
        yield house


async def settled(house: House, senders: list[str]) -> None:
    """Every mail is on exactly one ticket, and every sender has exactly one acknowledgement."""

    async def taken_in() -> bool:
        ((count,),) = await house.fetch(
            "SELECT count(*) FROM message m JOIN intake i ON i.message_id = m.id "
            "WHERE m.from_address = ANY(:senders) AND i.outcome = 'ticketed'", senders=senders,
        )  # fmt: skip
        return bool(count == len(senders))

    await eventually(taken_in, what="a ticket for every mail", within_s=60)

    async def acknowledged() -> bool:
        return all(house.stack.mail.mails(sender) for sender in senders)

    await eventually(acknowledged, what="an acknowledgement for every sender", within_s=60)
    await asyncio.sleep(1)
    assert {sender: len(house.stack.mail.mails(sender)) for sender in senders} == dict.fromkeys(senders, 1)
    ((tickets,),) = await house.fetch("SELECT count(*) FROM ticket WHERE subject LIKE 'Wave %'")
    ((mails,),) = await house.fetch("SELECT count(*) FROM message WHERE subject LIKE 'Wave %'")
    assert tickets == mails


async def wave(house: House, name: str, count: int = 6) -> list[str]:
    senders = [f"{name}{number}@example.com" for number in range(count)]
    for sender in senders:
        await house.write_in(sender, f"Wave {name} {sender}", "Hello, what are your opening hours this week, please?")
        await asyncio.sleep(0.05)
    return senders


async def test_killing_every_service_in_the_middle_loses_and_repeats_nothing(house: House) -> None:
    sending = asyncio.create_task(wave(house, "killed", 12))
    for service in SERVICES:
        await asyncio.sleep(0.3)
        await house.stack.processes.restart(service, how=signal.SIGKILL)
    await settled(house, await sending)


async def test_emptying_redis_in_the_middle_loses_and_repeats_nothing(house: House) -> None:
    sending = asyncio.create_task(wave(house, "emptied"))
    for _ in range(5):
        await asyncio.to_thread(house.empty_redis)
        await asyncio.sleep(0.1)
    await settled(house, await sending)


async def test_without_redis_mail_still_reaches_a_screen_and_the_answer_goes_back(house: House) -> None:
    await asyncio.to_thread(house.stack.redis.stop)
    try:
        async with house.at_desk("ben") as (page,):
            await house.clear_desks()
            await house.write_in("noredis@example.com", "Without Redis", "Hello, what are your opening hours, please?")
            await house.accept(page, "Without Redis")
            await house.reply(page, "From eight to five.", then="closed")

            async def answered() -> list[Any]:
                return [m for m in house.stack.mail.mails("noredis@example.com") if b"From eight to five" in m.raw]

            assert len(await eventually(answered, what="the answer", within_s=40)) == 1
    finally:
        await asyncio.to_thread(house.stack.redis.start)
    await settled(house, await wave(house, "again", 2))
