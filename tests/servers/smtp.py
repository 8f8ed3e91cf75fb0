"""A real SMTP server that does what a test wants to go wrong.

async with FaultySmtp() as server:
    server.answers["ana@example.com"] = ["451 4.3.0 Try later", "250 OK"]   # one per RCPT, the last one stays
    server.after_content = "hang up"                                        # or an SMTP reply
    server.delay_recipients.clear()                                         # RCPT waits for .set(), as content may
    server.mails                                                            # what was accepted
"""

import asyncio
import base64
import ssl
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers.certificates import Certificate


@dataclass
class Accepted:
    sender: str
    recipients: list[str]
    content: bytes
    user: str | None
    tls: bool
    mail_options: list[str] = field(default_factory=list)
    dsn: list[str] = field(default_factory=list)  # what was asked for reports (RFC 3461)


class _Smtp(SMTP):
    """aiosmtpd's, which knows nothing of RFC 3461: notes the parameters and goes on without them."""

    def _getparams(self, params: Sequence[str]) -> dict[str, str | bool] | None:
        asked = [param for param in params if param.partition("=")[0] in ("RET", "ENVID", "NOTIFY", "ORCPT")]
        if self.envelope is not None:
            self.envelope.__dict__.setdefault("dsn", []).extend(asked)
        return super()._getparams([param for param in params if param not in asked])


class FaultySmtp:
    def __init__(
        self,
        *,
        password: str | None = None,
        token: str | None = None,
        certificate: Certificate | None = None,
        implicit_tls: bool = False,
        dsn: bool = False,
        max_bytes: int = 33_554_432,
    ) -> None:
        self.password = password
        self.token = token
        self.port = 0
        self.mails: list[Accepted] = []
        self.answers: dict[str, list[str]] = {}
        self.after_content: str = ""
        self.delay_content = asyncio.Event()
        self.delay_content.set()
        self.content_arrived = asyncio.Event()
        self.delay_recipients = asyncio.Event()
        self.delay_recipients.set()
        self.recipient_named = asyncio.Event()
        self.at_once = self.most_at_once = 0  # mails whose content it had at the same moment
        self._dsn = dsn
        self._max_bytes = max_bytes
        self.connections = 0
        self._tls: ssl.SSLContext | None = None
        if certificate is not None:
            self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self._tls.load_cert_chain(certificate.certificate, certificate.key)
        self._implicit = implicit_tls
        self._server: asyncio.Server | None = None
        self._protocols: list[SMTP] = []

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._protocol, "127.0.0.1", self.port, ssl=self._tls if self._implicit else None
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.delay_content.set()
        self.delay_recipients.set()
        if self._server is None:
            return
        self._server.close()
        handlers = []
        for protocol in self._protocols:
            if protocol.transport is not None:
                protocol.transport.close()
            if protocol._handler_coroutine is not None:
                protocol._handler_coroutine.cancel()
                handlers.append(protocol._handler_coroutine)
        await asyncio.gather(*handlers, return_exceptions=True)
        self._protocols.clear()
        await self._server.wait_closed()
        self._server = None
        for _ in range(5):  # until the closed transports have told their streams
            await asyncio.sleep(0)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _protocol(self) -> SMTP:
        self.connections += 1
        needs_sign_in = self.password is not None or self.token is not None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a password without TLS is unsafe: it is loopback, and meant
            protocol = _Smtp(
                self,
                data_size_limit=self._max_bytes,
                hostname="localhost",
                enable_SMTPUTF8=True,
                tls_context=None if self._implicit else self._tls,
                require_starttls=self._tls is not None and not self._implicit,
                auth_required=needs_sign_in,
                auth_require_tls=self._tls is not None and not self._implicit,
                authenticator=self._authenticate,
                loop=asyncio.get_running_loop(),
            )
        self._protocols.append(protocol)
        return protocol

    def _authenticate(
        self, _server: SMTP, session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        open_to_all = self.password is None and self.token is None
        good = isinstance(data, LoginPassword) and (open_to_all or data.password.decode() == self.password)
        if good:
            session.user = data.login.decode()  # type: ignore[attr-defined]
        return AuthResult(success=good, handled=False)

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        said = base64.b64decode(args[1]).decode() if len(args) > 1 else ""
        user, _, rest = said.removeprefix("user=").partition("\x01")
        good = self.token is not None and rest == f"auth=Bearer {self.token}\x01\x01"
        if good:
            server.session.user = user  # type: ignore[union-attr]
        return AuthResult(success=good, handled=False)

    async def handle_EHLO(
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [responses[0], *(["250-DSN"] if self._dsn else []), *responses[1:]]

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self.recipient_named.set()
        await self.delay_recipients.wait()
        answers = self.answers.get(address, ["250 OK"])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.content_arrived.set()
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.delay_content.wait()
        self.at_once -= 1
        if self.after_content and self.after_content != "hang up":
            return self.after_content
        assert isinstance(envelope.content, bytes)
        self.mails.append(
            Accepted(
                envelope.mail_from or "",
                list(envelope.rcpt_tos),
                envelope.content,
                getattr(session, "user", None),
                session.ssl is not None or self._implicit,
                list(envelope.mail_options),
                envelope.__dict__.get("dsn", []),
            )
        )
        if self.after_content == "hang up":
            assert server.transport is not None
            server.transport.close()
        return "250 2.0.0 Accepted"
