"""Access tokens of managed mailboxes: one for IMAP and SMTP and for all processes, renewed before it ends.

The token row is locked while a new token is fetched, so that no two processes spend one refresh token; whoever waited
finds the new token there. Its life is counted from when we asked by the database's clock: neither the token server's
clock nor that of this machine matters. A server that refuses a token makes the next one be fetched at once.

One window remains: a process that dies between the token server's answer and our commit loses a refresh token that
was exchanged for another. Providers that let the earlier one go on (Microsoft, Google) are not affected.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from services.inbox import mailbox_repository as repository
from services.inbox import oauth, problems
from services.inbox.problems import CannotGetToken, Trouble
from shared import clock
from shared.database import Database
from shared.models import MailboxSignIn, MailboxToken, SignInWith
from shared.secrets import CannotOpen, Safe

log = structlog.get_logger(__name__)

LOOK_S = 20.0  # how often the keeper looks at its mailboxes
RENEW_AFTER = timedelta(minutes=10)  # so that a refusal is known within minutes, while the token in hand still does
MARGIN = timedelta(minutes=1)  # no connection begins with a token that has less than this
PAUSE = timedelta(minutes=1)  # between two questions to a token server that refused or did not answer
REMEMBERED_S = 15.0  # how long a process goes without looking at the row: a burst of sends asks once
BRIDGE_TIMEOUT_S = 90.0
TELL_AGAIN_S = 60.0
SECRET_ENDS_IN = timedelta(days=30)
REFRESH_ENDS_IN = timedelta(days=3)


def usable(obtained_at: datetime, expires_at: datetime, now: datetime) -> bool:
    """Long enough to begin a connection with."""
    return now < expires_at - min(MARGIN, (expires_at - obtained_at) / 10)


def due(obtained_at: datetime, expires_at: datetime, now: datetime) -> bool:
    """Time to fetch the next one, well before this one ends."""
    return now >= obtained_at + min(RENEW_AFTER, (expires_at - obtained_at) / 2)


@dataclass(frozen=True)
class TokenMailbox:
    """What the keeper needs to know of a mailbox."""

    mailbox_id: int
    name: str
    client: oauth.OAuthClient
    secret_expires: datetime | None


class Tokens:
    """The access token of one mailbox, for connections that live in threads. Thread-safe."""

    def __init__(self, keeper: "TokenKeeper", mailbox: TokenMailbox) -> None:
        self.mailbox = mailbox
        self._keeper = keeper
        self._loop = asyncio.get_running_loop()
        self._kept: tuple[str, float] | None = None

    def token(self, refused: str | None = None) -> str:
        """Another one than `refused`. Not on the event loop's own thread. Raises CannotGetToken."""
        kept = self._kept
        if kept is not None and kept[0] != refused and time.monotonic() - kept[1] < REMEMBERED_S:
            return kept[0]
        asked = asyncio.run_coroutine_threadsafe(self._keeper.obtain(self.mailbox, refused=refused), self._loop)
        try:
            token = asked.result(BRIDGE_TIMEOUT_S)
        except TimeoutError as error:
            asked.cancel()
            raise CannotGetToken("the store did not answer in time", problems.TOKEN_SERVER_AWAY) from error
        self._kept = (token, time.monotonic())
        return token


