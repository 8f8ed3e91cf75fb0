"""Reads the people of a routing pass: role, presence, load and certificates, as the store has them now."""

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.locks import OPEN
from services.tickets.routing.terms import OFFERED_ROLES, REVIEWERS, Certificate, PersonState
from services.tickets.shift_plan import Duty, OnDuty, on_duty
from services.tickets.shifts import plans
from shared import clock
from shared.models import (
    Assignment,
    Certification,
    Intent,
    Person,
    Presence,
    PresenceLease,
    Ticket,
    TicketState,
)
from shared.settings import Settings


def today_at_the_center(settings: Settings) -> date:
    """Certificates are valid by the center's calendar, not by UTC's."""
    return clock.now().astimezone(ZoneInfo(settings.timezone)).date()


async def staff(
    session: AsyncSession,
    now: datetime,
    today: date,
    only: Collection[int] | None = None,
    *,
    zone: ZoneInfo | None = None,
) -> tuple[PersonState, ...]:
    """Everybody active who may be offered work or reviews it; `only`: these people, whoever they are.

    `zone`: of the center; with it, whether they are on shift is looked up as well.
    """
    held = (
        select(Assignment.person_id, func.sum(Assignment.weight).label("load"))
        .join(Ticket, Ticket.id == Assignment.ticket_id)
        .where(Assignment.state.in_(OPEN), Ticket.state != TicketState.WAITING)
        .group_by(Assignment.person_id)
        .subquery()
    )
    live = exists().where(PresenceLease.person_id == Person.id, PresenceLease.expires_at > now)
    last_ended = select(func.max(Assignment.ended_at)).where(Assignment.person_id == Person.id).scalar_subquery()
    statement = (
        select(
            Person.id,
            Person.role,
            Person.active,
            Person.capacity,
            Person.last_assigned_at,
            Presence.intent,
            Presence.since,
            Presence.unresponsive_since,
            live.label("live"),
            held.c.load,
            last_ended.label("last_ended"),
        )
        .outerjoin(Presence, Presence.person_id == Person.id)
        .outerjoin(held, held.c.person_id == Person.id)
        .order_by(Person.id)
    )
    if only is None:
        statement = statement.where(Person.active, Person.role.in_(sorted(OFFERED_ROLES | REVIEWERS)))
    else:
        statement = statement.where(Person.id.in_(only))
    certificates = await valid_certificates(session, today, only)
    planned = await plans(session, today, today, only) if zone is not None else {}
    people = []
    for row in await session.execute(statement):
        known = [moment for moment in (row.last_assigned_at, row.last_ended, row.since) if moment is not None]
        duty = on_duty(planned.get(row.id), now, zone) if zone is not None else OnDuty(Duty.UNPLANNED)
        people.append(
            PersonState(
                id=row.id,
                role=row.role,
                active=row.active,
                intent=row.intent or Intent.OFFLINE,
                live=row.live,
                unresponsive=row.unresponsive_since is not None,
                capacity=row.capacity,
                load=int(row.load or 0),
                certificates=certificates[row.id],
                idle_minutes=max(0.0, (now - max(known)).total_seconds() / 60) if known else 0.0,
                duty=duty.duty,
                shift_minutes_left=(duty.ends_at - now).total_seconds() / 60 if duty.ends_at else None,
            )
        )
    return tuple(people)


async def valid_certificates(
    session: AsyncSession, today: date, only: Collection[int] | None = None
) -> dict[int, frozenset[Certificate]]:
    statement = select(Certification.person_id, Certification.language, Certification.mode).where(
        Certification.revoked_at.is_(None),
        Certification.verified_on <= today,
        or_(Certification.valid_until.is_(None), Certification.valid_until >= today),
    )
    if only is not None:
        statement = statement.where(Certification.person_id.in_(only))
    found: dict[int, set[Certificate]] = defaultdict(set)
    for person_id, language, mode in await session.execute(statement):
        found[person_id].add(Certificate(language, mode.value))
    return defaultdict(frozenset, {id_: frozenset(each) for id_, each in found.items()})
