"""One SMTP conversation: connect, sign in, envelope, content. Says what is known of the outcome, step by step."""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponse,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
    SMTPStatus,
)
from aiosmtplib.protocol import SMTPProtocol

from services.inbox import problems
from services.inbox.compose import Outgoing
from services.inbox.credentials import Credentials
from services.inbox.problems import N_, CannotGetToken, Trouble
from shared.models import DeliveryFailure

COMMAND_TIMEOUT_S = 60.0
CONTENT_TIMEOUT_S = 300.0  # servers scan a mail before they answer
FLUSH_LOOK_S = 0.01
END = b".\r\n"
_LINE_END = re.compile(rb"\r\n|\r|\n")
_DOT = re.compile(rb"^\.", re.MULTILINE)
TOO_LARGE = N_("The mail is larger than the mail server takes.")
NO_SMTPUTF8 = N_("The mail server does not support such addresses (SMTPUTF8).")


class Fate(Enum):
    LATER = auto()  # not sent; try again
    REFUSED = auto()  # not sent; trying again cannot help
    UNKNOWN = auto()  # handed over, and no answer came


class NotSent(Exception):
    """Why, and what that means for the delivery. `trouble`: something that an operator can put right.

    `failure`: what it is called if it is for good. `busy`: the recipients that were refused for now. `soon`: nobody has
    refused it, the line was cut; there is no reason to wait.
    """

    def __init__(
        self,
        fate: Fate,
        words: str,
        trouble: Trouble | None = None,
        *,
        failure: DeliveryFailure = DeliveryFailure.CONTENT,
        busy: Iterable[str] = (),
        soon: bool = False,
    ) -> None:
        super().__init__(words)
        self.fate = fate
        self.words = words
        self.trouble = trouble
        self.failure = failure
        self.busy = tuple(busy)
        self.soon = soon


@dataclass
class Envelope:
    """What the server made of the recipients, before any content was handed over."""

    accepted: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)  # for good
    postponed: dict[str, str] = field(default_factory=dict)  # for now

    def note(self) -> str | None:
        """Who does not get it although others do."""
        left_out = {**self.refused, **self.postponed}
        return "; ".join(f"{address}: {words}" for address, words in left_out.items())[:2000] or None


