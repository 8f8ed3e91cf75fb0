"""A real mail server in this process: IMAP with IDLE and SMTP with authentication over the same mailboxes.

    async with LocalMail(folder, accounts={"help@center.example": "secret"}) as mail:
        mail.imap_port, mail.smtp_port          # loopback, free ports unless given
        await mail.deliver("help@center.example", raw)      # as if it had come by SMTP
        got = await mail.wait_for("ana@example.com", lambda m: "recibimos" in m.parsed()["Subject"])

Addresses of `accounts` must sign in, to IMAP and to send. Addresses in domains reserved for examples need no account:
whoever writes to one makes its mailbox, and its IMAP password is `CUSTOMER_PASSWORD`. Nothing ever leaves the machine.
"""

import asyncio
from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from proxyprotocol.reader import ProxyProtocolReader
from proxyprotocol.sock import SocketInfo
from pymap.backend.dict import Config, Login
from pymap.backend.dict.filter import FilterSet
from pymap.config import BackendCapability
from pymap.imap import IMAPServer
from pymap.user import UserMetadata
from pysasl.hashing import Cleartext

from local.mailboxes import MailStore, StoredMail, base_address
from shared import clock

CUSTOMER_PASSWORD = "customer"
EXAMPLE_DOMAINS = ("example", "example.com", "example.net", "example.org", "test", "localhost")


def is_example(address: str) -> bool:
    """Whether an address lies in a domain that RFC 2606 reserves, so that no mail can reach a stranger."""
    domain = address.rpartition("@")[2].lower()
    return any(domain == known or domain.endswith(f".{known}") for known in EXAMPLE_DOMAINS)


class _Config(Config):
    """pymap's settings without looking up this machine's name, and with IDLE only when it is wanted."""

    idle = True

    @property
    def backend_capability(self) -> BackendCapability:
        return BackendCapability(idle=self.idle, object_id=True, multi_append=True)

    @property
    def greeting(self) -> bytes:
        return b"Centralita's local mail"


class _WholeResponses(asyncio.StreamWriter):
    """Sends each response in one piece, as servers in the field do.

    pymap writes a FETCH in fragments; a client that reads without blocking while it idles (IMAPClient does) takes a
    fragment for a broken line.
    """

    def __init__(self, writer: asyncio.StreamWriter, reader: asyncio.StreamReader) -> None:
        super().__init__(writer.transport, writer.transport.get_protocol(), reader, asyncio.get_running_loop())
        self._waiting = bytearray()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._waiting += data

    def writelines(self, data: Iterable[bytes | bytearray | memoryview]) -> None:
        for piece in data:
            self.write(piece)

    async def drain(self) -> None:
        if self._waiting:
            super().write(bytes(self._waiting))
            self._waiting.clear()
        await super().drain()


class _Imap:
    def __init__(self, store: MailStore, accounts: Mapping[str, str], *, idle: bool) -> None:
        self._store = store
        self._accounts = accounts
        args = Namespace(passlib_cfg=None, proxy_protocol=None)
        self._config = _Config(
            args,
            host=None,
            port=0,
            demo_data=False,
            demo_user="",
            demo_password="",
            tls_enabled=False,
            hash_context=Cleartext(),
            invalid_user_sleep=0.0,
        )
        self._config.idle = idle
        self._login = Login(self._config)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    def know(self, address: str) -> None:
        """Let an address sign in to its mailboxes."""
        if address in self._login.users_dict:
            return
        password = self._accounts.get(address, CUSTOMER_PASSWORD)
        self._login.users_dict[address] = UserMetadata(self._config, address, password=password)
        self._config.set_cache[address] = (self._store.box(address), FilterSet())

    async def start(self, host: str, port: int) -> int:
        self._config.apply_context()
        for address in {*self._store.addresses(), *self._accounts}:
            self.know(address)
        serve = IMAPServer(self._login, self._config)

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, info: SocketInfo) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._connections.add(task)
            try:
                await serve(reader, _WholeResponses(writer, reader), info)
            finally:
                self._connections.discard(task)
                writer.close()

        callback = ProxyProtocolReader(self._config.proxy_protocol).get_callback(connected)
        self._server = await asyncio.start_server(callback, host, port)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None


class _Delivery:
    """What aiosmtpd asks while somebody sends."""

    def __init__(self, mail: "LocalMail") -> None:
        self._mail = mail

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if base_address(address) in self._mail.accounts and not session.authenticated:
            return "530 5.7.0 Authentication required to send from this address"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self._mail.refusals.get(base_address(address))
        if refusal:
            return refusal
        if base_address(address) not in self._mail.accounts and not is_example(address):
            return "550 5.7.1 Nothing is sent outside this machine"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self._mail.outage:
            return self._mail.outage
        content = envelope.content or b""
        assert isinstance(content, bytes)
        for address in dict.fromkeys(envelope.rcpt_tos):
            trace = (
                f"Return-Path: <{envelope.mail_from or ''}>\r\n"
                f"Delivered-To: {address}\r\n"
                f"Received: from {session.host_name or 'localhost'} by localhost with ESMTP;"
                f" {format_datetime(clock.now())}\r\n"
            )
            await self._mail.deliver(address, trace.encode() + content)
        return "250 2.0.0 Delivered"


