"""The page behind an acknowledgement's «List-Unsubscribe», for customers without sign-in and their mail programs."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from services.tickets import way_out
from services.tickets.pages.common import Page
from shared.web import pages
from shared.web.context import client_ip
from shared.web.depends import Cfg, Tx
from shared.web.i18n import N_

router = APIRouter(include_in_schema=False)


@router.get("/acknowledgements/{token}")
async def ask(request: Request, settings: Cfg, token: str) -> Response:
    """Looking changes nothing: mail scanners follow every link (RFC 8058, section 1)."""
    return pages.render(request, "way_out.html", address=way_out.owner(settings, token), token=token, done=False)


@router.post("/acknowledgements/{token}")
async def stop(request: Request, session: Tx, settings: Cfg, token: str) -> Response:
    """By the button, or by a mail program's one click. Doing it twice is doing it once."""
    address = await way_out.asked_by_click(session, settings, token, client_ip(request))
    return pages.render(request, "way_out.html", address=address, token=token, done=True)


@router.post("/tickets/{ticket_id}/acknowledgements")
async def allow_again(screen: Page, ticket_id: int, address: Annotated[str, Form()] = "") -> Response:
    """A representative's doing, when the customer wants it."""
    return await screen.act(
        way_out.allow_again(screen.session, screen.me, address),
        N_("Mail from this address is confirmed automatically again."),
        f"/tickets/{ticket_id}",
    )
