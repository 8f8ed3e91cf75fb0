"""The whole tickets application over a real database, and clients of every role."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import httpx
import pytest
from fastapi import FastAPI
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from services.tickets import passwords
from services.tickets.app import create
from shared import clock
from shared.database import Database
from shared.models import AccessToken, Person, Role, WebSession
from shared.settings import Settings
from shared.web import auth
from tests.factories import make_person

CSRF = "the-csrf-token-of-the-test"


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same algorithm, without its cost: test_passwords.py looks at what production takes."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),)))


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    app = create(settings)
    async with app.router.lifespan_context(app):
        yield app


@dataclass
class User:
    """Somebody with a client that sends their session or token."""

    person: Person
    http: httpx.AsyncClient

    @property
    def id(self) -> int:
        return self.person.id


class Users(Protocol):
    async def __call__(
        self, role: Role = ..., *, scopes: Iterable[str] | None = ..., person: Person | None = ..., language: str = ...
    ) -> User: ...


def client_of(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost:8000")


@pytest.fixture
async def anonymous(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


@pytest.fixture
async def user(app: FastAPI, database: Database, settings: Settings) -> AsyncIterator[Users]:
    """A person of a role, by session; with `scopes`, by token."""
    clients: list[httpx.AsyncClient] = []

    async def make(
        role: Role = Role.CSR1,
        *,
        scopes: Iterable[str] | None = None,
        person: Person | None = None,
        language: str = "en",
    ) -> User:
        secret = f"ctl_secret-{len(clients)}"
        client = client_of(app)
        async with database.transaction() as session:
            who = person or await make_person(session, role, ui_language=language)
            if scopes is None:
                now = clock.now()
                session.add(
                    WebSession(
                        token_hash=auth.digest(secret), person_id=who.id, csrf_token=CSRF,
                        created_at=now, last_seen_at=now, expires_at=now + auth.ABSOLUTE,
                    )
                )  # fmt: skip
                client.cookies.set(auth.cookie_name(settings), secret)
                client.headers["X-CSRF-Token"] = CSRF
            else:
                session.add(
                    AccessToken(
                        person_id=who.id, name="test", token_hash=auth.digest(secret), scopes=list(scopes),
                        expires_at=clock.now() + timedelta(days=1),
                    )
                )  # fmt: skip
                client.headers["Authorization"] = f"Bearer {secret}"
        clients.append(client)
        return User(who, client)

    yield make
    for client in clients:
        await client.aclose()
