"""The button on Health that asks for a mailbox to be compared with its mail server."""

from fastapi import APIRouter
from starlette.responses import Response

from services.tickets import ingestion
from services.tickets.pages.common import Page
from shared.people import Permission
from shared.web.i18n import N_

router = APIRouter(include_in_schema=False)


@router.post("/health/mailboxes/{mailbox_id}/compare")
async def compare(screen: Page, mailbox_id: int) -> Response:
    screen.me.require(Permission.HEALTH_READ)
    return await screen.act(
        ingestion.compare(screen.session, screen.me, mailbox_id),
        N_("The mailbox is compared with the mail server now; what was found appears below."), "/health",
    )  # fmt: skip
