"""Three statements that must hold of greetings: who may, exactly one at every second, what stands on the targets."""

import io
import wave
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.voicemail.audio import decode
from services.voicemail.greetings import loudness
from services.voicemail.greetings.publisher import publish_once
from services.voicemail.greetings.resolve import Standing, next_change, standing_in_slot, wanted
from shared.calendar import OpenTime, Special, WeeklyHours
from shared.greeting_targets import AsteriskFolder, GreetingFolder
from shared.models import PublicationState, Role, Situation
from shared.people import PERMISSIONS, Permission
from shared.settings import Settings
from tests.voicemail.greetings.conftest import ALONE, Desk, SignIn
from tests.voicemail.greetings.test_publisher import live
from tests.voicemail.greetings.test_targets import files
from tests.voicemail.greetings.voice import wav

API = "/api/v1/greetings"
ZONE = ZoneInfo("America/Los_Angeles")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
# Opened on Sundays, so that both changes of the clocks fall into open time; also over the hours that change.
WEEK = {day: [(time(8), time(17))] for day in range(6)} | {6: [(time(0, 30), time(1, 30)), (time(2, 30), time(17))]}
HOLIDAYS = {date(2026, 11, 26), date(2026, 12, 25)}
HOURS = OpenTime(
    [WeeklyHours(day, opens, closes) for day, lines in WEEK.items() for opens, closes in lines],
    [Special(day) for day in HOLIDAYS],
    ZONE,
)
EVERYTHING = [
    Standing(number, "main", language, situation, number, LONG_AGO)
    for number, (language, situation) in enumerate(
        (language, situation)
        for language in ("en", "es")
        for situation in (Situation.OPEN, Situation.AFTER_HOURS, Situation.HOLIDAY)
    )
]


# 13. Only CSR II may create or publish greetings; every act is audited with the hashes before and after.


@pytest.mark.usefixtures("always_open")
async def test_13_only_csr_2_and_above_and_every_act_is_written_down(desk: Desk, sign_in: SignIn) -> None:
    slot = await desk.slot("en", Situation.OPEN)
    first, second = await desk.record("en", Situation.OPEN, 110), await desk.record("en", Situation.OPEN, 150)
    emergency = await desk.record("en", Situation.EMERGENCY, 190)
    doors = [
        (f"slots/{slot}/versions", None),
        (f"slots/{slot}/drafts", {"script": "Hello"}),
        (f"slots/{slot}/roll-back", {}),
        (f"versions/{first.id}/activations", {"alone_because": ALONE}),
        (f"versions/{first.id}/treatments", {"normalise": False}),
        (f"versions/{first.id}/approvals", {"decision": "approved"}),
        ("activations/1/cancel", {}),
        ("drifts/1/put-back", {}),
        ("drifts/1/adopt", {}),
    ]
    for role in Role:
        if Permission.GREETING_WRITE in PERMISSIONS[role]:
            continue
        client = await sign_in(role)
        for path, body in doors:
            answer = await client.post(f"{API}/{path}", json=body, files=None if body is not None else {"audio": wav()})
            assert answer.status_code == 403, (role, path)
    client = await sign_in(Role.CSR2)
    ids = []
    for version in (first, second, emergency):
        answer = await client.post(f"{API}/versions/{version.id}/activations", json={"alone_because": ALONE})
        ids.append(answer.json()["id"])
    await client.post(f"{API}/slots/{slot}/roll-back")
    await client.post(f"{API}/activations/{ids[2]}/cancel")
    changes = [
        (event.action, (event.detail["before"] or {}).get("sha256"), (event.detail["after"] or {}).get("sha256"))
        for event in await desk.audited("greeting.activate", "greeting.roll_back", "greeting.cancel")
    ]
    assert changes == [
        ("greeting.activate", None, first.master_blob),
        ("greeting.activate", first.master_blob, second.master_blob),
        ("greeting.activate", None, emergency.master_blob),
        ("greeting.roll_back", second.master_blob, first.master_blob),
        ("greeting.cancel", emergency.master_blob, None),
    ]


# 14. At every second exactly one live greeting for each language, whatever clocks, holidays and emergencies do.


def by_the_clock(at: datetime) -> Situation:
    """The same question answered in another way: what does the clock on the wall show in this second?"""
    wall = at.astimezone(ZONE)
    if wall.date() in HOLIDAYS:
        return Situation.HOLIDAY
    # An hour that comes twice is worked twice: a closing time in it means its second coming.
    comes_again = wall.fold == 0 and wall.utcoffset() != wall.replace(fold=1).utcoffset()
    open_now = any(
        opens <= wall.time() and (wall.time() < closes or (comes_again and closes.hour == wall.hour))
        for opens, closes in WEEK[wall.weekday()]
    )
    return Situation.OPEN if open_now else Situation.AFTER_HOURS


def by_hand(at: datetime, language: str, emergencies: list[Standing]) -> int:
    """The version heard in this second."""
    own = [each for each in emergencies if each.language == language and each.covers(at)]
    if own:
        return max(own, key=lambda each: (each.starts_at, each.id)).version_id
    situation = by_the_clock(at)
    (found,) = [e.version_id for e in EVERYTHING if (e.language, e.situation) == (language, situation)]
    return found


