"""Full-text search over everything said on tickets, in English and Spanish, with or without accents."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from shared.models import Entry, SearchText, Ticket
from shared.rows import insert_into, write

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
    statement = insert_into(SearchText)
    await write(
        session,
        statement.on_conflict_do_update(
            index_elements=["source", "source_id"],
            set_={name: statement.excluded[name] for name in ("ticket_id", "language", "body")},
        ),
        rows,
    )


async def forget(session: AsyncSession, source: str, source_id: int) -> None:
    """What was never said in the end is not found."""
    await session.execute(delete(SearchText).where(SearchText.source == source, SearchText.source_id == source_id))


async def move(session: AsyncSession, sources: Sequence[tuple[str, int]], *, from_id: int, to_id: int) -> None:
    """What these sources say is found on another ticket from now on."""
    if sources:
        await session.execute(
            update(SearchText)
            .where(tuple_(SearchText.source, SearchText.source_id).in_(sources), SearchText.ticket_id == from_id)
            .values(ticket_id=to_id)
        )


def sources_of(entries: Iterable[Entry]) -> list[tuple[str, int]]:
    """Where the words of these entries stand in the search."""
    return [
        (source, id_)
        for entry in entries
        for source, id_ in (
            ("entry", entry.id),
            ("message", entry.message_id),
            ("recording", entry.recording_id),
            ("delivery", entry.delivery_id),
        )
        if id_ is not None
    ]


def matching(query: str) -> ColumnElement[bool]:
    """Tickets that say the words of `query` (web search syntax: quotes, OR, minus)."""
    return Ticket.id.in_(select(SearchText.ticket_id).where(SearchText.vector.op("@@")(func.search_query(query))))
