"""Telephone providers' callbacks: believed by their signature alone, a ticket at once, the audio fetched afterwards."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import structlog.testing
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select

from services.voicemail import app as voicemail
from services.voicemail import doors, fetch, signatures
from services.voicemail.fetch import Fetcher, ForGood, Later
from shared import clock
from shared.blobs import Blobs
from shared.database import Database
from shared.models import Door, Recording, RecordingFetch, RecordingState
from shared.settings import RecordingCallback, Settings
from tests.voicemail.conftest import ENGLISH, wav

PUBLIC = "https://voice.center.example"
PATH = "/api/v1/recording-callbacks/twilio"
TOKEN, SECONDARY = "primary-token", "secondary-token"
PARAMETERS = {
    "AccountSid": "AC1", "CallSid": "CA1", "RecordingSid": "RE1", "RecordingStatus": "completed",
    "RecordingUrl": "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1", "RecordingDuration": "4",
    "RecordingStartTime": "Mon, 16 Nov 2026 16:05:00 +0000", "RecordingChannels": "1", "CallerCity": "",
}  # fmt: skip
ED25519 = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def settings_of(settings: Settings, **values: Any) -> Settings:
    telnyx_key = base64.b64encode(ED25519.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
    callbacks = [
        RecordingCallback.model_validate({"name": "twilio", "tokens": [TOKEN, SECONDARY]} | values),
        RecordingCallback.model_validate({"name": "telnyx", "signed_by": "telnyx", "public_key": telnyx_key}),
    ]
    return settings.model_copy(update={"recording_callbacks": callbacks, "voicemail_url": PUBLIC})


@asynccontextmanager
async def provider(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Calls the application as a proxy hands it on: without TLS, under an inner name and port."""
    app = voicemail.make(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://10.0.0.7:8001") as client,
    ):
        yield client


def signed(parameters: dict[str, str], query: str = "", token: str = TOKEN, url: str = PUBLIC) -> dict[str, Any]:
    full = f"{url}{PATH}{query}"
    return {
        "url": f"{PATH}{query}",
        "content": urlencode(parameters),
        "headers": {
            "content-type": "application/x-www-form-urlencoded",
            "x-twilio-signature": signatures.twilio(token, full, parameters.items()),
        },
    }


async def recordings(database: Database) -> list[Recording]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Recording).order_by(Recording.id)))


def test_the_rule_is_the_vendors() -> None:
    """The example of Twilio's own documentation."""
    parameters = {"CallSid": "CA1234567890ABCDE", "Caller": "+14158675310", "Digits": "1234", "From": "+14158675310",
                  "To": "+18005551212"}  # fmt: skip
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert signatures.twilio("12345", url, parameters.items()) == "GvWf1cFY/Q7PnoempGyD5oXAezc="
    # Twilio's signers name the port or leave it out.
    form = ("12345", url, "application/x-www-form-urlencoded", urlencode(parameters).encode())
    with_port = signatures.twilio("12345", url.replace(".com", ".com:443"), parameters.items())
    assert signatures.is_of_twilio([form[0]], *form[1:], with_port)
    assert not signatures.is_of_twilio([form[0]], *form[1:], with_port.lower())


async def test_statement_6_a_right_request_behind_a_proxy_is_a_ticket_and_its_replay_is_none(
    database: Database, settings: Settings
) -> None:
    async with provider(settings_of(settings)) as client:
        query = "?mailbox=1000&language=es&from=%2B14155550123"
        for _ in range(3):
            answer = await client.post(**signed(PARAMETERS, query))
            assert answer.status_code == 200, answer.text
        assert (await client.post(**signed(PARAMETERS, query, token=SECONDARY))).status_code == 200
        later = PARAMETERS | {"RecordingStatus": "in-progress", "RecordingSid": "RE2"}
        assert (await client.post(**signed(later))).status_code == 200
    [recording] = await recordings(database)
    assert (recording.source_id, recording.state, recording.blob) == ("twilio/RE1", RecordingState.FETCHING, None)
    assert (recording.caller_id, recording.mailbox, recording.menu_language) == ("+14155550123", "1000", "es")
    async with database.transaction() as session:
        [wanted] = list(await session.scalars(select(RecordingFetch)))
    assert wanted.url == f"{PARAMETERS['RecordingUrl']}.wav"


