"""One line of log, one identifier and one measurement per request; catches what nothing else caught."""

import re
import secrets
import time
from dataclasses import dataclass

import structlog
from prometheus_client import Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import TooLarge
from shared.settings import Settings
from shared.web import errors
from shared.web.context import actor_of, client_ip, current_settings

log = structlog.get_logger(__name__)
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
QUIET = ("/static", "/healthz", "/readyz", "/metrics")
SECONDS = Histogram(
    "centralita_http_request_seconds",
    "Time from the request to the end of its response",
    ["service", "method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


@dataclass(frozen=True)
class Uploads:
    """Paths whose requests may be larger than others, because files come with them."""

    paths: re.Pattern[str]
    max_bytes: int


class Requests:
    def __init__(
        self, app: ASGIApp, service: str, settings: Settings, max_body_bytes: int, uploads: Uploads | None = None
    ) -> None:
        self.app = app
        self.service = service
        self.settings = settings
        self.max_body_bytes = max_body_bytes
        self.uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        current_settings.set(self.settings)
        started = time.perf_counter()
        status = 0
        limit = self._limit(scope["path"])
        length = headers.get("content-length", "0")
        received = int(length) if length.isdecimal() and len(length) < 20 else 0
        received = received if received > limit else 0  # else it is counted as it comes
        too_large = TooLarge("That is too large: at most {megabytes} MB.", megabytes=round(limit / 1024 / 1024))

        async def receive_counted() -> Message:
            """A length that is not declared, or is wrong, fills no memory and no disk."""
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise too_large
            return message

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        async def send_unless_cut_off(message: Message) -> None:
            if status or received <= limit:  # else: what the application made of half a body
                await send_and_note(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            request = Request(scope, receive)
            try:
                if not received:
                    await self.app(scope, receive_counted, send_unless_cut_off)
            except Exception as error:
                if status:  # too late to say anything else
                    log.exception("request.broken_off", path=scope["path"])
                    raise
                if received <= limit:
                    await (await errors.on_crash(request, error))(scope, receive, send_and_note)
            finally:
                if received > limit and not status:
                    await (await errors.on_error(request, too_large))(scope, receive, send_and_note)
                self._note(request, status, time.perf_counter() - started)

    def _limit(self, path: str) -> int:
        """How many bytes a request may have."""
        return self.uploads.max_bytes if self.uploads and self.uploads.paths.match(path) else self.max_body_bytes

    def _note(self, request: Request, status: int, seconds: float) -> None:
        path = request.scope["path"]
        route = getattr(request.scope.get("route"), "path", "-")
        SECONDS.labels(self.service, request.method, route, status).observe(seconds)
        if path.startswith(QUIET):
            return
        actor = actor_of(request)
        log.info(
            "request",
            method=request.method,
            path=path,
            status=status,
            ms=round(seconds * 1000, 1),
            person=actor.id if actor else None,
            ip=client_ip(request),
        )
