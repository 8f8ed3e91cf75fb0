"""The supervisor's board: the queue by language, people with their state and work, alerts."""

from collections import defaultdict
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets import spam, wordless
from services.tickets.routing.obstacles import obstacles
from services.tickets.views.board_models import AlertView, Board, BoardPerson
from services.tickets.views.calls import due_promises
from services.tickets.views.clocks import clock_counts
from services.tickets.views.forecast import gaps_today
from services.tickets.views.ladder import stuck
from services.tickets.views.models import PersonRef, TicketRow
from services.tickets.views.presence import loads, presences
from services.tickets.views.rows import language_counts, rows, select_rows, ticket_row
from shared import clock
from shared.models import (
    UNOFFERED,
    Alert,
    AlertKind,
    Assignment,
    AssignmentState,
    Certification,
    Person,
    Role,
    Ticket,
    TicketState,
)
from shared.people import PERMISSIONS, Permission
from shared.settings import Settings

DANGER = frozenset({AlertKind.EMERGENCY, AlertKind.CRISIS, AlertKind.THREAT, AlertKind.LIFE_SUPPORT})
UNASSIGNED = 100  # the most urgent ones; the queue page has the rest


async def board(session: AsyncSession, settings: Settings) -> Board:
    return Board(
        languages=await language_counts(session),
        people=await board_people(session, settings),
        alerts=await open_alerts(session),
        promises=await due_promises(session, settings),
        unassigned=await rows(
            session,
            select_rows()
            .where(Ticket.state == TicketState.QUEUED, Ticket.kind.not_in(UNOFFERED))
            .order_by(Ticket.priority_rank, Ticket.due_order, Ticket.id)
            .limit(UNASSIGNED),
        ),
        stuck=await stuck(session),
        clocks=await clock_counts(session),
        held_spam=await spam.waiting(session),
        wordless=await wordless.waiting(session),
        bilingual_gaps=await gaps_today(session, settings),
    )


async def board_people(session: AsyncSession, settings: Settings, *, with_tickets: bool = True) -> list[BoardPerson]:
    """Everybody active who may work on tickets, with what they hold."""
    roles = [role for role in Role if Permission.TICKET_WORK in PERMISSIONS[role]]
    people = list(
        await session.scalars(
            select(Person).where(Person.active, Person.role.in_(roles)).order_by(Person.name, Person.id)
        )
    )
    ids = [person.id for person in people]
    states = await presences(session, ids)
    weights = await loads(session, ids)
    languages = await valid_languages(session, settings, ids)
    hindered = await obstacles(session, settings, ids)
    work: dict[int, list[TicketRow]] = defaultdict(list)
    held = (
        select_rows(Assignment.person_id)
        .join(Assignment, Assignment.ticket_id == Ticket.id)
        .where(
            Assignment.person_id.in_(ids),
            Assignment.state.in_([AssignmentState.OFFERED, AssignmentState.ACCEPTED]),
        )
        .order_by(Ticket.priority_rank, Ticket.due_order, Ticket.id)
    )
    for row in await session.execute(held) if with_tickets else ():
        work[row.person_id].append(ticket_row(row))
    return [
        BoardPerson(
            person=PersonRef(id=person.id, name=person.name),
            role=person.role,
            presence=states[person.id],
            load=weights[person.id],
            capacity=person.capacity,
            in_the_way=hindered[person.id],
            languages=languages[person.id],
            tickets=work[person.id],
        )
        for person in people
    ]


async def valid_languages(session: AsyncSession, settings: Settings, people: list[int]) -> dict[int, list[str]]:
    """`language:mode` of every certificate that is valid today, in the center's time zone."""
    today = clock.now().astimezone(ZoneInfo(settings.timezone)).date()
    statement = (
        select(Certification.person_id, Certification.language, Certification.mode)
        .where(
            Certification.person_id.in_(people),
            Certification.revoked_at.is_(None),
            Certification.verified_on <= today,
            or_(Certification.valid_until.is_(None), Certification.valid_until >= today),
        )
        .distinct()
        .order_by(Certification.language, Certification.mode)
    )
    found: dict[int, list[str]] = defaultdict(list)
    for person, language, mode in await session.execute(statement):
        found[person].append(f"{language}:{mode.value}")
    return found


async def open_alerts(session: AsyncSession) -> list[AlertView]:
    """Where somebody may come to harm first, then the oldest."""
    statement = (
        select(Alert, Person.name, Ticket.subject)
        .outerjoin(Person, Person.id == Alert.person_id)
        .outerjoin(Ticket, Ticket.id == Alert.ticket_id)
        .where(Alert.taken_at.is_(None))
        .order_by(Alert.kind.not_in(DANGER), Alert.created_at, Alert.id)
    )
    return [
        AlertView(
            id=alert.id,
            kind=alert.kind,
            danger=alert.kind in DANGER,
            ticket_id=alert.ticket_id,
            subject=subject or "",
            person=None if alert.person_id is None else PersonRef(id=alert.person_id, name=name or ""),
            detail=alert.detail,
            created_at=alert.created_at,
        )
        for alert, name, subject in (await session.execute(statement))
    ]
