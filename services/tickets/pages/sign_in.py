"""Signing in and out, and the language of the screens."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy import update
from starlette.responses import Response

from services.tickets import sign_in as signing_in
from services.tickets.pages.common import Page
from shared import audit
from shared.errors import NotSignedIn, TooMany
from shared.models import Person
from shared.web import auth, pages
from shared.web.context import LANGUAGE_COOKIE, language_of
from shared.web.depends import Cfg, Db, MaybeMe, Tx
from shared.web.i18n import LANGUAGES, translate
from shared.web.security import safe_next

router = APIRouter(include_in_schema=False)
YEAR_S = 365 * 24 * 3600


def _remember_language(response: Response, settings: Cfg, language: str) -> None:
    response.set_cookie(
        LANGUAGE_COOKIE,
        language,
        max_age=YEAR_S,
        path="/",
        secure=settings.secure_cookies,
        httponly=True,
        samesite="lax",
    )


@router.get("/sign-in")
async def sign_in_page(request: Request, settings: Cfg, me: MaybeMe, next: str = "", lang: str = "") -> Response:
    if lang in LANGUAGES:
        query = f"?next={next}" if next else ""
        response: Response = pages.see_other(safe_next(settings, f"/sign-in{query}", "/sign-in"))
        _remember_language(response, settings, lang)
        return response
    if me is not None:
        return pages.see_other(safe_next(settings, next, "/"))
    return pages.render(request, "sign_in.html", next=next, email="", error="")


@router.post("/sign-in")
async def sign_in(
    request: Request,
    database: Db,
    settings: Cfg,
    email: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "",
) -> Response:
    try:
        person, token = await signing_in.sign_in(database, settings, request, email=email, password=password)
    except (NotSignedIn, TooMany) as error:
        sentence = translate(language_of(request), error.message, **error.values)
        status = 429 if isinstance(error, TooMany) else 401
        headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, TooMany) else {}
        return pages.render(
            request, "sign_in.html", status_code=status, headers=headers, next=next, email=email, error=sentence
        )
    response = pages.see_other(safe_next(settings, next, "/"))
    auth.set_cookie(response, settings, token)
    _remember_language(response, settings, person.ui_language)
    return response


@router.post("/sign-out")
async def sign_out(request: Request, session: Tx, settings: Cfg, me: MaybeMe) -> Response:
    await auth.end_session(session, settings, request)
    if me is not None:
        audit.record(session, me.id, "sign_out.succeeded", object_type="person", object_id=me.id, ip=me.ip)
    response = pages.see_other("/sign-in")
    auth.clear_cookie(response, settings)
    return response


@router.post("/language")
async def set_language(
    screen: Page, settings: Cfg, language: Annotated[str, Form()] = "en", next: Annotated[str, Form()] = "/"
) -> Response:
    """The language of my screens; the tickets' languages are another matter."""
    if language in LANGUAGES:
        await screen.session.execute(update(Person).where(Person.id == screen.me.id).values(ui_language=language))
    response = screen.see_other(next)
    _remember_language(response, settings, language if language in LANGUAGES else "en")
    return response
