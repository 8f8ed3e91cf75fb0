"""What is known about the request at hand: its identifier, who asks, and in which language to answer."""

from contextvars import ContextVar

from starlette.requests import HTTPConnection

from shared.people import Actor
from shared.settings import Settings
from shared.web.i18n import LANGUAGES

LANGUAGE_COOKIE = "ui_language"
current_settings: ContextVar[Settings] = ContextVar("current_settings")


def actor_of(request: HTTPConnection) -> Actor | None:
    """Who asks, once `identify` has run; None before, and for strangers."""
    actor: Actor | None = getattr(request.state, "actor", None)
    return actor


def client_ip(request: HTTPConnection) -> str:
    return request.client.host if request.client else ""


def preferred(header: str) -> str | None:
    """The best of our languages in an Accept-Language header; None when it names none of them."""
    ranked: list[tuple[float, int, str]] = []
    for position, part in enumerate(header.split(",")):
        tag, _, parameters = part.strip().partition(";")
        language = tag.strip().partition("-")[0].lower()
        try:
            quality = float(parameters.strip().removeprefix("q=") or 1)
        except ValueError:
            quality = 0.0
        if language in LANGUAGES and quality > 0:
            ranked.append((-quality, position, language))
    return min(ranked)[2] if ranked else None


def language_of(request: HTTPConnection, actor: Actor | None = None) -> str:
    """A person's own setting in a browser; for scripts and strangers what the request asks for."""
    actor = actor or actor_of(request)
    if actor is not None and actor.scopes is None:
        return actor.ui_language
    cookie = request.cookies.get(LANGUAGE_COOKIE, "")
    if actor is None and cookie in LANGUAGES:
        return cookie
    asked = preferred(request.headers.get("accept-language", ""))
    return asked or (actor.ui_language if actor is not None else "en")
