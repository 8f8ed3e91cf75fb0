"""Real audio through the real application into a real folder; who may, what is refused, what is written down."""

import io
import wave
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from services.voicemail.audio import decode
from services.voicemail.greetings import loudness
from services.voicemail.greetings.publisher import publish_once
from shared.database import Database
from shared.models import AuditEvent, GreetingVersion, Role
from shared.settings import Settings
from tests.voicemail.greetings.conftest import ALONE, Desk, SignIn
from tests.voicemail.greetings.voice import encoded, silence, speech, wav

API = "/api/v1/greetings"
ALONE_BODY = {"alone_because": ALONE}
pytestmark = pytest.mark.usefixtures("always_open")


async def slot_id(client: httpx.AsyncClient, language: str = "en", situation: str = "open") -> int:
    answer = await client.get(API)
    assert answer.status_code == 200
    for slot in answer.json()[0]["slots"]:
        if (slot["language"], slot["situation"]) == (language, situation):
            return int(slot["id"])
    raise AssertionError(answer.text)


async def send(
    client: httpx.AsyncClient, slot: int, data: bytes | None = None, name: str = "greeting.wav", **fields: str
) -> httpx.Response:
    files = {"audio": (name, wav() if data is None else data, "application/octet-stream")}
    return await client.post(f"{API}/slots/{slot}/versions", files=files, data=fields)


async def audited(database: Database, action: str) -> list[AuditEvent]:
    async with database.transaction() as session:
        return list(await session.scalars(select(AuditEvent).where(AuditEvent.action == action)))


async def place(client: httpx.AsyncClient, language: str = "en") -> dict[str, Any]:
    lines = (await client.get(API)).json()
    found: dict[str, Any] = next(p for p in lines[0]["places"] if p["language"] == language)
    return found


async def test_a_greeting_from_upload_to_the_phone_system(
    sign_in: SignIn, desk: Desk, database: Database, settings: Settings, mailbox: Path
) -> None:
    client = await sign_in(Role.CSR2)
    slot = await slot_id(client)
    assert (await place(client))["state"] == "nothing"
    sent = await send(client, slot, encoded("mp3", "mp3", speech(rate=44_100), 44_100), "morning.mp3")
    assert sent.status_code == 201
    version = sent.json()
    assert (version["number"], version["original_name"], version["warnings"]) == (1, "morning.mp3", [])
    assert version["loudness_lufs"] == pytest.approx(-19, abs=0.5)

    activated = await client.post(f"{API}/versions/{version['id']}/activations", json=ALONE_BODY)
    assert activated.status_code == 201
    assert activated.json()["state"] == "in_force"
    assert (await place(client))["state"] == "pending"
    for name in ("unavail.gsm", "unavail.WAV"):
        (mailbox / "en").mkdir(parents=True, exist_ok=True)
        (mailbox / "en" / name).write_bytes(b"of before")
    await publish_once(database, settings, desk.blobs)

    shown = await place(client)
    assert (shown["state"], shown["live"]["version_id"], shown["error"]) == ("live", version["id"], None)
    assert datetime.now(UTC) - datetime.fromisoformat(shown["live_since"]) < timedelta(minutes=1)
    assert sorted(p.name for p in (mailbox / "en").iterdir()) == ["unavail.wav"]
    content = (mailbox / "en" / "unavail.wav").read_bytes()
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8_000)
        assert file.getnframes() / 8_000 == pytest.approx(version["duration_s"], abs=0.05)
    assert loudness.measure(decode(content, rate=8_000), 8_000) == pytest.approx(-19, abs=1.5)
    heard = await client.get(version["audio_url"], params={"rendition": "pbx"})
    assert heard.content == content


@pytest.mark.parametrize("role", [Role.INTERN, Role.CSR1])
async def test_others_may_listen_and_change_nothing(
    sign_in: SignIn, desk: Desk, database: Database, role: Role
) -> None:
    boss = await sign_in(Role.CSR2)
    slot = await slot_id(boss)
    version = (await send(boss, slot)).json()
    activation = (await boss.post(f"{API}/versions/{version['id']}/activations", json=ALONE_BODY)).json()
    client = await sign_in(role)
    assert (await client.get(API)).status_code == 200
    assert (await client.get(version["audio_url"])).status_code == 200
    tries = [
        await send(client, slot, wav(speech(pitch=160))),
        await client.post(f"{API}/versions/{version['id']}/activations", json=ALONE_BODY),
        await client.post(f"{API}/slots/{slot}/roll-back"),
        await client.post(f"{API}/activations/{activation['id']}/cancel"),
        await client.post(f"{API}/slots/{slot}/versions", files={"wrong": b"field"}),
        await client.post(f"{API}/slots/nothing/versions"),
    ]
    for answer in tries:
        assert answer.status_code == 403
        assert answer.headers["content-type"] == "application/problem+json"
        assert "greeting.write" in answer.json()["detail"]
    denied = await audited(database, "permission.denied")
    assert len(denied) == len(tries)
    assert all(event.detail["permission"] == "greeting.write" for event in denied)
    async with database.transaction() as session:
        assert len(list(await session.scalars(select(GreetingVersion)))) == 1


