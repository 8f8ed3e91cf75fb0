"""Full-text search over everything said on tickets, in English and Spanish, with or without accents."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.models import SearchText, Ticket

MAX_CHARACTERS = 200_000  # a tsvector holds at most 1 MB


@dataclass(frozen=True)
class Found:
    """Words, whose they are, and the ticket on which they stand."""

    ticket_id: int
    source: str
    source_id: int
    language: str
    body: str


async def index(
    session: AsyncSession, *, ticket_id: int, source: str, source_id: int, language: str, body: str
) -> None:
    """Make `body` findable, replacing what the same source said before. Empty text is not indexed."""
    await index_all(session, [Found(ticket_id, source, source_id, language, body)])


async def index_all(session: AsyncSession, found: Sequence[Found]) -> None:
    """The same for several sources, all different, in one statement."""
    rows = [
        {
            "ticket_id": each.ticket_id,
            "source": each.source,
            "source_id": each.source_id,
            "language": each.language,
            "body": each.body[:MAX_CHARACTERS].replace("\x00", " "),
        }
        for each in found
    ]
    rows = [row for row in rows if str(row["body"]).strip()]
    if not rows:
        return
    statement = insert(SearchText).values(rows)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["source", "source_id"],
            set_={name: statement.excluded[name] for name in ("ticket_id", "language", "body")},
        )
    )


async def forget(session: AsyncSession, source: str, source_id: int) -> None:
    """What was never said in the end is not found."""
    await session.execute(delete(SearchText).where(SearchText.source == source, SearchText.source_id == source_id))


def matching(query: str) -> ColumnElement[bool]:
    """Tickets that say the words of `query` (web search syntax: quotes, OR, minus)."""
    return Ticket.id.in_(select(SearchText.ticket_id).where(SearchText.vector.op("@@")(func.search_query(query))))
