"""The mailboxes: what they are, and what administrators do with them."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.tickets import mailbox_sign_in, mailboxes
from services.tickets.api.common import Body, Id
from services.tickets.mailbox_fields import Line, MailboxFields
from services.tickets.views.mailboxes import (
    CheckView,
    MailboxDetail,
    MailboxView,
    latest_check,
    list_mailboxes,
    show_mailbox,
)
from shared.errors import NotFound
from shared.people import Permission
from shared.web.depends import Cfg, Me, Tx

router = APIRouter(prefix="/api/v1", tags=["mailboxes"])


class NewMailbox(MailboxFields):
    name: Line = Field(description="Short, and for good: problems and figures name it.", examples=["help"])


class SignInBegun(BaseModel):
    authorization_url: str = Field(description="Where the person signs in and agrees.")
    state: str = Field(description="Comes back with the code.")
    redirect_uri: str = Field(description="Where the provider sends them; register it there.")


class SignInReturned(Body):
    state: str = Field(min_length=1, max_length=500)
    code: str = Field(min_length=1, max_length=5000)


@router.get("/mailboxes", summary="The mailboxes")
async def list_all(session: Tx, settings: Cfg, me: Me, include_removed: bool = False) -> list[MailboxView]:
    """Those of the settings and those that administrators manage."""
    me.require(Permission.HEALTH_READ)
    return await list_mailboxes(session, settings, include_removed=include_removed)


@router.post("/mailboxes", status_code=201, summary="Add a mailbox")
async def add(session: Tx, settings: Cfg, me: Me, body: NewMailbox) -> MailboxDetail:
    """It is watched within seconds. All mail in its folders is taken in, old or new: begin with an empty one."""
    fields = MailboxFields.model_validate(body.model_dump(exclude={"name"}))
    mailbox_id = await mailboxes.add(session, settings, me, body.name, fields)
    return await show_mailbox(session, settings, mailbox_id)


@router.get("/mailboxes/{mailbox_id}", summary="One mailbox")
async def show(session: Tx, settings: Cfg, me: Me, mailbox_id: Id) -> MailboxDetail:
    """How it is reached and how it is. Secrets are never shown, only whether they are there."""
    me.require(Permission.HEALTH_READ)
    return await show_mailbox(session, settings, mailbox_id)


@router.put("/mailboxes/{mailbox_id}", summary="Change a mailbox")
async def change(session: Tx, settings: Cfg, me: Me, mailbox_id: Id, body: MailboxFields) -> MailboxDetail:
    """All of it as sent; a secret that is left out stays, unless it would now go to another server."""
    await mailboxes.change(session, settings, me, mailbox_id, body)
    return await show_mailbox(session, settings, mailbox_id)


@router.delete("/mailboxes/{mailbox_id}", status_code=204, summary="Remove a mailbox")
async def remove(session: Tx, me: Me, mailbox_id: Id) -> None:
    """Its mail and history stay, its secrets go. Mail queued to leave from it leaves by the first one that can."""
    await mailboxes.remove(session, me, mailbox_id)


@router.post("/mailboxes/{mailbox_id}/pause", summary="Pause a mailbox")
async def pause(session: Tx, settings: Cfg, me: Me, mailbox_id: Id) -> MailboxDetail:
    """Nothing is fetched and nothing is sent from it; mail queued to leave from it waits."""
    await mailboxes.pause(session, me, mailbox_id)
    return await show_mailbox(session, settings, mailbox_id)


@router.post("/mailboxes/{mailbox_id}/resume", summary="Resume a mailbox")
async def resume(session: Tx, settings: Cfg, me: Me, mailbox_id: Id) -> MailboxDetail:
    """What came meanwhile is taken in, what waited is sent."""
    await mailboxes.resume(session, me, mailbox_id)
    return await show_mailbox(session, settings, mailbox_id)


@router.post("/mailboxes/{mailbox_id}/checks", status_code=202, summary="Test a mailbox")
async def ask_for_check(session: Tx, settings: Cfg, me: Me, mailbox_id: Id) -> CheckView:
    """Sign in, list folders, send to itself. An inbox does it: look at it again until it is `good` or `failed`."""
    await mailboxes.ask_for_check(session, settings, me, mailbox_id)
    return await _latest(session, mailbox_id)


@router.get("/mailboxes/{mailbox_id}/checks/latest", summary="The latest test of a mailbox")
async def check(session: Tx, me: Me, mailbox_id: Id) -> CheckView:
    me.require(Permission.HEALTH_READ)
    return await _latest(session, mailbox_id)


@router.post("/mailboxes/{mailbox_id}/sign-in", status_code=201, summary="Begin to sign in at the provider")
async def begin_sign_in(session: Tx, settings: Cfg, me: Me, mailbox_id: Id) -> SignInBegun:
    """For mailboxes with a refresh token. Open the address in a browser; it is good for fifteen minutes."""
    way = await mailbox_sign_in.begin(session, settings, me, mailbox_id)
    return SignInBegun(authorization_url=way.url, state=way.state, redirect_uri=mailbox_sign_in.redirect_uri(settings))


@router.post("/mailbox-sign-ins", status_code=202, summary="Hand over what the provider sent back")
async def finish_sign_in(session: Tx, settings: Cfg, me: Me, body: SignInReturned) -> CheckView:
    """By who began it. The inbox exchanges the code and tests the mailbox."""
    mailbox_id = await mailbox_sign_in.finish(session, settings, me, state=body.state, code=body.code)
    return await _latest(session, mailbox_id)


async def _latest(session: Tx, mailbox_id: int) -> CheckView:
    found = await latest_check(session, mailbox_id)
    if found is None:
        raise NotFound("This mailbox was not tested yet.")
    return found
