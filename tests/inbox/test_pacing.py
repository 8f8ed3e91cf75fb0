"""Mail to one domain is spread, a domain that says «later» is left in peace, and no other domain waits for it."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select, update

from services.inbox import credentials, pacing
from services.inbox.credentials import Credentials
from services.inbox.pacing import Pace, take_turn
from shared import clock
from shared.database import Database
from shared.models import Delivery, DeliveryKind, DeliveryState, MailDomain
from shared.settings import Settings
from tests.inbox.conftest import HELP, mailbox, rows, until
from tests.inbox.test_send import delivery_of, make_due, queue, sender_to
from tests.servers.smtp import FaultySmtp

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
PACE = Pace(timedelta(seconds=1), 2)
PACED = (("one", 30), ("free", None))


def domain(**values: object) -> MailDomain:
    return MailDomain(**{"domain": "example.com", "refusals": 0, **values})


def test_many_at_once_get_turns_an_interval_apart() -> None:
    one = domain()
    turns = [take_turn(one, active=0, slot_at=None, pace=PACE, now=NOW) for _ in range(4)]
    assert [turn.wait_until for turn in turns] == [None, *(NOW + timedelta(seconds=n) for n in (1, 2, 3))]
    # Each goes when its turn has come, and one that comes later does not push in.
    for second, turn in enumerate(turns[1:3], start=1):
        now = NOW + timedelta(seconds=second)
        late = take_turn(one, active=0, slot_at=None, pace=PACE, now=now)
        assert late.wait_until is not None
        assert late.wait_until > NOW + timedelta(seconds=3)
        assert take_turn(one, active=0, slot_at=turn.slot_at, pace=PACE, now=now).wait_until is None


def test_no_more_than_so_many_at_the_same_moment() -> None:
    one = domain()
    turn = take_turn(one, active=2, slot_at=None, pace=PACE, now=NOW)
    assert turn.wait_until is not None
    assert take_turn(one, active=1, slot_at=turn.slot_at, pace=PACE, now=turn.wait_until).wait_until is None


def test_turns_that_were_slept_through_are_given_anew() -> None:
    """After a night without a sender a hundred turns lie in the past: they do not come at once."""
    one = domain(last_at=NOW - timedelta(hours=9), next_slot_at=NOW - timedelta(hours=8))
    past = NOW - timedelta(hours=8)
    turns = [take_turn(one, active=0, slot_at=past, pace=PACE, now=NOW) for _ in range(3)]
    assert [turn.wait_until for turn in turns] == [None, NOW + timedelta(seconds=1), NOW + timedelta(seconds=2)]


def test_a_domain_that_says_later_waits_longer_each_time() -> None:
    one = domain()
    waits = []
    for _ in range(8):
        pacing.refuse(one, "450 4.2.1 Slow down", NOW)
        assert one.slowed_until is not None
        waits.append((one.slowed_until - NOW).total_seconds())
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]
    turn = take_turn(one, active=0, slot_at=None, pace=PACE, now=NOW)
    assert turn.wait_until == one.slowed_until


async def test_two_processes_keep_the_pace_together(smtp: FaultySmtp, database: Database, settings: Settings) -> None:
    """Eight mails at once to one domain: never more than two at a time, in order, and none is lost or repeated."""
    settings = settings.model_copy(update={"domain_interval_s": 0.05, "sweep_s": 0.5})
    ids = [await queue(database, to_addresses=[f"c{number}@example.com"]) for number in range(8)]
    senders = [sender_to(database, settings, smtp.port) for _ in range(2)]
    await asyncio.gather(*(sender.send(each) for each in ids for sender in senders))
    assert len(smtp.mails) < 8, "some wait for their turn"

    async def all_sent() -> bool:
        async with database.transaction() as session:
            sent = select(func.count()).select_from(Delivery).where(Delivery.state == DeliveryState.SENT)
            return await session.scalar(sent) == 8

    await until(all_sent, timeout=30)
    assert sorted(mail.recipients[0] for mail in smtp.mails) == sorted(f"c{number}@example.com" for number in range(8))
    assert smtp.most_at_once <= 2
    for sender in senders:
        await sender.stop()


async def test_what_waits_for_room_is_woken_by_what_ends(
    smtp: FaultySmtp, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "BUSY_WAIT", timedelta(hours=1))
    settings = settings.model_copy(update={"domain_interval_s": 0, "domain_concurrency": 1, "sweep_s": 3600})
    ids = [await queue(database, to_addresses=[f"c{number}@example.com"]) for number in range(4)]
    sender = sender_to(database, settings, smtp.port)
    await asyncio.gather(*(sender.send(each) for each in ids))

    async def all_sent() -> bool:
        return len(smtp.mails) == 4

    await until(all_sent, timeout=30)
    assert smtp.most_at_once == 1
    await sender.stop()


async def test_a_storm_of_refusals_delays_one_domain_only(
    smtp: FaultySmtp, database: Database, settings: Settings
) -> None:
    settings = settings.model_copy(update={"domain_interval_s": 0})
    busy = [await queue(database, to_addresses=[f"c{number}@busy.example"]) for number in range(8)]
    for number in range(8):
        smtp.answers[f"c{number}@busy.example"] = ["450 4.2.1 Too many", "250 OK"]
    other = await queue(database, to_addresses=["ana@example.com"])
    sender = sender_to(database, settings, smtp.port)
    await sender.sweep()
    assert [mail.recipients for mail in smtp.mails] == [["ana@example.com"]]
    assert (await delivery_of(database, other)).state is DeliveryState.SENT
    tried = [(await delivery_of(database, each)).attempts for each in busy]
    assert sum(tried) <= 2, "the first answer is enough: the others do not ask as well"
    (slowed,) = await rows(database, select(MailDomain).where(MailDomain.refusals > 0))
    assert slowed.domain == "busy.example"
    assert "450 4.2.1 Too many" in slowed.last_error
    # Whoever looks at them now finds the domain slowed.
    async with database.transaction() as session:
        untried = update(Delivery).where(Delivery.id.in_(busy), Delivery.attempts == 0)
        await session.execute(untried.values(next_attempt_at=clock.now() - timedelta(seconds=1), slot_at=None))
    for each in busy:
        await sender.send(each)
    waiting = [await delivery_of(database, each) for each in busy]
    assert sum(delivery.attempts for delivery in waiting) == sum(tried)
    assert all(delivery.next_attempt_at > clock.now() + timedelta(seconds=15) for delivery in waiting)
    # Safety instructions ask all the same.
    urgent = await queue(database, to_addresses=["gas@busy.example"], kind=DeliveryKind.SAFETY)
    await sender.send(urgent)
    assert (await delivery_of(database, urgent)).state is DeliveryState.SENT
    # It took a mail: the others need not wait any longer.
    assert await rows(database, select(MailDomain).where(MailDomain.refusals > 0)) == []
    again = [await delivery_of(database, each) for each in busy]
    assert all(delivery.next_attempt_at <= clock.now() for delivery in again if delivery.attempts == 0)
    for each in busy:
        for _ in range(2):  # the first answer to each is still «later»
            await make_due(database, each)
            await sender.send(each)
    assert len(smtp.mails) == 10
    await sender.stop()


async def test_a_mailbox_sends_no_more_a_minute_than_its_provider_lets_it(
    smtp: FaultySmtp, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four at once, to as many domains, so that only the mailbox's own limit holds them back; another has none."""
    waits: list[float] = []
    moments = iter([100.0, 100.0, 100.0, 103.5])

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    at = [0.0]
    monkeypatch.setattr(credentials, "time", SimpleNamespace(monotonic=lambda: at[0]))
    monkeypatch.setattr(credentials, "asyncio", SimpleNamespace(sleep=sleep))
    one, free = (Credentials(mailbox(name, HELP, imap_port=1, sends_per_minute=limit)) for name, limit in PACED)
    for moment in moments:
        at[0] = moment
        await one.turn()
        await free.turn()
    assert waits == [0.0, 2.0, 4.0, 2.5], "thirty a minute: two seconds apart, whenever they come"

    monkeypatch.undo()
    waited: list[str] = []
    turn = Credentials.turn

    async def counted(self: Credentials) -> None:
        waited.append(self.mailbox.name)
        await turn(self)

    monkeypatch.setattr(Credentials, "turn", counted)
    ids = [await queue(database, to_addresses=[f"c@town{number}.example"]) for number in range(3)]
    sender = sender_to(database, settings, smtp.port, sends_per_minute=6000)
    await asyncio.gather(*(sender.send(each) for each in ids))
    assert waited == ["main"] * 3, "every mail waits for its mailbox's turn"
    assert len(smtp.mails) == 3