class Conversation:
    """Use as: open(), envelope(), content(), close()."""

    def __init__(self, credentials: Credentials) -> None:
        mailbox = credentials.mailbox
        if mailbox.smtp is None:
            raise NotSent(Fate.LATER, "no SMTP server in the settings of this mailbox", problems.NO_SMTP)
        self.credentials = credentials
        self.username = mailbox.smtp_username or mailbox.username
        security = mailbox.smtp.security
        self.client = SMTP(
            hostname=mailbox.smtp.host,
            port=mailbox.smtp.port,
            use_tls=security == "tls",
            start_tls=security == "starttls",
            timeout=COMMAND_TIMEOUT_S,
            tls_context=None if security == "none" else ssl.create_default_context(),
        )
        self._inside = False  # the content: the server takes every line for one of it

    async def open(self) -> None:
        token = await self._token() if self.credentials.uses_oauth2 else None
        try:
            await self.client.connect()
            await self.client.ehlo()  # connecting asks for extensions only when it needs STARTTLS
            if not self.client.server_auth_methods:
                return  # a relay that knows us by our address; it says so if not
            if token is not None:
                await self.client.auth_xoauth2(self.username, token)
            else:
                await self.client.login(self.username, self.credentials.password())
        except SMTPAuthenticationError as error:
            self.credentials.forget()
            trouble = problems.TOKEN_NOT_TAKEN if token is not None else problems.WRONG_PASSWORD
            raise NotSent(Fate.LATER, _words(error), trouble) from error
        except SMTPResponseException as error:
            raise NotSent(Fate.LATER, _words(error), problems.SERVER_TROUBLE) from error
        except (SMTPException, OSError, TimeoutError, ssl.SSLError) as error:
            raise NotSent(Fate.LATER, str(error)[:500], _explain(error)) from error

    async def _token(self) -> str:
        try:
            return await asyncio.to_thread(self.credentials.token)
        except CannotGetToken as error:
            raise NotSent(Fate.LATER, str(error)[:500], error.trouble) from error

    async def envelope(self, outgoing: Outgoing, data: bytes, envelope_id: str) -> Envelope:
        """MAIL and RCPT. Raises NotSent when nobody is accepted."""
        utf8 = self.needs_utf8(outgoing)
        encoding = "utf-8" if utf8 else "ascii"
        result = Envelope()
        try:
            await self.client.mail(
                outgoing.sender, options=self._mail_options(data, envelope_id, utf8=utf8), encoding=encoding
            )
            for address in outgoing.recipients:
                try:
                    await self.client.rcpt(address, options=self._rcpt_options(address), encoding=encoding)
                    result.accepted.append(address)
                except SMTPRecipientRefused as error:
                    (result.refused if error.code >= 500 else result.postponed)[address] = _words(error)
        except SMTPSenderRefused as error:
            raise _sender_refused(error) from error
        except UnicodeEncodeError as error:
            raise NotSent(Fate.REFUSED, NO_SMTPUTF8, failure=DeliveryFailure.ADDRESS) from error
        except (SMTPException, OSError, TimeoutError) as error:
            raise NotSent(Fate.LATER, str(error)[:500], _explain(error), soon=True) from error
        if not result.accepted:
            fate = Fate.LATER if result.postponed else Fate.REFUSED
            words = result.note() or "no recipient was accepted"
            raise NotSent(fate, words, failure=DeliveryFailure.RECIPIENT, busy=result.postponed)
        return result

    def _mail_options(self, data: bytes, envelope_id: str, *, utf8: bool) -> list[str]:
        """RFC 1870 (SIZE), RFC 6531 (SMTPUTF8), RFC 3461 (DSN). Raises NotSent when the mail is too large."""
        options = ["SMTPUTF8", "BODY=8BITMIME"] if utf8 else []
        if self.client.supports_extension("size"):
            limit = self.client.esmtp_extensions.get("size", "").strip()
            if limit.isdecimal() and 0 < int(limit) < len(data):
                raise NotSent(Fate.REFUSED, TOO_LARGE, failure=DeliveryFailure.SIZE)
            options.append(f"SIZE={len(data)}")
        if self.client.supports_extension("dsn"):
            options += ["RET=HDRS", f"ENVID={envelope_id}"]
        return options

    def _rcpt_options(self, address: str) -> list[str]:
        """Tell us when it fails or is delayed; a report of success would only be one more mail."""
        if not self.client.supports_extension("dsn"):
            return []
        original = [f"ORCPT=rfc822;{_xtext(address)}"] if address.isascii() else []
        return ["NOTIFY=FAILURE,DELAY", *original]

    def needs_utf8(self, outgoing: Outgoing) -> bool:
        addresses = [outgoing.sender, *outgoing.recipients]
        return not all(address.isascii() for address in addresses) and self.client.supports_extension("smtputf8")

    async def content(
        self, data: bytes, envelope: Envelope, before_end: Callable[[], Awaitable[None]] | None = None
    ) -> str:
        """Hand the content over; the server's words when it has taken responsibility.

        A server has no mail before the line that ends it (RFC 5321, 4.1.1.4): `before_end` is called when all but that
        line is written, and only from then on can the outcome be unknown. What it raises ends the conversation.
        """
        try:
            answer = await self._write(data)
        except SMTPResponseException as error:
            raise _refused(error, envelope) from error
        except (SMTPException, OSError, TimeoutError) as error:
            raise NotSent(Fate.LATER, str(error)[:500], _explain(error), soon=True) from error
        try:
            if before_end is not None:
                await before_end()
            try:
                _nothing_said(answer)
                self._protocol().write(END)
            except SMTPResponseException:
                raise
            except (SMTPException, OSError) as error:
                raise NotSent(Fate.LATER, str(error)[:500], _explain(error), soon=True) from error
            self._inside = False
            async with asyncio.timeout(CONTENT_TIMEOUT_S):
                response = await answer
            if response.code != SMTPStatus.completed:
                raise SMTPDataError(response.code, response.message)
        except SMTPResponseException as error:
            raise _refused(error, envelope) from error
        except (SMTPException, OSError, TimeoutError) as error:
            raise NotSent(Fate.UNKNOWN, str(error)[:500], _explain(error), failure=DeliveryFailure.UNKNOWN) from error
        finally:
            answer.cancel()
        return response.message

    async def _write(self, data: bytes) -> "asyncio.Task[SMTPResponse]":
        """DATA and the content but its last line, until all of it has left this process; the answer to come."""
        start = await self.client.execute_command(b"DATA", timeout=COMMAND_TIMEOUT_S)
        if start.code != SMTPStatus.start_input:
            raise SMTPDataError(start.code, start.message)
        self._inside = True
        protocol = self._protocol()
        answer = asyncio.create_task(protocol.read_response())
        await asyncio.sleep(0)  # from here on it listens: a server may refuse in the middle
        try:
            async with asyncio.timeout(CONTENT_TIMEOUT_S):
                protocol.write(_as_content(data))
                while _unsent(protocol) and not answer.done():  # noqa: ASYNC110 - no event tells when all is written
                    await asyncio.sleep(FLUSH_LOOK_S)
            _nothing_said(answer)
        except BaseException:
            answer.cancel()
            raise
        return answer

    def _protocol(self) -> SMTPProtocol:
        if self.client.protocol is None:
            raise SMTPServerDisconnected("Connection lost")
        return self.client.protocol

    async def abort(self) -> None:
        with suppress(SMTPException, OSError, TimeoutError):
            await self.client.rset(timeout=5)

    async def close(self) -> None:
        if not self._inside:  # else any command would be a line of the mail
            with suppress(SMTPException, OSError, TimeoutError):
                await self.client.quit(timeout=5)
        self.client.close()


