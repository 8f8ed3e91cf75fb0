"""The inbox as one process: watchers, processor, sender, sweeps, the arq worker and the health port."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import structlog

from services.inbox import problems, repository, worker
from services.inbox.check import Checker
from services.inbox.mailboxes import Mailboxes
from services.inbox.process import Processor, is_outage
from services.inbox.send import Sender
from services.inbox.sent_copies import SentCopies
from shared import blob_folder, clock, health
from shared.blobs import Blobs
from shared.database import Database, ring
from shared.jobs import Job
from shared.settings import Settings

log = structlog.get_logger(__name__)

RING_AGAIN_AFTER = timedelta(seconds=30)
STOP_WITHIN_S = 8.0


class Inbox:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings)
        self.blobs = Blobs.from_settings(settings)
        self.processor = Processor(self.database, self.blobs, settings)
        self.mailboxes = Mailboxes(
            settings, self.database, self.blobs, on_stored=self.processor.wake, on_change=self.processor.knows
        )
        self.sender = Sender(self.database, settings, self.mailboxes.credentials)
        self.sent_copies = SentCopies(self.database, settings, self.mailboxes.credentials)
        self.checker = Checker(self.database, self.mailboxes, settings.secret_key.get_secret_value())
        self._swept_until = clock.now() - timedelta(hours=1)

    async def run(self, stop: asyncio.Event, *, health_port: int | None = None) -> None:
        """Until `stop` is set. Ends within seconds, whatever the servers do."""
        tasks = [
            asyncio.create_task(self._for_ever("processor", self.processor.run), name="inbox.processor"),
            asyncio.create_task(self._for_ever("worker", self._hear), name="inbox.worker"),
            asyncio.create_task(self._for_ever("sweeps", self._sweep_for_ever), name="inbox.sweeps"),
            asyncio.create_task(self._watch(), name="inbox.watch"),
            asyncio.create_task(self._for_ever("sent copies", self._copy_for_ever), name="inbox.sent_copies"),
            asyncio.create_task(self._for_ever("tokens", self._keep_tokens), name="inbox.tokens"),
        ]
        port = self.settings.health_port if health_port is None else health_port
        if port:
            tasks.append(
                asyncio.create_task(
                    self._for_ever("health", lambda: health.serve(self.database, self.settings.health_host, port))
                )
            )
        log.info("inbox.started", mailboxes_in_settings=list(self.mailboxes.credentials))
        try:
            await stop.wait()
        finally:
            log.info("inbox.stopping")
            for task in tasks[3:]:
                task.cancel()
            await asyncio.gather(self.mailboxes.stop(), self.checker.stop(), self.sender.stop())
            for task in tasks[:3]:  # a second cancel would break off the health server's own way out
                task.cancel()
            _, unfinished = await asyncio.wait(tasks, timeout=STOP_WITHIN_S)
            if unfinished:
                log.warning("inbox.tasks_left", tasks=[task.get_name() for task in unfinished])
            await self.database.close()
            log.info("inbox.stopped")

    async def _hear(self) -> None:
        answers: dict[Job, worker.Answer] = {
            Job.SEND: self.sender.send_all,
            Job.RECONCILE: worker.one_by_one(self.reconcile),
            Job.APPLY_MAILBOXES: lambda *_mailbox_ids: self.mailboxes.apply(),
            Job.CHECK_MAILBOX: worker.one_by_one(self.checker.run),
        }
        await worker.hear(self.settings, answers)

    async def reconcile(self, mailbox_id: int) -> None:
        """Somebody wants a mailbox compared: let its watchers look at the wish now. Others do when they renew."""
        known = self.mailboxes.known(mailbox_id)
        await asyncio.gather(*(each.renew() for each in (known.watchers if known is not None else ())))

    async def _keep_tokens(self) -> None:
        await self.mailboxes.keeper.run(self.mailboxes.with_tokens)

    async def _watch(self) -> None:
        """Watch what the settings and the store name, and whatever is added or changed later."""
        pause = 0.5
        while True:
            try:
                await self.mailboxes.apply()
                self.processor.wake()
                pause = 0.5
            except Exception as error:  # not there yet, or not migrated yet
                if is_outage(error):
                    log.warning("inbox.database_away", error=repr(error)[:300])
                else:
                    log.exception("inbox.mailboxes_not_applied")
                await asyncio.sleep(pause)
                pause = min(pause * 2, 10)
                continue
            await asyncio.sleep(self.settings.sweep_s)

    async def _sweep_for_ever(self) -> None:
        await blob_folder.prepare(self.database, self.blobs)
        while True:
            await self.sweep()
            await asyncio.sleep(self.settings.sweep_s)

    async def _copy_for_ever(self) -> None:
        while True:
            await self.sent_copies.sweep()
            await asyncio.sleep(self.settings.sweep_s)

    async def sweep(self) -> None:
        """What rings should have brought about and did not. Stored mail is swept by the processor itself."""
        await self.sender.sweep()
        await self.checker.sweep()
        until = clock.now() - RING_AGAIN_AFTER
        async with self.database.transaction() as session:
            for message_id in await repository.messages_not_taken_in(session, self._swept_until, until):
                ring(session, Job.TAKE_IN_MESSAGE, message_id)
            for attachment_id in await repository.voicemails_not_taken_in(session, self._swept_until, until):
                ring(session, Job.TAKE_IN_ATTACHMENT, attachment_id)
            dead = await repository.count_dead(session)
        self._swept_until = max(self._swept_until, until)
        if not dead:
            await problems.resolve(self.database, "dead_mail")

    async def _for_ever(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """A part that fails is started again; it takes no other part with it."""
        pause = 0.5
        while True:
            try:
                await work()
            except asyncio.CancelledError:
                raise
            except (Exception, SystemExit) as error:  # uvicorn exits when its port is taken
                if is_outage(error):
                    log.warning("inbox.part_waits", part=name, error=repr(error)[:300])
                else:
                    log.exception("inbox.part_failed", part=name)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 10)


async def main(settings: Settings, stop: asyncio.Event) -> None:
    with suppress(asyncio.CancelledError):
        await Inbox(settings).run(stop)