async def test_a_token_without_the_scope_may_not(sign_in: SignIn) -> None:
    client = await sign_in(Role.CSR2, scopes=["greeting.read"])
    answer = await send(client, await slot_id(client))
    assert answer.status_code == 403
    assert "scope" in answer.json()["detail"]
    assert (await (await sign_in(Role.CSR2, scopes=["ticket.read"])).get(API)).status_code == 403


async def test_a_stranger_sees_nothing(sign_in: SignIn) -> None:
    client = await sign_in(Role.CSR2)
    version = (await send(client, await slot_id(client))).json()
    del client.headers["Authorization"]
    assert (await client.get(API)).status_code == 401
    assert (await client.get(version["audio_url"])).status_code == 401


@pytest.mark.parametrize(
    ("data", "name", "status", "words"),
    [
        (b"%PDF-1.7 this is a document" * 40, "greeting.pdf", 415, "decoded"),
        (b"<html><script>alert(1)</script></html>", "greeting.wav", 415, "decoded"),
        (b"", "greeting.wav", 400, "empty"),
        (wav(silence(4)), "greeting.wav", 400, "silent"),
        (wav(speech(0.4)), "greeting.wav", 400, "too short"),
        (wav(speech(92, rate=8_000), 8_000), "greeting.wav", 400, "92 seconds"),
    ],
    ids=["pdf", "html", "empty", "silent", "short", "long"],
)
async def test_what_cannot_be_used_is_refused_in_words(
    sign_in: SignIn, database: Database, data: bytes, name: str, status: int, words: str
) -> None:
    client = await sign_in(Role.CSR2)
    answer = await send(client, await slot_id(client), data, name)
    assert answer.status_code == status
    assert words in answer.json()["detail"]
    async with database.transaction() as session:
        assert list(await session.scalars(select(GreetingVersion))) == []


async def test_too_large_a_file_is_refused(sign_in: SignIn, settings: Settings) -> None:
    client = await sign_in(Role.CSR2)
    answer = await send(client, await slot_id(client), b"RIFF" + bytes(settings.max_upload_bytes))
    assert answer.status_code == 413


async def test_missing_and_wrong_fields_are_named(sign_in: SignIn) -> None:
    client = await sign_in(Role.CSR2)
    slot = await slot_id(client)
    version = (await send(client, slot)).json()["id"]
    assert (await client.post(f"{API}/slots/{slot}/versions", data={"script": "x"})).status_code == 422
    long = await send(client, slot, script="x" * 4001)
    assert long.status_code == 400
    assert "too long" in long.json()["detail"]
    naive = await client.post(
        f"{API}/versions/{version}/activations", json=ALONE_BODY | {"ends_at": "2027-01-01T00:00:00"}
    )
    assert naive.status_code == 422
    past = await client.post(
        f"{API}/versions/{version}/activations", json=ALONE_BODY | {"ends_at": "2020-01-01T00:00:00Z"}
    )
    assert past.status_code == 400
    assert past.json()["errors"][0]["pointer"] == "#/ends_at"
    for far in ("3027-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"):
        for field in ("starts_at", "ends_at"):
            answer = await client.post(f"{API}/versions/{version}/activations", json=ALONE_BODY | {field: far})
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, f"#/{field}")
    long_ago = await client.post(
        f"{API}/versions/{version}/activations", json=ALONE_BODY | {"starts_at": "0001-01-01T00:00:00+14:00"}
    )
    assert long_ago.status_code == 201  # it begins now


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{API}/slots/999999"),
        ("GET", f"{API}/slots/999999/suggestion"),
        ("GET", f"{API}/versions/999999/audio"),
        ("POST", f"{API}/versions/999999/activations"),
        ("POST", f"{API}/activations/999999/cancel"),
        ("POST", f"{API}/slots/999999/roll-back"),
        ("GET", f"{API}?line=nobody"),
    ],
)
async def test_what_does_not_exist_is_404(sign_in: SignIn, method: str, path: str) -> None:
    client = await sign_in(Role.CSR2)
    answer = await client.request(method, path, json={} if method == "POST" else None)
    assert answer.status_code == 404


