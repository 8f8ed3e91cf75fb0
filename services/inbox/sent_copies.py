"""Copies of what was sent in the mailbox's Sent folder, apart from the sending: late, never twice, never in its way.

A row of `sent_copy` is written with the delivery's `sent`. The folder is asked for the Message-ID before each try, so
neither a process that died after APPEND nor a server that keeps copies by itself makes a second one.
"""

import asyncio
import re
from collections.abc import Sequence
from datetime import timedelta

import structlog
from imapclient import IMAPClient
from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.inbox import imap, outbox, problems
from services.inbox.compose import compose
from services.inbox.credentials import Credentials
from services.inbox.problems import NoSuchFolder
from shared import clock
from shared.blobs import Blobs
from shared.database import Database
from shared.errors import NotFound
from shared.models import Delivery, DeliveryKind, SentCopy, SentCopyState
from shared.settings import MailboxSettings, Settings

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=10)
AT_ONCE = 50  # copies in one connection
BACK_OFF = (timedelta(minutes=1), timedelta(hours=6))
GIVE_UP_AFTER = timedelta(days=7)
REPORT_FROM = 3  # tries: a mail server's restart is no problem to tell
# Names that mail programs give the folder, by which it is known where the server marks none (RFC 6154).
NAMES = ("sent", "sent items", "sent messages", "sent mail", "enviados", "elementos enviados", "mensajes enviados",
         "correo enviado", "correos enviados")  # fmt: skip
# They keep a copy of whatever they send: https://support.google.com/mail/answer/78892, Exchange's message copy.
KEEP_BY_THEMSELVES = re.compile(r"(^|\.)(gmail\.com|googlemail\.com|office365\.com|outlook\.com)$", re.IGNORECASE)
COPIED = frozenset({DeliveryKind.REPLY, DeliveryKind.SAFETY})  # what people wrote, and what a life may hang on


def keeps_copy(delivery: Delivery, mailbox: MailboxSettings) -> bool:
    """Whether a copy of this mail belongs into the Sent folder, and it is we who must put it there."""
    if delivery.kind not in COPIED or mailbox.smtp is None:
        return False
    return mailbox.keep_sent if mailbox.keep_sent is not None else not KEEP_BY_THEMSELVES.search(mailbox.smtp.host)


class SentCopies:
    def __init__(self, database: Database, settings: Settings, credentials: dict[str, Credentials]) -> None:
        self.database = database
        self.settings = settings
        self.credentials = credentials
        self.blobs = Blobs.from_settings(settings)

    async def sweep(self) -> int:
        """Put there what waits; how many copies were settled."""
        async with self.database.transaction() as session:
            waiting = await _waiting(session)
        done = 0
        for name in waiting:
            if (credentials := self.credentials.get(name)) is not None and not credentials.paused:
                done += await self._mailbox(credentials)
        return done

    async def _mailbox(self, credentials: Credentials) -> int:
        name = credentials.mailbox.name
        async with self.database.transaction() as session:
            copies = await _lease(session, name)
        mails: dict[int, tuple[str, bytes]] = {}
        for copy in list(copies):
            try:
                mails[copy.delivery_id] = await self._mail(copy, credentials.mailbox)
            except (NotFound, OSError, ValueError) as error:  # this one cannot be made; the others can
                log.warning("sent_copies.not_made", delivery=copy.delivery_id, error=repr(error)[:500])
                async with self.database.transaction() as session:
                    await _later(session, [copy], repr(error)[:2000])
                copies.remove(copy)
        if not copies:
            return 0
        try:
            folder = await asyncio.to_thread(_append, credentials, list(mails.values()))
        except Exception as error:  # whatever it is: the customers have their mail, and copies can wait
            trouble = problems.explain(error)
            log.warning("sent_copies.failed", mailbox=name, problem=trouble.message, error=repr(error)[:500])
            async with self.database.transaction() as session:
                await _later(session, copies, f"{trouble.message} {error}"[:2000])
            if max(copy.attempts for copy in copies) >= REPORT_FROM:
                await problems.report(self.database, f"sent:{name}", problems.NO_SENT_COPY)
            return 0
        async with self.database.transaction() as session:
            await _kept(session, copies, folder)
        await problems.resolve(self.database, f"sent:{name}")
        return len(copies)

    async def _mail(self, copy: SentCopy, mailbox: MailboxSettings) -> tuple[str, bytes]:
        """Its Message-ID and its bytes as they were sent."""
        async with self.database.transaction() as session:
            delivery = await session.get_one(Delivery, copy.delivery_id)
            files = await outbox.files_of(session, copy.delivery_id)
        contents = [(file, await self.blobs.get(file.blob)) for file in files]
        return delivery.rfc_message_id, compose(delivery, mailbox, self.settings, contents).as_bytes()


