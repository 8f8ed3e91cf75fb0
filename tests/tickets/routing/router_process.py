"""A router in a process of its own, for tests that kill it."""

import asyncio
import logging

import structlog

from services.tickets.routing.offers import expire_offers
from services.tickets.routing.router import route_once
from shared.database import Database
from shared.settings import Settings


def route_for_ever(database_url: str) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    settings = Settings.model_validate(
        {"database_url": database_url, "secret_key": "test-key-" * 5, "offer_s": 2.0, "environment": "test"}
    )
    asyncio.run(_route(settings))


async def _route(settings: Settings) -> None:
    database = Database(settings, pool_size=1, max_overflow=1)
    while True:
        await route_once(database, settings)
        await expire_offers(database, settings)
        await asyncio.sleep(0.01)
