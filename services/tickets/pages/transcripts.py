"""Correcting the transcript of a voicemail from its ticket."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from services.tickets import transcripts
from services.tickets.pages.common import Page
from shared.people import Permission
from shared.web.depends import Cfg
from shared.web.i18n import N_

router = APIRouter(include_in_schema=False)


@router.post("/tickets/{ticket_id}/recordings/{recording_id}/correction")
async def correct(
    screen: Page,
    settings: Cfg,
    ticket_id: int,
    recording_id: int,
    text: Annotated[str, Form()] = "",
    language: Annotated[str, Form()] = "",
) -> Response:
    """Two who correct at once make two versions; the later one counts, and both can be seen."""
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(
        transcripts.correct(screen.session, settings, screen.me, ticket_id, recording_id, text, language=language),
        N_("The transcript is corrected. What the computer heard is kept."),
        f"/tickets/{ticket_id}#correction-{recording_id}",
    )