def changed(what: str) -> dict[str, Any]:
    """A rightly signed request with one thing changed."""
    request = signed(PARAMETERS, "?mailbox=1000")
    match what:
        case "url":
            request = signed(PARAMETERS, "?mailbox=1000", url="https://voice.center.exampl")
        case "query":
            request["url"] = request["url"].replace("1000", "1001")
        case "value":
            request["content"] = urlencode(PARAMETERS | {"RecordingDuration": "5"})
        case "blank":
            request["content"] = urlencode({key: value for key, value in PARAMETERS.items() if value})
        case "extra":
            request["content"] += "&More=1"
        case "signature":
            signature = request["headers"]["x-twilio-signature"]
            request["headers"]["x-twilio-signature"] = ("A" if signature[0] != "A" else "B") + signature[1:]
        case "token":
            request = signed(PARAMETERS, "?mailbox=1000", token="another")
        case "none":
            del request["headers"]["x-twilio-signature"]
        case "type":
            request["headers"]["content-type"] = "text/plain"
    return request


async def test_statement_6_any_byte_changed_is_403_and_makes_nothing(database: Database, settings: Settings) -> None:
    ways = ("url", "query", "value", "blank", "extra", "signature", "token", "none", "type")
    async with provider(settings_of(settings)) as client:
        for way in ways:
            assert (await client.post(**changed(way))).status_code == 403, way
        # Any byte of the body, the query and the signature.
        request = signed(PARAMETERS, "?mailbox=1000")
        for at in range(0, len(request["content"]), 29):
            body = bytearray(request["content"].encode())
            body[at] ^= 1
            answer = await client.post(request["url"], content=bytes(body), headers=request["headers"])
            assert answer.status_code == 403, at
    assert await recordings(database) == []
    async with database.transaction() as session:
        door = await session.get_one(Door, "callback:twilio")
    assert (door.refused > len(ways) / 2, door.messages) == (True, 0)


async def test_a_flood_of_refused_requests_is_one_row_and_few_writes(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "REFUSALS_S", 3600)  # all of it in one second, however slow this machine is
    request = changed("token")
    with structlog.testing.capture_logs() as logs:
        async with provider(settings_of(settings)) as client:
            for _ in range(100):
                assert (await client.post(**request)).status_code == 403
    written = [entry["times"] for entry in logs if entry["event"] == "door.refused"]
    async with database.transaction() as session:
        [door] = await session.scalars(select(Door))
    assert door.refused == sum(written) >= 50
    assert door.last_refused_at is not None
    assert len(written) <= 10


async def test_json_is_signed_by_its_hash(database: Database, settings: Settings) -> None:
    body = json.dumps(PARAMETERS).encode()
    query = f"?bodySHA256={hashlib.sha256(body).hexdigest()}"
    headers = {"content-type": "application/json",
               "x-twilio-signature": signatures.twilio(TOKEN, f"{PUBLIC}{PATH}{query}", [])}  # fmt: skip
    async with provider(settings_of(settings)) as client:
        wrong = await client.post(f"{PATH}{query}", content=body.replace(b"RE1", b"RE9"), headers=headers)
        assert wrong.status_code == 403
        assert (await client.post(f"{PATH}{query}", content=body, headers=headers)).status_code == 200
    assert len(await recordings(database)) == 1


async def test_telnyx_signs_time_and_body(database: Database, settings: Settings) -> None:
    body = urlencode(PARAMETERS).encode()

    def headers(seconds: int) -> dict[str, str]:
        at = str(seconds)
        signature = base64.b64encode(ED25519.sign(at.encode() + b"|" + body)).decode()
        return {"content-type": "application/x-www-form-urlencoded", "telnyx-timestamp": at,
                "telnyx-signature-ed25519": signature}  # fmt: skip

    now = int(clock.now().timestamp())
    path = "/api/v1/recording-callbacks/telnyx"
    async with provider(settings_of(settings)) as client:
        assert (await client.post(path, content=body, headers=headers(now - 3600))).status_code == 403
        assert (await client.post(path, content=body + b"&x=1", headers=headers(now))).status_code == 403
        assert (await client.post(path, content=body, headers=headers(now))).status_code == 200
    assert len(await recordings(database)) == 1


