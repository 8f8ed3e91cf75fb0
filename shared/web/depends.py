"""What routes ask for: the request's one transaction, who asks, the store of bytes, the settings."""

import secrets
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession

from shared.blobs import Blobs
from shared.database import Database
from shared.errors import Forbidden, NotSignedIn
from shared.people import Actor
from shared.settings import Settings
from shared.web import auth
from shared.web.security import is_own_origin

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# Signing in asks for a password, which no other site knows; a session that is there already may be about to end.
SIGN_IN = frozenset({"/sign-in", "/api/v1/session"})
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


# Dependencies are `async` although they wait for nothing: FastAPI sends plain functions to a thread, at each request.
async def _database(request: Request) -> Database:
    found: Database = request.app.state.database
    return found


async def _settings(request: Request) -> Settings:
    found: Settings = request.app.state.settings
    return found


async def _blobs(request: Request) -> Blobs:
    found: Blobs = request.app.state.blobs
    return found


Db = Annotated[Database, Depends(_database)]
Cfg = Annotated[Settings, Depends(_settings)]
BlobStore = Annotated[Blobs, Depends(_blobs)]


async def _transaction(database: Db) -> AsyncIterator[AsyncSession]:
    async with database.transaction() as session:
        yield session


# scope="function": committed (or rolled back) before the first byte of the response leaves, so nobody is told
# that something was done when it was not. A connection is taken at the first statement, not before.
Tx = Annotated[AsyncSession, Depends(_transaction, scope="function")]


async def _identify(request: Request, database: Db, settings: Cfg) -> Actor | None:
    # Before anything is read for the answer: later news may be missing from it.
    request.state.heard = request.app.state.hearing.position
    actor = await auth.identify(request, database, settings)
    request.state.actor = actor
    return actor


MaybeMe = Annotated[Actor | None, Depends(_identify)]

# Only for the documentation of the API: `_identify` does the work.
_bearer = HTTPBearer(auto_error=False, description="A personal access token: `ctl_…`.", scheme_name="token")
_cookie = APIKeyCookie(
    name="__Host-centralita",
    auto_error=False,
    scheme_name="session",
    description="The session of a browser that signed in; unsafe methods also need `X-CSRF-Token`.",
)


async def _signed_in(
    actor: MaybeMe,
    _token: Annotated[object, Depends(_bearer)] = None,
    _session: Annotated[object, Depends(_cookie)] = None,
) -> Actor:
    if actor is None:
        raise NotSignedIn("Sign in first.")
    return actor


Me = Annotated[Actor, Depends(_signed_in)]


async def protect(request: Request, actor: MaybeMe, settings: Cfg) -> None:
    """Every route of every application: no unsafe request that another site made a browser send.

    Requests with an access token carry nothing that a browser would add by itself. For a session the form field
    `csrf_token` or the header `X-CSRF-Token` must hold the session's; before there is one (signing in), the
    browser's own word about where the request comes from is what counts.
    """
    if request.method in SAFE_METHODS or (actor is not None and actor.scopes is not None):
        return
    origin = request.headers.get("origin")
    if origin is not None:
        foreign = not is_own_origin(request, settings, origin)
    else:
        foreign = request.headers.get("sec-fetch-site") == "cross-site"
    if foreign:
        raise Forbidden("This request came from another site and was refused.")
    if actor is None or (request.method == "POST" and request.url.path in SIGN_IN):
        return
    given = request.headers.get("x-csrf-token", "")
    if not given and request.headers.get("content-type", "").startswith(FORMS):
        field = (await request.form()).get("csrf_token", "")
        given = field if isinstance(field, str) else ""
    if not secrets.compare_digest(given.encode(), actor.csrf_token.encode()):
        await request.close()  # the files of a form that was read for its token
        raise Forbidden("This form is no longer valid. Reload the page and try again.")
