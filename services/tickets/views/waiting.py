"""What keeps a ticket waiting, computed when somebody asks: the people as they are, by the router's own rules."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.ladder import repository as ladder
from services.tickets.ladder.expected import Expected, next_there
from services.tickets.ladder.look import Look, facts
from services.tickets.ladder.share import at_share, promise_used
from services.tickets.ladder.steps import next_step
from services.tickets.ladder.tell import DAYS_READ, expected
from services.tickets.routing import repository
from services.tickets.routing.terms import PersonState, TicketState
from services.tickets.routing.waiting import Answer, Kept, Moments, keeps
from services.tickets.shift_plan import Duty
from services.tickets.shifts import duties, plans
from services.tickets.views.shapes import PersonRef
from services.tickets.views.waiting_models import (
    KeptGroup,
    KeptPerson,
    LadderView,
    NextChange,
    NextStep,
    StepView,
    WaitingView,
)
from shared.errors import NotFound
from shared.models import (
    UNOFFERED,
    Assignment,
    AssignmentState,
    LadderStep,
    Person,
    Rung,
    ScheduledCall,
    Ticket,
)
from shared.models import TicketState as State
from shared.people import Actor, Permission
from shared.settings import Settings

OPEN = (AssignmentState.OFFERED, AssignmentState.ACCEPTED)
ENDED_BY_THEM = (AssignmentState.DECLINED, AssignmentState.EXPIRED, AssignmentState.WITHDRAWN)


async def waiting_view(session: AsyncSession, settings: Settings, me: Actor, ticket_id: int) -> WaitingView:
    """Without its sentences. Raises NotFound. Who leads the shift sees names, others how many."""
    ticket = await session.get(Ticket, ticket_id, populate_existing=True)
    if ticket is None:
        raise NotFound("There is no ticket {ticket_id}.", ticket_id=ticket_id)
    leads = me.may(Permission.BOARD_READ)
    look = await Look.take(session, settings)
    answer = Answer((), {})
    position = queued = first_from = None
    values = await repository.ticket_state(session, look.situation.policy, look.open_time, look.now, ticket_id)
    if values is not None:
        moments = await _moments(session, settings, look, ticket_id)
        answer = keeps(values, look.people, look.situation, moments, look.open_time, look.now)
        position, queued = await _place(session, ticket)
        first_from = _first_from(values, look)
    assignment = await session.scalar(
        select(Assignment).where(Assignment.ticket_id == ticket_id, Assignment.state.in_(OPEN))
    )
    names = await _names(
        session, [*(person.id for person in look.people), *([assignment.person_id] if assignment else [])]
    )
    change = answer.next_change
    return WaitingView(
        ticket_id=ticket_id,
        state=ticket.state,
        language=ticket.language,
        mode=facts(ticket).mode,
        level=ticket.level,
        at=look.now,
        due_at=ticket.due_at,
        used=promise_used(look.open_time, ticket, look.now),
        opens_at=None if look.open_time.is_open(look.now) else look.open_time.next_opening(look.now),
        first_from=first_from,
        until=await _until(session, ticket, assignment),
        holder=_holder(assignment, names, leads, me),
        offered_to_nobody=ticket.kind in UNOFFERED,
        position=position,
        queued=queued,
        could=_groups(answer.could, names if leads else {}),
        cannot=[
            KeptGroup(
                rule=rule,
                n=len(people),
                until=None,
                people=[_person(Kept(each, rule), names) for each in people] if leads else [],
            )
            for rule, people in answer.cannot.items()
        ],
        next_change=None
        if change is None or change.until is None or change.change is None
        else NextChange(
            at=change.until,
            what=change.change,
            person=PersonRef(id=change.person.id, name=names[change.person.id]) if leads else None,
        ),
        ladder=await ladder_view(session, look, ticket),
        interpreter_line=settings.interpreter_line.strip(),
        sentences=[],
    )


async def ladder_view(session: AsyncSession, look: Look, ticket: Ticket) -> LadderView:
    """The steps of the present wait, and what comes next while things stay as they are."""
    steps = (await ladder.steps_of(session, [ticket.id]))[ticket.id]
    when = None
    if ticket.state is State.QUEUED and look.path(facts(ticket))[0] is not None:
        when = await expected(session, look, ticket)
    names = await _names(session, [step.acknowledged_by_id for step in steps if step.acknowledged_by_id is not None])
    return climbed(look, ticket, steps, names, when)


def climbed(
    look: Look, ticket: Ticket, steps: Sequence[LadderStep], names: dict[int, str], when: Expected | None
) -> LadderView:
    """The same of what was read; `steps`: all that were ever taken for the ticket."""
    now = [step for step in steps if step.wait_began_at == ticket.queued_at]
    if ticket.state is not State.QUEUED or ticket.kind in UNOFFERED:
        return LadderView(missing=None, steps=step_views(now, names), next=None, expected_at=None)
    lacks, path = look.path(facts(ticket))
    taken = {step.rung for step in steps if step in now or step.rung is Rung.TELL_CUSTOMER}
    following = next_step(path, taken, promise_used(look.open_time, ticket, look.now))
    return LadderView(
        missing=lacks,
        steps=step_views(now, names),
        next=None
        if following is None
        else NextStep(rung=following.rung, at=at_share(look.open_time, ticket, following.share)),
        expected_at=when.at if when else None,
    )


def step_views(steps: Iterable[LadderStep], names: dict[int, str]) -> list[StepView]:
    return [
        StepView(
            id=step.id,
            rung=Rung(step.rung),
            missing=step.missing,
            at=step.at,
            share=step.share,
            detail={"language": step.language, **step.detail},
            acknowledged_at=step.acknowledged_at,
            acknowledged_by=None
            if step.acknowledged_by_id is None
            else PersonRef(id=step.acknowledged_by_id, name=names.get(step.acknowledged_by_id, "")),
        )
        for step in steps
    ]


async def _moments(session: AsyncSession, settings: Settings, look: Look, ticket_id: int) -> Moments:
    """What the clock will bring, of everybody who is off, on a break, asked for something, or has just said no."""
    away = [person.id for person in look.people if person.duty in (Duty.BREAK, Duty.OFF) or person.shift_minutes_left]
    back: dict[int, datetime] = {}
    shifts: dict[int, datetime] = {}
    if away:
        for person_id, duty in (await duties(session, settings, look.now, away)).items():
            if duty.duty is Duty.BREAK and duty.until is not None:
                back[person_id] = duty.until
        today = look.now.astimezone(look.open_time.zone).date()
        planned = await plans(session, today, today + timedelta(days=DAYS_READ), away)
        for person in look.people:
            if person.id in planned and (found := next_there([person], planned, look.open_time, look.now)):
                shifts[person.id] = found.at
    since = look.now - timedelta(minutes=look.situation.policy.barred_minutes)
    refused = await session.execute(
        select(Assignment.person_id, func.max(Assignment.ended_at))
        .where(Assignment.ticket_id == ticket_id, Assignment.ended_at > since, Assignment.state.in_(ENDED_BY_THEM))
        .group_by(Assignment.person_id)
    )
    asked = await session.execute(
        select(Assignment.person_id, func.min(Assignment.expires_at))
        .where(Assignment.state == AssignmentState.OFFERED)
        .group_by(Assignment.person_id)
    )
    return Moments(
        back_from_break=back,
        next_shift=shifts,
        refused_at={person_id: at for person_id, at in refused if at is not None},
        offers_end={person_id: at for person_id, at in asked if at is not None},
    )


async def _place(session: AsyncSession, ticket: Ticket) -> tuple[int, int]:
    """Among the queued tickets of its language, in the queue's order."""
    same = (Ticket.state == State.QUEUED, Ticket.language == ticket.language, Ticket.kind.not_in(UNOFFERED))
    here = (ticket.priority_rank, ticket.due_order, ticket.id)
    before = func.row(Ticket.priority_rank, Ticket.due_order, Ticket.id) < func.row(*here)
    ahead, queued = (await session.execute(select(func.count().filter(before), func.count()).where(*same))).one()
    return ahead + 1, queued


