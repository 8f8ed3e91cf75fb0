"""What measurements run on: the whole system in a temporary folder, with people who can take a lot of work."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import time, timedelta
from pathlib import Path

from sqlalchemy import text

from local.config import LocalConfig
from local.stack import Stack
from services.tickets import passwords
from shared import clock
from shared.database import Database
from shared.models import Intent, OpeningHours, Person, Presence, PresenceLease, Role

PASSWORD = "a-figure-is-not-an-opinion"
CAPACITY = 50  # what the store allows at most


def _folder() -> Path:
    """Open to PostgreSQL's own user, which it runs as when we are root."""
    directory = Path(tempfile.mkdtemp(prefix="centralita-bench-"))
    directory.chmod(0o755)
    return directory


@asynccontextmanager
async def running_stack(*, speech: bool = False, services: bool = True) -> AsyncIterator[tuple[Stack, Database]]:
    """Every part and service on free ports; PostgreSQL as durable as in production."""
    directory = _folder()
    stack = Stack(LocalConfig(directory, base_port=0), speech=speech)
    try:
        await stack.start_parts()
        if services:
            await stack.start_services()
        database = Database(stack.settings)
        try:
            yield stack, database
        finally:
            await database.close()
    finally:
        await stack.stop()
        shutil.rmtree(directory, ignore_errors=True)


async def open_always(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM opening_hours"))
        session.add_all(OpeningHours(weekday=day, opens=time(0), closes=time(0)) for day in range(7))


async def hire(database: Database, count: int, role: Role = Role.CSR2, *, live: bool = True) -> Sequence[int]:
    """Staff of one role, all at their desks for the next hours; returns their ids."""
    hashed = await passwords.hashed(PASSWORD)
    async with database.transaction() as session:
        people = [
            Person(
                email=f"bench{number}@valleluz.example",
                name=f"Bench {number}",
                role=role,
                password_hash=hashed,
                capacity=CAPACITY,
            )
            for number in range(count)
        ]
        session.add_all(people)
        await session.flush()
        for person in people:
            if live:
                session.add(Presence(person_id=person.id, intent=Intent.AVAILABLE))
                session.add(
                    PresenceLease(person_id=person.id, tab_id="bench", expires_at=clock.now() + timedelta(hours=3))
                )
    return [person.id for person in people]
