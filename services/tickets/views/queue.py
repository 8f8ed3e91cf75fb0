"""The queue: tickets by filters and search, a page at a time.

Open tickets come most urgent first (priority, then what is due first); anything that includes closed ones comes
newest first. Pages are cut by key, not by offset, so the thousandth page costs what the first does.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import Select, case, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import search
from services.tickets.views.models import QueuePage, TextPiece
from services.tickets.views.rows import select_rows, ticket_row
from shared.errors import Invalid
from shared.models import Channel, Level, Priority, SearchText, Ticket, TicketKind, TicketState

OPEN = (TicketState.QUEUED, TicketState.OFFERED, TicketState.ASSIGNED, TicketState.WAITING)
HIT_START, HIT_END = "\x02", "\x03"


class QueueFilter(BaseModel):
    """What to show; nothing given means every open ticket."""

    states: list[TicketState] = Field(default=[], description="None: all open ones.")
    languages: list[str] = []
    topics: list[str] = Field(default=[], description="Tickets that are about one of these, also besides.")
    priorities: list[Priority] = []
    channels: list[Channel] = []
    kinds: list[TicketKind] = Field(default=[], description="Whether somebody spoke; none: all of them.")
    levels: list[Level] = []
    assignee_id: int | None = None
    unassigned: bool = False
    customer_id: int | None = None
    q: str = Field(default="", max_length=200, description="Words to search for, in English or Spanish.")

    @property
    def only_open(self) -> bool:
        return TicketState.CLOSED not in self.states


def _conditions(statement: Select[Any], wanted: QueueFilter) -> Select[Any]:
    if not wanted.states:
        statement = statement.where(Ticket.state != TicketState.CLOSED)
    else:
        statement = statement.where(Ticket.state.in_(wanted.states))
        if wanted.only_open:  # lets the planner use the index of open tickets
            statement = statement.where(Ticket.state != TicketState.CLOSED)
    for column, values in (
        (Ticket.language, wanted.languages),
        (Ticket.priority, wanted.priorities),
        (Ticket.channel, wanted.channels),
        (Ticket.kind, wanted.kinds),
        (Ticket.level, wanted.levels),
    ):
        if values:
            statement = statement.where(column.in_(values))
    if wanted.topics:  # whatever of its topics that is
        further = [Ticket.also_topics.contains([topic]) for topic in wanted.topics]
        statement = statement.where(or_(Ticket.topic.in_(wanted.topics), *further))
    if wanted.assignee_id is not None:
        statement = statement.where(Ticket.assignee_id == wanted.assignee_id)
    if wanted.unassigned:
        statement = statement.where(Ticket.assignee_id.is_(None))
    if wanted.customer_id is not None:
        statement = statement.where(Ticket.customer_id == wanted.customer_id)
    if wanted.q.strip():
        statement = statement.where(search.matching(wanted.q))
    return statement


def _encode(ticket: Ticket, by_urgency: bool) -> str:
    key: list[object] = [ticket.id]
    if by_urgency:
        key = [ticket.priority_rank, ticket.due_order.isoformat(), ticket.id]
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def _decode(cursor: str, by_urgency: bool) -> list[Any]:
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if by_urgency:
            rank, due, id_ = key
            return [int(rank), datetime.fromisoformat(due), int(id_)]
        (id_,) = key
        return [int(id_)]
    except (ValueError, TypeError, binascii.Error):
        raise Invalid("This page link is not valid; start again from the first page.", field="cursor") from None


async def queue(session: AsyncSession, wanted: QueueFilter, cursor: str | None = None, limit: int = 50) -> QueuePage:
    """One page of at most `limit` tickets. Raises Invalid for a cursor that is not ours."""
    by_urgency = wanted.only_open
    statement = _conditions(select_rows(), wanted)
    if by_urgency:
        key = tuple_(Ticket.priority_rank, Ticket.due_order, Ticket.id)
        if cursor:
            statement = statement.where(key > tuple_(*_decode(cursor, True)))
        statement = statement.order_by(Ticket.priority_rank, Ticket.due_order, Ticket.id)
    else:
        if cursor:
            statement = statement.where(Ticket.id < _decode(cursor, False)[0])
        statement = statement.order_by(Ticket.id.desc())
    found = list(await session.execute(statement.limit(limit + 1)))
    page = found[:limit]
    excerpts = await _excerpts(session, [row[0].id for row in page], wanted.q)
    return QueuePage(
        items=[ticket_row(row, excerpts.get(row[0].id, [])) for row in page],
        next=_encode(page[-1][0], by_urgency) if len(found) > limit else None,
    )


async def matching_ids(session: AsyncSession, wanted: QueueFilter, limit: int) -> tuple[list[int], bool]:
    """The first `limit` tickets in the order of the pages, and whether there are more."""
    statement = _conditions(select(Ticket.id), wanted)
    if wanted.only_open:
        statement = statement.order_by(Ticket.priority_rank, Ticket.due_order, Ticket.id)
    else:
        statement = statement.order_by(Ticket.id.desc())
    found = list(await session.scalars(statement.limit(limit + 1)))
    return found[:limit], len(found) > limit


async def _excerpts(session: AsyncSession, tickets: Sequence[int], q: str) -> dict[int, list[TextPiece]]:
    if not q.strip() or not tickets:
        return {}
    query = func.search_query(q)
    best = (
        select(SearchText.ticket_id, SearchText.language, func.left(SearchText.body, 20_000).label("body"))
        .ext(distinct_on(SearchText.ticket_id))
        .where(SearchText.ticket_id.in_(tickets), SearchText.vector.op("@@")(query))
        .order_by(SearchText.ticket_id, func.ts_rank(SearchText.vector, query).desc())
        .subquery()
    )
    options = f"StartSel={HIT_START}, StopSel={HIT_END}, MaxWords=24, MinWords=10, MaxFragments=1"
    headline = case(
        (best.c.language == "es", func.ts_headline("spanish", best.c.body, query, options)),
        else_=func.ts_headline("english", best.c.body, query, options),
    )
    statement = select(best.c.ticket_id, headline.label("headline"))
    return {id_: _pieces(text) for id_, text in (await session.execute(statement))}


def _pieces(headline: str) -> list[TextPiece]:
    pieces = []
    for part in headline.split(HIT_START):
        hit, mark, rest = part.partition(HIT_END)
        if mark:
            pieces.append(TextPiece(text=hit, hit=True))
            part = rest
        if part:
            pieces.append(TextPiece(text=part))
    return pieces