async def test_what_the_other_callbacks_say_is_added(database: Database, settings: Settings) -> None:
    async with provider(settings_of(settings)) as client:
        await client.post(**signed(PARAMETERS))
        action = {
            "RecordingSid": "RE1",
            "RecordingUrl": PARAMETERS["RecordingUrl"],
            "From": "+14155550123",
            "To": "+17075550100",
        }
        await client.post(**signed(action))
        words = {"RecordingSid": "RE1", "TranscriptionText": "please call me", "TranscriptionStatus": "completed"}
        await client.post(**signed(words))
    [recording] = await recordings(database)
    assert (recording.caller_id, recording.line) == ("+14155550123", "+17075550100")
    assert recording.vendor == {"by": "Twilio", "text": "please call me", "duration_s": 4.0}


# ---- fetching


class Answers(httpx.AsyncBaseTransport):
    """A provider's server: answers in turn, and notes what it was asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers, self.asked = list(answers), list[httpx.Request]()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS: the provider's names lead out, one of them in."""

    async def lead(url: str, hosts: list[str]) -> bool:
        return "inside" not in url

    monkeypatch.setattr(fetch, "_leads_where_it_may", lead)


async def waiting(database: Database, settings: Settings, **values: Any) -> Settings:
    configured = settings_of(settings, username="AC1", password="pw", **values)
    async with provider(configured) as client:
        assert (await client.post(**signed(PARAMETERS, "?from=%2B14155550123"))).status_code == 200
    return configured


async def due_now(database: Database) -> RecordingFetch:
    async with database.transaction() as session:
        row = (await session.scalars(select(RecordingFetch).with_for_update())).one()
        if row.next_attempt_at is not None:
            row.next_attempt_at = clock.now()
    return row


async def test_the_audio_is_fetched_with_back_off_and_the_ticket_keeps_its_recording(
    database: Database, blobs: Blobs, settings: Settings
) -> None:
    configured = await waiting(database, settings, hosts=["api.twilio.com", ".media.example"])
    audio = wav("en", ENGLISH)
    server = Answers(
        httpx.Response(404),
        httpx.ConnectError("away"),
        httpx.Response(302, headers={"location": "https://eu.media.example/RE1.wav"}),
        httpx.Response(200, content=audio),
    )
    fetcher = Fetcher(database, blobs, configured)
    async with httpx.AsyncClient(transport=server) as client:
        for attempt in (1, 2):
            assert await fetcher.fetch_next(client)
            assert not await fetcher.fetch_next(client)  # not before its time
            row = await due_now(database)
            assert (row.attempts, row.error is not None) == (attempt, True)
        assert await fetcher.fetch_next(client)
    [recording] = await recordings(database)
    assert (recording.state, recording.playback_blob is not None) == (RecordingState.RECEIVED, True)
    assert recording.blob is not None
    assert await blobs.get(recording.blob) == audio
    assert server.asked[0].headers["authorization"].startswith("Basic ")
    assert "authorization" not in server.asked[3].headers  # the secret is for the provider alone


async def test_what_will_not_come_is_said_on_the_ticket(database: Database, blobs: Blobs, settings: Settings) -> None:
    cases = [
        (httpx.Response(410), fetch.GONE),
        (httpx.Response(302, headers={"location": "http://169.254.169.254/latest"}), fetch.NOT_ALLOWED),
        (httpx.Response(302, headers={"location": "https://api.twilio.com.evil.example/"}), fetch.NOT_ALLOWED),
        (httpx.Response(302, headers={"location": "/again"}), fetch.NOT_ALLOWED),
        (httpx.Response(200, content=b"x" * 3000), fetch.TOO_LARGE),
    ]
    configured = settings_of(settings.model_copy(update={"max_upload_bytes": 2000}))
    async with provider(configured) as client:
        for number in range(len(cases)):
            assert (await client.post(**signed(PARAMETERS | {"RecordingSid": f"RE{number}"}))).status_code == 200
    for answer, _ in cases:
        async with httpx.AsyncClient(transport=Answers(answer)) as client:
            assert await Fetcher(database, blobs, configured).fetch_next(client)
    found = [(recording.state, recording.error, recording.blob) for recording in await recordings(database)]
    assert found == [(RecordingState.MISSING, error, None) for _, error in cases]


