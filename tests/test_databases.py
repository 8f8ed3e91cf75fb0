"""A database that was used before cannot be told from a new one, and whoever knew it before cannot get in."""

import asyncpg
import pytest
from sqlalchemy import make_url

from tests.databases import Databases, shape

NUMBER = "SELECT oid FROM pg_database WHERE datname = current_database()"


@pytest.fixture
def own(postgres: str) -> Databases:
    return Databases(postgres)


async def connect(url: str) -> asyncpg.Connection:
    return await asyncpg.connect(url.replace("+asyncpg", ""), timeout=10, command_timeout=10)


async def test_nothing_of_a_test_gets_into_the_next_one(own: Databases) -> None:
    async with own.one() as first:
        guest = await connect(first)
        number = await guest.fetchval(NUMBER)
        await guest.execute("INSERT INTO person (email, name, role) VALUES ('a@center.example', 'A', 'csr1')")
        await guest.execute("INSERT INTO audit_event (action, actor_id) VALUES ('x', 1)")  # cannot be deleted
        await guest.execute("BEGIN; INSERT INTO customer (name) VALUES ('rolled back'); ROLLBACK")
        await guest.execute("SELECT pg_advisory_lock(1)")
    assert guest.is_closed()
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await connect(first)
    async with own.one() as second:
        guest = await connect(second)
        assert await guest.fetchval(NUMBER) == number, "it is the same one"
        assert await guest.fetchval("SELECT pg_try_advisory_lock(1)")
        assert await guest.fetchval("SELECT count(*) FROM audit_event") == 0
        for table, values in (("person", "(email, name, role) VALUES ('b@x.example', 'B', 'csr1')"),
                              ("customer", "(name) VALUES ('B')")):  # fmt: skip
            place = await guest.fetchrow(f"INSERT INTO {table} {values} RETURNING id, ctid")
            assert tuple(place or ()) == (1, (0, 1)), "the first number, at the first place"
        await guest.close()


async def test_a_changed_shape_is_not_used_again(own: Databases) -> None:
    numbers = []
    for _ in range(2):
        async with own.one() as url:
            guest = await connect(url)
            numbers.append(await guest.fetchval(NUMBER))
            await guest.execute("ALTER TABLE person ADD COLUMN hobby text")
            await guest.close()
    assert numbers[0] != numbers[1]


async def test_any_change_of_shape_is_seen(database_url: str) -> None:
    guest = await connect(database_url)
    untouched = await shape(guest)
    for change in (
        "ALTER TABLE audit_event DISABLE TRIGGER ALL",
        "ALTER TABLE person ALTER COLUMN name DROP NOT NULL",
        "ALTER TABLE person ALTER COLUMN name SET DEFAULT 'x'",
        "DROP INDEX ix_sign_in_attempt_ip_at",
        "ANALYZE alembic_version",
        "UPDATE alembic_version SET version_num = version_num",
        "CREATE SCHEMA elsewhere",
        f"ALTER DATABASE {make_url(database_url).database} SET timezone = 'UTC'",
    ):
        await guest.execute(f"BEGIN; {change}")
        assert await shape(guest) != untouched, change
        await guest.execute("ROLLBACK")
    assert await shape(guest) == untouched
    await guest.close()
