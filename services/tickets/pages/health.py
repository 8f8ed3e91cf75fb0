"""What is wrong with the machines and what to do: problems, mailboxes, recordings that wait, dead letters."""

from fastapi import APIRouter
from sqlalchemy import func, select
from starlette.responses import FileResponse, Response

from services.tickets import operations
from services.tickets.pages.common import Page
from services.tickets.views.held import counts
from shared.errors import NotFound
from shared.models import Recording, RecordingState
from shared.people import Permission
from shared.web.depends import BlobStore
from shared.web.i18n import N_

router = APIRouter(include_in_schema=False)
WAITING = (RecordingState.RECEIVED, RecordingState.FAILED, RecordingState.NO_ENGINE, RecordingState.UNREADABLE)


@router.get("/health")
async def show(screen: Page) -> Response:
    screen.me.require(Permission.HEALTH_READ)
    session, me = screen.session, screen.me
    recordings = await session.execute(
        select(Recording.state, func.count(), func.min(Recording.received_at))
        .where(Recording.state.in_(WAITING))
        .group_by(Recording.state)
        .order_by(Recording.state)
    )
    return await screen.render(
        "health.html",
        problems=await operations.problems(session, me),
        mailboxes=await operations.mailboxes(session, me),
        recordings=list(recordings),
        dead=await operations.dead_letters(session, me),
        held=await counts(session),
        section="health",
    )


@router.post("/health/dead/{kind}/{letter_id}/replay")
async def replay(screen: Page, kind: operations.DeadLetterKind, letter_id: int) -> Response:
    screen.me.require(Permission.DEAD_LETTER_REPLAY)
    return await screen.act(
        operations.replay(screen.session, screen.me, kind, letter_id), N_("It is tried again now."), "/health"
    )


@router.get("/health/dead/{kind}/{letter_id}/raw")
async def raw(screen: Page, blobs: BlobStore, kind: operations.DeadLetterKind, letter_id: int) -> Response:
    path = blobs.path(await operations.raw_blob(screen.session, screen.me, kind, letter_id))
    if not path.exists():
        raise NotFound("There is no such file.")
    return FileResponse(
        path, media_type="application/octet-stream", filename=f"{kind.value}-{letter_id}.bin",
        headers={"Content-Security-Policy": "default-src 'none'; sandbox"},
    )  # fmt: skip
