"""One question to a token endpoint (RFC 6749): what it grants, or why it grants nothing."""

from dataclasses import dataclass, field
from typing import Any

import httpx

from services.inbox.problems import CannotGetToken, Trouble, of_token_error
from shared.models import SignInWith

TIMEOUT_S = 20.0
LIFETIME_S = 600.0  # of a token whose server does not say (RFC 6749 section 5.1 only recommends it)
_FOR_NOW = {"temporarily_unavailable", "server_error", "slow_down"}


@dataclass(frozen=True)
class OAuthClient:
    """Who we are at the provider."""

    grant: SignInWith
    token_endpoint: str
    client_id: str
    client_secret: str = field(repr=False)  # '' for a client that has none
    scope: str = ""


@dataclass(frozen=True)
class Granted:
    access_token: str = field(repr=False)
    lifetime_s: float
    refresh_token: str | None = field(repr=False)  # null: the one we have goes on
    refresh_lifetime_s: float | None


class Refused(Exception):
    """`code` is RFC 6749's (section 5.2), or `unreachable`; `words` are the server's, without our secrets."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(f"{code}: {words}")
        self.code = code
        self.words = words

    @property
    def trouble(self) -> Trouble:
        return of_token_error(self.code)

    def cannot_get_token(self) -> CannotGetToken:
        return CannotGetToken(str(self), self.trouble)


async def ask(client: OAuthClient, **grant: str) -> Granted:
    """`grant` is what differs between the grants, `grant_type` at least. Raises Refused."""
    form = {"client_id": client.client_id, **grant}
    if client.client_secret:
        form["client_secret"] = client.client_secret
    if client.scope and grant["grant_type"] != "authorization_code":
        form["scope"] = client.scope
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_S) as http:
            response = await http.post(client.token_endpoint, data=form, headers={"Accept": "application/json"})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Refused("unreachable", repr(error)[:300]) from None  # the request would show its form
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise Refused("unreachable", f"status {response.status_code}, and no JSON")
    if response.is_success and isinstance(answer.get("access_token"), str) and answer["access_token"]:
        return Granted(
            access_token=answer["access_token"],
            lifetime_s=_seconds(answer.get("expires_in")) or LIFETIME_S,
            refresh_token=answer.get("refresh_token") or None,
            refresh_lifetime_s=_seconds(answer.get("refresh_token_expires_in")),
        )
    code = str(answer.get("error") or "")[:100]
    if not code or code in _FOR_NOW or response.status_code == 429 or response.status_code >= 500:
        code = "unreachable"
    words = f"{answer.get('error') or ''} {answer.get('error_description') or ''} (status {response.status_code})"
    raise Refused(code, _without(words, form))


def _seconds(value: Any) -> float | None:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return seconds if 0 < seconds < 1e10 else None


def _without(words: str, form: dict[str, str]) -> str:
    """A server may repeat what it was sent: none of it may reach a log or a screen."""
    for name in ("client_secret", "refresh_token", "code", "code_verifier"):
        if secret := form.get(name):
            words = words.replace(secret, "…")
    return " ".join(words.split())[:500]
