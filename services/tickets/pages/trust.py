"""What is done on a ticket about who writes: noting a checked identity, closing as spam, and taking both back."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from services.tickets import identity, spam_corrections
from services.tickets.pages.common import Page
from shared.models import IdentityMethod
from shared.people import Permission
from shared.web.depends import Cfg
from shared.web.i18n import N_

router = APIRouter(include_in_schema=False)


@router.post("/tickets/{ticket_id}/identity-checks")
async def note_check(
    screen: Page,
    ticket_id: int,
    method: Annotated[IdentityMethod, Form()],
    address: Annotated[str, Form()] = "",
    note: Annotated[str, Form()] = "",
) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(
        identity.note_check(screen.session, screen.me, ticket_id, address=address, method=method, note=note),
        N_("It is noted that you checked who it is."),
        f"/tickets/{ticket_id}",
    )


@router.post("/tickets/{ticket_id}/identity-checks/{check_id}/take-back")
async def take_check_back(screen: Page, ticket_id: int, check_id: int) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(
        identity.take_back(screen.session, screen.me, ticket_id, check_id),
        N_("The check is taken back."),
        f"/tickets/{ticket_id}",
    )


@router.post("/tickets/{ticket_id}/spam")
async def mark_spam(screen: Page, settings: Cfg, ticket_id: int) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(
        spam_corrections.mark(screen.session, settings, screen.me, ticket_id),
        N_("Closed as spam. The sender’s next mail waits with the held mail."),
        f"/tickets/{ticket_id}",
    )


@router.post("/tickets/{ticket_id}/not-spam")
async def not_spam(screen: Page, settings: Cfg, ticket_id: int) -> Response:
    screen.me.require(Permission.TICKET_WORK)
    return await screen.act(
        spam_corrections.take_back(screen.session, settings, screen.me, ticket_id),
        N_("It is in the queue again, and the sender’s next mail becomes a ticket."),
        f"/tickets/{ticket_id}",
    )
