"""Rows that are written together."""

from typing import Any

from sqlalchemy import event, select

from shared.database import Database
from shared.models import Mailbox
from shared.rows import insert_into, write


async def test_many_rows_are_one_statement_behind_what_waits(database: Database) -> None:
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: Any) -> None:
        sent.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    async with database.transaction() as session:
        session.add(Mailbox(name="first", address="a@center.example"))
        rows = [{"name": f"m{number}", "address": "b@center.example"} for number in range(3)]
        await write(session, insert_into(Mailbox), rows)
        await write(session, insert_into(Mailbox), [])
        names = list(await session.scalars(select(Mailbox.name).order_by(Mailbox.id)))
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)
    assert names == ["first", "m0", "m1", "m2"]
    assert sum(each.startswith("INSERT") for each in sent) == 2
