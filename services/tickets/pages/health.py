"""What is wrong with the machines and what to do: problems, mailboxes, recordings that wait, held mail."""

from fastapi import APIRouter
from sqlalchemy import func, select
from starlette.responses import Response

from services.tickets import dead_letters, operations
from services.tickets.ingestion import account, folders
from services.tickets.learning.installed import in_use
from services.tickets.pages.common import Page
from services.tickets.views.doors import doors
from services.tickets.views.held import counts
from services.tickets.views.mailboxes import list_mailboxes
from shared.models import Recording, RecordingState
from shared.people import Permission
from shared.web.depends import Cfg

router = APIRouter(include_in_schema=False)
WAITING = tuple(state for state in RecordingState if state is not RecordingState.TRANSCRIBED)


@router.get("/health")
async def show(screen: Page, settings: Cfg) -> Response:
    screen.me.require(Permission.HEALTH_READ)
    session, me = screen.session, screen.me
    recordings = await session.execute(
        select(Recording.state, func.count(), func.min(Recording.received_at))
        .where(Recording.state.in_(WAITING), Recording.same_as.is_(None))
        .group_by(Recording.state)
        .order_by(Recording.state)
    )
    return await screen.render(
        "health.html",
        problems=await operations.problems(session, me),
        model=in_use(settings),
        mailboxes=await list_mailboxes(session, settings),
        recordings=list(recordings),
        doors=await doors(session, me),
        dead=await dead_letters.counts(session, me),
        held=await counts(session),
        folders=await folders(session, me),
        account=await account(session, me),
        section="health",
    )
