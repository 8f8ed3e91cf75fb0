"""The SQL of a routing pass: reading its snapshot, and applying its plan under lock."""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, Row, and_, bindparam, column, func, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger, Integer, Text

from services.tickets.clocks.count import Count, Scale
from services.tickets.routing.kinds import Kind, for_anybody
from services.tickets.routing.plan import Proposal
from services.tickets.routing.rules import Situation, reviewer_live
from services.tickets.routing.staff import staff
from services.tickets.routing.terms import Policy, Snapshot, TicketState
from shared.calendar import OpenTime
from shared.models import UNOFFERED, Assignment, AssignmentState, SlaClock, Ticket
from shared.models import TicketState as State

SINGLE_FLIGHT = 4711  # advisory lock: one router at a time, so that passes do not trip over each other
USUAL_TARGET = 240.0  # minutes, for what was promised to nobody
# What a pass looks at of a ticket, with the promise that is due next.
_SEEN = (
    Ticket.id,
    Ticket.channel,
    Ticket.language,
    Ticket.level,
    Ticket.priority,
    Ticket.weight,
    Ticket.rev,
    Ticket.queued_at,
    SlaClock.target_s,
    SlaClock.used_s,
    SlaClock.running_since,
    SlaClock.around_clock,
)
_DUE_NEXT = and_(SlaClock.ticket_id == Ticket.id, SlaClock.kind == Ticket.due_kind, SlaClock.ended_at.is_(None))
# What a pass looks at. Every kind of ticket is there with its most urgent ones; how many of each depends on how many
# people could have them, for what a plan costs is the product of both.
PAIRS = 40_000
HALVES = 2  # of each kind: what is late, and what is not
MARGIN = 60  # of each kind beyond one for everybody: tickets that must not go to those who are free just now


async def only_router(session: AsyncSession) -> bool:
    """False: another pass is running. The lock ends with the transaction; it is a courtesy, not the guard."""
    return bool(await session.scalar(select(func.pg_try_advisory_xact_lock(SINGLE_FLIGHT))))


@dataclass(frozen=True, slots=True)
class Reading:
    """What a pass plans from. `more`: tickets further back may fit somebody even where none of these does. `all`: none
    that somebody could have is further back."""

    view: Snapshot
    more: bool
    all: bool


