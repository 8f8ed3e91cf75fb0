"""What people said about the machine's decisions: on one ticket, and counted over a period."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.tickets.certifications import today
from services.tickets.views.learning_models import MAX_EXAMPLES, Alike, Decided, LearningView, tally
from services.tickets.views.models import JudgementView
from services.tickets.views.shapes import PersonRef
from shared.errors import Invalid
from shared.models import Correction, CorrectionKind, LanguageSource, Person, Ticket, TicketKind
from shared.settings import Settings

USUAL_DAYS = 30
MAX_DAYS = 800


async def corrections_on(session: AsyncSession, ticket_id: int, *, only_counting: bool = False) -> list[JudgementView]:
    """The newest first."""
    statement = (
        select(Correction, Person.name)
        .join(Person, Person.id == Correction.person_id)
        .where(Correction.ticket_id == ticket_id)
        .order_by(Correction.id.desc())
    )
    if only_counting:
        statement = statement.where(Correction.ended_at.is_(None))
    return [
        JudgementView(
            id=row.id,
            kind=row.kind,
            decided=row.decided,
            corrected=row.corrected,
            person=PersonRef(id=row.person_id, name=name),
            at=row.at,
            model=row.model,
            counts=row.ended_at is None,
        )
        for row, name in await session.execute(statement)
    ]


def period(settings: Settings, since: date | None, until: date | None) -> tuple[date, date]:
    """Both days count; the last thirty when nothing is said. Raises Invalid for a period that is none."""
    until = until or today(settings)
    since = since or until - timedelta(days=USUAL_DAYS - 1)
    if not timedelta(0) <= until - since <= timedelta(days=MAX_DAYS):
        raise Invalid("Choose a first day before the last, at most {days} days apart.", field="since", days=MAX_DAYS)
    return since, until


async def learning(session: AsyncSession, settings: Settings, since: date, until: date) -> LearningView:
    """How often people corrected what the machine decided, and what it takes for what."""
    zone = ZoneInfo(settings.timezone)
    said = {kind: aliased(Correction, name=kind.value) for kind in CorrectionKind}
    chosen: dict[CorrectionKind, ColumnElement[bool]] = {
        CorrectionKind.LANGUAGE: Ticket.language_source == LanguageSource.CORRECTION,
        CorrectionKind.TOPIC: Ticket.topic_corrected.is_(True),
        CorrectionKind.PRIORITY: func.coalesce(Ticket.topic_evidence["priority_corrected"].as_boolean(), False),
    }
    stands = {
        CorrectionKind.LANGUAGE: Ticket.language,
        CorrectionKind.TOPIC: Ticket.topic,
        CorrectionKind.PRIORITY: cast(Ticket.priority, Text),
    }
    columns: list[ColumnElement[Any]] = []
    for kind, row in said.items():
        now = stands[kind]
        by_machine = case((row.id.is_not(None), row.decided), (~chosen[kind], now))
        columns += [by_machine, case((row.id.is_not(None), row.corrected), else_=now), row.id.is_not(None)]
    model = func.coalesce(
        func.nullif(said[CorrectionKind.TOPIC].model, ""), Ticket.topic_evidence["model"].as_string(), ""
    )
    newest = func.array_agg(aggregate_order_by(Ticket.id, Ticket.id.desc()), type_=ARRAY(BigInteger))[1:MAX_EXAMPLES]
    statement = select(Ticket.channel, model, *columns, func.count(), newest).where(
        Ticket.created_at >= datetime.combine(since, time(), zone),
        Ticket.created_at < datetime.combine(until + timedelta(days=1), time(), zone),
        Ticket.kind == TicketKind.CONTACT,
        Ticket.merged_into_id.is_(None),
        or_(
            Ticket.closed_at.is_not(None),
            Ticket.first_responded_at.is_not(None),
            Ticket.assignee_id.is_not(None),
            exists().where(Correction.ticket_id == Ticket.id, Correction.ended_at.is_(None)).correlate(Ticket),
        ),
    )
    for kind, row in said.items():
        statement = statement.outerjoin(row, and_(row.ticket_id == Ticket.id, row.kind == kind, row.ended_at.is_(None)))
    places: list[ColumnElement[Any]] = [literal_column(str(place + 1)) for place in range(2 + len(columns))]
    groups = []
    for found in await session.execute(statement.group_by(*places)):
        channel, version, *rest = found
        decisions = {kind: Decided(*rest[at * 3 : at * 3 + 3]) for at, kind in enumerate(said)}
        groups.append(Alike(channel, version, decisions, tickets=rest[-2], examples=rest[-1]))
    return tally(since, until, groups)