class TokenKeeper:
    def __init__(self, database: Database, safe: Safe) -> None:
        self.database = database
        self.safe = safe
        self._told: dict[str, tuple[Trouble | None, float]] = {}  # what this process last wrote to the health page

    async def run(self, mailboxes: Callable[[], Iterable[TokenMailbox]]) -> None:
        """Renew what is due, and say what is about to end."""
        while True:
            for mailbox in list(mailboxes()):
                await self.look_after(mailbox)
            await asyncio.sleep(LOOK_S)

    async def look_after(self, mailbox: TokenMailbox) -> None:
        try:
            await self.obtain(mailbox, renew=True)
        except CannotGetToken as error:
            log.warning("tokens.cannot_renew", mailbox=mailbox.name, error=str(error))
        await self._tell(f"secret:{mailbox.name}", await self._ends(mailbox))

    async def obtain(
        self, mailbox: TokenMailbox, *, refused: str | None = None, renew: bool = False, at_once: bool = False
    ) -> str:
        """A token to connect with. `renew`: fetch the next one when it is due; `at_once`: whether it is or not.

        Raises CannotGetToken when none can be fetched and the one in hand does not do any more.
        """
        async with self.database.transaction() as session:
            row, now = await repository.lock_token(session, mailbox.mailbox_id)
            sign_in = await repository.returned_sign_in(session, mailbox.mailbox_id)
            in_hand = self._in_hand(row, now, refused)
            if not at_once and sign_in is None:
                if in_hand is not None and not (renew and _is_due(row, now)):
                    return in_hand
                if row.failed_at is not None and now - row.failed_at < PAUSE:
                    if in_hand is not None:
                        return in_hand
                    code, _, words = (row.error or "").partition(": ")
                    raise oauth.Refused(code, words).cannot_get_token()
            try:
                token = await self._fetch(session, mailbox, row, sign_in, now)
                failure = None
            except oauth.Refused as error:
                row.failed_at, row.error = now, str(error)[:2000]
                token, failure = in_hand or "", error
            except CannotOpen as error:
                row.failed_at, row.error = now, f"cannot_open: {error}"
                token, failure = in_hand or "", oauth.Refused("cannot_open", str(error))
            if sign_in is not None:
                repository.finish_sign_in(sign_in, now)
        await self._tell(f"oauth:{mailbox.name}", failure.trouble if failure is not None else None)
        if failure is not None and (at_once or not token):
            raise failure.cannot_get_token()
        return token

    def _in_hand(self, row: MailboxToken, now: datetime, refused: str | None) -> str | None:
        if row.access_token is None or row.obtained_at is None or row.expires_at is None:
            return None
        if not usable(row.obtained_at, row.expires_at, now):
            return None
        try:
            token = self.safe.open(row.access_token, repository.place_of_token(row.mailbox_id, "access_token"))
        except CannotOpen:
            return None  # fetched anew
        return None if token == refused else token

    async def _fetch(
        self,
        session: AsyncSession,
        mailbox: TokenMailbox,
        row: MailboxToken,
        sign_in: MailboxSignIn | None,
        now: datetime,
    ) -> str:
        granted = await self._ask(mailbox, row, sign_in)
        row.access_token = self.safe.seal(
            granted.access_token, repository.place_of_token(row.mailbox_id, "access_token")
        )
        row.obtained_at = now
        row.expires_at = now + timedelta(seconds=granted.lifetime_s)
        if granted.refresh_token is not None:
            place = repository.place_of_token(row.mailbox_id, "refresh_token")
            row.refresh_token = self.safe.seal(granted.refresh_token, place)
            lifetime = granted.refresh_lifetime_s
            row.refresh_expires_at = now + timedelta(seconds=lifetime) if lifetime is not None else None
        row.failed_at = row.error = None
        log.info("tokens.fetched", mailbox=mailbox.name, lifetime_s=granted.lifetime_s)
        return granted.access_token

    async def _ask(self, mailbox: TokenMailbox, row: MailboxToken, sign_in: MailboxSignIn | None) -> oauth.Granted:
        client = mailbox.client
        if client.grant is SignInWith.CLIENT_CREDENTIALS:
            return await oauth.ask(client, grant_type="client_credentials")
        if sign_in is not None and sign_in.code is not None and sign_in.verifier is not None:
            return await oauth.ask(
                client,
                grant_type="authorization_code",
                code=self.safe.open(sign_in.code, f"mailbox_sign_in:{sign_in.id}:code"),
                code_verifier=self.safe.open(sign_in.verifier, f"mailbox_sign_in:{sign_in.id}:verifier"),
                redirect_uri=sign_in.redirect_uri,
            )
        if row.refresh_token is None:
            raise oauth.Refused("not_signed_in", "no refresh token yet")
        place = repository.place_of_token(row.mailbox_id, "refresh_token")
        return await oauth.ask(
            client, grant_type="refresh_token", refresh_token=self.safe.open(row.refresh_token, place)
        )

    async def _ends(self, mailbox: TokenMailbox) -> Trouble | None:
        """What is going to end soon, as far as one can know."""
        now = clock.now()
        if mailbox.secret_expires is not None and mailbox.secret_expires - now < SECRET_ENDS_IN:
            return problems.SECRET_ENDED if mailbox.secret_expires <= now else problems.SECRET_ENDS
        async with self.database.transaction() as session:
            ends = await repository.refresh_token_ends(session, mailbox.mailbox_id)
        return problems.REFRESH_ENDS if ends is not None and ends - now < REFRESH_ENDS_IN else None

    async def _tell(self, key: str, trouble: Trouble | None) -> None:
        """Report what is new, now and then what goes on, and resolve what is over."""
        told, at = self._told.get(key, (None, 0.0))
        if key in self._told and told == trouble and (trouble is None or time.monotonic() - at < TELL_AGAIN_S):
            return
        if trouble is not None:
            await problems.report(self.database, key, trouble)
        else:
            await problems.resolve(self.database, key)
        self._told[key] = (trouble, time.monotonic())

    async def forget(self, name: str) -> None:
        """The mailbox is paused or removed: nothing of it is a problem any more."""
        for key in (f"oauth:{name}", f"secret:{name}"):
            self._told.pop(key, None)
            await problems.resolve(self.database, key)


def _is_due(row: MailboxToken, now: datetime) -> bool:
    return row.obtained_at is None or row.expires_at is None or due(row.obtained_at, row.expires_at, now)
