"""Run migrations from code: used by the migrate step, the demo and the tests alike."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_fixed

STARTING = "57P03"  # cannot_connect_now: the server starts, recovers or stops


def alembic_config(database_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("file_template", "%%(year)d%%(month).2d%%(day).2d_%%(slug)s")
    config.attributes["database_url"] = database_url
    return config


def upgrade(database_url: str, revision: str = "head") -> None:
    command.upgrade(alembic_config(database_url), revision)


def _is_starting(error: BaseException) -> bool:
    if isinstance(error, DBAPIError):
        return getattr(error.orig, "sqlstate", None) == STARTING
    return isinstance(error, OSError)


async def wait_for_server(database_url: str, *, patience_s: float = 60.0, pause_s: float = 1.0) -> None:
    """Return when the server takes a connection: at a first start it is often still making its database.

    Raises what the last try raised after `patience_s` seconds; anything that waiting does not mend, such as a wrong
    password, at once.
    """
    engine = create_async_engine(database_url, poolclass=NullPool)
    async for attempt in AsyncRetrying(
        retry=retry_if_exception(_is_starting),
        stop=stop_after_delay(patience_s),
        wait=wait_fixed(pause_s),
        reraise=True,
    ):
        with attempt:
            async with engine.connect():
                pass