async def test_it_is_tried_until_the_provider_keeps_it_no_longer(
    database: Database, blobs: Blobs, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured = await waiting(database, settings, keeps_s=600)
    fetcher = Fetcher(database, blobs, configured)
    real, attempts = clock.now, 0
    shift = timedelta()
    monkeypatch.setattr(clock, "now", lambda: real() + shift)
    async with httpx.AsyncClient(transport=Answers(httpx.Response(503))) as client:
        while await fetcher.fetch_next(client):
            attempts += 1
            async with database.transaction() as session:
                row = (await session.scalars(select(RecordingFetch))).one()
            if row.next_attempt_at is None:
                break
            shift += row.next_attempt_at - clock.now() + timedelta(milliseconds=1)
    assert attempts >= 8
    assert timedelta(seconds=590) < shift < timedelta(seconds=610)
    [recording] = await recordings(database)
    assert (recording.state, recording.error) == (RecordingState.MISSING, fetch.GIVEN_UP)


async def test_a_fetcher_that_died_is_followed_by_another(
    database: Database, blobs: Blobs, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured = await waiting(database, settings)
    started = asyncio.Event()

    async def hangs(*_: object) -> bytes:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with httpx.AsyncClient(transport=Answers(httpx.Response(200, content=wav("en", ENGLISH)))) as client:
        with monkeypatch.context() as patch:
            patch.setattr(fetch, "download", hangs)
            dying = asyncio.create_task(Fetcher(database, blobs, configured).fetch_next(client))
            await asyncio.wait_for(started.wait(), 20)
            dying.cancel()
            await asyncio.gather(dying, return_exceptions=True)
        assert not await Fetcher(database, blobs, configured).fetch_next(client)  # it might be alive
        monkeypatch.setattr(clock, "now", lambda now=clock.now: now() + fetch.LEASE)
        assert await Fetcher(database, blobs, configured).fetch_next(client)
    [recording] = await recordings(database)
    assert recording.state is RecordingState.RECEIVED


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://api.twilio.com/x", True),
        ("https://api.twilio.com:443/x", True),
        ("https://eu.media.example/x", True),
        ("http://127.0.0.1:8099/x", True),
        ("https://media.example/x", False),
        ("https://api.twilio.com:8443/x", False),
        ("http://api.twilio.com/x", False),
        ("https://api.twilio.com@evil.example/x", False),
        ("https://user:pw@api.twilio.com/x", False),
        ("https://evilmedia.example/x", False),
        ("file:///etc/passwd", False),
        ("https://[::1]/x", False),
        ("nonsense", False),
    ],
)
def test_only_named_hosts_are_asked(url: str, allowed: bool) -> None:
    assert fetch.is_allowed(url, ["api.twilio.com", ".media.example", "http://127.0.0.1:8099"]) is allowed


async def test_a_named_host_that_leads_inside_is_not_asked(settings: Settings) -> None:
    callback = RecordingCallback.model_validate({"name": "x", "tokens": ["t"], "hosts": ["inside.example"]})
    async with httpx.AsyncClient(transport=Answers(httpx.Response(200, content=b"x"))) as client:
        with pytest.raises(ForGood):
            await fetch.download(client, "https://inside.example/x", callback, 100)
        with pytest.raises(Later):
            empty = RecordingCallback.model_validate({"name": "x", "tokens": ["t"]})
            await fetch.download(
                httpx.AsyncClient(transport=Answers(httpx.Response(200))), "https://api.twilio.com/x", empty, 9
            )
