"""One SMTP conversation: connect, sign in, envelope, content. Says what is known of the outcome, step by step."""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from services.inbox import problems
from services.inbox.compose import Outgoing
from services.inbox.credentials import Credentials
from services.inbox.problems import CannotGetToken, Trouble

COMMAND_TIMEOUT_S = 60.0
CONTENT_TIMEOUT_S = 300.0  # servers scan a mail before they answer


class Fate(Enum):
    LATER = auto()  # not sent; try again
    REFUSED = auto()  # not sent; trying again cannot help
    UNKNOWN = auto()  # handed over, and no answer came


class NotSent(Exception):
    """Why, and what that means for the delivery. `trouble`: something that an operator can put right."""

    def __init__(self, fate: Fate, words: str, trouble: Trouble | None = None) -> None:
        super().__init__(words)
        self.fate = fate
        self.words = words
        self.trouble = trouble


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
    """Use as: open(), envelope(), [commit that content goes out], content(), close()."""

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
            raise NotSent(Fate.LATER, _words(error), problems.WRONG_PASSWORD) from error
        except SMTPResponseException as error:
            raise NotSent(Fate.LATER, _words(error), problems.SERVER_TROUBLE) from error
        except (SMTPException, OSError, TimeoutError, ssl.SSLError) as error:
            raise NotSent(Fate.LATER, str(error)[:500], _explain(error)) from error

    async def _token(self) -> str:
        try:
            return await asyncio.to_thread(self.credentials.token)
        except CannotGetToken as error:
            raise NotSent(Fate.LATER, str(error)[:500], problems.NO_TOKEN) from error

    async def envelope(self, outgoing: Outgoing, envelope_id: str) -> Envelope:
        """MAIL and RCPT. Raises NotSent when nobody is accepted."""
        utf8 = self.needs_utf8(outgoing)
        encoding = "utf-8" if utf8 else "ascii"
        dsn = self.client.supports_extension("dsn")
        mail_options = (["SMTPUTF8"] if utf8 else []) + (["RET=HDRS", f"ENVID={envelope_id}"] if dsn else [])
        result = Envelope()
        try:
            await self.client.mail(outgoing.sender, options=mail_options, encoding=encoding)
            for address in outgoing.recipients:
                options = ["NOTIFY=FAILURE,DELAY"] if dsn else []
                try:
                    await self.client.rcpt(address, options=options, encoding=encoding)
                    result.accepted.append(address)
                except SMTPRecipientRefused as error:
                    (result.refused if error.code >= 500 else result.postponed)[address] = _words(error)
        except SMTPSenderRefused as error:
            trouble = problems.WRONG_PASSWORD if error.code == 530 else problems.SENDER_REFUSED
            later = error.code < 500 or error.code == 530
            raise NotSent(Fate.LATER if later else Fate.REFUSED, _words(error), trouble) from error
        except UnicodeEncodeError as error:
            raise NotSent(Fate.REFUSED, "The mail server does not support such addresses (SMTPUTF8).") from error
        except (SMTPException, OSError, TimeoutError) as error:
            raise NotSent(Fate.LATER, str(error)[:500], _explain(error)) from error
        if not result.accepted:
            fate = Fate.LATER if result.postponed else Fate.REFUSED
            raise NotSent(fate, result.note() or "no recipient was accepted")
        return result

    def needs_utf8(self, outgoing: Outgoing) -> bool:
        addresses = [outgoing.sender, *outgoing.recipients]
        return not all(address.isascii() for address in addresses) and self.client.supports_extension("smtputf8")

    async def content(self, outgoing: Outgoing) -> str:
        """Hand the content over; the server's words when it has taken responsibility."""
        data = outgoing.as_bytes(utf8=self.needs_utf8(outgoing))
        try:
            response = await self.client.data(data, timeout=CONTENT_TIMEOUT_S)
        except SMTPResponseException as error:
            raise NotSent(Fate.REFUSED if error.code >= 500 else Fate.LATER, _words(error)) from error
        except (SMTPException, OSError, TimeoutError) as error:
            raise NotSent(Fate.UNKNOWN, str(error)[:500], _explain(error)) from error
        return response.message

    async def abort(self) -> None:
        with suppress(SMTPException, OSError, TimeoutError):
            await self.client.rset(timeout=5)

    async def close(self) -> None:
        with suppress(SMTPException, OSError, TimeoutError):
            await self.client.quit(timeout=5)
        self.client.close()


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