async def test_an_upload_to_no_slot_is_404(sign_in: SignIn) -> None:
    assert (await send(await sign_in(Role.CSR2), 999_999)).status_code == 404


async def test_repeating_an_upload_makes_no_second_version(sign_in: SignIn) -> None:
    client = await sign_in(Role.CSR2)
    slot = await slot_id(client)
    first, again = await send(client, slot), await send(client, slot)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    other = await send(client, slot, script="Hello")
    assert other.json()["number"] == 2
    spanish = await send(client, await slot_id(client, "es"))
    assert (spanish.status_code, spanish.json()["number"]) == (201, 1)


async def test_listening_with_ranges(sign_in: SignIn) -> None:
    client = await sign_in(Role.CSR1)
    boss = await sign_in(Role.CSR2)
    original = encoded("flac", "flac", speech(rate=48_000), 48_000)
    version = (await send(boss, await slot_id(boss), original, 'böse "name".flac')).json()
    whole = await client.get(version["audio_url"])
    assert (whole.status_code, whole.headers["content-type"]) == (200, "audio/wav")
    assert whole.headers["accept-ranges"] == "bytes"
    part = await client.get(version["audio_url"], headers={"Range": "bytes=100-299"})
    assert (part.status_code, part.content) == (206, whole.content[100:300])
    assert part.headers["content-range"] == f"bytes 100-299/{len(whole.content)}"
    tail = await client.get(version["audio_url"], headers={"Range": "bytes=-50"})
    assert tail.content == whole.content[-50:]
    beyond = await client.get(version["audio_url"], headers={"Range": "bytes=99999999-"})
    assert beyond.status_code == 416
    kept = await client.get(version["audio_url"], params={"rendition": "original"})
    assert kept.content == original
    assert kept.headers["content-disposition"].startswith("attachment")
    assert (await client.get(version["audio_url"], params={"rendition": "../../etc/passwd"})).status_code == 404


Step = Callable[[], Awaitable[object]]


async def test_schedule_cancel_and_roll_back(
    sign_in: SignIn, desk: Desk, database: Database, settings: Settings, mailbox: Path
) -> None:
    client = await sign_in(Role.SUPERVISOR)
    slot = await slot_id(client)
    versions = [(await send(client, slot, wav(speech(pitch=pitch)))).json()["id"] for pitch in (110, 150)]

    async def activate(version: int, **when: str) -> dict[str, Any]:
        answer = await client.post(f"{API}/versions/{version}/activations", json=ALONE_BODY | when)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def live() -> int:
        await publish_once(database, settings, desk.blobs)
        shown = await place(client)
        assert shown["state"] == "live"
        return int(shown["live"]["version_id"])

    await activate(versions[0])
    assert await live() == versions[0]
    await activate(versions[1])
    assert await live() == versions[1]

    answer = await client.post(f"{API}/slots/{slot}/roll-back")
    assert (answer.status_code, answer.json()["version_id"]) == (201, versions[0])
    assert await live() == versions[0]

    tomorrow = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    later = await activate(versions[1], starts_at=tomorrow.isoformat())
    assert later["state"] == "scheduled"
    assert await live() == versions[0]
    upcoming = (await client.get(f"{API}/schedule", params={"days": 2})).json()
    english = next(each for each in upcoming if each["language"] == "en")["stretches"]
    assert [stretch["greeting"]["version_id"] for stretch in english] == versions
    assert datetime.fromisoformat(english[1]["starts_at"]) == tomorrow

    cancelled = await client.post(f"{API}/activations/{later['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert (await client.post(f"{API}/activations/{later['id']}/cancel")).status_code == 409
    upcoming = (await client.get(f"{API}/schedule", params={"days": 2})).json()
    assert len(next(each for each in upcoming if each["language"] == "en")["stretches"]) == 1

    events = {action: await audited(database, action) for action in ("greeting.upload", "greeting.activate")}
    assert [e.detail["after"]["number"] for e in events["greeting.upload"]] == [1, 2]
    assert [(e.detail["before"] or {}).get("version_id") for e in events["greeting.activate"]] == [
        None, versions[0], versions[0],
    ]  # fmt: skip
    (back,) = await audited(database, "greeting.roll_back")
    assert (back.detail["before"]["version_id"], back.detail["after"]["version_id"]) == (versions[1], versions[0])
    assert len(back.detail["before"]["sha256"]) == 64
    assert back.detail["before"]["sha256"] != back.detail["after"]["sha256"]
    assert len(await audited(database, "greeting.cancel")) == 1


async def test_a_repeated_request_with_its_key_goes_back_once(sign_in: SignIn) -> None:
    client = await sign_in(Role.CSR2)
    slot = await slot_id(client)
    versions = [(await send(client, slot, wav(speech(pitch=pitch)))).json()["id"] for pitch in (110, 150)]
    for version in versions:
        await client.post(f"{API}/versions/{version}/activations", json=ALONE_BODY)
    key = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}
    first, again = [await client.post(f"{API}/slots/{slot}/roll-back", headers=key) for _ in range(2)]
    assert first.json() == again.json()
    shown = (await client.get(f"{API}/slots/{slot}")).json()
    assert shown["in_force"]["version_id"] == versions[0]
    assert len(shown["activations"]) == 3
    other = {"Idempotency-Key": "another-key-for-another-request"}
    made = [
        await client.post(f"{API}/versions/{versions[1]}/activations", json=ALONE_BODY, headers=other) for _ in range(2)
    ]
    assert [answer.status_code for answer in made] == [201, 201]
    assert len((await client.get(f"{API}/slots/{slot}")).json()["activations"]) == 4