def find_folder(client: IMAPClient, named: str | None) -> str:
    """The Sent folder: as the settings say, as the server marks it, or by its name. Raises NoSuchFolder."""
    folders: list[tuple[tuple[bytes, ...], bytes | None, str]] = client.list_folders()
    able = [(flags, delimiter, name) for flags, delimiter, name in folders if b"\\Noselect" not in flags]
    if named is not None:
        if any(name == named for _, _, name in able):
            return named
        raise NoSuchFolder(named)
    for flags, _, name in able:
        if b"\\Sent" in flags:  # RFC 6154
            return name
    for _, delimiter, name in able:
        last = name.rpartition(delimiter.decode())[2] if delimiter else name
        if last.strip().lower() in NAMES:
            return name
    raise NoSuchFolder("\\Sent")


def _append(credentials: Credentials, mails: Sequence[tuple[str, bytes]]) -> str:
    """Put in what is not there yet, read. Blocking. Returns the folder."""
    client = imap.connect(credentials)
    try:
        folder = find_folder(client, credentials.mailbox.sent_folder)
        client.select_folder(folder)
        for message_id, data in mails:
            if not client.search(["HEADER", "Message-ID", message_id]):
                client.append(folder, data, flags=[b"\\Seen"])
        return folder
    finally:
        imap.close(client)


async def _waiting(session: AsyncSession) -> list[str]:
    """Names of mailboxes for which copies wait."""
    now = clock.now()
    found = await session.scalars(
        select(SentCopy.mailbox)
        .where(SentCopy.state == SentCopyState.WAITING, SentCopy.next_attempt_at <= now + outbox.CLOCK_SLACK)
        .distinct()
    )
    return list(found)


async def _lease(session: AsyncSession, mailbox: str) -> list[SentCopy]:
    now = clock.now()
    copies = list(
        await session.scalars(
            select(SentCopy)
            .where(
                SentCopy.mailbox == mailbox,
                SentCopy.state == SentCopyState.WAITING,
                SentCopy.next_attempt_at <= now + outbox.CLOCK_SLACK,
                or_(SentCopy.leased_until.is_(None), SentCopy.leased_until < now),
            )
            .order_by(SentCopy.next_attempt_at, SentCopy.delivery_id)
            .limit(AT_ONCE)
            .with_for_update(skip_locked=True)
        )
    )
    for copy in copies:
        copy.leased_until = now + LEASE
        copy.attempts += 1
    return copies


async def _kept(session: AsyncSession, copies: Sequence[SentCopy], folder: str) -> None:
    await session.execute(
        update(SentCopy)
        .where(SentCopy.delivery_id.in_([copy.delivery_id for copy in copies]))
        .values(state=SentCopyState.KEPT, folder=folder, leased_until=None, last_error=None)
    )


async def _later(session: AsyncSession, copies: Sequence[SentCopy], error: str) -> None:
    now = clock.now()
    for copy in copies:
        pause = min(BACK_OFF[1], BACK_OFF[0] * 2.0 ** min(copy.attempts - 1, 10))
        over = now - copy.created_at > GIVE_UP_AFTER
        await session.execute(
            update(SentCopy)
            .where(SentCopy.delivery_id == copy.delivery_id, SentCopy.state == SentCopyState.WAITING)
            .values(
                state=SentCopyState.FAILED if over else SentCopyState.WAITING,
                leased_until=None,
                next_attempt_at=now + pause,
                last_error=error,
            )
        )
