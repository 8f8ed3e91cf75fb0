"""Turns every error into an answer for its reader: a problem document (RFC 9457) for programs, a page for people."""

import html
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from shared import audit
from shared.errors import CentralitaError, Conflict, Forbidden, Invalid, NotSignedIn, TooMany, Unavailable
from shared.web import pages
from shared.web.context import actor_of, client_ip, language_of
from shared.web.i18n import N_, translate

log = structlog.get_logger(__name__)
PROBLEM = "application/problem+json"

# What a status says when nobody said it better.
SENTENCES = {
    400: N_("The request cannot be understood."),
    401: N_("Sign in first."),
    403: N_("You may not do this."),
    404: N_("There is nothing here."),
    405: N_("This address does not do that."),
    409: N_("Somebody else was quicker, or things have moved on."),
    406: N_("This cannot be sent in the form you ask for."),
    413: N_("That is too large."),
    415: N_("This kind of file or body cannot be used here."),
    416: N_("The file is shorter than that."),
    422: N_("Something in the request is missing or not valid."),
    428: N_("This needs to be confirmed first."),
    429: N_("Too many requests. Wait a little."),
    500: N_("Something went wrong on our side. Nothing was saved; try again, and tell your administrator if it stays."),
    503: N_("A part we need is not there right now. Nothing was lost; try again in a moment."),
}
SLUGS = {400: "invalid", 401: "not-signed-in", 403: "forbidden", 404: "not-found", 405: "method-not-allowed",
         406: "not-acceptable", 409: "conflict", 413: "too-large", 415: "unsupported-media",
         416: "range-not-satisfiable",
         422: "validation", 428: "confirmation-required", 429: "too-many-requests", 500: "internal",
         503: "unavailable"}  # fmt: skip

# The validator's kinds of errors in words for people; {placeholders} come from its context.
FIELD_SENTENCES = {
    "missing": N_("This is required."),
    "string_too_short": N_("At least {min_length} characters are needed."),
    "string_too_long": N_("At most {max_length} characters fit."),
    "string_type": N_("A text is needed."),
    "string_pattern_mismatch": N_("This is not in the expected form."),
    "int_parsing": N_("A whole number is needed."),
    "int_type": N_("A whole number is needed."),
    "int_from_float": N_("A whole number is needed."),
    "float_parsing": N_("A number is needed."),
    "bool_parsing": N_("Yes or no is needed."),
    "bool_type": N_("Yes or no is needed."),
    "enum": N_("Choose one of {expected}."),
    "literal_error": N_("Choose one of {expected}."),
    "greater_than_equal": N_("This must be {ge} or more."),
    "greater_than": N_("This must be more than {gt}."),
    "less_than_equal": N_("This must be {le} or less."),
    "less_than": N_("This must be less than {lt}."),
    "too_short": N_("At least {min_length} are needed."),
    "too_long": N_("At most {max_length} are possible."),
    "json_invalid": N_("This is not valid JSON."),
    "model_attributes_type": N_("A JSON object is needed."),
    "dict_type": N_("A JSON object is needed."),
    "list_type": N_("A list is needed."),
    "extra_forbidden": N_("This is not known here."),
    "datetime_parsing": N_("A date and time is needed."),
    "datetime_from_date_parsing": N_("A date and time is needed."),
    "date_parsing": N_("A date is needed."),
    "date_from_datetime_parsing": N_("A date is needed."),
    "time_parsing": N_("A time of day is needed."),
}


def wants_page(request: Request) -> bool:
    """People get pages: outside /api, unless they ask for JSON and not for HTML."""
    if request.url.path.startswith("/api"):
        return False
    accept = request.headers.get("accept", "")
    return "text/html" in accept or "json" not in accept


def problem(
    request: Request,
    status: int,
    slug: str,
    detail: str,
    *,
    headers: dict[str, str] | None = None,
    **extension: object,
) -> JSONResponse:
    language = language_of(request)
    title = SENTENCES.get(status, HTTPStatus(status).phrase)
    body = {
        "type": f"/api/problems/{slug}",
        "title": translate(language, title),
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        "request_id": getattr(request.state, "request_id", None),
        **extension,
    }
    return JSONResponse(
        body, status, headers={"Content-Language": language, "Vary": "Accept-Language", **(headers or {})},
        media_type=PROBLEM,
    )  # fmt: skip


def page(request: Request, status: int, detail: str, *, headers: dict[str, str] | None = None,
         errors: Sequence[dict[str, Any]] = ()) -> Response:  # fmt: skip
    language = language_of(request)
    title = translate(language, SENTENCES.get(status, HTTPStatus(status).phrase))
    try:
        return pages.render(
            request, "error.html", me=actor_of(request), status_code=status, headers=headers,
            status=status, title=title, detail=detail, errors=errors,
            request_id=getattr(request.state, "request_id", ""),
        )  # fmt: skip
    except Exception:  # an error page that fails must not hide what it tells
        log.exception("error_page.failed", status=status)
        text = f"<h1>{html.escape(title)}</h1><p>{html.escape(detail)}</p>"
        return HTMLResponse(f"<!doctype html><html lang={language}><title>{status}</title>{text}", status, headers)


def answer(
    request: Request,
    status: int,
    slug: str,
    message: str,
    values: dict[str, object] | None = None,
    *,
    headers: dict[str, str] | None = None,
    errors: Sequence[dict[str, Any]] = (),
    extension: Mapping[str, object] | None = None,
) -> Response:
    detail = translate(language_of(request), message, **(values or {}))
    if wants_page(request):
        return page(request, status, detail, headers=headers, errors=errors)
    members = {**(extension or {}), **({"errors": list(errors)} if errors else {})}
    return problem(request, status, slug, detail, headers=headers, **members)


