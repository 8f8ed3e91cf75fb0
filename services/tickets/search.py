"""Full-text search over everything said on tickets, in English and Spanish, with or without accents."""

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.models import SearchText, Ticket

MAX_CHARACTERS = 200_000  # a tsvector holds at most 1 MB


async def index(
    session: AsyncSession, *, ticket_id: int, source: str, source_id: int, language: str, body: str
) -> None:
    """Make `body` findable, replacing what the same source said before. Empty text is not indexed."""
    body = body[:MAX_CHARACTERS].replace("\x00", " ")
    if not body.strip():
        return
    statement = insert(SearchText).values(
        ticket_id=ticket_id, source=source, source_id=source_id, language=language, body=body
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["source", "source_id"],
            set_={"ticket_id": ticket_id, "language": language, "body": body},
        )
    )


def matching(query: str) -> ColumnElement[bool]:
    """Tickets that say the words of `query` (web search syntax: quotes, OR, minus)."""
    return Ticket.id.in_(select(SearchText.ticket_id).where(SearchText.vector.op("@@")(func.search_query(query))))
