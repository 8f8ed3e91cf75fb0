"""Many rows of one table in one statement, for what nobody reads back as objects in the same transaction."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Table, literal_column
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.models.base import Base


def insert_into(model: type[Base]) -> Insert:
    """Rows for `write`, without the ORM: its objects cost more than the rows do."""
    return insert(cast(Table, model.__table__))


async def write_numbered(session: AsyncSession, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """The same with the ids of the new rows, in the order of `rows`. `null()` in place of a JSON value is no value."""
    if not rows:
        return []
    await session.flush()
    table = cast(Table, model.__table__)
    found = await session.scalars(insert(table).returning(table.c.id, sort_by_parameter_order=True), rows)
    return list(found)


async def write(session: AsyncSession, statement: Insert, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same keys, behind whatever the session still holds back.

    They stay apart from the statement, which would be compiled anew for each number of them. It is RETURNING that has
    SQLAlchemy send them together (its «insertmanyvalues»); without it the server executes each row by itself.
    """
    if rows:
        await session.flush()
        await session.execute(statement.returning(literal_column("1")), rows)
