"""Stored mail becomes messages: prepare in a thread, write in batches, ring the next service.

A mail that cannot be read still becomes a message. A mail on which our own code fails is dead-lettered with its
traceback, and never delays another: batches fall apart into single mails as soon as one of them misbehaves.
"""

import asyncio
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress

import structlog
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession

from services.inbox import metrics, problems, repository
from services.inbox.dns_lookup import Resolver
from services.inbox.parse import Parsed, settle_voicemail
from services.inbox.prepare import Crashed, NotReadable, Preparation, Ready, attachment_rows, message_row
from services.inbox.repository import Claim
from services.inbox.same import fingerprint
from services.inbox.senders import Senders
from shared import clock
from shared.blobs import Blobs
from shared.database import Database, ring
from shared.errors import NotFound
from shared.jobs import Job
from shared.models import Attachment, Machine, Message
from shared.rows import write_numbered
from shared.settings import MailboxSettings, Settings

log = structlog.get_logger(__name__)

BATCH = 100
BATCH_BYTES = 24_000_000
PARSE_TIMEOUT_S = 120.0
RETRY_ENDS_S = 5.0
MAX_ATTEMPTS = 5  # of a mail that each time took the process, or the connection to the database, down with it
# Classes of SQLSTATE that say that a value cannot be stored: data exception, constraint, syntax, limits.
_ABOUT_THE_DATA = {"22", "23", "42", "54"}


def is_outage(error: BaseException) -> bool:
    """The database is away or restarting: nothing is wrong with the mail."""
    if isinstance(error, OSError | TimeoutError):
        return True
    if not isinstance(error, DBAPIError) or isinstance(error, DataError | IntegrityError | ProgrammingError):
        return False
    return str(getattr(error.orig, "sqlstate", None) or "")[:2] not in _ABOUT_THE_DATA