def _nothing_said(answer: "asyncio.Task[SMTPResponse]") -> None:
    """Raises what a server said, or that it hung up, before it had the whole mail."""
    if answer.done():
        early = answer.result()
        raise SMTPDataError(early.code, early.message)


def _as_content(data: bytes) -> bytes:
    """Lines end with CRLF, and a dot that begins one is doubled (RFC 5321, 4.5.2)."""
    data = _LINE_END.sub(b"\r\n", data)
    return _DOT.sub(b"..", data if data.endswith(b"\r\n") else data + b"\r\n")


def _unsent(protocol: SMTPProtocol) -> int:
    """Bytes that wait in this process. Raises when the connection has ended."""
    transport = protocol.transport
    if transport is None or transport.is_closing():
        raise SMTPServerDisconnected("Connection lost")
    return transport.get_write_buffer_size() if isinstance(transport, asyncio.WriteTransport) else 0


def _refused(error: SMTPResponseException, envelope: Envelope) -> NotSent:
    if error.code < 500:
        return NotSent(Fate.LATER, _words(error), busy=envelope.accepted)
    failure = DeliveryFailure.SIZE if error.code == 552 else DeliveryFailure.CONTENT
    return NotSent(Fate.REFUSED, _words(error), failure=failure)


def _sender_refused(error: SMTPSenderRefused) -> NotSent:
    if error.code == 552:  # the size we declared (RFC 1870, section 6.1)
        return NotSent(Fate.REFUSED, _words(error), failure=DeliveryFailure.SIZE)
    trouble = problems.WRONG_PASSWORD if error.code == 530 else problems.SENDER_REFUSED
    later = error.code < 500 or error.code == 530
    return NotSent(Fate.LATER if later else Fate.REFUSED, _words(error), trouble, failure=DeliveryFailure.SENDER)


def _xtext(address: str) -> str:
    """RFC 3461, section 4."""
    return "".join(c if "!" <= c <= "~" and c not in "+=" else f"+{ord(c):02X}" for c in address)


def _words(error: SMTPResponseException) -> str:
    return f"{error.code} {' '.join(str(error.message).split())}"[:500]


def _explain(error: BaseException) -> Trouble:
    """aiosmtplib wraps what happened below it."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError) or (isinstance(seen, OSError) and not isinstance(seen, SMTPException)):
            return problems.explain(seen)
        seen = seen.__cause__ or seen.__context__
    return problems.TLS_FAILED if "STARTTLS" in str(error).upper() else problems.NOT_REACHABLE