class LocalMail:
    """Both servers over one `MailStore`; start and stop as often as you like, the mailboxes stay."""

    def __init__(
        self,
        root: Path,
        *,
        accounts: Mapping[str, str],
        host: str = "127.0.0.1",
        imap_port: int = 0,
        smtp_port: int = 0,
        idle: bool = True,
        max_bytes: int = 60 * 1024 * 1024,
    ) -> None:
        self.host = host
        self.imap_port = imap_port
        self.smtp_port = smtp_port
        self.accounts = {base_address(address): password for address, password in accounts.items()}
        self.store = MailStore(root)
        # address -> SMTP reply, e.g. "550 5.1.1 No such mailbox": what a test or a demo wants to go wrong
        self.refusals: dict[str, str] = {}
        self.outage: str = ""  # an SMTP reply to every DATA, e.g. "451 4.3.0 Try again later"
        self._max_bytes = max_bytes
        self._imap = _Imap(self.store, self.accounts, idle=idle)
        self._smtp: asyncio.Server | None = None
        self._smtp_connections: set[SMTP] = set()
        self._arrived = asyncio.Condition()

    async def start(self) -> None:
        """Bind both ports. Raises OSError when one is in use."""
        for address in self.accounts:
            await self.store.box(address).folder("Sent")
        self.imap_port = await self._imap.start(self.host, self.imap_port)
        try:
            loop = asyncio.get_running_loop()
            self._smtp = await loop.create_server(self._smtp_protocol, self.host, self.smtp_port)
        except OSError:
            await self._imap.stop()
            raise
        self.smtp_port = self._smtp.sockets[0].getsockname()[1]

    def _smtp_protocol(self) -> SMTP:
        protocol = SMTP(
            _Delivery(self),
            hostname="localhost",
            data_size_limit=self._max_bytes,
            enable_SMTPUTF8=True,
            auth_require_tls=False,
            authenticator=self._authenticate,
            loop=asyncio.get_running_loop(),
        )
        self._smtp_connections = {open_ for open_ in self._smtp_connections if open_.transport is not None}
        self._smtp_connections.add(protocol)
        return protocol

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        known = self.accounts.get(base_address(data.login.decode(errors="replace")))
        return AuthResult(success=known is not None and data.password.decode(errors="replace") == known, handled=False)

    async def stop(self) -> None:
        """Close both servers and everyone's connections."""
        await self._imap.stop()
        if self._smtp is not None:
            self._smtp.close()
            handlers = []
            for protocol in self._smtp_connections:
                if protocol.transport is not None:
                    protocol.transport.close()
                if protocol._handler_coroutine is not None:
                    protocol._handler_coroutine.cancel()
                    handlers.append(protocol._handler_coroutine)
            self._smtp_connections.clear()
            await asyncio.gather(*handlers, return_exceptions=True)
            await self._smtp.wait_closed()
            self._smtp = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def deliver(self, address: str, raw: bytes, *, folder: str = "INBOX") -> int:
        """Put a mail straight into a mailbox and return its UID."""
        address = base_address(address)
        uid = await self.store.deliver(address, raw, folder=folder)
        self._imap.know(address)
        async with self._arrived:
            self._arrived.notify_all()
        return uid

    def make_mailbox(self, address: str) -> None:
        """Make a mailbox ahead of its first mail."""
        self.store.box(address)
        self._imap.know(base_address(address))

    def addresses(self) -> list[str]:
        return self.store.addresses()

    def mails(self, address: str, folder: str = "INBOX") -> list[StoredMail]:
        return self.store.mails(address, folder)

    async def wait_for(
        self,
        address: str,
        condition: Callable[[StoredMail], bool] = lambda _mail: True,
        *,
        count: int = 1,
        timeout: float = 10.0,  # noqa: ASYNC109 - the caller wants the mails, not a cancelled block
    ) -> list[StoredMail]:
        """The mails of an address that meet the condition, as soon as there are `count`. Raises TimeoutError."""
        found: list[StoredMail] = []

        def enough() -> bool:
            nonlocal found
            found = [mail for mail in self.mails(address) if condition(mail)]
            return len(found) >= count

        try:
            async with asyncio.timeout(timeout), self._arrived:
                await self._arrived.wait_for(enough)
        except TimeoutError:
            subjects = [str(mail.parsed()["Subject"]) for mail in self.mails(address)]
            raise TimeoutError(
                f"{address} has {len(found)} such mails of {count} after {timeout} s: {subjects}"
            ) from None
        return found
