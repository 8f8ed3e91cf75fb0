"""Renders pages in the reader's language, sends people on, and carries short messages across a redirect."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from heroicons.jinja import heroicon_micro, heroicon_mini
from itsdangerous import BadSignature, URLSafeTimedSerializer
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from shared.people import Actor, Permission
from shared.settings import Settings
from shared.web import static
from shared.web.context import actor_of, current_settings, language_of
from shared.web.vocabulary import words

FLASH_COOKIE = "flash"
FLASH_SECONDS = 120
TEMPLATES = Path(__file__).parent / "templates"


@cache
def environment(template_dirs: tuple[Path, ...]) -> Environment:
    """Templates of the service first, then the shared ones; each is compiled once in a process."""
    made = Environment(
        loader=FileSystemLoader([*map(str, template_dirs), str(TEMPLATES)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # else every page looks at the files of all its templates
        cache_size=-1,
    )
    made.globals.update(
        static=static.url,
        Permission=Permission,
        # Drawn once: they copy and write XML at each call, and a list has hundreds.
        heroicon_micro=cache(heroicon_micro),
        heroicon_mini=cache(heroicon_mini),
    )
    return made


def render(
    request: Request,
    template: str,
    *,
    me: Actor | None = None,
    status_code: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> HTMLResponse:
    """The page. Every template has `_`, `ngettext` and the words of vocabulary.py, `language`, `me`, `csrf_token`,
    `settings`, `request`, `static(path)`, `flashes` (of kind and message) and `heard` (which news it shows, see
    shared/events.py); macros import them `with context`."""
    settings: Settings = request.app.state.settings
    actor = me or actor_of(request)
    language = language_of(request, actor)
    flashes = _read_flashes(request, settings)
    environment: Environment = request.app.state.templates
    text = environment.get_template(template).render(
        {
            **words(language, settings.timezone),
            "request": request,
            "settings": settings,
            "me": actor,
            "csrf_token": actor.csrf_token if actor else "",
            "flashes": flashes,
            "heard": getattr(request.state, "heard", ""),
            **context,
        }
    )
    response = HTMLResponse(text, status_code, headers={"Content-Language": language, **(headers or {})})
    if FLASH_COOKIE in request.cookies:
        response.delete_cookie(FLASH_COOKIE, path="/")
    return response


def see_other(url: str) -> RedirectResponse:
    """After a form: look there, with GET."""
    return RedirectResponse(url, 303)


def _signer(settings: Settings) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings.secret_key.get_secret_value(), salt="flash")


def flash(response: Response, kind: str, message: str) -> None:
    """Show `message` (in the reader's language already) on the next page. Kinds: success, info, warning, error."""
    settings = current_settings.get()
    earlier: list[tuple[str, str]] = getattr(response, "flashes", [])
    flashes = [*earlier, (kind, message)]
    response.flashes = flashes  # type: ignore[attr-defined]  # so that a second message joins the first
    response.set_cookie(
        FLASH_COOKIE,
        _signer(settings).dumps(flashes),
        max_age=FLASH_SECONDS,
        path="/",
        secure=settings.secure_cookies,
        httponly=True,
        samesite="lax",
    )


def _read_flashes(request: Request, settings: Settings) -> list[tuple[str, str]]:
    value = request.cookies.get(FLASH_COOKIE)
    if not value:
        return []
    try:
        found = _signer(settings).loads(value, max_age=FLASH_SECONDS)
    except BadSignature:
        return []
    return [(str(kind), str(message)) for kind, message in found]
