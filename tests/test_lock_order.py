"""The watch over the order of locks sees what is out of order, and nothing else."""

import pytest
from sqlalchemy import text

from services.tickets.locks import lock_last, lock_names, lock_people, lock_tickets
from shared.database import Database
from tests.lock_order import watched


async def test_whoever_keeps_to_the_order_may_begin_again_and_change_what_they_have(database: Database) -> None:
    with watched() as wrong:
        async with database.transaction() as session:
            await lock_names(session, ["customer:a@example.com"])
            savepoint = await session.begin_nested()
            await lock_people(session, [1])
            await lock_tickets(session, [7])
            await savepoint.rollback()  # gives the locks back
            await lock_people(session, [1, 2])
            await lock_tickets(session, [7])
            await lock_people(session, [2])  # has it already
            await session.execute(text("UPDATE assignment SET state = 'done'"))
            await session.execute(text("UPDATE ticket SET rev = 2"))  # of rows that were locked in time
            await session.execute(text("SELECT id FROM person FOR UPDATE SKIP LOCKED"))  # waits for nobody
            await lock_last(session, ["ladder:told:a@example.com"])
        async with database.transaction() as session:  # another one begins from the start
            await lock_people(session, [1])
    assert wrong == []


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("SELECT id FROM ticket FOR UPDATE", "SELECT id FROM person FOR NO KEY UPDATE"),
        ("SELECT id FROM assignment FOR UPDATE SKIP LOCKED", "SELECT id FROM ticket FOR UPDATE"),
        ("UPDATE assignment SET state = 'done'", "UPDATE ticket SET rev = 2"),
        ("SELECT t.id FROM ticket t JOIN person p ON true FOR UPDATE OF t", "SELECT pg_advisory_xact_lock(1)"),
        ("SELECT pg_advisory_xact_lock(last) FROM unnest(ARRAY[1]) AS last", "SELECT id FROM ticket FOR UPDATE"),
    ],
)
async def test_whoever_does_not_is_told_of(database: Database, first: str, then: str) -> None:
    with watched() as wrong:
        async with database.transaction() as session:
            await session.execute(text(first))
            await session.execute(text(then))
    assert len(wrong) == 1
    assert f"then {then}" in wrong[0]