def heard(standings: list[Standing], language: str, at: datetime) -> int:
    found = wanted(standings, HOURS, "main", language, at, "en")
    assert found is not None
    return found.version_id


def seconds(day: date, around: list[time]) -> Iterator[datetime]:
    """Every minute of a day of 23, 24 or 25 hours, and every second near the given times."""
    at = datetime.combine(day, time(0), ZONE).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time(0), ZONE).astimezone(UTC)
    edges = {datetime.combine(day, each, ZONE).replace(fold=fold).astimezone(UTC) for each in around for fold in (0, 1)}
    while at < end:
        yield at
        at += timedelta(minutes=1)
    for edge in sorted(edges):
        yield from (edge + timedelta(seconds=number) for number in range(-3, 4))


@pytest.mark.parametrize("day", ["2026-03-08", "2026-11-01", "2026-11-23", "2026-11-26", "2026-11-27"])
def test_14_exactly_one_at_every_second(day: str) -> None:
    edges = [time(0), time(0, 30), time(1, 30), time(2), time(2, 30), time(3), time(8), time(17)]
    for at in seconds(date.fromisoformat(day), edges):
        for language in ("en", "es"):
            assert heard(EVERYTHING, language, at) == by_hand(at, language, []), at.astimezone(ZONE)


INSTANTS = st.datetimes(datetime(2026, 10, 31), datetime(2026, 12, 1)).map(  # noqa: DTZ001
    lambda found: found.replace(microsecond=0, tzinfo=UTC)
)


@given(
    st.lists(st.tuples(INSTANTS, st.integers(1, 40_000), st.sampled_from(["en", "es"])), max_size=4),
    INSTANTS,
    st.sampled_from(["en", "es"]),
)
def test_14_an_emergency_begins_and_ends_to_the_second(
    drawn: list[tuple[datetime, int, str]], when: datetime, language: str
) -> None:
    emergencies = [
        Standing(100 + n, "main", spoken, Situation.EMERGENCY, 100 + n, starts, starts + timedelta(seconds=length))
        for n, (starts, length, spoken) in enumerate(drawn)
    ]
    standings = EVERYTHING + emergencies
    edges = [each.starts_at for each in emergencies] + [each.ends_at for each in emergencies if each.ends_at]
    for at in [when, *edges, *(edge - timedelta(seconds=1) for edge in edges)]:
        assert heard(standings, language, at) == by_hand(at, language, emergencies)
        # Exactly one in its slot, and the publisher is woken no later than it changes.
        change = next_change(standings, HOURS, at)
        assert change is not None
        assert heard(standings, language, change - timedelta(seconds=1)) == heard(standings, language, at)
        assert standing_in_slot(standings, "main", language, by_the_clock(at), at) is not None


# 15. What stands on the targets after publishing.


@pytest.mark.usefixtures("always_open")
async def test_15_one_set_of_files_in_the_right_format_at_the_right_loudness(
    desk: Desk, settings: Settings, mailbox: Path, tmp_path: Path
) -> None:
    cloud = tmp_path / "connect"
    cloud.mkdir()
    targets = [
        AsteriskFolder(name="pbx", line="main", path=mailbox),
        GreetingFolder(name="connect", line="main", path=cloud),
    ]
    both = Desk(desk.database, settings.model_copy(update={"greeting_targets": targets}), desk.blobs, desk.me)
    (mailbox / "en").mkdir(parents=True)
    for old in ("unavail.gsm", "unavail.WAV", "en/unavail.ulaw"):
        (mailbox / old).write_bytes(b"of before")
    version = await both.record("en", Situation.OPEN)
    await both.publish(version)
    await publish_once(both.database, both.settings, both.blobs)
    assert {name for name in files(mailbox) if "unavail" in name} == {"en/unavail.wav", "es/unavail.wav", "unavail.wav"}
    content = (mailbox / "unavail.wav").read_bytes()
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8_000)
    assert int.from_bytes(content[20:22], "little") == 1  # PCM
    mulaw = (cloud / "main-en.wav").read_bytes()
    assert (int.from_bytes(mulaw[20:22], "little"), int.from_bytes(mulaw[24:28], "little")) == (7, 8_000)
    for rendition in (content, mulaw):
        samples = decode(rendition, rate=8_000)
        assert loudness.measure(samples, 8_000) == pytest.approx(-19, abs=1.5)
        assert loudness.decibels(loudness.true_peak(samples, 8_000)) <= -3 + 0.15  # µ-law's own steps
    row = await live(both)
    assert row is not None
    assert row.state is PublicationState.LIVE

    # A read-back that fails: the state says so, and the old greeting stays.
    second = await both.record("en", Situation.OPEN, 170)
    await both.publish(second)
    for folder in ("en", "es"):
        (mailbox / folder / "unavail.wav").unlink()
        (mailbox / folder / "unavail.wav").mkdir()  # nothing can be renamed onto it
    await publish_once(both.database, both.settings, both.blobs)
    row = await live(both)
    assert row is not None
    assert (row.state, row.version_id, row.wanted_version_id) == (PublicationState.FAILED, version.id, second.id)
    assert (mailbox / "unavail.wav").read_bytes() == content