async def test_a_burst_gets_its_turns_together(smtp: FaultySmtp, database: Database, settings: Settings) -> None:
    """Of many at once the first leaves, safety instructions and other domains do not wait, the rest wait in order."""
    settings = settings.model_copy(update={"domain_interval_s": 60})
    ids = [await queue(database, to_addresses=[f"c{number}@example.com"]) for number in range(12)]
    urgent = await queue(database, to_addresses=["gas@example.net"], kind=DeliveryKind.SAFETY)
    both = await queue(database, to_addresses=["ana@other.example"], cc_addresses=["eva@third.example"])
    held = await queue(database, to_addresses=["o@other.example"], undo_until=clock.now() + timedelta(minutes=5))
    senders = [sender_to(database, settings, smtp.port) for _ in range(2)]
    await asyncio.gather(*(sender.send_all(*ids, urgent, both, held) for sender in senders))
    sent = sorted(mail.recipients for mail in smtp.mails)
    assert sent == [["ana@other.example", "eva@third.example"], ["c0@example.com"], ["gas@example.net"]]
    waiting = [await delivery_of(database, each) for each in ids[1:]]
    assert all(delivery.attempts == 0 and delivery.next_attempt_at == delivery.slot_at for delivery in waiting)
    turns = [delivery.next_attempt_at for delivery in waiting]
    assert {later - earlier for earlier, later in pairwise(turns)} == {timedelta(seconds=60)}
    assert (await delivery_of(database, held)).slot_at is None
    for sender in senders:
        await sender.stop()
