"""Somebody changes the greeting on the phone system: noticed, kept, told, and put back or taken in by one click."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import select

from services.voicemail.greetings import drift
from services.voicemail.greetings.publisher import publish_once
from shared.database import Database
from shared.models import (
    DriftOutcome,
    GreetingAiring,
    GreetingDrift,
    GreetingLive,
    GreetingSource,
    GreetingVersion,
    Problem,
    PublicationState,
    Role,
    Situation,
)
from tests.voicemail.greetings.conftest import ALONE, Desk, SignIn
from tests.voicemail.greetings.voice import speech, wav

pytestmark = pytest.mark.usefixtures("always_open")
API = "/api/v1/greetings"
THEIRS = wav(speech(2.0, pitch=200), 16_000)


async def go(desk: Desk) -> None:
    await publish_once(desk.database, desk.settings, desk.blobs)


async def problems(database: Database) -> list[str]:
    async with database.transaction() as session:
        return list(
            await session.scalars(select(Problem.key).where(Problem.resolved_at.is_(None)).order_by(Problem.key))
        )


async def rows(desk: Desk) -> tuple[list[GreetingDrift], GreetingLive, list[GreetingAiring]]:
    async with desk.database.transaction() as session:
        drifts = list(await session.scalars(select(GreetingDrift).order_by(GreetingDrift.id)))
        live = (await session.scalars(select(GreetingLive).where(GreetingLive.language == "en"))).one()
        airings = select(GreetingAiring).where(GreetingAiring.language == "en").order_by(GreetingAiring.id)
        return drifts, live, list(await session.scalars(airings))


async def live_greeting(desk: Desk) -> GreetingVersion:
    version = await desk.record("en", Situation.OPEN)
    await desk.publish(version)
    await go(desk)
    return version


def recorded_at_the_phone(mailbox: Path) -> None:
    for folder in (mailbox, mailbox / "en"):
        (folder / "unavail.wav").write_bytes(THEIRS)


async def test_what_callers_can_hear_plays_on_until_a_person_decides(
    desk: Desk, mailbox: Path, database: Database
) -> None:
    version = await live_greeting(desk)
    recorded_at_the_phone(mailbox)
    await go(desk)
    await go(desk)
    assert (mailbox / "unavail.wav").read_bytes() == THEIRS
    (noticed,), live, (ours, theirs) = await rows(desk)
    assert (live.state, live.version_id) == (PublicationState.DRIFTED, version.id)
    assert noticed.blob is not None
    assert await desk.blobs.get(noticed.blob) == THEIRS
    assert (ours.version_id, theirs.version_id, theirs.drift_id) == (version.id, None, noticed.id)
    assert ours.ended_at == theirs.started_at
    assert await problems(database) == ["greeting:pbx:main:en:drift"]
    assert len(await desk.audited("greeting.drift")) == 1


async def test_one_click_puts_ours_back(desk: Desk, mailbox: Path, database: Database, sign_in: SignIn) -> None:
    await live_greeting(desk)
    before = (mailbox / "unavail.wav").read_bytes()
    recorded_at_the_phone(mailbox)
    await go(desk)
    client = await sign_in(Role.CSR2)
    (shown,) = (await client.get(f"{API}/drifts")).json()
    assert (await client.get(shown["audio_url"])).content.startswith(b"RIFF")
    assert (await client.post(f"{API}/drifts/{shown['id']}/put-back")).status_code == 200
    await go(desk)
    assert (mailbox / "unavail.wav").read_bytes() == (mailbox / "en" / "unavail.wav").read_bytes() == before
    (settled,), live, airings = await rows(desk)
    assert (settled.outcome, live.state) == (DriftOutcome.PUT_BACK, PublicationState.LIVE)
    assert [each.drift_id is None for each in airings] == [True, False, True]
    assert await problems(database) == []
    (event,) = await desk.audited("greeting.drift_put_back")
    assert event.detail["before"]["sha256"] == shown["found_sha256"]
    assert (await client.post(f"{API}/drifts/{shown['id']}/put-back")).status_code == 409
    csr1 = await sign_in(Role.CSR1)
    assert (await csr1.post(f"{API}/drifts/{shown['id']}/adopt")).status_code == 403


async def test_one_click_takes_theirs_in_as_a_version(desk: Desk, mailbox: Path, sign_in: SignIn) -> None:
    await live_greeting(desk)
    recorded_at_the_phone(mailbox)
    await go(desk)
    client = await sign_in(Role.CSR2, browser=True)
    (shown,) = (await client.get(f"{API}/drifts")).json()
    page = await client.get("/greetings")
    assert "Changed on the phone system" in page.text
    taken = await client.post(f"/greetings/drifts/{shown['id']}/adopt", data={"csrf_token": "csrf"})
    assert taken.status_code == 303
    async with desk.database.transaction() as session:
        adopted = (await session.scalars(select(GreetingVersion).order_by(GreetingVersion.id.desc()))).first()
    assert adopted is not None
    assert (adopted.source, adopted.number) == (GreetingSource.ADOPTED, 2)
    await go(desk)
    assert (mailbox / "unavail.wav").read_bytes() == THEIRS  # it plays on
    await desk.publish(adopted, alone_because=ALONE)
    await go(desk)
    (settled,), live, _airings = await rows(desk)
    assert (settled.outcome, live.state, live.version_id) == (
        DriftOutcome.REPLACED, PublicationState.LIVE, adopted.id,
    )  # fmt: skip


async def test_what_is_published_next_replaces_it(desk: Desk, mailbox: Path) -> None:
    await live_greeting(desk)
    recorded_at_the_phone(mailbox)
    await go(desk)
    second = await desk.record("en", Situation.OPEN, 150)
    await desk.publish(second)
    await go(desk)
    (settled,), live, _airings = await rows(desk)
    assert (settled.outcome, live.version_id) == (DriftOutcome.REPLACED, second.id)


async def test_a_center_may_have_ours_put_back_at_once(desk: Desk, mailbox: Path) -> None:
    await live_greeting(desk)
    before = (mailbox / "unavail.wav").read_bytes()
    recorded_at_the_phone(mailbox)
    strict = desk.settings.model_copy(update={"greeting_drift": "put_back"})
    await publish_once(desk.database, strict, desk.blobs)
    assert (mailbox / "unavail.wav").read_bytes() == before
    (settled,), _live, _airings = await rows(desk)
    assert settled.outcome is DriftOutcome.PUT_BACK
    assert settled.blob is not None


async def test_what_nobody_can_hear_is_put_back_at_once_and_told(desk: Desk, mailbox: Path, database: Database) -> None:
    version = await desk.record("en", Situation.OPEN)
    await desk.publish(version)
    await go(desk)
    before = (mailbox / "unavail.wav").read_bytes()
    (mailbox / "unavail.wav").write_bytes(b"recorded at the phone")
    (mailbox / "es" / "unavail.gsm").write_bytes(b"and this")
    await go(desk)
    assert (mailbox / "unavail.wav").read_bytes() == before
    assert not (mailbox / "es" / "unavail.gsm").exists()
    drifts = await desk.audited("greeting.drift")
    assert sorted(d.detail["language"] for d in drifts) == ["en", "es"]
    assert await problems(database) == ["greeting:pbx:main:en:drift", "greeting:pbx:main:es:drift"]
    assert (await publish_once(desk.database, desk.settings, desk.blobs)).changed == 0
    with time_machine.travel(datetime.now(UTC) + drift.SHOWN + timedelta(minutes=1)):
        await go(desk)
        assert await problems(database) == []
