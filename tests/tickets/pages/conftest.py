"""The office and the browser for the screens' tests."""

import pytest

from shared.blobs import Blobs
from shared.database import Database
from shared.settings import Settings
from tests.browser import browser, chromium, desk_server, desk_settings, open_as  # noqa: F401
from tests.tickets.pages.office import Office, build


@pytest.fixture
async def office(database: Database, desk_settings: Settings, blobs: Blobs) -> Office:  # noqa: F811
    return await build(database, desk_settings, blobs)
