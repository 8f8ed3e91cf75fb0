"""A small OAuth 2.0 authorization server on loopback, as strict as the big ones where we could be wrong.

with TokenServer() as provider:
    provider.token_endpoint, provider.authorization_endpoint, provider.introspection_url
    provider.refresh_token()            # one that a person's consent gave
    provider.answers = [...]            # errors to give next; provider.granted, provider.spent
"""

import asyncio
import base64
import hashlib
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, urlencode

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.servers.dovecot import free_port

CLIENT_ID = "centralita-client"
CLIENT_SECRET = "the-clients-own-secret"


@dataclass
class Token:
    address: str
    expires: float


@dataclass
class TokenServer:
    address: str = "help@center.example.org"
    scope: str = "https://mail.example/"
    lifetime_s: float = 3600
    rotates: bool = True  # a refresh token can be spent once
    redirect_uri: str = ""  # the one that is registered; '' for any
    client_secret: str = CLIENT_SECRET
    answers: list[tuple[int, dict[str, Any]]] = field(default_factory=list)  # given instead, one after the other
    slow_s: float = 0.0
    granted: list[str] = field(default_factory=list)  # grant types that got a token
    asked: int = 0
    tokens: dict[str, Token] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._refresh: set[str] = set()
        self._codes: dict[str, dict[str, str]] = {}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.token_endpoint = f"{self.url}/token"
        self.authorization_endpoint = f"{self.url}/authorize?prompt=consent"
        self.introspection_url = f"{self.url}/introspect"
        routes = [
            Route("/token", self._token, methods=["POST"]),
            Route("/authorize", self._authorize),
            Route("/introspect", self._introspect),
        ]
        config = uvicorn.Config(Starlette(routes=routes), port=self.port, log_config=None, access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(5)

    def refresh_token(self) -> str:
        made = f"refresh-{secrets.token_hex(16)}"
        self._refresh.add(made)
        return made

    def withdraw(self) -> None:
        """The person takes the permission back."""
        self._refresh.clear()

    def accepts(self, access_token: str) -> bool:
        found = self.tokens.get(access_token)
        return found is not None and found.expires > time.time()

    def expire(self) -> None:
        """Every access token that is out there."""
        for token in self.tokens.values():
            token.expires = 0

    async def _introspect(self, request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not self.accepts(token):
            return JSONResponse({"active": False}, 401)
        return JSONResponse({"active": True, "email": self.tokens[token].address})

    async def _authorize(self, request: Request) -> Response:
        """Whoever comes agrees at once."""
        query = request.query_params
        assert query["client_id"] == CLIENT_ID
        assert query["response_type"] == "code"
        assert query["prompt"] == "consent"
        assert query["code_challenge_method"] == "S256"
        assert query["scope"] == self.scope
        assert self.redirect_uri in ("", query["redirect_uri"])
        code = f"code-{secrets.token_hex(16)}"
        self._codes[code] = {"challenge": query["code_challenge"], "redirect_uri": query["redirect_uri"]}
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode({'state': query['state'], 'code': code})}", 302)

    async def _token(self, request: Request) -> Response:
        form = {key: values[0] for key, values in parse_qs((await request.body()).decode()).items()}
        self.asked += 1
        if self.slow_s:
            await asyncio.sleep(self.slow_s)
        if self.answers:
            status, answer = self.answers.pop(0)
            return JSONResponse(answer, status)
        if form.get("client_id") != CLIENT_ID or form.get("client_secret") != self.client_secret:
            said = f"the secret {form.get('client_secret')} is wrong"  # some servers repeat what they were sent
            return JSONResponse({"error": "invalid_client", "error_description": said}, 401)
        grant = form.get("grant_type", "")
        if not self._may(grant, form):
            return JSONResponse({"error": "invalid_grant", "error_description": "expired or revoked"}, 400)
        if grant != "authorization_code" and form.get("scope") != self.scope:
            return JSONResponse({"error": "invalid_scope"}, 400)
        self.granted.append(grant)
        access = f"access-{secrets.token_hex(16)}"
        self.tokens[access] = Token(self.address, time.time() + self.lifetime_s)
        answer = {"access_token": access, "token_type": "Bearer", "expires_in": self.lifetime_s}
        if grant == "authorization_code" or (grant == "refresh_token" and self.rotates):
            answer["refresh_token"] = self.refresh_token()
        return JSONResponse(answer)

    def _may(self, grant: str, form: dict[str, str]) -> bool:
        if grant == "client_credentials":
            return True
        if grant == "refresh_token":
            known = form.get("refresh_token", "") in self._refresh
            if self.rotates:
                self._refresh.discard(form.get("refresh_token", ""))
            return known
        if grant == "authorization_code":
            begun = self._codes.pop(form.get("code", ""), None)
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            return begun == {"challenge": challenge, "redirect_uri": form.get("redirect_uri", "")}
        return False
