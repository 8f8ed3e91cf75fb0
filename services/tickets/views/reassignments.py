"""What supervisors moved: for those who may undo it, and for whom it took tickets from or gave tickets to."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.routing.supervise import DONE
from services.tickets.routing.undo import undo_until
from services.tickets.views.shapes import PersonRef
from services.tickets.views.supervisor_models import MovedTicketView, ReassignmentView
from shared import clock
from shared.errors import NotFound
from shared.models import Person, ReassignedTicket, Reassignment
from shared.people import Actor, Permission
from shared.settings import Settings

TOLD = timedelta(hours=4)  # how long those concerned see it
MOST = 20


async def recent(session: AsyncSession, settings: Settings, me: Actor) -> list[ReassignmentView]:
    """What can be undone now, or was undone as lately; newest first."""
    me.require(Permission.TICKET_ASSIGN)
    since = clock.now() - timedelta(seconds=settings.reassign_undo_s)
    return await _views(session, settings, me, or_(Reassignment.at > since, Reassignment.undone_at > since))


async def concerning(session: AsyncSession, settings: Settings, me: Actor) -> list[ReassignmentView]:
    """What took tickets from me or gave me tickets in the last hours, by somebody else; only those tickets."""
    mine = or_(ReassignedTicket.from_id == me.id, ReassignedTicket.to_id == me.id)
    moved = select(ReassignedTicket.reassignment_id).where(mine, ReassignedTicket.outcome.in_(DONE))
    lately = Reassignment.at > clock.now() - TOLD
    return await _views(
        session, settings, me, lately & (Reassignment.by_id != me.id) & Reassignment.id.in_(moved), only=mine
    )


async def one(session: AsyncSession, settings: Settings, me: Actor, reassignment_id: int) -> ReassignmentView:
    """Raises NotFound also for those whom it does not concern."""
    if me.may(Permission.TICKET_ASSIGN):
        found = await _views(session, settings, me, Reassignment.id == reassignment_id)
    else:
        found = [each for each in await concerning(session, settings, me) if each.id == reassignment_id]
    if not found:
        raise NotFound("There is no such reassignment.")
    return found[0]


async def _views(
    session: AsyncSession,
    settings: Settings,
    me: Actor,
    which: ColumnElement[bool],
    *,
    only: ColumnElement[bool] | None = None,
) -> list[ReassignmentView]:
    actions = list(
        await session.scalars(select(Reassignment).where(which).order_by(Reassignment.id.desc()).limit(MOST))
    )
    statement = select(ReassignedTicket).where(ReassignedTicket.reassignment_id.in_([each.id for each in actions]))
    if only is not None:
        statement = statement.where(only)
    tickets: dict[int, list[ReassignedTicket]] = defaultdict(list)
    for row in await session.scalars(statement.order_by(ReassignedTicket.ticket_id)):
        tickets[row.reassignment_id].append(row)
    ids: set[Any] = {each.by_id for each in actions} | {each.undone_by_id for each in actions}
    ids |= {id_ for each in actions for id_ in each.to_ids}
    ids |= {id_ for rows in tickets.values() for row in rows for id_ in (row.from_id, row.to_id)}
    named = await session.execute(select(Person.id, Person.name).where(Person.id.in_(ids - {None})))
    names = dict(named.all())
    now = clock.now()
    return [_view(settings, me, each, tickets[each.id], names, now) for each in actions]


def _view(
    settings: Settings,
    me: Actor,
    action: Reassignment,
    tickets: list[ReassignedTicket],
    names: dict[int, str],
    now: datetime,
) -> ReassignmentView:
    def ref(id_: int | None) -> PersonRef | None:
        return None if id_ is None else PersonRef(id=id_, name=names[id_])

    until = undo_until(action.at, settings)
    return ReassignmentView(
        id=action.id,
        by=PersonRef(id=action.by_id, name=names[action.by_id]),
        to=[PersonRef(id=id_, name=names[id_]) for id_ in action.to_ids],
        reason=action.reason,
        override=action.override,
        at=action.at,
        undo_until=until,
        undone_at=action.undone_at,
        undone_by=ref(action.undone_by_id),
        can_undo=action.undone_at is None and now <= until and me.may(Permission.TICKET_ASSIGN),
        tickets=[
            MovedTicketView(
                ticket_id=row.ticket_id,
                outcome=row.outcome,
                flags=row.flags,
                from_person=ref(row.from_id),
                to_person=ref(row.to_id),
                undo_outcome=row.undo_outcome,
            )
            for row in tickets
        ],
    )
