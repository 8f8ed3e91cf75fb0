"""Reassigning: one ticket or two hundred, to somebody, spread over several or to the queue; undoing it; pins."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.tickets.api.common import Body, Id, Number, Reason
from services.tickets.routing import pins, supervise
from services.tickets.routing.deal import Flag
from services.tickets.routing.undo import undo
from services.tickets.views import reassignments
from services.tickets.views.supervisor_models import ReassignmentView
from shared.models import MoveOutcome, UndoOutcome
from shared.people import Permission
from shared.web.depends import Cfg, Me, Tx
from shared.web.idempotency import Idempotent

router = APIRouter(prefix="/api/v1", tags=["board"])
Why = Annotated[str, Field(min_length=1, max_length=supervise.REASON_LIMIT, examples=["Ana knows this account."])]
Tickets = Annotated[list[Number], Field(min_length=1, max_length=supervise.BULK_LIMIT, examples=[[4012, 4013]])]
People = Annotated[
    list[Number],
    Field(
        min_length=1,
        max_length=supervise.PEOPLE_LIMIT,
        examples=[[7, 9]],
        description="One gets them all; over several they are spread by language, level and room.",
    ),
]
OVERRIDE = "Also when the person is not verified in the ticket's language; audited."


class Assignment(Body):
    person_id: Number
    reason: Why
    override: bool = Field(default=False, description=OVERRIDE)


class AssignmentPreview(Body):
    ticket_ids: Tickets
    person_ids: People


class BulkAssignment(AssignmentPreview):
    reason: Why
    override: bool = Field(default=False, description=OVERRIDE)


class SendBack(Body):
    ticket_ids: Tickets
    reason: Why


class AssignAnswer(BaseModel):
    ticket_id: int
    ok: bool
    outcome: MoveOutcome
    flags: list[Flag] = Field(description="What is unusual about it.")
    assignment_id: int | None
    person_id: int | None = Field(description="Who was given it, or would have been.")


class AssignAnswers(BaseModel):
    reassignment_id: int | None = Field(description="To undo it; null when nothing was changed.")
    results: list[AssignAnswer] = Field(description="One per ticket, in the order asked for.")


class UndoAnswer(BaseModel):
    ticket_id: int
    outcome: UndoOutcome = Field(description="`back`, or why it stays where it is.")


class UndoAnswers(BaseModel):
    results: list[UndoAnswer]


class PinAnswer(BaseModel):
    ticket_id: int
    assignment_id: int
    person_id: int
    pinned: bool


def _answers(moved: supervise.Moved) -> AssignAnswers:
    return AssignAnswers(
        reassignment_id=moved.id,
        results=[
            AssignAnswer(
                ticket_id=each.ticket_id,
                ok=each.ok,
                outcome=each.outcome,
                flags=each.flags,
                assignment_id=each.assignment_id,
                person_id=each.person_id,
            )
            for each in moved.results
        ],
    )


@router.post("/tickets/{ticket_id}/assign", summary="Give a ticket to somebody")
async def assign(session: Tx, settings: Cfg, me: Me, ticket_id: Id, body: Assignment) -> AssignAnswers:
    """Whoever has it now. The result says when it needs an override, and what is unusual."""
    return _answers(
        await supervise.assign(
            session, settings, me, [ticket_id], [body.person_id], body.reason, override=body.override
        )
    )


@router.post("/tickets/assign/preview", summary="What giving many tickets away would do")
async def preview(session: Tx, settings: Cfg, me: Me, body: AssignmentPreview) -> AssignAnswers:
    """Changes nothing. `unverified_language` among the flags: it will need an override."""
    results = await supervise.preview(session, settings, me, body.ticket_ids, body.person_ids)
    return _answers(supervise.Moved(None, results))


@router.post("/tickets/assign", summary="Give many tickets away", response_model=AssignAnswers)
async def assign_many(session: Tx, settings: Cfg, me: Me, once: Idempotent, body: BulkAssignment) -> Any:
    """At most 200 in one transaction. What cannot be moved stays where it is, and its result says why."""

    async def work() -> AssignAnswers:
        return _answers(
            await supervise.assign(
                session, settings, me, body.ticket_ids, body.person_ids, body.reason, override=body.override
            )
        )

    return await once.run(work, status=200)


@router.post("/tickets/send-back", summary="Send tickets back to the queue", response_model=AssignAnswers)
async def send_back(session: Tx, me: Me, once: Idempotent, body: SendBack) -> Any:
    async def work() -> AssignAnswers:
        return _answers(await supervise.send_back(session, me, body.ticket_ids, body.reason))

    return await once.run(work, status=200)


@router.get("/reassignments", summary="What supervisors moved lately")
async def list_reassignments(session: Tx, settings: Cfg, me: Me) -> list[ReassignmentView]:
    """For who assigns: what may still be undone. For everybody else: what took tickets from them or gave them some."""
    me.require(Permission.TICKET_WORK)
    if me.may(Permission.TICKET_ASSIGN):
        return await reassignments.recent(session, settings, me)
    return await reassignments.concerning(session, settings, me)


@router.get("/reassignments/{reassignment_id}", summary="One reassignment, ticket by ticket")
async def get_reassignment(session: Tx, settings: Cfg, me: Me, reassignment_id: Id) -> ReassignmentView:
    me.require(Permission.TICKET_WORK)
    return await reassignments.one(session, settings, me, reassignment_id)


@router.post("/reassignments/{reassignment_id}/undo", summary="Undo a reassignment")
async def undo_reassignment(session: Tx, settings: Cfg, me: Me, reassignment_id: Id) -> UndoAnswers:
    """Puts back what nobody has touched since, and says of the rest why it stays. Conflict: undone already, or late."""
    results = await undo(session, settings, me, reassignment_id)
    return UndoAnswers(results=[UndoAnswer(ticket_id=each.ticket_id, outcome=each.outcome) for each in results])


@router.post("/tickets/{ticket_id}/pin", summary="Keep a ticket with its person")
async def pin(session: Tx, me: Me, ticket_id: Id, body: Reason) -> PinAnswer:
    """Whatever the router and their absence say, until it is unpinned or done."""
    return await _pin(session, me, ticket_id, True, body.reason)


@router.post("/tickets/{ticket_id}/unpin", summary="Let a ticket follow the rules again")
async def unpin(session: Tx, me: Me, ticket_id: Id, body: Reason) -> PinAnswer:
    return await _pin(session, me, ticket_id, False, body.reason)


async def _pin(session: Tx, me: Me, ticket_id: int, pinned: bool, reason: str) -> PinAnswer:
    assignment = await pins.set_pin(session, me, ticket_id, pinned, reason)
    return PinAnswer(
        ticket_id=ticket_id, assignment_id=assignment.id, person_id=assignment.person_id, pinned=assignment.pinned
    )
