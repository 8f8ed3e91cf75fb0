"""What should be heard is heard, by itself: schedules, holidays, failures, drift, restarts and rivals."""

import asyncio
import hashlib
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import select

from services.voicemail.greetings import publisher
from services.voicemail.greetings.publisher import publish_once
from shared.database import Database
from shared.greeting_targets import AsteriskFolder
from shared.models import (
    GreetingLive,
    GreetingRendition,
    GreetingVersion,
    OpeningHours,
    Problem,
    PublicationState,
    Situation,
    SpecialDay,
)
from shared.settings import Settings
from tests.voicemail.greetings.conftest import Desk

ZONE = ZoneInfo("America/Los_Angeles")
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=ZONE)


def digest(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


async def activate(
    desk: Desk, version: GreetingVersion, starts_at: datetime | None = None, ends_at: datetime | None = None
) -> int:
    return (await desk.publish(version, starts_at=starts_at, ends_at=ends_at)).id


async def rendition(desk: Desk, version: GreetingVersion, target: str = "pbx") -> str | None:
    async with desk.database.transaction() as session:
        return await session.scalar(
            select(GreetingRendition.blob).where(
                GreetingRendition.version_id == version.id, GreetingRendition.target == target
            )
        )


async def live(desk: Desk, language: str = "en") -> GreetingLive | None:
    async with desk.database.transaction() as session:
        return await session.scalar(select(GreetingLive).where(GreetingLive.language == language))


async def problems(database: Database) -> list[Problem]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Problem).where(Problem.resolved_at.is_(None)).order_by(Problem.key)))


async def go(desk: Desk) -> publisher.Pass:
    return await publish_once(desk.database, desk.settings, desk.blobs)


@pytest.fixture
async def office_hours(database: Database) -> None:
    """Weekdays 8 to 17; closed on Thanksgiving."""
    async with database.transaction() as session:
        session.add_all(OpeningHours(weekday=day, opens=time(8), closes=time(17)) for day in range(5))
        session.add(SpecialDay(day=date(2026, 11, 26), name_en="Thanksgiving", name_es="Acción de Gracias"))


@pytest.mark.usefixtures("always_open")
async def test_an_activated_greeting_is_on_the_phone_system(desk: Desk, mailbox: Path) -> None:
    version = await desk.record("en", Situation.OPEN)
    await go(desk)
    assert digest(mailbox / "unavail.wav") is None  # an upload alone is heard by nobody
    await activate(desk, version)
    done = await go(desk)
    # English is recorded, so Spanish callers hear it too: better than silence.
    assert (done.changed, done.failed) == (2, 0)
    expected = await rendition(desk, version)
    for name in ("unavail.wav", "en/unavail.wav", "es/unavail.wav"):
        assert digest(mailbox / name) == expected
    row = await live(desk)
    assert row is not None
    assert (row.state, row.version_id, row.wanted_version_id, row.sha256, row.situation) == (
        PublicationState.LIVE, version.id, version.id, expected, Situation.OPEN,
    )  # fmt: skip
    assert (await go(desk)).changed == 0
    assert len(await desk.audited("greeting.live")) == 2


@pytest.mark.usefixtures("office_hours")
async def test_the_calendar_changes_the_greeting_without_anybody(desk: Desk, mailbox: Path) -> None:
    path = mailbox / "en" / "unavail.wav"
    with time_machine.travel(MONDAY, tick=False) as traveller:
        made = {
            situation: await desk.record("en", situation, 100 + 20 * number)
            for number, situation in enumerate((Situation.OPEN, Situation.AFTER_HOURS, Situation.HOLIDAY))
        }
        expected = {}
        for situation, version in made.items():
            await activate(desk, version)
            expected[situation] = await rendition(desk, version)
        assert len(set(expected.values())) == 3
        seen = []
        for moment in (
            "2026-11-23T16:59:59",
            "2026-11-23T17:00:00",
            "2026-11-24T08:00:00",
            "2026-11-26T00:00:00",
            "2026-11-27T00:00:00",
            "2026-11-27T08:00:00",
        ):
            traveller.move_to(datetime.fromisoformat(moment).replace(tzinfo=ZONE), tick=False)
            await go(desk)
            seen.append(next(s for s, blob in expected.items() if blob == digest(path)))
    assert seen == [
        Situation.OPEN, Situation.AFTER_HOURS, Situation.OPEN, Situation.HOLIDAY, Situation.AFTER_HOURS, Situation.OPEN,
    ]  # fmt: skip


