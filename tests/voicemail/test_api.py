"""The HTTP door, through the real application: who may upload what, what happens twice, and what is refused."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from services.voicemail import app as voicemail
from shared import clock
from shared.database import Database
from shared.models import AccessToken, AuditEvent, Recording, Role, Transcript, WebSession
from shared.settings import Settings
from shared.web import auth
from tests.factories import make_person
from tests.voicemail.conftest import ENGLISH, wav

URL = "/api/v1/recordings"
Client = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    app = voicemail.make(settings.model_copy(update={"max_upload_bytes": 2_000_000}))
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def client(app: FastAPI, database: Database) -> AsyncIterator[Client]:
    """A client with an access token of somebody of this role."""
    clients: list[httpx.AsyncClient] = []

    async def make(
        role: Role = Role.SERVICE, scopes: tuple[str, ...] = ("recording.upload", "ticket.read"), language: str = "en"
    ) -> httpx.AsyncClient:
        secret = f"ctl_{role.value}{len(clients)}"
        async with database.transaction() as session:
            person = await make_person(session, role, ui_language=language)
            session.add(
                AccessToken(person_id=person.id, name="pbx", token_hash=auth.digest(secret), scopes=list(scopes))
            )
        headers = {"Authorization": f"Bearer {secret}"}
        made = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost:8001", headers=headers)
        clients.append(made)
        return made

    yield make
    for made in clients:
        await made.aclose()


def form(data: bytes, *, name: str = "message.wav", kind: str = "audio/wav", **fields: str) -> dict[str, Any]:
    return {"files": {"file": (name, data, kind)}, "data": fields}


async def recordings(database: Database) -> int:
    async with database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(Recording)) or 0


async def test_an_upload_is_a_recording_with_all_that_was_told(client: Client, database: Database) -> None:
    pbx = await client()
    answer = await pbx.post(URL, **form(wav("en", ENGLISH), caller_id='"JANE DOE" <4155550123>', menu_language="es",
                                        mailbox="1000", line="main", called_at="2026-11-16T08:05:00-08:00",
                                        urgent="true", source_id="PBX-1"))  # fmt: skip
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert answer.headers["location"] == f"{URL}/{body['id']}"
    assert body["state"] == "received"
    assert body["source_id"] == "PBX-1"
    assert body["caller_id"] == "+14155550123"
    assert body["called_at"] == "2026-11-16T16:05:00Z"
    assert (body["menu_language"], body["mailbox"], body["line"], body["urgent"]) == ("es", "1000", "main", True)
    assert body["duration_s"] > 5
    seen = await pbx.get(answer.headers["location"])
    assert seen.json() == body
    async with database.transaction() as session:
        actions = set(await session.scalars(select(AuditEvent.action)))
    assert {"recording.upload", "recording.view"} <= actions


async def test_sending_it_again_changes_nothing(client: Client, database: Database) -> None:
    pbx = await client()
    data = wav("en", ENGLISH)
    for again in (
        {"data": form(data, source_id="PBX-1")},
        {"data": form(data), "headers": {"Idempotency-Key": "key-1"}},
        {"data": form(data, caller_id="4155550123", called_at="2026-11-16T08:05:00-08:00")},
    ):
        first, second = [await pbx.post(URL, **again["data"], headers=again.get("headers", {})) for _ in range(2)]
        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json()["id"] == second.json()["id"]
    assert await recordings(database) == 3


async def test_twenty_at_once_are_one(client: Client, database: Database) -> None:
    pbx = await client()
    answers = await asyncio.gather(*(pbx.post(URL, **form(wav("en", ENGLISH), source_id="PBX-1")) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert await recordings(database) == 1


async def test_an_id_belongs_to_one_recording_of_one_uploader(client: Client, database: Database) -> None:
    first, second = await client(), await client()
    one = await first.post(URL, **form(wav("en", ENGLISH), source_id="1"))
    other = await first.post(URL, **form(wav("en", ENGLISH[:1]), source_id="1"))
    assert (one.status_code, other.status_code) == (201, 409)
    assert other.headers["content-type"].startswith("application/problem+json")
    elsewhere = await second.post(URL, **form(wav("en", ENGLISH[:1]), source_id="1"))
    assert elsewhere.status_code == 201
    assert await recordings(database) == 2


@pytest.mark.parametrize("kind", ["audio/wav", "application/octet-stream"])
async def test_a_corrupt_recording_is_a_ticket_and_says_why(client: Client, kind: str) -> None:
    pbx = await client()
    answer = await pbx.post(URL, **form(b"RIFFbroken", kind=kind))
    assert answer.status_code == 201
    assert answer.json()["state"] == "unreadable"
    assert answer.json()["error"] == "This is not a recording that can be decoded."
    empty = await pbx.post(URL, **form(b"", source_id="empty"))
    assert (empty.status_code, empty.json()["error"]) == (201, "The file is empty.")


async def test_raw_telephone_audio_by_its_name(client: Client) -> None:
    pbx = await client()
    answer = await pbx.post(URL, **form(bytes([255, 127] * 8000), name="m.ulaw", kind="application/octet-stream"))
    assert (answer.status_code, answer.json()["duration_s"]) == (201, 2.0)


@pytest.mark.parametrize(
    ("name", "kind", "data"),
    [("bill.pdf", "application/pdf", b"%PDF-1.7"), ("cat.png", "image/png", b"\x89PNG\r\n"),
     ("notes.txt", "text/plain", b"Hello"), ("data", "application/octet-stream", b"whatever")],
)  # fmt: skip
async def test_another_kind_of_file_is_refused_in_the_readers_language(
    client: Client, database: Database, name: str, kind: str, data: bytes
) -> None:
    english, spanish = await client(), await client(language="es")
    answers = [await someone.post(URL, **form(data, name=name, kind=kind)) for someone in (english, spanish)]
    assert [answer.status_code for answer in answers] == [415, 415]
    assert answers[0].json()["detail"].startswith("This is not a recording.")
    assert answers[1].headers["content-language"] == "es"
    assert await recordings(database) == 0


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"menu_language": "fr"}, "menu_language"),
        ({"called_at": "yesterday"}, "called_at"),
        ({"called_at": "2026-11-16T08:05:00"}, "called_at"),
        ({"called_at": "2099-11-16T08:05:00Z"}, "called_at"),
        ({"urgent": "maybe"}, "urgent"),
        ({"mailbox": "9" * 101}, "mailbox"),
        ({"source_id": "a\x00b"}, "source_id"),
    ],
)
async def test_a_wrong_field_is_named(client: Client, database: Database, fields: dict[str, str], field: str) -> None:
    answer = await (await client()).post(URL, **form(wav("en", ENGLISH), **fields))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == f"#/{field}"
    assert await recordings(database) == 0


async def test_a_missing_file_and_another_body_are_refused(client: Client) -> None:
    pbx = await client()
    assert (await pbx.post(URL, data={"file": "text"}, files={"other": b""})).status_code == 400
    assert (await pbx.post(URL, json={"file": "x"})).status_code == 415
    assert (await pbx.post(URL, content=b"--x", headers={"Content-Type": "multipart/form-data"})).status_code == 400


async def test_what_is_too_large_is_cut_off_even_when_its_length_is_not_told(
    client: Client, database: Database
) -> None:
    pbx = await client()
    told = await pbx.post(URL, **form(bytes(3_000_000)))
    assert told.status_code == 413
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
        for _ in range(1000):
            sent += 100_000
            yield bytes(100_000)

    untold = await pbx.post(URL, content=endless(), headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert untold.status_code == 413
    assert "2 MB" in untold.json()["detail"] or "1 MB" in untold.json()["detail"]
    assert sent < 100_000_000
    assert await recordings(database) == 0


async def test_who_may_not_upload_does_not(app: FastAPI, client: Client, database: Database) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost:8001") as stranger:
        assert (await stranger.post(URL, **form(wav("en", ENGLISH)))).status_code == 401
    intern = await client(Role.INTERN)
    scoped = await client(Role.SERVICE, scopes=("ticket.read",))
    for someone in (intern, scoped):
        answer = await someone.post(URL, **form(wav("en", ENGLISH)))
        assert answer.status_code == 403
        assert answer.json()["type"] == "/api/problems/forbidden"
    assert await recordings(database) == 0


async def test_an_uploader_sees_its_own_recordings_without_their_words(client: Client, database: Database) -> None:
    reader, uploader, other = await client(), *[await client(scopes=("recording.upload",)) for _ in range(2)]
    url = (await uploader.post(URL, **form(wav("en", ENGLISH)))).headers["location"]
    async with database.transaction() as session:
        session.add(
            Transcript(recording_id=int(url.rpartition("/")[2]), text="I smell gas", language="en",
                       language_confidence=1.0, language_evidence={}, segments=[], flags=[], engine="e", model="m",
                       model_sha256="0", options={}, took_ms=1)
        )  # fmt: skip
    assert (await reader.get(url)).json()["transcript"]["text"] == "I smell gas"
    assert (await uploader.get(url)).json()["transcript"] is None
    assert (await other.get(url)).status_code == 403
    assert (await reader.get(f"{URL}/999999")).status_code == 404
    assert (await reader.get(f"{URL}/x")).status_code == 422


async def test_a_browser_needs_its_csrf_token(app: FastAPI, database: Database, settings: Settings) -> None:
    async with database.transaction() as session:
        person = await make_person(session, Role.CSR2)
        session.add(WebSession(token_hash=auth.digest("cookie"), person_id=person.id, csrf_token="csrf",
                               last_seen_at=clock.now(), expires_at=clock.now() + auth.ABSOLUTE))  # fmt: skip
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost:8001") as browser:
        browser.cookies.set(auth.cookie_name(settings), "cookie")
        assert (await browser.post(URL, **form(wav("en", ENGLISH)))).status_code == 403
        assert (await browser.post(URL, **form(wav("en", ENGLISH), csrf_token="csrf"))).status_code == 201


async def test_the_door_is_documented(client: Client) -> None:
    schema = (await (await client()).get("/api/openapi.json")).json()
    body = schema["paths"][URL]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert body["required"] == ["file"]
    assert set(body["properties"]) == {
        "file",
        "caller_id",
        "menu_language",
        "mailbox",
        "line",
        "called_at",
        "urgent",
        "source_id",
    }
