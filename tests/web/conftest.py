"""An application with a few routes of each kind, people who are signed in, and clients for them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Form
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from shared import clock
from shared.database import Database
from shared.errors import Conflict
from shared.models import Person, Problem, Role, WebSession
from shared.people import Permission
from shared.settings import Settings
from shared.web import auth
from shared.web.app import create_app
from shared.web.depends import Me, Tx
from shared.web.pages import flash, see_other

router = APIRouter()


class Wish(BaseModel):
    text: str = Field(min_length=2, max_length=20)
    times: int = Field(default=1, ge=1, le=3)


@router.get("/api/v1/whoami")
async def whoami(me: Me) -> dict[str, object]:
    return {"id": me.id, "csrf_token": me.csrf_token}


@router.get("/api/v1/audit")
async def audited(me: Me) -> dict[str, bool]:
    me.require(Permission.AUDIT_READ)
    return {"ok": True}


@router.get("/page")
async def page(me: Me) -> dict[str, str]:
    return {"name": me.name}


@router.post("/api/v1/wishes")
async def wish(wanted: Wish, me: Me) -> dict[str, str]:
    return {"text": wanted.text * wanted.times}


@router.post("/form")
async def form(me: Me, text: Annotated[str, Form()]) -> Response:
    response = see_other("/page")
    flash(response, "success", f"Got {text}")
    return response


@router.post("/bare")
async def bare(request: Request, me: Me) -> dict[str, str]:
    """Declares no fields: reads the form itself, after the CSRF check has read it."""
    return {"text": str((await request.form()).get("text"))}


@router.post("/api/v1/problems")
async def write(session: Tx, me: Me, key: str, fail: bool = False) -> dict[str, str]:
    session.add(Problem(service="tickets", key=key, message="m"))
    await session.flush()
    if fail:
        raise Conflict("Somebody was quicker.")
    return {"key": key}


@router.get("/api/v1/crash")
async def crash() -> None:
    raise ZeroDivisionError("secret inside")


@router.get("/api/v1/full-disk")
async def full_disk() -> None:
    raise OSError(28, "No space left on device")


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    app = create_app(settings, service="tickets", title="Test", routers=[router])
    async with app.router.lifespan_context(app):
        yield app


def client_of(app: FastAPI, **headers: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://localhost:8000", headers=headers or None
    )


@pytest.fixture
async def stranger(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


@dataclass
class SignedIn:
    person: Person
    client: httpx.AsyncClient
    csrf: str
    token: str


SignIn = Callable[..., Awaitable[SignedIn]]


@pytest.fixture
async def sign_in(app: FastAPI, database: Database, settings: Settings) -> AsyncIterator[SignIn]:
    """Opens a session for a new person of a role."""
    clients: list[httpx.AsyncClient] = []

    async def make(role: Role = Role.CSR1, language: str = "en", at: datetime | None = None) -> SignedIn:
        async with database.transaction() as session:
            person = Person(
                email=f"{role.value}{len(clients)}@example.com", name="Ana", role=role, ui_language=language
            )
            session.add(person)
            await session.flush()
            token = f"token-{len(clients)}"
            session.add(
                WebSession(
                    token_hash=auth.digest(token),
                    person_id=person.id,
                    csrf_token="the-csrf-token",
                    last_seen_at=at or clock.now(),
                    expires_at=(at or clock.now()) + auth.ABSOLUTE,
                )
            )
        client = client_of(app)
        client.cookies.set(auth.cookie_name(settings), token)
        clients.append(client)
        return SignedIn(person, client, "the-csrf-token", token)

    yield make
    for client in clients:
        await client.aclose()
