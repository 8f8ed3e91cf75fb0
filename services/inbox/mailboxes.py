"""The mailboxes there are, of the settings and of the store, brought into force while the inbox runs.

`apply` compares what is watched with what should be and starts, stops or restarts only what differs. It is called at
every change that is rung for and at every sweep, so a ring that is lost costs seconds.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any, Self

import structlog
from pydantic import SecretStr, model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from services.inbox import mailbox_repository, metrics, problems, repository
from services.inbox.credentials import Credentials
from services.inbox.oauth import OAuthClient
from services.inbox.tokens import TokenKeeper, TokenMailbox, Tokens
from services.inbox.watch import FolderWatcher, watchers_of
from shared.blobs import Blobs
from shared.database import Database
from shared.mailboxes import own_addresses
from shared.models import Mailbox, MailboxAccount, MailboxState, SignInWith
from shared.secrets import CannotOpen, Safe
from shared.settings import MailboxSettings, Settings

log = structlog.get_logger(__name__)


class ManagedMailbox(MailboxSettings):
    """One that administrators manage; it may sign in by tokens of its own."""

    @model_validator(mode="after")
    def one_secret(self) -> Self:
        return self


@dataclass
class Known:
    """A mailbox in force. `mark` changes whenever it has to be started anew."""

    mailbox_id: int
    credentials: Credentials
    mark: object
    tokens: TokenMailbox | None = None
    watchers: list[FolderWatcher] = field(default_factory=list)

    @property
    def settings(self) -> MailboxSettings:
        return self.credentials.mailbox


class Mailboxes:
    def __init__(
        self,
        settings: Settings,
        database: Database,
        blobs: Blobs,
        *,
        on_stored: Callable[[], None],
        on_change: Callable[[Mapping[int, MailboxSettings], frozenset[str]], None],
    ) -> None:
        self.settings = settings
        self.database = database
        self.blobs = blobs
        self.on_stored = on_stored
        self.on_change = on_change  # told how mailboxes are to be read, and which addresses are ours
        self.safe = Safe(settings)
        self.keeper = TokenKeeper(database, self.safe)
        self.credentials: dict[str, Credentials] = {}  # by name, in the order in which they may send; shared
        self._from_settings = {mailbox.name: Credentials(mailbox) for mailbox in settings.mailboxes}
        self.credentials.update(self._from_settings)
        self._known: dict[int, Known] = {}
        self._refused: dict[int, tuple[str, object]] = {}  # accounts that cannot be used as they are: name and mark
        self._applying = asyncio.Lock()
        self._looked = False
        self._ids_in_settings: dict[str, int] = {}
        self._stopped = False

    def known(self, mailbox_id: int) -> Known | None:
        return self._known.get(mailbox_id)

    def with_tokens(self) -> Iterable[TokenMailbox]:
        """Those whose tokens are to be kept fresh."""
        return [known.tokens for known in self._known.values() if known.tokens and not known.credentials.paused]

    async def apply(self) -> None:
        """Bring what the settings and the store say into force."""
        async with self._applying:
            if self._stopped:
                return
            wanted, own = await self._wanted()
            changed = [each for each in self._known.values() if _mark(wanted.get(each.mailbox_id)) != each.mark]
            await asyncio.gather(*(watcher.stop() for known in changed for watcher in known.watchers))
            for old in changed:
                del self._known[old.mailbox_id]
                if old.mailbox_id not in wanted:
                    await self._say_farewell(old.settings.name)
            fresh = [each for each in wanted.values() if each.mailbox_id not in self._known]
            for known in fresh:
                self._known[known.mailbox_id] = known
            self._publish(own)
            was_paused = {old.mailbox_id for old in changed if old.credentials.paused}
            for known in fresh:
                await self._start(known, resumed=known.mailbox_id in was_paused)

    async def try_again(self, mailbox_id: int) -> None:
        """It can be read, as a test has just shown: do not wait for the end of the pause after a failure."""
        async with self.database.transaction() as session:
            if await mailbox_repository.state_of(session, mailbox_id) is not MailboxState.FAILED:
                return
        async with self._applying:
            known = self._known.get(mailbox_id)
            if known is not None:
                await asyncio.gather(*(watcher.stop() for watcher in known.watchers))
                await self._start(known, resumed=False)

    async def stop(self) -> None:
        """Returns within seconds, whatever the servers do. Nothing is started any more."""
        self._stopped = True
        await asyncio.gather(*(watcher.stop() for known in self._known.values() for watcher in known.watchers))

    def _publish(self, own: frozenset[str]) -> None:
        """Tell the sender and the processor."""
        managed = {
            known.settings.name: known.credentials
            for _, known in sorted(self._known.items())
            if known.settings.name not in self._from_settings
        }
        for name in self.credentials.keys() - self._from_settings.keys() - managed.keys():
            del self.credentials[name]
        self.credentials.update(managed)
        self.on_change({known.mailbox_id: known.settings for known in self._known.values()}, own)

    async def _start(self, known: Known, *, resumed: bool) -> None:
        name = known.settings.name
        if self._stopped:
            return
        if known.credentials.paused:
            await self._say_farewell(name)
            return
        if resumed:
            async with self.database.transaction() as session:
                await mailbox_repository.send_again(session, known.mailbox_id)
        metrics.WATCHING.labels(name).set(0)
        known.watchers = watchers_of(
            self.settings, self.database, self.blobs, known.mailbox_id, known.credentials, self.on_stored
        )
        for watcher in known.watchers:
            watcher.start()
        log.info("mailboxes.started", mailbox=name)

    async def _say_farewell(self, name: str) -> None:
        """Paused or removed: its troubles are over, and no alarm waits for it."""
        await self.keeper.forget(name)
        for kind in ("mailbox", "imap", "smtp", "sent", "mail_on_server"):
            await problems.resolve(self.database, f"{kind}:{name}")
        with suppress(KeyError):
            metrics.WATCHING.remove(name)
        log.info("mailboxes.stopped", mailbox=name)

    async def _wanted(self) -> tuple[dict[int, Known], frozenset[str]]:
        wanted: dict[int, Known] = {}
        async with self.database.transaction() as session:
            gone = [] if self._looked else await self._first_look(session)
            if not self._looked:
                self._ids_in_settings = {
                    name: await repository.upsert_mailbox(session, name, credentials.mailbox.address.lower())
                    for name, credentials in self._from_settings.items()
                }
            for name, mailbox_id in self._ids_in_settings.items():
                wanted[mailbox_id] = Known(mailbox_id, self._from_settings[name], "settings")
            stored = await mailbox_repository.accounts(session)
            own = await own_addresses(session, self.settings)
        self._looked = True
        for mailbox, account in stored:
            known = await self._managed(mailbox, account)
            if known is not None:
                wanted[known.mailbox_id] = known
        gone += [self._refused.pop(each)[0] for each in self._refused.keys() - {box.id for box, _ in stored}]
        for name in gone:
            await self._say_farewell(name)
        return wanted, own

    async def _first_look(self, session: AsyncSession) -> list[str]:
        """What happened while no inbox ran: the secret key was changed, or mailboxes were removed (their names)."""
        count = await mailbox_repository.seal_anew(session, self.safe)
        if count:
            log.info("mailboxes.sealed_anew", secrets=count)
        return [name for name in await mailbox_repository.removed_names(session) if name not in self._from_settings]

    async def _managed(self, mailbox: Mailbox, account: MailboxAccount) -> Known | None:
        mark = (account.rev, account.paused_at)
        trouble = problems.NAME_TWICE if mailbox.name in self._from_settings else None
        if trouble is None:
            already = self._known.get(mailbox.id)
            if already is not None and already.mark == mark:
                return already
            try:
                credentials, tokens = self._credentials(mailbox, account)
            except CannotOpen:
                trouble = problems.CANNOT_OPEN
            else:
                if self._refused.pop(mailbox.id, None) is not None:
                    await problems.resolve(self.database, f"mailbox:{mailbox.name}")
                return Known(mailbox.id, credentials, mark, tokens)
        if self._refused.get(mailbox.id) != (mailbox.name, mark):
            self._refused[mailbox.id] = (mailbox.name, mark)
            await problems.report(self.database, f"mailbox:{mailbox.name}", trouble)
        return None

    def _credentials(self, mailbox: Mailbox, account: MailboxAccount) -> tuple[Credentials, TokenMailbox | None]:
        """Raises CannotOpen."""
        paused = account.paused_at is not None
        settings = _settings_of(mailbox, account)
        if account.sign_in_with is SignInWith.PASSWORD:
            settings.password = SecretStr(self._open(account, "password"))
            return Credentials(settings, paused=paused), None
        client = OAuthClient(
            grant=account.sign_in_with,
            token_endpoint=account.token_endpoint or "",
            client_id=account.client_id or "",
            client_secret=self._open(account, "client_secret"),
            scope=account.scope or "",
        )
        last_day = account.client_secret_expires_on
        expires = datetime.combine(last_day + timedelta(days=1), time(), UTC) if last_day is not None else None
        tokens = TokenMailbox(mailbox.id, mailbox.name, client, expires)
        return Credentials(settings, Tokens(self.keeper, tokens), paused=paused), tokens

    def _open(self, account: MailboxAccount, column: str) -> str:
        sealed: bytes | None = getattr(account, column)
        if sealed is None:
            return ""
        return self.safe.open(sealed, mailbox_repository.place_of_account(account.mailbox_id, column))


def _mark(known: Known | None) -> object:
    return known.mark if known is not None else None


def _settings_of(mailbox: Mailbox, account: MailboxAccount) -> ManagedMailbox:
    smtp: dict[str, Any] | None = None
    if account.smtp_host is not None:
        smtp = {"host": account.smtp_host, "port": account.smtp_port, "security": account.smtp_security}
    return ManagedMailbox.model_validate(
        {
            "name": mailbox.name,
            "address": mailbox.address,
            "display_name": account.display_name,
            "username": account.username,
            "imap": {"host": account.imap_host, "port": account.imap_port, "security": account.imap_security},
            "folders": account.folders,
            "voicemail_folders": account.voicemail_folders,
            "voicemail_senders": account.voicemail_senders,
            "voicemail_hosts": account.voicemail_hosts,
            "authserv_ids": account.authserv_ids,
            "arc_sealers": account.arc_sealers,
            "spam_headers": account.spam_headers,
            "form_senders": account.form_senders,
            "smtp": smtp,
            "smtp_username": account.smtp_username,
            "keep_sent": account.keep_sent,
            "sent_folder": account.sent_folder,
            "sends_per_minute": account.sends_per_minute,
            "max_parse_bytes": account.max_parse_bytes,
        }
    )
