"""A line with a phone system's folder, the application, and people of every kind at its door."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import select

from services.voicemail.app import make as make_app
from services.voicemail.greetings import actions, versions
from services.voicemail.greetings.actions import Order
from services.voicemail.greetings.repository import ensure_slots
from shared import clock
from shared.blobs import Blobs
from shared.database import Database
from shared.greeting_targets import AsteriskFolder
from shared.models import (
    AccessToken,
    AuditEvent,
    GreetingActivation,
    GreetingSlot,
    GreetingVersion,
    OpeningHours,
    Role,
    Situation,
    WebSession,
)
from shared.people import PERMISSIONS, Actor
from shared.settings import Settings
from shared.web import auth
from tests.factories import actor, make_person
from tests.voicemail.greetings.voice import speech, wav

ALONE = "The other language follows today"


@pytest.fixture
def mailbox(tmp_path: Path) -> Path:
    """Of the line «main», as Asterisk keeps it; mailboxes themselves appear when they are first used."""
    folder = tmp_path / "voicemail" / "default" / "1000"
    folder.parent.mkdir(parents=True)
    return folder


@pytest.fixture
def settings(settings: Settings, mailbox: Path) -> Settings:
    target = AsteriskFolder(name="pbx", line="main", path=mailbox)
    return settings.model_copy(update={"greeting_targets": [target], "max_upload_bytes": 8 * 1024 * 1024})


@pytest.fixture
async def always_open(database: Database) -> None:
    async with database.transaction() as session:
        session.add_all(OpeningHours(weekday=day, opens=time(0), closes=time(0)) for day in range(7))


@pytest.fixture
async def csr2(database: Database) -> Actor:
    async with database.transaction() as session:
        return actor(await make_person(session, Role.CSR2))


@dataclass(frozen=True)
class Desk:
    """Somebody who may change greetings, at the functions under page and API."""

    database: Database
    settings: Settings
    blobs: Blobs
    me: Actor

    async def slot(self, language: str, situation: Situation, line: str = "main") -> int:
        async with self.database.transaction() as session:
            await ensure_slots(session, self.settings)
            found = await session.scalar(
                select(GreetingSlot.id).where(
                    GreetingSlot.line == line, GreetingSlot.language == language, GreetingSlot.situation == situation
                )
            )
        assert found is not None
        return found

    async def record(self, language: str, situation: Situation, pitch: float = 120.0) -> GreetingVersion:
        """A new version; another pitch is another recording."""
        new = versions.Upload(wav(speech(2.0, pitch=pitch)), "greeting.wav")
        slot_id = await self.slot(language, situation)
        version, _is_new = await versions.upload(self.database, self.settings, self.blobs, self.me, slot_id, new)
        return version

    async def publish(self, version: GreetingVersion, **order: Any) -> GreetingActivation:
        """Without its pair, unless the order names it."""
        given = {"alone_because": ALONE} if "pair_version_id" not in order else {}
        async with self.database.transaction() as session:
            return await actions.publish(session, self.settings, self.me, version.id, Order(**given | order))

    async def audited(self, *names: str) -> list[AuditEvent]:
        async with self.database.transaction() as session:
            statement = select(AuditEvent).where(AuditEvent.action.in_(names)).order_by(AuditEvent.id)
            return list(await session.scalars(statement))


@pytest.fixture
def desk(database: Database, settings: Settings, blobs: Blobs, csr2: Actor) -> Desk:
    return Desk(database, settings, blobs, csr2)


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    made = make_app(settings)
    async with made.router.lifespan_context(made):
        yield made


SignIn = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def sign_in(app: FastAPI, database: Database, settings: Settings) -> AsyncIterator[SignIn]:
    """A client for a new person of a role: with a token, or as a browser whose CSRF token is «csrf»."""
    clients: list[httpx.AsyncClient] = []

    async def make(role: Role, *, browser: bool = False, language: str = "en", scopes: list[str] | None = None
                   ) -> httpx.AsyncClient:  # fmt: skip
        secret = f"{auth.TOKEN_PREFIX}{role.value}{len(clients)}"
        async with database.transaction() as session:
            person = await make_person(session, role, ui_language=language)
            if browser:
                row = WebSession(
                    token_hash=auth.digest(secret), person_id=person.id, csrf_token="csrf",
                    last_seen_at=clock.now(), expires_at=clock.now() + auth.ABSOLUTE,
                )  # fmt: skip
                session.add(row)
            else:
                allowed = scopes if scopes is not None else [permission.value for permission in PERMISSIONS[role]]
                session.add(
                    AccessToken(person_id=person.id, name="test", token_hash=auth.digest(secret), scopes=allowed)
                )
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost:8001")
        if browser:
            client.cookies.set(auth.cookie_name(settings), secret)
        else:
            client.headers["Authorization"] = f"Bearer {secret}"
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
async def address(app: FastAPI) -> AsyncIterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve())
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await task
