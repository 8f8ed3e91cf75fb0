"""My account: password, signature, access tokens, keyboard."""

from typing import Annotated

from fastapi import APIRouter, Form
from pydantic import ValidationError
from starlette.responses import Response

from services.tickets import people, signatures, tokens
from services.tickets.pages.common import Page, Screen
from services.tickets.signatures import Signature
from shared.errors import CentralitaError, Conflict, Invalid
from shared.people import PERMISSIONS
from shared.web import auth
from shared.web.depends import Cfg
from shared.web.i18n import N_

router = APIRouter(include_in_schema=False)


async def _show(
    screen: Screen, errors: dict[str, str] | None = None, token: str = "", status_code: int = 200
) -> Response:
    return await screen.render(
        "account.html",
        status_code=status_code,
        signature=await signatures.of_person(screen.session, screen.me.id),
        tokens=await tokens.list_tokens(screen.session, screen.me),
        scopes=sorted(permission.value for permission in PERMISSIONS[screen.me.role]),
        new_token=token,
        errors=errors or {},
        section="account",
    )


@router.get("/account")
async def show(screen: Page) -> Response:
    return await _show(screen)


@router.post("/account/password")
async def change_password(
    screen: Page,
    settings: Cfg,
    current: Annotated[str, Form()] = "",
    new: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    if new != again:
        return await _show(screen, {"again": screen.say("The two new passwords differ.")}, status_code=400)
    try:
        await screen.attempt(people.change_own_password(screen.session, screen.me, current=current, new=new))
    except CentralitaError as error:
        field = (error.field if isinstance(error, Invalid) else None) or "current"
        field = {"password": "new"}.get(field, field)
        return await _show(screen, {field: screen.say(error.message, **error.values)}, status_code=error.status)
    token = await auth.open_session(screen.session, settings, screen.request, screen.me.id)
    response = screen.see_other("/account", "success", screen.say("Your password is changed."))
    auth.set_cookie(response, settings, token)
    return response


@router.post("/account/signature")
async def set_signature(screen: Page, en: Annotated[str, Form()] = "", es: Annotated[str, Form()] = "") -> Response:
    try:
        wanted = Signature(en=en, es=es)
    except ValidationError:
        return await _show(
            screen, {"signature": screen.say("A signature has at most {limit} characters.", limit=signatures.LONGEST)},
            status_code=400,
        )  # fmt: skip
    return await screen.act(
        signatures.set_own(screen.session, screen.me, wanted), N_("Your signature is kept."), "/account#signature"
    )


@router.post("/account/tokens")
async def create_token(
    screen: Page,
    name: Annotated[str, Form()] = "",
    scope: Annotated[list[str], Form()] = [],  # noqa: B006  (FastAPI copies it)
    days: Annotated[int, Form()] = 90,
) -> Response:
    try:
        _, token = await screen.attempt(
            tokens.create_token(screen.session, screen.me, name=name, scopes=scope, days=days)
        )
    except (Invalid, Conflict) as error:
        field = (error.field if isinstance(error, Invalid) else None) or "name"
        return await _show(screen, {field: screen.say(error.message, **error.values)}, status_code=error.status)
    return await _show(screen, token=token)


@router.post("/account/tokens/{token_id}/revoke")
async def revoke_token(screen: Page, token_id: int) -> Response:
    return await screen.act(
        tokens.revoke_token(screen.session, screen.me, token_id), N_("The token no longer works."), "/account"
    )