class Processor:
    def __init__(self, database: Database, blobs: Blobs, settings: Settings) -> None:
        self.database = database
        self.blobs = blobs
        self.settings = settings
        self.resolver = Resolver(settings.dns_servers)
        self.senders = Senders(blobs, self.resolver)
        self._dns_trouble_told: bool | None = None
        self._wake = asyncio.Event()
        self.preparation = Preparation(blobs, settings)
        self._disk_troubled = True  # the first success resolves what an earlier process may have reported

    def wake(self) -> None:
        self._wake.set()

    def knows(self, mailboxes: Mapping[int, MailboxSettings], own_addresses: frozenset[str]) -> None:
        """From now on: how each mailbox row is to be read, and which addresses are ours."""
        self.preparation.mailboxes, self.preparation.own_addresses = mailboxes, own_addresses

    async def run(self) -> None:
        """Process what is stored, now and whenever woken; the time-out is the sweep."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.settings.sweep_s):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self.drain()
            except Exception as error:
                if not is_outage(error):
                    log.exception("process.failed")
                else:
                    log.warning("process.waits", error=repr(error))
                await asyncio.sleep(1)

    async def drain(self) -> int:
        """Process all that is stored; how many mails were finished.

        Mail that was tried before goes beside the new, one at a time: a flood of new mail does not keep it waiting, and
        if it is poisonous it keeps nothing waiting.
        """
        done = 0
        tried: set[int] = set()
        retry = asyncio.create_task(self._retry(tried))
        try:
            while True:
                finished = await self._batch()
                done += finished or 0
                if finished is None and not retry.done():
                    await self._until_news_or(retry)
                if retry.done():
                    retried = retry.result()
                    if finished is None and retried is None:
                        return done
                    done += retried or 0
                    retry = asyncio.create_task(self._retry(tried))
        except Exception:  # its own attempt ends by itself, and is given back if the same outage ends it
            await asyncio.wait({retry}, timeout=RETRY_ENDS_S)
            raise
        finally:
            retry.cancel()
            await asyncio.gather(retry, return_exceptions=True)

    async def _until_news_or(self, retry: asyncio.Task[int | None]) -> None:
        waking = asyncio.create_task(self._wake.wait())
        await asyncio.wait({retry, waking}, timeout=self.settings.sweep_s, return_when=asyncio.FIRST_COMPLETED)
        waking.cancel()
        self._wake.clear()

    async def _retry(self, tried: set[int]) -> int | None:
        """One mail that was tried before, each once; None when there was none."""
        async with self.database.transaction() as session:
            claims = await repository.claim_stored(session, tried_before=True, limit=1, without=tried)
        if not claims:
            return None
        tried.add(claims[0].receipt_id)
        return await self._one(claims[0])

    async def _batch(self) -> int | None:
        """Some new mail; None when there was none."""
        async with self.database.transaction() as session:
            claims = await repository.claim_stored(session, tried_before=False, limit=BATCH)
        if not claims:
            return None
        done = 0
        for chunk in _chunks(claims):
            done += await self._chunk(chunk)
        return done

    async def _chunk(self, claims: list[Claim]) -> int:
        try:
            async with asyncio.timeout(PARSE_TIMEOUT_S + len(claims)):
                outcomes = await asyncio.to_thread(self.preparation.prepare, claims)
        except TimeoutError:
            if len(claims) > 1:
                return 0  # each is tried by itself next
            return await self._bury(Crashed(claims[0], f"parsing took longer than {PARSE_TIMEOUT_S:.0f} s"))
        except OSError as error:
            log.error("process.disk", error=repr(error))
            await self._give_back(claims)
            self._disk_troubled = True
            await problems.report(self.database, "blob_store", problems.of_disk(error))
            raise
        ready = [outcome for outcome in outcomes if isinstance(outcome, Ready)]
        await self.senders.verify(self._unsure_who_wrote(ready))
        await self._tell_of_dns()
        for one in ready:
            settle_voicemail(one.parsed)
        if self._disk_troubled and any(outcome.stored_files for outcome in ready):  # bytes were written
            self._disk_troubled = False
            await problems.resolve(self.database, "blob_store")
        done = 0
        for outcome in outcomes:
            if isinstance(outcome, Crashed):
                done += await self._bury(outcome)
        if ready:
            done += await self._save(ready)
        return done

    async def _one(self, claim: Claim) -> int:
        if claim.attempts > MAX_ATTEMPTS:
            return await self._bury(Crashed(claim, "the process died each time it worked on this mail"))
        return await self._chunk([claim])

    async def _save(self, ready: list[Ready]) -> int:
        try:
            async with self.database.transaction() as session:
                new = await self._write(session, ready)
        except Exception as error:
            if is_outage(error):
                await self._give_back([one.claim for one in ready])
                raise
            if len(ready) == 1:
                return await self._bury(Crashed(ready[0].claim, traceback.format_exc()))
            log.warning("process.batch_failed", error=repr(error))
            return sum([await self._save([one]) for one in ready])
        metrics.MAILS_PARSED.inc(new)
        metrics.MAILS_KNOWN.inc(len(ready) - new)
        for one in ready:
            metrics.MAIL_LAG.observe(max(0.0, (clock.now() - one.claim.received_at).total_seconds()))
        return len(ready)

    async def _write(self, session: AsyncSession, ready: list[Ready]) -> int:
        """Message rows for the mails we do not have yet; every receipt points to its message. Returns the new ones."""
        await repository.lock_for_writing(session)
        open_receipts = await repository.still_stored(session, [one.claim.receipt_id for one in ready])
        ready = [one for one in ready if one.claim.receipt_id in open_receipts]
        rfc_ids = sorted({one.parsed.rfc_message_id for one in ready if one.parsed.rfc_message_id})
        by_blob = await repository.messages_by_blob(session, sorted({one.claim.blob for one in ready}))
        by_rfc_id = await repository.messages_by_rfc_id(session, rfc_ids)
        ours = await repository.own_deliveries(session, rfc_ids)
        by_print: dict[tuple[str, str], Ready] = {}
        fresh: list[Ready] = []
        pairs: list[tuple[Ready, Ready | int]] = []  # with the message that is there, or the mail that becomes it
        new_by_blob: dict[str, Ready] = {}
        for one in ready:
            blob = one.claim.blob
            known: Ready | int | None = by_blob.get(blob) or new_by_blob.get(blob)
            rfc_id = one.parsed.rfc_message_id
            if known is None and rfc_id:
                known = by_print.get((rfc_id, one.fingerprint)) or await self._known_by_content(
                    by_rfc_id.get(rfc_id, []), one.fingerprint
                )
            if known is None:
                if rfc_id in ours and one.parsed.machine is None:
                    one.parsed.machine, one.parsed.machine_evidence = Machine.LOOP, "Message-ID: of our own delivery"
                fresh.append(one)
                new_by_blob[blob] = known = one
                if rfc_id:
                    by_print[(rfc_id, one.fingerprint)] = one
            pairs.append((one, known))
        message_ids = await write_numbered(session, Message, [message_row(one) for one in fresh])
        new = {one.claim.receipt_id: message_id for one, message_id in zip(fresh, message_ids, strict=True)}
        attachments = [row for one in fresh for row in attachment_rows(one, new[one.claim.receipt_id])]
        attachment_ids = await write_numbered(session, Attachment, attachments)
        await repository.mark_parsed(
            session,
            [
                (one.claim.receipt_id, known if isinstance(known, int) else new[known.claim.receipt_id])
                for one, known in pairs
            ],
        )
        for attachment_id, row in zip(attachment_ids, attachments, strict=True):
            if row["voicemail"]:
                ring(session, Job.TAKE_IN_ATTACHMENT, attachment_id)
        for message_id in message_ids:
            ring(session, Job.TAKE_IN_MESSAGE, message_id)
        return len(fresh)

    async def _known_by_content(self, candidates: Sequence[tuple[int, str]], wanted: str) -> int | None:
        """A message with this Message-ID whose authored headers and body are the same."""
        for message_id, blob in candidates[:20]:
            # A disk that fails now does not make this another mail: OSError is raised, and all is tried again.
            with suppress(NotFound, NotReadable):
                if fingerprint(await asyncio.to_thread(self.preparation.read, blob)) == wanted:
                    return message_id
        return None

    async def _bury(self, crashed: Crashed) -> int:
        log.error("process.dead", receipt=crashed.claim.receipt_id, blob=crashed.claim.blob, error=crashed.traceback)
        async with self.database.transaction() as session:
            await repository.mark_dead(session, crashed.claim.receipt_id, crashed.traceback[-20_000:])
        metrics.MAILS_DEAD.inc()
        await problems.report(self.database, "dead_mail", problems.DEAD_MAIL)
        return 1

    async def _give_back(self, claims: Sequence[Claim]) -> None:
        with suppress(Exception):  # the database may be away too; then the attempt counts, one of several
            async with self.database.transaction() as session:
                await repository.give_back(session, [claim.receipt_id for claim in claims])

    async def _tell_of_dns(self) -> None:
        """A problem row while no DNS server answers; the first answer closes it."""
        troubled = self.resolver.troubled
        if troubled is None or troubled is self._dns_trouble_told:
            return
        if troubled:
            await problems.report(self.database, "dns", problems.DNS_SILENT)
        else:
            await problems.resolve(self.database, "dns")
        self._dns_trouble_told = troubled

    def _unsure_who_wrote(self, ready: Sequence[Ready]) -> list[tuple[str, Parsed, Sequence[str]]]:
        """Mail of which the settings want its sender looked up, unless a server of ours has said who wrote it."""
        found: list[tuple[str, Parsed, Sequence[str]]] = []
        for one in ready:
            mailbox = self.preparation.mailboxes.get(one.claim.mailbox_id)
            wanted = self.settings.verify_senders
            if wanted == "always" or (wanted == "auto" and not (mailbox and mailbox.authserv_ids)):
                found.append((one.claim.blob, one.parsed, mailbox.arc_sealers if mailbox else ()))
        return found


def _chunks(claims: list[Claim]) -> list[list[Claim]]:
    """Batches whose raw bytes together stay small, so that memory does."""
    chunks: list[list[Claim]] = []
    size = 0
    for claim in claims:
        if not chunks or size + claim.size > BATCH_BYTES:
            chunks.append([])
            size = 0
        chunks[-1].append(claim)
        size += claim.size
    return chunks