async def snapshot(
    session: AsyncSession,
    policy: Policy,
    open_time: OpenTime,
    now: datetime,
    today: date,
    *,
    depth: int = 1,
) -> Reading:
    """`depth`: how many times more tickets of each kind than usual, for when the most urgent ones can go to nobody."""
    people = await staff(session, now, today, zone=open_time.zone)
    situation = Situation(policy, reviewer_live(people))
    kinds = for_anybody([Kind(*row) for row in await session.execute(KINDS)], people, situation)
    if not kinds:
        return Reading(Snapshot(people, ()), more=False, all=True)
    takers = max(1, sum(person.routable and person.spare > 0 for person in people))
    each = depth * max(1, min(takers + MARGIN, PAIRS // (HALVES * takers * len(kinds))))
    late = now + timedelta(minutes=policy.answer_minutes)
    rows = (await session.execute(QUEUED, {**_columns(kinds), "each": each, "late": late})).all()
    past = await _past_assignments(session, [row.id for row in rows])
    tickets = tuple(_ticket_state(row, past[row.id], policy, open_time, now) for row in rows)
    read, held_up = Counter[tuple[Kind, bool]](), set[tuple[Kind, bool]]()
    for row, ticket in zip(rows, tickets, strict=True):
        kind = (Kind(row.language, row.level, row.channel, row.priority), row.late)
        read[kind] += 1
        if ticket.barred or ticket.previous_id is not None:  # only what a ticket went through makes it unlike its kind
            held_up.add(kind)
    full = {kind for kind, count in read.items() if count >= each}
    return Reading(Snapshot(people, tickets, situation.reviewer_live), more=bool(full & held_up), all=not full)


_UNOFFERED = ", ".join(f"'{kind.value}'" for kind in UNOFFERED)
# The kinds that are queued, by jumping along ix_ticket_queued from each to the next: a backlog of fifty thousand has
# some dozens.
KINDS = text("""
WITH RECURSIVE kind AS (
    (SELECT language, level, channel, priority FROM ticket WHERE state = 'queued'
     ORDER BY language, level, channel, priority LIMIT 1)
    UNION ALL
    SELECT later.* FROM kind CROSS JOIN LATERAL (
        SELECT language, level, channel, priority FROM ticket
        WHERE state = 'queued' AND (language, level, channel, priority)
              > (kind.language, kind.level, kind.channel, kind.priority)
        ORDER BY language, level, channel, priority LIMIT 1) AS later
)
SELECT language, level, channel, priority FROM kind
""").columns(Ticket.language, Ticket.level, Ticket.channel, Ticket.priority)
# Of each kind the first that are late and the first that are not: which come first is for `TicketState.urgency` to say.
QUEUED = text(f"""
SELECT queued.id, queued.channel, queued.language, queued.level, queued.priority, queued.weight, queued.rev,
       queued.queued_at, sla_clock.target_s, sla_clock.used_s, sla_clock.running_since, sla_clock.around_clock,
       kind.late
FROM (
    SELECT * FROM unnest(
        CAST(:languages AS text[]), CAST(:levels AS text[]), CAST(:channels AS text[]), CAST(:priorities AS text[])
    ) AS named(language, level, channel, priority)
    CROSS JOIN (VALUES (true, '-infinity'::timestamptz, CAST(:late AS timestamptz)),
                       (false, CAST(:late AS timestamptz), 'infinity'::timestamptz)) AS half(late, after, until)
) AS kind
CROSS JOIN LATERAL (
    SELECT id, channel, language, level, priority, weight, rev, queued_at, due_kind
    FROM ticket
    WHERE state = 'queued' AND ticket.kind NOT IN ({_UNOFFERED}) AND ticket.language = kind.language
      AND ticket.level = kind.level AND ticket.channel = kind.channel AND ticket.priority = kind.priority
      AND due_order > kind.after AND due_order <= kind.until
    ORDER BY due_order, id LIMIT :each
) AS queued
LEFT JOIN sla_clock
    ON sla_clock.ticket_id = queued.id AND sla_clock.kind = queued.due_kind AND sla_clock.ended_at IS NULL
""").columns(*_SEEN, column("late", Boolean))  # noqa: S608  # names of an enumeration


def _columns(kinds: Sequence[Kind]) -> dict[str, list[Any]]:
    return {
        "languages": [kind.language for kind in kinds],
        "levels": [kind.level.value for kind in kinds],
        "channels": [kind.channel.value for kind in kinds],
        "priorities": [kind.priority.value for kind in kinds],
    }


async def ticket_state(
    session: AsyncSession, policy: Policy, open_time: OpenTime, now: datetime, ticket_id: int
) -> TicketState | None:
    """One ticket as a pass sees it; None: it is not in the queue, or offered to nobody."""
    wanted = (
        select(*_SEEN)
        .outerjoin(SlaClock, _DUE_NEXT)
        .where(Ticket.id == ticket_id, Ticket.state == State.QUEUED, Ticket.kind.not_in(UNOFFERED))
    )
    row = (await session.execute(wanted)).one_or_none()
    if row is None:
        return None
    past = await _past_assignments(session, [ticket_id])
    return _ticket_state(row, past[ticket_id], policy, open_time, now)


@dataclass(frozen=True, slots=True)
class _Past:
    person_id: int
    state: AssignmentState
    ended_at: datetime
    was: str | None  # accepted, when it was given back or taken away in the middle
    cause: str | None


async def _past_assignments(session: AsyncSession, ticket_ids: Collection[int]) -> dict[int, list[_Past]]:
    found: dict[int, list[_Past]] = defaultdict(list)
    if not ticket_ids:
        return found
    statement = (
        select(
            Assignment.ticket_id,
            Assignment.person_id,
            Assignment.state,
            Assignment.ended_at,
            Assignment.explanation["was"].astext.label("was"),
            Assignment.explanation["cause"].astext.label("cause"),
        )
        .where(Assignment.ticket_id.in_(ticket_ids), Assignment.ended_at.is_not(None))
        .order_by(Assignment.id)
    )
    for row in await session.execute(statement):
        found[row.ticket_id].append(_Past(row.person_id, row.state, row.ended_at, row.was, row.cause))
    return found


def _ticket_state(
    ticket: Row[*tuple[Any, ...]],
    past: Sequence[_Past],
    policy: Policy,
    open_time: OpenTime,
    now: datetime,
) -> TicketState:
    waited, target = _promise(ticket, open_time, now)
    barred_since = now - timedelta(minutes=policy.barred_minutes)
    refused = (AssignmentState.DECLINED, AssignmentState.EXPIRED)
    barred = {
        each.person_id
        for each in past
        if each.ended_at > barred_since and (each.state in refused or each.cause == "released")
    }
    previous = next((each for each in reversed(past) if each.state is AssignmentState.DONE or each.was), None)
    since = max(ticket.queued_at, previous.ended_at) if previous is not None else now
    return TicketState(
        id=ticket.id,
        channel=ticket.channel,
        language=ticket.language,
        level=ticket.level,
        priority=ticket.priority,
        weight=ticket.weight,
        rev=ticket.rev,
        waited=waited,
        target=target,
        previous_id=None if previous is None else previous.person_id,
        since_previous=open_time.open_between(since, now) / timedelta(minutes=1),
        barred=frozenset(barred),
    )


def _promise(ticket: Row[*tuple[Any, ...]], open_time: OpenTime, now: datetime) -> tuple[float, float]:
    """Minutes that the promise which is due next has counted, and its target; of none, the wait and a usual target."""
    if ticket.target_s is None:
        return open_time.open_between(ticket.queued_at, now) / timedelta(minutes=1), USUAL_TARGET
    counted = Count(ticket.target_s, ticket.used_s, ticket.running_since)
    return counted.used(Scale(open_time, ticket.around_clock), now) / 60, ticket.target_s / 60


APPLY_PARAMETERS = (
    bindparam("ticket_ids", type_=ARRAY(BigInteger)),
    bindparam("person_ids", type_=ARRAY(BigInteger)),
    bindparam("revs", type_=ARRAY(Integer)),
    bindparam("required", type_=ARRAY(Text)),
    bindparam("modes", type_=ARRAY(Text)),
    bindparam("explanations", type_=ARRAY(Text)),
    bindparam("expires_text", type_=Text),
)
# Everything the plan assumed is checked again here, on a snapshot that is younger than the locks of LOCK_PEOPLE:
# counted in the statement that waits for a lock, the work of whoever held it would be missed.
APPLY = text("""
WITH plan AS (
    SELECT * FROM unnest(:ticket_ids, :person_ids, :revs, :required, :modes, :explanations)
    WITH ORDINALITY AS plan(ticket_id, person_id, rev, required, mode, explanation, position)
), room AS (
    SELECT person.id, person.capacity - coalesce(sum(held.weight), 0) AS spare
    FROM person
    JOIN presence ON presence.person_id = person.id
    LEFT JOIN (
        SELECT assignment.person_id, assignment.weight
        FROM assignment JOIN ticket ON ticket.id = assignment.ticket_id
        WHERE assignment.state IN ('offered', 'accepted') AND ticket.state <> 'waiting'
    ) AS held ON held.person_id = person.id
    WHERE person.id IN (SELECT person_id FROM plan)
      AND person.active AND presence.intent = 'available' AND presence.unresponsive_since IS NULL
      AND EXISTS (SELECT FROM presence_lease
                  WHERE presence_lease.person_id = person.id AND presence_lease.expires_at > :now)
    GROUP BY person.id, person.capacity
), free AS (
    SELECT ticket.id, ticket.weight, ticket.queued_at, ticket.priority = 'emergency' AS needs_no_room,
           plan.person_id, plan.explanation, plan.position
    FROM ticket JOIN plan ON plan.ticket_id = ticket.id AND plan.rev = ticket.rev
    WHERE ticket.state = 'queued'
      AND (plan.required IS NULL OR EXISTS (
          SELECT FROM certification
          WHERE certification.person_id = plan.person_id AND certification.revoked_at IS NULL
            AND (plan.required = '*'
                 OR certification.language = plan.required AND certification.mode = plan.mode)
            AND certification.verified_on <= :today
            AND (certification.valid_until IS NULL OR certification.valid_until >= :today)))
    ORDER BY ticket.id
    FOR UPDATE OF ticket SKIP LOCKED
), running AS (
    SELECT free.*, sum(weight) OVER (PARTITION BY person_id ORDER BY position) AS total FROM free
), chosen AS (
    SELECT running.* FROM running JOIN room ON room.id = running.person_id
    WHERE running.needs_no_room OR running.total <= room.spare
), offered AS (
    UPDATE ticket SET state = 'offered', rev = ticket.rev + 1, updated_at = :now
    FROM chosen WHERE ticket.id = chosen.id
    RETURNING ticket.id, ticket.weight, ticket.queued_at, chosen.person_id, chosen.explanation
), new AS (
    INSERT INTO assignment (ticket_id, person_id, state, weight, explanation, offered_at, expires_at)
    SELECT id, person_id, 'offered', weight, explanation::jsonb, :now, :expires_at FROM offered
    RETURNING id, ticket_id, person_id
), last AS (
    UPDATE person SET last_assigned_at = :now WHERE id IN (SELECT person_id FROM new)
), entries AS (
    INSERT INTO entry (ticket_id, kind, detail)
    SELECT new.ticket_id, 'offered', jsonb_build_object(
        'assignment_id', new.id, 'person_id', new.person_id, 'person', person.name, 'expires_at', :expires_text)
    FROM new JOIN person ON person.id = new.person_id
)
SELECT new.id, new.ticket_id, new.person_id, offered.queued_at
FROM new JOIN offered ON offered.id = new.ticket_id ORDER BY new.id
""").bindparams(*APPLY_PARAMETERS)


@dataclass(frozen=True, slots=True)
class Offered:
    assignment_id: int
    ticket_id: int
    person_id: int
    queued_at: datetime


async def apply(
    session: AsyncSession, proposals: Sequence[Proposal], policy: Policy, now: datetime, today: date
) -> list[Offered]:
    """Offer what still holds of the plan; the caller has locked its people. Returns what was offered."""
    expires_at = now + timedelta(seconds=policy.offer_s)
    rows = await session.execute(
        APPLY,
        {
            "ticket_ids": [each.ticket_id for each in proposals],
            "person_ids": [each.person_id for each in proposals],
            "revs": [each.rev for each in proposals],
            "required": [each.required for each in proposals],
            "modes": [each.mode for each in proposals],
            "explanations": [json.dumps(each.explanation) for each in proposals],
            "now": now,
            "today": today,
            "expires_at": expires_at,
            "expires_text": expires_at.isoformat(),
        },
    )
    return [Offered(row.id, row.ticket_id, row.person_id, row.queued_at) for row in rows]


@dataclass(frozen=True, slots=True)
class Held:
    """Open work: who holds what, and whether they have said yes."""

    person_id: int
    accepted: bool
    ticket: TicketState


async def unfit(session: AsyncSession, verified_language: str) -> list[Held]:
    """Open work whose ticket may have outgrown its person: what is offered, and accepted work in that language
    or above the entry level. Whether it has is for the rules to say."""
    demanding = or_(
        Ticket.language.in_([verified_language, "mixed"]),
        Ticket.level != "intern",
    )
    statement = (
        select(
            Assignment.person_id,
            Assignment.state,
            Ticket.id,
            Ticket.channel,
            Ticket.language,
            Ticket.level,
            Ticket.priority,
            Ticket.weight,
        )
        .join(Ticket, Ticket.id == Assignment.ticket_id)
        .where(
            Assignment.pinned.is_(False),
            or_(
                Assignment.state == AssignmentState.OFFERED,
                and_(Assignment.state == AssignmentState.ACCEPTED, Ticket.state == State.ASSIGNED, demanding),
            ),
        )
        .order_by(Assignment.id)
    )
    return [
        Held(
            row.person_id,
            row.state is AssignmentState.ACCEPTED,
            TicketState(row.id, row.channel, row.language, row.level, row.priority, row.weight),
        )
        for row in await session.execute(statement)
    ]
