"""For who keeps the machines running: problems, dead letters, the audit log."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from services.tickets import audit_log, dead_letters, operations
from services.tickets.api.common import BIGINT, Body, Cursor, Id, Limit, link_next
from services.tickets.audit_log import AuditFilter, AuditPage
from services.tickets.dead_letters import DeadLetterCounts, DeadLetterFilter, DeadLetterKind, DeadLetters, Replayed
from services.tickets.files import download
from services.tickets.operations import ProblemView
from services.tickets.views.doors import DoorView, doors
from shared.web.depends import BlobStore, Me, Tx

router = APIRouter(prefix="/api/v1", tags=["operations"])


class AuditQuery(AuditFilter):
    actor_id: Annotated[int | None, Query(ge=1, le=BIGINT)] = None
    ticket_id: Annotated[int | None, Query(ge=1, le=BIGINT)] = None
    cursor: Annotated[str | None, Query(max_length=300, description="`next` of the page before.")] = None
    limit: Annotated[int, Query(ge=1, le=200)] = 50


class DeadLetterQuery(DeadLetterFilter):
    cursor: Cursor = None
    limit: Limit = 50


class ReplayAll(Body):
    kind: DeadLetterKind | None = None
    error: str = Field(default="", max_length=300, examples=["ZeroDivisionError"])
    settled: bool = False


class SettleLetter(Body):
    reason: str = Field(min_length=1, max_length=500, examples=["A test of our own with random bytes."])


@router.get("/problems", summary="What is wrong now")
async def problems(session: Tx, me: Me, include_resolved: bool = False) -> list[ProblemView]:
    return await operations.problems(session, me, include_resolved=include_resolved)


@router.get("/doors", summary="Where voicemail comes from, and whether each way is open")
async def list_doors(session: Tx, me: Me) -> list[DoorView]:
    """With `health.read`. A door that fails is tried again by itself; `hint` says what somebody can do."""
    return await doors(session, me)


@router.get("/dead-letters", summary="What our code failed on")
async def list_dead_letters(
    request: Request, response: Response, session: Tx, me: Me, wanted: Annotated[DeadLetterQuery, Query()]
) -> DeadLetters:
    page = await dead_letters.dead_letters(session, me, wanted, wanted.cursor, wanted.limit)
    link_next(request, response, page.next)
    return page


@router.get("/dead-letters/counts", summary="How many there are, and with which errors")
async def count_dead_letters(session: Tx, me: Me) -> DeadLetterCounts:
    return await dead_letters.counts(session, me)


@router.post("/dead-letters/replay", status_code=202, summary="Try all that match again, after a fix")
async def replay_all(session: Tx, me: Me, body: ReplayAll) -> Replayed:
    """At most a thousand at a time: ask again while `left` is not 0. An empty object means everything that waits."""
    wanted = DeadLetterFilter(kind=body.kind, error=body.error, settled=body.settled)
    return await dead_letters.replay_all(session, me, wanted)


@router.get(
    "/dead-letters/{kind}/{letter_id}/raw",
    summary="Its bytes",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
async def dead_letter_raw(session: Tx, me: Me, blobs: BlobStore, kind: DeadLetterKind, letter_id: Id) -> Response:
    blob = await dead_letters.raw_blob(session, me, kind, letter_id)
    return download(blobs, blob, content_type="application/octet-stream", filename=f"dead-letter-{letter_id}.bin")


@router.post("/dead-letters/{kind}/{letter_id}/replay", status_code=202, summary="Try it again")
async def replay(session: Tx, me: Me, kind: DeadLetterKind, letter_id: Id) -> None:
    await dead_letters.replay(session, me, kind, letter_id)


@router.post("/dead-letters/{kind}/{letter_id}/settle", status_code=204, summary="Set it aside by hand")
async def settle(session: Tx, me: Me, kind: DeadLetterKind, letter_id: Id, body: SettleLetter) -> None:
    """It is not tried again and reminds nobody. Bytes, error and reason stay; a replay takes it back."""
    await dead_letters.settle(session, me, kind, letter_id, body.reason)


@router.get("/audit", summary="Who looked at or changed what")
async def read_audit(
    request: Request, response: Response, session: Tx, me: Me, wanted: Annotated[AuditQuery, Query()]
) -> AuditPage:
    page = await audit_log.read(session, me, wanted, wanted.cursor, wanted.limit)
    link_next(request, response, page.next)
    return page