def _first_from(ticket: TicketState, look: Look) -> datetime | None:
    policy = look.situation.policy
    if ticket.urgent or not ticket.late(policy) or ticket.overdue(policy) or policy.late_weight == 1:
        return None
    left = policy.late_limit * ticket.target - ticket.waited
    return look.open_time.add_open(look.now, timedelta(minutes=left))


async def _until(session: AsyncSession, ticket: Ticket, assignment: Assignment | None) -> datetime | None:
    if ticket.state is State.OFFERED and assignment is not None:
        return assignment.expires_at
    if ticket.state is State.WAITING:
        call_at: datetime | None = await session.scalar(
            select(ScheduledCall.call_at).where(ScheduledCall.ticket_id == ticket.id, ScheduledCall.ended_at.is_(None))
        )
        return call_at
    return None


def _holder(assignment: Assignment | None, names: dict[int, str], leads: bool, me: Actor) -> PersonRef | None:
    if assignment is None:
        return None
    asked = assignment.state is AssignmentState.OFFERED
    if asked and not leads and assignment.person_id != me.id:
        return None
    return PersonRef(id=assignment.person_id, name=names[assignment.person_id])


async def _names(session: AsyncSession, ids: Sequence[int]) -> dict[int, str]:
    rows = await session.execute(select(Person.id, Person.name).where(Person.id.in_(set(ids))))
    return {row.id: row.name for row in rows}


def _person(kept: Kept, names: dict[int, str]) -> KeptPerson:
    person: PersonState = kept.person
    return KeptPerson(
        person=PersonRef(id=person.id, name=names.get(person.id, "")),
        load=person.load,
        capacity=person.capacity,
        since=kept.since,
        until=kept.until,
    )


def _groups(could: Iterable[Kept], names: dict[int, str]) -> list[KeptGroup]:
    """By what keeps them; first those whom nothing keeps. Without names nobody is named."""
    by_rule: dict[str, list[Kept]] = {}
    for each in sorted(could, key=lambda each: (each.rule is not None, each.person.id)):
        by_rule.setdefault(each.rule or "free", []).append(each)
    return [
        KeptGroup(
            rule=rule,
            n=len(group),
            until=min((each.until for each in group if each.until is not None), default=None),
            people=[_person(each, names) for each in group] if names else [],
        )
        for rule, group in by_rule.items()
    ]
