"""The inbox as one process: watchers, processor, sender, sweeps, the arq worker and the health port."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import structlog

from services.inbox import metrics, problems, repository, worker
from services.inbox.credentials import Credentials
from services.inbox.process import Processor, is_outage
from services.inbox.send import Sender
from services.inbox.sent_copies import SentCopies
from services.inbox.watch import FolderWatcher, watchers_of
from shared import clock, health
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
        self.credentials = {mailbox.name: Credentials(mailbox) for mailbox in settings.mailboxes}
        self.processor = Processor(self.database, self.blobs, settings)
        self.sender = Sender(self.database, settings, self.credentials)
        self.sent_copies = SentCopies(self.database, settings, self.credentials)
        self.watchers: list[FolderWatcher] = []
        self._swept_until = clock.now() - timedelta(hours=1)

    async def run(self, stop: asyncio.Event, *, health_port: int | None = None) -> None:
        """Until `stop` is set. Ends within seconds, whatever the servers do."""
        tasks = [
            asyncio.create_task(self._for_ever("processor", self.processor.run), name="inbox.processor"),
            asyncio.create_task(self._for_ever("worker", self._hear), name="inbox.worker"),
            asyncio.create_task(self._for_ever("sweeps", self._sweep_for_ever), name="inbox.sweeps"),
            asyncio.create_task(self._watch(), name="inbox.watch"),
            asyncio.create_task(self._for_ever("sent copies", self._copy_for_ever), name="inbox.sent_copies"),
        ]
        port = self.settings.health_port if health_port is None else health_port
        if port:
            tasks.append(
                asyncio.create_task(
                    self._for_ever("health", lambda: health.serve(self.database, self.settings.health_host, port))
                )
            )
        log.info("inbox.started", mailboxes=list(self.credentials))
        try:
            await stop.wait()
        finally:
            log.info("inbox.stopping")
            for task in tasks[3:]:
                task.cancel()
            await asyncio.gather(*(watcher.stop() for watcher in self.watchers), self.sender.stop())
            for task in tasks[:3]:  # a second cancel would break off the health server's own way out
                task.cancel()
            _, unfinished = await asyncio.wait(tasks, timeout=STOP_WITHIN_S)
            if unfinished:
                log.warning("inbox.tasks_left", tasks=[task.get_name() for task in unfinished])
            await self.database.close()
            log.info("inbox.stopped")

    async def _hear(self) -> None:
        answers: dict[Job, Callable[[int], Awaitable[object]]] = {
            Job.SEND: self.sender.send,
            Job.RECONCILE: self.reconcile,
        }
        await worker.hear(self.settings, answers)

    async def reconcile(self, mailbox_id: int) -> None:
        """Somebody wants a mailbox compared: let its watchers look at the wish now. Others do when they renew."""
        await asyncio.gather(*(each.renew() for each in self.watchers if each.lease.mailbox_id == mailbox_id))

    async def _watch(self) -> None:
        """Start the watchers once the database knows the mailboxes."""
        pause = 0.5
        while True:
            try:
                async with self.database.transaction() as session:
                    ids = {
                        mailbox.name: await repository.upsert_mailbox(session, mailbox.name, mailbox.address.lower())
                        for mailbox in self.settings.mailboxes
                    }
                break
            except Exception as error:  # not there yet, or not migrated yet
                log.warning("inbox.database_away", error=repr(error)[:300])
                await asyncio.sleep(pause)
                pause = min(pause * 2, 10)
        for name, mailbox_id in ids.items():
            self.processor.knows(mailbox_id, name)
            metrics.WATCHING.labels(name).set(0)
            self.watchers += watchers_of(
                self.settings, self.database, self.blobs, mailbox_id, self.credentials[name], self.processor.wake
            )
        for watcher in self.watchers:
            watcher.start()
        self.processor.wake()

    async def _sweep_for_ever(self) -> None:
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