@pytest.mark.usefixtures("always_open")
async def test_an_emergency_ends_by_itself(desk: Desk, mailbox: Path) -> None:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        usual = await desk.record("en", Situation.OPEN, 110)
        emergency = await desk.record("en", Situation.EMERGENCY, 150)
        await activate(desk, usual)
        await activate(desk, emergency, ends_at=MONDAY + timedelta(hours=2))
        done = await go(desk)
        assert digest(mailbox / "temp.wav") == await rendition(desk, emergency)
        # Spanish callers have no emergency greeting: they hear their usual one, not words they may not understand.
        assert digest(mailbox / "es" / "temp.wav") == await rendition(desk, usual)
        assert done.next_change == (MONDAY + timedelta(hours=2)).astimezone(UTC)
        traveller.move_to(MONDAY + timedelta(hours=1, minutes=59, seconds=59), tick=False)
        assert (await go(desk)).changed == 0
        traveller.move_to(MONDAY + timedelta(hours=2), tick=False)
        await go(desk)
        assert [name for name in ("temp.wav", "en/temp.wav", "es/temp.wav") if digest(mailbox / name)] == []
        assert digest(mailbox / "unavail.wav") == await rendition(desk, usual)


@pytest.mark.usefixtures("always_open")
async def test_a_failure_is_told_keeps_the_old_and_is_tried_again(
    desk: Desk, mailbox: Path, database: Database
) -> None:
    first, second = await desk.record("en", Situation.OPEN, 110), await desk.record("en", Situation.OPEN, 150)
    await activate(desk, first)
    await go(desk)
    before = await live(desk)
    await activate(desk, second)
    aside = mailbox.parent.parent / "unmounted"
    mailbox.parent.rename(aside)  # the volume is gone
    done = await go(desk)
    assert done.failed == 2
    row = await live(desk)
    assert row is not None
    assert before is not None
    assert (row.state, row.version_id, row.wanted_version_id) == (PublicationState.FAILED, first.id, second.id)
    assert (row.sha256, row.live_since) == (before.sha256, before.live_since)
    assert row.error is not None
    assert "no folder" in row.error
    assert digest(aside / "1000" / "unavail.wav") == await rendition(desk, first)
    told = await problems(database)
    assert [p.key for p in told] == ["greeting:pbx:main:en", "greeting:pbx:main:es"]
    assert "mounted" in told[0].hint
    await go(desk)
    assert (await problems(database))[0].count == 2
    assert len(await desk.audited("greeting.failed")) == 2  # once for each language, however often it is tried
    aside.rename(mailbox.parent)
    await go(desk)
    row = await live(desk)
    assert row is not None
    assert (row.state, row.version_id, row.error) == (PublicationState.LIVE, second.id, None)
    assert digest(mailbox / "unavail.wav") == await rendition(desk, second)
    assert await problems(database) == []


@pytest.mark.usefixtures("always_open")
async def test_a_publication_that_was_not_written_down_is_found_done(desk: Desk, mailbox: Path) -> None:
    """Killed between the phone system and the database: no drift, no second publication."""
    first, second = await desk.record("en", Situation.OPEN, 110), await desk.record("en", Situation.OPEN, 150)
    await activate(desk, first)
    await go(desk)
    await activate(desk, second)
    blob = await rendition(desk, second)
    assert blob is not None
    for folder in (mailbox, mailbox / "en", mailbox / "es"):
        (folder / "unavail.wav").write_bytes(desk.blobs.get_sync(blob))
    inode = (mailbox / "unavail.wav").stat().st_ino
    await go(desk)
    row = await live(desk)
    assert row is not None
    assert (row.state, row.version_id) == (PublicationState.LIVE, second.id)
    assert (mailbox / "unavail.wav").stat().st_ino == inode
    assert await desk.audited("greeting.drift") == []


