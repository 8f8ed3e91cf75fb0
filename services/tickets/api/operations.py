"""For who keeps the machines running: problems, mailboxes, dead letters, the audit log."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from services.tickets import audit_log, operations
from services.tickets.api.common import BIGINT, Id, link_next
from services.tickets.audit_log import AuditFilter, AuditPage
from services.tickets.files import download
from services.tickets.operations import DeadLetterKind, DeadLetters, MailboxView, ProblemView
from shared.web.depends import BlobStore, Me, Tx

router = APIRouter(prefix="/api/v1", tags=["operations"])


class AuditQuery(AuditFilter):
    actor_id: Annotated[int | None, Query(ge=1, le=BIGINT)] = None
    ticket_id: Annotated[int | None, Query(ge=1, le=BIGINT)] = None
    cursor: Annotated[str | None, Query(max_length=300, description="`next` of the page before.")] = None
    limit: Annotated[int, Query(ge=1, le=200)] = 50


@router.get("/problems", summary="What is wrong now")
async def problems(session: Tx, me: Me, include_resolved: bool = False) -> list[ProblemView]:
    return await operations.problems(session, me, include_resolved=include_resolved)


@router.get("/mailboxes", summary="The watched mailboxes")
async def mailboxes(session: Tx, me: Me) -> list[MailboxView]:
    return await operations.mailboxes(session, me)


@router.get("/dead-letters", summary="What our code failed on")
async def dead_letters(session: Tx, me: Me) -> DeadLetters:
    return await operations.dead_letters(session, me)


@router.get(
    "/dead-letters/{kind}/{letter_id}/raw",
    summary="Its bytes",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
async def dead_letter_raw(session: Tx, me: Me, blobs: BlobStore, kind: DeadLetterKind, letter_id: Id) -> Response:
    blob = await operations.raw_blob(session, me, kind, letter_id)
    return download(blobs, blob, content_type="application/octet-stream", filename=f"dead-letter-{letter_id}.bin")


@router.post("/dead-letters/{kind}/{letter_id}/replay", status_code=202, summary="Try it again")
async def replay(session: Tx, me: Me, kind: DeadLetterKind, letter_id: Id) -> None:
    await operations.replay(session, me, kind, letter_id)


@router.get("/audit", summary="Who looked at or changed what")
async def read_audit(
    request: Request, response: Response, session: Tx, me: Me, wanted: Annotated[AuditQuery, Query()]
) -> AuditPage:
    page = await audit_log.read(session, me, wanted, wanted.cursor, wanted.limit)
    link_next(request, response, page.next)
    return page