async def test_roll_back_needs_something_to_go_back_to(sign_in: SignIn) -> None:
    client = await sign_in(Role.CSR2)
    slot = await slot_id(client)
    assert (await client.post(f"{API}/slots/{slot}/roll-back")).status_code == 409
    version = (await send(client, slot)).json()["id"]
    await client.post(f"{API}/versions/{version}/activations", json=ALONE_BODY)
    assert (await client.post(f"{API}/slots/{slot}/roll-back")).status_code == 409


async def test_the_last_greeting_cannot_be_taken_away(sign_in: SignIn) -> None:
    client = await sign_in(Role.CSR2)
    slot = await slot_id(client)
    version = (await send(client, slot)).json()["id"]
    only = (await client.post(f"{API}/versions/{version}/activations", json=ALONE_BODY)).json()["id"]
    answer = await client.post(f"{API}/activations/{only}/cancel")
    assert answer.status_code == 409
    assert "only greeting" in answer.json()["detail"]
    shown = (await client.get(f"{API}/slots/{slot}")).json()
    assert shown["in_force"]["id"] == only


async def test_an_emergency_can_be_ended_and_the_usual_returns(
    sign_in: SignIn, desk: Desk, database: Database, settings: Settings
) -> None:
    client = await sign_in(Role.CSR2)
    usual = (await send(client, await slot_id(client))).json()["id"]
    await client.post(f"{API}/versions/{usual}/activations", json=ALONE_BODY)
    emergency = (await send(client, await slot_id(client, "en", "emergency"), wav(speech(pitch=170)))).json()["id"]
    end = (datetime.now(UTC) + timedelta(hours=3)).isoformat()
    made = (await client.post(f"{API}/versions/{emergency}/activations", json=ALONE_BODY | {"ends_at": end})).json()
    await publish_once(database, settings, desk.blobs)
    assert (await place(client))["live"]["version_id"] == emergency
    line = (await client.get(API)).json()[0]
    assert line["emergency_languages"] == ["en"]
    assert (await place(client, "es"))["live"]["version_id"] == usual
    await client.post(f"{API}/activations/{made['id']}/cancel")
    await publish_once(database, settings, desk.blobs)
    assert (await place(client))["live"]["version_id"] == usual


async def test_a_failed_publication_says_why(
    sign_in: SignIn, desk: Desk, database: Database, settings: Settings, mailbox: Path
) -> None:
    client = await sign_in(Role.CSR2)
    version = (await send(client, await slot_id(client))).json()["id"]
    await client.post(f"{API}/versions/{version}/activations", json=ALONE_BODY)
    mailbox.parent.rmdir()
    await publish_once(database, settings, desk.blobs)
    shown = await place(client)
    assert (shown["state"], shown["wanted"]["version_id"], shown["live"]) == ("failed", version, None)
    assert "There is no folder" in shown["error"]


async def test_a_script_is_checked_for_what_callers_must_be_told(sign_in: SignIn) -> None:
    client = await sign_in(Role.CSR2)
    slot = await slot_id(client, "es")
    poor = (await send(client, slot, script="Hola, deje su mensaje.")).json()
    assert len(poor["warnings"]) == 4
    suggested = (await client.get(f"{API}/slots/{slot}/suggestion")).json()
    assert suggested["language"] == "es"
    good = (await send(client, slot, script=suggested["script"])).json()
    assert good["warnings"] == []
