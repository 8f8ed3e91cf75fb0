"""Bring the database of CENTRALITA_DATABASE_URL up to the newest migration, as soon as its server answers."""

import asyncio

from shared.migrations.upgrade import upgrade, wait_for_server
from shared.settings import get_settings

if __name__ == "__main__":
    url = get_settings().database_url.get_secret_value()
    asyncio.run(wait_for_server(url))
    upgrade(url)
