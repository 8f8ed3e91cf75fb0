"""Takes the steps that are due: each once, with its row, its line on the timeline and its record in the audit log."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from services.tickets.ladder import repository
from services.tickets.ladder.alerting import tell_at_once, tell_shift_leads
from services.tickets.ladder.look import Look, facts
from services.tickets.ladder.share import promise_used
from services.tickets.ladder.steps import Step, due
from services.tickets.ladder.tell import Outcome, expected, tell
from services.tickets.locks import lock_ticket
from shared import audit
from shared.database import Database
from shared.events import Event, publish
from shared.models import UNOFFERED, Entry, EntryKind, LadderStep, Missing, Rung, Ticket, TicketState
from shared.settings import Settings

log = structlog.get_logger(__name__)
STEPS = Counter("centralita_ladder_steps_total", "Steps taken for tickets that nobody there may answer.", ["rung"])
BATCH = 100


async def climb(database: Database, settings: Settings) -> int:
    """Take every step that is due now. Returns how many. Safe to run twice, at once, and to be killed anywhere."""
    async with database.transaction() as session:
        kinds = await repository.kinds(session)
        if not kinds:
            return 0
        look = await Look.take(session, settings)
    await tell_at_once(database, look, kinds)
    taken = 0
    failures: list[Exception] = []
    for kind in kinds:
        _, steps = look.path(kind.example())
        after = 0
        while steps:
            async with database.transaction() as session:
                look = await Look.take(session, settings)
                tickets = await repository.waiting(session, kind, after, BATCH)
                known = await repository.taken(session, tickets)
                ready = [ticket.id for ticket in tickets if _due(look, ticket, known[ticket.id])]
            for ticket_id in ready:
                try:
                    async with database.transaction() as session:
                        rungs = await _climb_one(session, settings, look, ticket_id)
                except Exception as error:  # one that fails keeps no other from its steps; the sweep reports it
                    failures.append(error)
                else:
                    taken += len(rungs)
                    for rung in rungs:
                        STEPS.labels(rung.value).inc()
            if len(tickets) < BATCH:
                break
            after = tickets[-1].id
    if taken:
        log.info("ladder.climbed", steps=taken)
    if failures:
        raise failures[0]
    return taken


def _due(look: Look, ticket: Ticket, known: Collection[Rung]) -> list[Step]:
    return due(look.path(facts(ticket))[1], known, promise_used(look.open_time, ticket, look.now))


@dataclass(frozen=True, slots=True)
class _At:
    """A locked ticket, and the moment at which a step is taken for it."""

    settings: Settings
    look: Look
    ticket: Ticket
    lacks: Missing


async def _climb_one(session: AsyncSession, settings: Settings, look: Look, ticket_id: int) -> list[Rung]:
    """Whatever is due for this ticket, once it is locked and as it is then."""
    ticket = await lock_ticket(session, ticket_id)
    if ticket.state is not TicketState.QUEUED or ticket.kind in UNOFFERED:
        return []
    lacks, _ = look.path(facts(ticket))
    if lacks is None:
        return []
    used = promise_used(look.open_time, ticket, look.now)
    known = (await repository.taken(session, [ticket]))[ticket.id]
    at = _At(settings, look, ticket, lacks)
    done = []
    for step in _due(look, ticket, known):
        row = await repository.note(
            session,
            {
                "ticket_id": ticket.id,
                "rung": step.rung,
                "missing": lacks,
                "language": ticket.language,
                "wait_began_at": ticket.queued_at,
                "share": round(used or 0.0, 4),
                "at": look.now,
            },
        )
        if row is None:
            continue
        effect = _EFFECTS.get(step.rung)
        row.detail = await effect(session, at, row) if effect else {}
        detail = {"missing": lacks.value, "language": ticket.language, "share": row.share, **row.detail}
        session.add(
            Entry(
                ticket_id=ticket.id,
                kind=EntryKind.LADDER,
                detail={"what": step.rung.value, "step_id": row.id, **detail},
            )
        )
        audit.record(
            session, None, "ladder.step", object_type="ladder_step", object_id=row.id, ticket_id=ticket.id,
            detail={"rung": step.rung.value, **detail},
        )  # fmt: skip
        done.append(step.rung)
    if done:
        await session.flush()
        await publish(session, Event("ticket", ticket.id, what="ladder"))
    return done


async def _alert(session: AsyncSession, at: _At, _row: LadderStep) -> dict[str, object]:
    told = await tell_shift_leads(session, at.ticket, at.lacks, at.look.now)
    return {} if told.alert_id is None else {"alert_id": told.alert_id}


async def _tell(session: AsyncSession, at: _At, row: LadderStep) -> dict[str, object]:
    when = await expected(session, at.look, at.ticket)
    said = await tell(session, at.settings, at.look, at.ticket, when)
    row.told_address = said.address
    detail: dict[str, object] = {"outcome": said.outcome.value}
    if said.delivery_id is not None:
        detail["delivery_id"] = said.delivery_id
    if when is not None and said.outcome is Outcome.SENT:
        detail["expected_at"] = when.at.isoformat()
    return detail


async def _interpreter(_session: AsyncSession, at: _At, _row: LadderStep) -> dict[str, object]:
    return {"line": at.settings.interpreter_line.strip()}


_Effect = Callable[[AsyncSession, _At, LadderStep], Awaitable[dict[str, object]]]
_EFFECTS: dict[Rung, _Effect] = {Rung.ALERT: _alert, Rung.TELL_CUSTOMER: _tell, Rung.INTERPRETER: _interpreter}