async def on_error(request: Request, error: Exception) -> Response:
    """Errors that people can cause."""
    assert isinstance(error, CentralitaError)
    if isinstance(error, Forbidden):
        await _audit_denial(request, error)
    if isinstance(error, NotSignedIn):
        return _to_sign_in(request, error)
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, TooMany) else {}
    if isinstance(error, Unavailable):
        headers["Retry-After"] = "5"
    errors: list[dict[str, Any]] = []
    if isinstance(error, Invalid) and error.field:
        detail = translate(language_of(request), error.message, **error.values)
        errors = [{"detail": detail, "pointer": f"#/{error.field}"}]
    return answer(
        request, error.status, error.slug, error.message, error.values, headers=headers, errors=errors,
        extension=error.extension(),
    )  # fmt: skip


def _to_sign_in(request: Request, error: NotSignedIn) -> Response:
    if not wants_page(request):
        return answer(
            request, 401, error.slug, error.message, error.values, headers={"WWW-Authenticate": 'Bearer realm="api"'}
        )
    settings = request.app.state.settings
    here = str(request.url.path) + (f"?{request.url.query}" if request.url.query else "")
    if request.app.state.service != "tickets":  # the sign-in page lives in tickets; come back here by full address
        here = settings.voicemail_url.rstrip("/") + here
    base = "" if request.app.state.service == "tickets" else settings.public_url.rstrip("/")
    if request.headers.get("hx-request"):
        back = request.headers.get("hx-current-url", "")
        return Response(status_code=401, headers={"HX-Redirect": f"{base}/sign-in?next={quote(back, safe='')}"})
    if request.method not in ("GET", "HEAD"):
        here = ""
    return RedirectResponse(f"{base}/sign-in" + (f"?next={quote(here, safe='')}" if here else ""), 303)


async def _audit_denial(request: Request, error: Forbidden) -> None:
    """In its own transaction: the request's own has rolled back."""
    actor = actor_of(request)
    if actor is None:
        return
    try:
        async with request.app.state.database.transaction() as session:
            audit.record(
                session,
                actor.id,
                "permission.denied",
                object_type="route",
                object_id=request.url.path[:200],
                detail={
                    "method": request.method,
                    "reason": error.message,
                    "token": actor.scopes is not None,
                    **{key: str(value) for key, value in error.values.items()},
                },
                ip=client_ip(request),
            )
    except Exception:  # the denial stands whether or not it could be written down
        log.exception("audit.denial_not_recorded", path=request.url.path)


async def on_http_error(request: Request, error: Exception) -> Response:
    """What the framework raises: unknown addresses, wrong methods, unreadable bodies."""
    assert isinstance(error, HTTPException)
    status = error.status_code
    if status in (204, 304):
        return Response(status_code=status, headers=error.headers)
    message = SENTENCES.get(status, str(error.detail))
    return answer(request, status, SLUGS.get(status, "http"), message, headers=dict(error.headers or {}))


def _pointer(where: Sequence[int | str]) -> dict[str, str]:
    place, *path = [str(part) for part in where] or ["body"]
    if place == "body":
        return {"pointer": "#" + "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)}
    return {"parameter": path[0] if path else place, "in": place}


async def on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    language = language_of(request)
    errors: list[dict[str, Any]] = []
    for found in error.errors():
        context = {key: str(value) for key, value in (found.get("ctx") or {}).items()}
        sentence = FIELD_SENTENCES.get(found["type"], N_("This is not valid."))
        errors.append(
            {"detail": translate(language, sentence, **context), **_pointer(found["loc"]), "code": found["type"]}
        )
    return answer(request, 422, "validation", SENTENCES[422], errors=errors)


async def on_database_error(request: Request, error: Exception) -> Response:
    """What the database refuses because of the values sent, and what it refuses because it is not there."""
    state = str(getattr(getattr(error, "orig", None), "sqlstate", "") or "")
    if state.startswith("22") or type(getattr(error, "orig", None)).__name__ == "DataError":
        # Characters or numbers that no column can hold: NUL, half a surrogate pair, 10^40.
        return await on_error(request, Invalid("A value in the request cannot be stored."))
    if state in ("40001", "40P01", "55P03"):  # serialization, deadlock, lock not available
        return await on_error(request, Conflict("Somebody else is changing this at the moment. Try again."))
    if isinstance(error, DBAPIError) and not error.connection_invalidated and state and state[:2] not in ("08", "57"):
        return await on_crash(request, error)
    log.warning("request.database_away", path=request.url.path, error=repr(error)[:300])
    return await on_error(request, Unavailable(SENTENCES[503]))


async def on_system_error(request: Request, error: Exception) -> Response:
    """The operating system refused: no connection, no space, no permission."""
    log.exception("request.system_error", path=request.url.path)
    return await on_error(request, Unavailable(SENTENCES[503]))


async def on_crash(request: Request, error: Exception) -> Response:
    log.error("request.crashed", path=request.url.path, method=request.method, exc_info=error)
    return answer(request, 500, "internal", SENTENCES[500])


def install(app: FastAPI) -> None:
    app.add_exception_handler(CentralitaError, on_error)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_validation_error)
    app.add_exception_handler(DBAPIError, on_database_error)
    app.add_exception_handler(PoolTimeout, on_database_error)
    app.add_exception_handler(OSError, on_system_error)
