"""The demo page's own small web application, in the process that holds the mailboxes; loopback only."""

import asyncio
import re
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import aiosmtplib
import av
import httpx
import uvicorn
from fastapi import FastAPI, File, Form, Request, UploadFile
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import Headers
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from local import customers
from local.config import HELP_ADDRESS, HOST
from local.customers import Letter
from local.mail import is_example
from local.mailboxes import StoredMail
from local.morning import Morning
from local.phone import leave_voicemail
from local.seed import PASSWORD, STAFF
from local.stack import Stack
from services.tickets.sanitise import safe_html
from shared.web import static

HERE = Path(__file__).parent
MAX_RECORDING = 20 * 1024 * 1024
MAX_TEXT = 20_000
_NUMBER = re.compile(r"\+?[\d\s().-]{7,20}")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
    "frame-src 'self'; form-action 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# A mail's own HTML: its looks may come along, nothing that runs or that asks other machines for anything.
_MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"


class Refused(Exception):
    """What the person at the form should read."""


class _Guard:
    """Security headers, and no form that another website fills in."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in {"GET", "HEAD"}:
            headers = Headers(scope=scope)
            origin = headers.get("origin", "")
            if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"} or (
                origin and origin.partition("://")[2] != headers.get("host")
            ):
                await PlainTextResponse("This form belongs to the demo's own page.", 403)(scope, receive, send)
                return

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                names = {name.lower() for name, _ in message["headers"]}
                for name, value in (
                    (b"content-security-policy", _POLICY.encode()),
                    (b"x-content-type-options", b"nosniff"),
                    (b"referrer-policy", b"same-origin"),
                    (b"cache-control", b"no-store"),
                ):
                    if name not in names:
                        message["headers"].append((name, value))
            await send(message)

        await self.app(scope, receive, send_with_headers)


class Site:
    def __init__(self, stack: Stack, morning: Morning, *, token: str) -> None:
        """`token`: what the page uploads recordings with, as a phone system would."""
        self._stack = stack
        self._morning = morning
        self._token = token
        self._zone = ZoneInfo(stack.settings.timezone)
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined
        )
        self._templates.globals.update(static=static.url, help_address=HELP_ADDRESS, config=stack.config)
        self.app = self._application()

    async def serve(self) -> None:
        """Until cancelled."""
        config = uvicorn.Config(
            self.app, HOST, self._stack.config.ports["site"], log_config=None, access_log=False, lifespan="off",
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        server = uvicorn.Server(config)
        # Signals are the demo's: it stops everything in order.
        serving = asyncio.create_task(server._serve())
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            server.should_exit = True
            with suppress(asyncio.CancelledError):
                await serving
            raise

    def _application(self) -> FastAPI:
        app = FastAPI(title="Centralita's demo", docs_url=None, redoc_url=None, openapi_url=None)
        app.mount("/own", StaticFiles(directory=HERE / "static"))
        for mount in static.mounts():
            app.router.routes.append(mount)
        app.add_api_route("/", self.index, methods=["GET"])
        app.add_api_route("/state", self.state, methods=["GET"])
        app.add_api_route("/mailboxes/{address}", self.mailbox, methods=["GET"])
        app.add_api_route("/mailboxes/{address}/{uid}/html", self.mail_html, methods=["GET"])
        app.add_api_route("/mailboxes/{address}/{uid}/raw", self.mail_raw, methods=["GET"])
        app.add_api_route("/mailboxes/{address}/{uid}/reply", self.reply, methods=["POST"])
        app.add_api_route("/write", self.write, methods=["POST"])
        app.add_api_route("/call", self.call, methods=["POST"])
        app.add_exception_handler(Refused, self._refused)
        app.add_middleware(_Guard)
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=["localhost", "127.0.0.1", "testserver"])
        return app

    def _render(self, template: str, status: int = 200, **context: Any) -> HTMLResponse:
        return HTMLResponse(
            self._templates.get_template(template).render(local_time=self._local_time, **context), status
        )

    def _local_time(self, at: datetime) -> str:
        return at.astimezone(self._zone).strftime("%a %H:%M:%S")

    async def _refused(self, _request: Request, error: Exception) -> Response:
        return self._render("refused.html", 422, message=str(error))

    async def index(self, sent: str = "") -> HTMLResponse:
        return self._render(
            "index.html",
            staff=STAFF,
            password=PASSWORD,
            mailboxes=self._mailboxes(),
            sent=sent,
            left=self._morning.left,
        )

    async def state(self) -> JSONResponse:
        """Which services are ready, for the lamps on the page."""
        names = ("tickets", "tickets_worker", "inbox", "voicemail", "voicemail_worker")

        async def ready(client: httpx.AsyncClient, name: str) -> bool:
            try:
                return (await client.get(f"http://{HOST}:{self._stack.config.ports[name]}/readyz")).status_code == 200
            except httpx.HTTPError:
                return False

        async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
            states = await asyncio.gather(*(ready(client, name) for name in names))
        return JSONResponse(
            {
                "services": dict(zip(names, states, strict=True)),
                "left": self._morning.left,
                "mails": sum(box["count"] for box in self._mailboxes()),
            }
        )

    def _mailboxes(self) -> list[dict[str, Any]]:
        boxes = []
        for address in self._stack.mail.addresses():
            if address == HELP_ADDRESS:
                continue  # the workspace shows what came in there
            mails = self._stack.mail.mails(address)
            last = mails[-1] if mails else None
            boxes.append(
                {
                    "address": address,
                    "count": len(mails),
                    "subject": str(last.parsed()["Subject"] or "") if last else "",
                    "at": last.received_at if last else None,
                }
            )
        return sorted(boxes, key=lambda box: box["at"] or datetime.min.replace(tzinfo=UTC), reverse=True)

    def _mail(self, address: str, uid: int) -> StoredMail:
        for mail in self._stack.mail.mails(address):
            if mail.uid == uid and address != HELP_ADDRESS:
                return mail
        raise Refused("There is no such mail any more.")

    async def mailbox(self, address: str) -> HTMLResponse:
        mails = [] if address == HELP_ADDRESS else self._stack.mail.mails(address)
        shown = []
        for mail in reversed(mails):
            parsed = mail.parsed()
            plain = parsed.get_body(("plain",))
            shown.append(
                {
                    "uid": mail.uid,
                    "at": mail.received_at,
                    "from": str(parsed["From"] or ""),
                    "subject": str(parsed["Subject"] or ""),
                    "text": str(plain.get_content()) if plain is not None else "",
                    "html": parsed.get_body(("html",)) is not None,
                    "attachments": [part.get_filename() or "?" for part in parsed.iter_attachments()],
                }
            )
        return self._render("mailbox.html", address=address, mails=shown, quoted=quote(address))

    async def mail_html(self, address: str, uid: int) -> Response:
        part = self._mail(address, uid).parsed().get_body(("html",))
        source = str(part.get_content()) if part is not None else ""
        page = f'<!doctype html><meta charset="utf-8"><body style="font:15px/1.5 sans-serif">{safe_html(source, {})}'
        return HTMLResponse(page, headers={"Content-Security-Policy": _MAIL_POLICY})

    async def mail_raw(self, address: str, uid: int) -> Response:
        return PlainTextResponse(self._mail(address, uid).raw.decode("utf-8", errors="replace"))

    async def write(
        self,
        name: Annotated[str, Form()] = "",
        address: Annotated[str, Form()] = "",
        subject: Annotated[str, Form()] = "",
        text: Annotated[str, Form()] = "",
    ) -> Response:
        letter = _letter(name, address, subject, text)
        await self._send(customers.compose(letter))
        self._stack.mail.make_mailbox(letter.address)
        return RedirectResponse("/?sent=mail", 303)

    async def reply(self, address: str, uid: int, text: Annotated[str, Form()] = "") -> Response:
        received = self._mail(address, uid)
        name = parseaddr(str(received.parsed()["To"] or ""))[0]
        letter = _letter(name, address, "Re:", text)
        answer = Letter(letter.name, letter.address, "", letter.text)
        await self._send(customers.answer_to(received, answer))
        return RedirectResponse("/?sent=mail", 303)

    async def _send(self, message: Any) -> None:
        try:
            await customers.send(self._stack.mail, message)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise Refused(f"The mail server did not take it: {error}") from error

    async def call(
        self,
        file: Annotated[UploadFile | None, File()] = None,
        name: Annotated[str, Form()] = "",
        number: Annotated[str, Form()] = "",
        mailbox: Annotated[str, Form()] = "1000",
        door: Annotated[str, Form()] = "spool",
        urgent: Annotated[bool, Form()] = False,
    ) -> Response:
        data = await file.read(MAX_RECORDING + 1) if file is not None else b""
        if not data or file is None:
            raise Refused("Record something, or choose a file with a recording.")
        if len(data) > MAX_RECORDING:
            raise Refused("The recording is too large: at most 20 MB.")
        if number and not _NUMBER.fullmatch(number.strip()):
            raise Refused("The number should look like 707 555 0123.")
        if mailbox not in ("1000", "2000"):
            raise Refused("The phone system has no such mailbox.")
        caller, caller_name = number.strip(), "".join(c for c in name if c.isprintable() and c not in '"<>')[:80]
        if door == "upload":
            await self._upload(data, file, caller, caller_name, mailbox, urgent=urgent)
        else:
            try:
                await asyncio.to_thread(
                    leave_voicemail,
                    self._stack.config.spool, mailbox, data, caller=caller, name=caller_name, urgent=urgent,
                )  # fmt: skip
            except (av.FFmpegError, ValueError, IndexError) as error:
                raise Refused("This cannot be heard: it is not a recording that a phone system could store.") from error
        return RedirectResponse("/?sent=call", 303)

    async def _upload(
        self, data: bytes, file: UploadFile, caller: str, name: str, mailbox: str, *, urgent: bool
    ) -> None:
        fields = {
            "mailbox": mailbox,
            "menu_language": "es" if mailbox == "2000" else "en",
            "caller_id": f'"{name}" <{caller}>' if caller else "",
            "urgent": "true" if urgent else "false",
        }
        kind = file.content_type or "application/octet-stream"
        async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
            try:
                answer = await client.post(
                    f"http://{HOST}:{self._stack.config.ports['voicemail']}/api/v1/recordings",
                    data=fields,
                    files={"file": (file.filename or "recording.webm", data, kind)},
                    headers={"Authorization": f"Bearer {self._token}"},
                )
            except httpx.HTTPError as error:
                raise Refused("The voicemail service does not answer yet; try again in a moment.") from error
        if answer.status_code >= 400:
            detail = answer.json().get("detail", "") if "json" in answer.headers.get("content-type", "") else ""
            raise Refused(detail or f"The voicemail service answered with {answer.status_code}.")


def _letter(name: str, address: str, subject: str, text: str) -> Letter:
    name = " ".join("".join(c for c in name if c.isprintable()).split())[:80]
    address = address.strip().lower()
    if not re.fullmatch(r"[a-z0-9._%+-]{1,64}@[a-z0-9.-]{1,190}", address) or not is_example(address):
        raise Refused("Write from an invented address, for example ana@example.com: nothing leaves this machine.")
    if not text.strip():
        raise Refused("Write something first.")
    if len(text) > MAX_TEXT:
        raise Refused("That is too long for this form.")
    subject = " ".join("".join(c if c.isprintable() else " " for c in subject).split())[:200]
    return Letter(name, address, subject, text.replace("\r\n", "\n"))
