"""Signing in and out, and what concerns oneself: profile, password, tokens."""

from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from services.tickets import people, sign_in, tokens
from services.tickets.api.common import Body, Id
from shared.models import Role
from shared.people import PERMISSIONS, Actor, Permission
from shared.web import auth
from shared.web.depends import Cfg, Db, Me, Tx

router = APIRouter(prefix="/api/v1", tags=["me"])


class SignIn(Body):
    email: Annotated[str, Field(max_length=254, examples=["ana.lopez@center.example"])]
    password: Annotated[str, Field(max_length=1000, examples=["correct horse battery staple"])]


class SignedIn(BaseModel):
    person_id: int
    name: str
    role: Role


class MeView(BaseModel):
    id: int
    name: str
    email: str
    role: Role
    ui_language: str
    permissions: list[Permission] = Field(description="What I may do with this session or token.")
    scopes: list[str] | None = Field(description="Of the token; null in a browser session.")
    csrf_token: str | None = Field(description="For the `X-CSRF-Token` header; null with a token.")


class MyProfile(Body):
    ui_language: Literal["en", "es"]


class NewPassword(Body):
    current: Annotated[str, Field(max_length=1000)]
    new: Annotated[str, Field(max_length=1000, description="At least 12 characters.")]


class NewToken(Body):
    name: Annotated[str, Field(min_length=1, max_length=100, examples=["nightly export"])]
    scopes: Annotated[list[str], Field(min_length=1, max_length=50, examples=[["ticket.read"]])]
    days: Annotated[int, Field(ge=1, le=tokens.LONGEST_DAYS)] = 90


class MadeToken(BaseModel):
    token: str = Field(description="Shown only now. Send it as `Authorization: Bearer …`.")
    facts: tokens.TokenView


def _view(me: Actor) -> MeView:
    return MeView(
        id=me.id,
        name=me.name,
        email=me.email,
        role=me.role,
        ui_language=me.ui_language,
        permissions=sorted(permission for permission in PERMISSIONS[me.role] if me.may(permission)),
        scopes=sorted(me.scopes) if me.scopes is not None else None,
        csrf_token=me.csrf_token or None,
    )


@router.post("/session", status_code=201, summary="Sign in")
async def open_session(request: Request, response: Response, body: SignIn, database: Db, settings: Cfg) -> SignedIn:
    """Sets the session cookie. After wrong passwords one has to wait (429, `Retry-After`)."""
    person, token = await sign_in.sign_in(database, settings, request, email=body.email, password=body.password)
    auth.set_cookie(response, settings, token)
    return SignedIn(person_id=person.id, name=person.name, role=person.role)


@router.delete("/session", status_code=204, summary="Sign out")
async def end_session(request: Request, session: Tx, settings: Cfg, me: Me) -> Response:
    await sign_in.sign_out(session, settings, request, me)
    response = Response(status_code=204)
    auth.clear_cookie(response, settings)
    return response


@router.delete("/me/sessions", status_code=204, summary="Sign out everywhere")
async def end_all_sessions(session: Tx, settings: Cfg, me: Me) -> Response:
    await sign_in.sign_out_everywhere(session, me)
    response = Response(status_code=204)
    auth.clear_cookie(response, settings)
    return response


@router.get("/me", summary="Who I am and what I may do")
async def who_am_i(me: Me) -> MeView:
    return _view(me)


@router.patch("/me", summary="Change the language of my screens")
async def change_me(session: Tx, me: Me, body: MyProfile) -> MeView:
    await people.set_ui_language(session, me, body.ui_language)
    return _view(me).model_copy(update={"ui_language": body.ui_language})


@router.put("/me/password", status_code=204, summary="Change my password")
async def change_password(request: Request, session: Tx, settings: Cfg, me: Me, body: NewPassword) -> Response:
    """Signs out every other browser; this one gets a new session."""
    await people.change_own_password(session, me, current=body.current, new=body.new)
    response = Response(status_code=204)
    auth.set_cookie(response, settings, await auth.open_session(session, settings, request, me.id))
    return response


@router.get("/me/tokens", summary="My access tokens")
async def my_tokens(session: Tx, me: Me) -> list[tokens.TokenView]:
    return await tokens.list_tokens(session, me)


@router.post("/me/tokens", status_code=201, summary="Make an access token")
async def make_token(session: Tx, me: Me, body: NewToken) -> MadeToken:
    """Needs a browser session: a token cannot make tokens. The token is in this answer and never again."""
    facts, secret = await tokens.create_token(session, me, name=body.name, scopes=body.scopes, days=body.days)
    return MadeToken(token=secret, facts=facts)


@router.delete("/tokens/{token_id}", status_code=204, summary="Revoke an access token")
async def revoke_token(session: Tx, me: Me, token_id: Id) -> None:
    """One's own, or anybody's for who manages people."""
    await tokens.revoke_token(session, me, token_id)