@pytest.mark.usefixtures("always_open")
async def test_a_target_that_is_newer_than_the_greeting_gets_it_too(desk: Desk, tmp_path: Path) -> None:
    version = await desk.record("en", Situation.OPEN)
    await activate(desk, version)
    await go(desk)
    second = AsteriskFolder(name="branch", line="main", path=tmp_path / "voicemail" / "default" / "2000")
    grown = desk.settings.model_copy(update={"greeting_targets": [*desk.settings.greeting_targets, second]})
    await publish_once(desk.database, grown, desk.blobs)
    made = await rendition(desk, version, "branch")
    assert made is not None
    assert digest(second.path / "unavail.wav") == made == await rendition(desk, version)


@pytest.mark.usefixtures("always_open")
async def test_a_damaged_blob_is_never_published(desk: Desk, mailbox: Path) -> None:
    version = await desk.record("en", Situation.OPEN)
    await activate(desk, version)
    blob = await rendition(desk, version)
    assert blob is not None
    path = desk.blobs.path(blob)
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(content[:-100])
    assert (await go(desk)).failed == 2
    assert digest(mailbox / "unavail.wav") is None
    path.unlink()
    assert (await go(desk)).failed == 2
    path.write_bytes(content)
    assert (await go(desk)).changed == 2


@pytest.mark.usefixtures("always_open")
async def test_when_the_last_activation_runs_out_the_last_greeting_stays_and_somebody_is_told(
    desk: Desk, mailbox: Path, database: Database
) -> None:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        version = await desk.record("en", Situation.OPEN, 110)
        await activate(desk, version, ends_at=MONDAY + timedelta(hours=1))
        await go(desk)
        traveller.move_to(MONDAY + timedelta(hours=1), tick=False)
        await go(desk)
        await go(desk)
        assert digest(mailbox / "unavail.wav") == await rendition(desk, version)
        assert len(await problems(database)) == 2
        await activate(desk, await desk.record("en", Situation.OPEN, 150))
        await go(desk)
        assert await problems(database) == []


@pytest.mark.usefixtures("always_open")
async def test_rival_passes_make_one_record(desk: Desk) -> None:
    await activate(desk, await desk.record("en", Situation.OPEN))
    done = await asyncio.gather(*(go(desk) for _ in range(4)))
    assert sum(each.changed for each in done) == 2
    assert len(await desk.audited("greeting.live")) == 2


@pytest.mark.usefixtures("always_open")
async def test_the_endless_task_wakes_at_the_change(desk: Desk, mailbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "POLL_S", 60.0)  # only the schedule can wake it in time
    usual, other = await desk.record("en", Situation.OPEN, 110), await desk.record("en", Situation.OPEN, 150)
    await activate(desk, usual)
    at = datetime.now(UTC) + timedelta(seconds=1.0)
    await activate(desk, other, starts_at=at)
    task = asyncio.create_task(publisher.run(desk.database, desk.settings, desk.blobs))
    try:
        expected = await rendition(desk, other)
        async with asyncio.timeout(10):
            while digest(mailbox / "unavail.wav") != expected:  # noqa: ASYNC110  (files ring no bell)
                await asyncio.sleep(0.02)
        assert datetime.now(UTC) >= at
        assert datetime.now(UTC) - at < timedelta(seconds=3)
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_the_endless_task_survives_a_pass_that_fails(
    desk: Desk, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "POLL_S", 0.01)
    calls, thrice = 0, asyncio.Event()

    async def fails(*_args: object) -> publisher.Pass:
        nonlocal calls
        calls += 1
        if calls == 3:
            thrice.set()
        raise ConnectionError("the database is away")

    monkeypatch.setattr(publisher, "publish_once", fails)
    task = asyncio.create_task(publisher.run(desk.database, settings, desk.blobs))
    async with asyncio.timeout(5):
        await thrice.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
