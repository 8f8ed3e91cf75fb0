"""The office and the browser for the screens' tests."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from services.tickets.app import create
from shared.blobs import Blobs
from shared.database import Database
from shared.models import WebSession
from shared.settings import Settings
from shared.web import auth
from tests.browser import browser, chromium, desk_server, desk_settings, open_as, session_token  # noqa: F401
from tests.tickets.pages.office import Office, build

SignIn = Callable[[str], Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def office(database: Database, desk_settings: Settings, blobs: Blobs) -> Office:  # noqa: F811
    return await build(database, desk_settings, blobs)


@pytest.fixture
async def as_person(
    office: Office,
    desk_settings: Settings,  # noqa: F811
    database: Database,
) -> AsyncIterator[SignIn]:
    """`client = await as_person("carla")`: a browser without JavaScript whose forms carry their token."""
    app = create(desk_settings)
    clients: list[httpx.AsyncClient] = []

    async def sign_in(name: str) -> httpx.AsyncClient:
        token = await session_token(database, office[name])
        async with database.transaction() as session:
            row = await session.get_one(WebSession, auth.digest(token))
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url=desk_settings.public_url,
            cookies={auth.cookie_name(desk_settings): token},
            headers={"X-CSRF-Token": row.csrf_token, "Accept": "text/html"},
        )
        clients.append(client)
        return client

    yield sign_in
    for client in clients:
        await client.aclose()
    await app.state.database.close()
